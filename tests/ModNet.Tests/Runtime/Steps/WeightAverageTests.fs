/// The moving average of weights, against plain arithmetic, and what it is used for.
module ModNet.Tests.WeightAverageTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open Expecto
open ModNet.Runtime
open TorchSharp

/// A layer with running averages, and modules of which some are not chosen in a step.
let private made () =
    let init = doubles 3
    let pool = new LinearPool("pool", 5, 4, 2, Activation.Tanh, true, init)

    let graph =
        new Graph(
            [|
                new LinearNode("linear1", 3, 4, Activation.Identity, true, init) :> Node
                new BatchNormNode("batch_norm1", 4, init)
                new ModularLayer("modular1", new LinearController(4, 1, 5, init), pool, Combine.Sum, Dispatch.Auto)
            |],
            new GaussianHead(0.3, true, init)
        )

    let points seed = new Dataset(normal seed [ 9; 3 ], normal (seed + 1) [ 9; 2 ])
    graph, new DataSplits(points 5, [| points 7 |], [| points 9 |])

let private settings unselected decay =
    GradientSettings(2L, Optimizer = AdamKind 0.05, Unselected = unselected, AverageWeights = Option.toNullable decay)

let private methodOf (graph: Graph) (data: Dataset) unselected decay streams =
    new Reinforce(graph, data, ReinforceSettings(Gradient = settings unselected decay), streams)

let private values (graph: Graph) = Map [ for KeyValue(name, value) in graph.state_dict () -> name, numbers value ]

let private averaged (method: TrainingMethod) (graph: Graph) =
    use _average = method.UseAverage()
    values graph

[<Tests>]
let tests =
    testList "averaged weights" [
        for unselected in [ Unselected.Drift; Unselected.Rest ] do
            testScoped
                $"after every step they are the weighed mean of the weights after each step so far ({unselected})"
            <| fun () ->
                let decay = 0.8
                let graph, splits = made ()
                use streams = new RandomStreams 4L
                use method = methodOf graph splits.Train unselected (Some decay) streams
                Expect.equal (averaged method graph) (values graph) "before the first step: the weights"
                let seen = ResizeArray<Map<string, float[]>>()

                for n in 1..9 do
                    method.Step()
                    let own = values graph
                    seen.Add own
                    let shares = [ for i in 1..n -> decay ** float (n - i) ]
                    let found = averaged method graph

                    for KeyValue(name, found) in found do
                        for j in 0 .. found.Length - 1 do
                            let sum =
                                Seq.map2 (fun share (at: Map<string, float[]>) -> share * at[name].[j]) shares seen

                            let expected = Seq.sum sum / List.sum shares
                            Expect.isLessThan (abs (found[j] - expected)) 1e-12 $"step {n}: {name}"

                    Expect.equal (values graph) own "the weights come back"

                Expect.isTrue (seen[8].ContainsKey "batch_norm1.running_mean") "running averages are among them"
                Expect.notEqual (averaged method graph) (values graph) "not the weights themselves"

        testScoped "where none is asked for, there is none"
        <| fun () ->
            let graph, splits = made ()
            use streams = new RandomStreams 4L
            use method = methodOf graph splits.Train Unselected.Drift None streams
            method.Step()
            Expect.isNull (method.UseAverage()) "nothing to put in place"
            let names = [ for struct (name, _) in method.State() -> name ]
            Expect.isFalse (names |> List.exists (fun name -> name.Contains "average.")) "nor in a checkpoint"

        testInDirectory "a run is evaluated with them, its checkpoints hold both, and they are what is loaded"
        <| fun directory ->
            let run decay folder =
                scoped
                <| fun () ->
                    let graph, splits = made ()
                    use streams = new RandomStreams 4L
                    use method = methodOf graph splits.Train Unselected.Drift decay streams
                    use folder = RunFolder.Create(Path.Combine(directory, folder))
                    let plan = TrainingPlan(12L, 1L, 4L, 4L)
                    let trainer = Trainer(graph, method, splits, plan, folder, streams, torch.CPU)
                    let outcome = trainer.Run(ignore, CancellationToken.None)
                    outcome, values graph

            let likelihood (graph: Graph) (data: IReadOnlyList<Dataset>) =
                Evaluation.Of(graph, data, 128L, torch.CPU).LogLikelihood

            let outcome, weights = run (Some 0.9) "averaged"
            let plain, same = run None "plain"
            Expect.equal weights same "training does not notice"

            for phase in [ "validation"; "test" ] do
                Expect.notEqual
                    outcome.Final[phase].[Metric.LogLikelihood]
                    plain.Final[phase].[Metric.LogLikelihood]
                    $"{phase}: other weights"

            scoped
            <| fun () ->
                let graph, splits = made ()
                let folder = Path.Combine(directory, "averaged")

                let agrees (line: MetricsLine) (data: IReadOnlyList<Dataset>) =
                    Expect.floatClose
                        Accuracy.high
                        (likelihood graph data)
                        line[Metric.LogLikelihood].Value
                        $"{line.Phase}, step {line.Step}"

                let say = Action<string>(failtestf "said: %s")
                Checkpoint.LoadWeightsOf(folder, graph, say) |> ignore
                agrees outcome.Final["validation"] splits.Validation
                agrees outcome.Final["test"] splits.Test
                Expect.notEqual (values graph) weights "the newest checkpoint"
                Checkpoint.LoadBestWeightsOf(folder, graph, say) |> ignore
                agrees outcome.Best.Validation splits.Validation
                agrees outcome.Best.Test splits.Test
                let path = Path.Combine(folder, "checkpoint.safetensors")
                Checkpoint.LoadWeights(path, graph)
                agrees outcome.Final["test"] splits.Test
                let stored = Safetensors.Read path

                for KeyValue(name, value) in weights do
                    Expect.equal (numbers stored[name]) value $"{name}: as training left it"

                for KeyValue(name, value) in values graph do
                    Expect.equal (numbers stored[$"method.average.{name}"]) value $"{name}: its average"
    ]
