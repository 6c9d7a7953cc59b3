/// A run that was stopped goes on as if it had not been.
module ModNet.Tests.ResumeTests

open System
open System.IO
open System.Text.RegularExpressions
open System.Threading
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open TorchSharp

let private steps = GradientSettings(7L, Optimizer = AdamKind 1e-2)

/// Every method, and every optimiser, as it is made for a graph and its data.
let private methods: (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(4, 3, 7L, 7L, 1e-2), streams))
    "em from a sweep",
    (fun graph data streams ->
        new ViterbiEm(
            graph,
            data,
            EmSettings(3, 4, 5L, 7L, Optimizer = SgdKind(0.1, 0.9), Start = EmStart.Sweep),
            streams
        ))
    "EM with resting modules",
    (fun graph data streams ->
        new ViterbiEm(graph, data, EmSettings(3, 4, 5L, 7L, Unselected = Runtime.Unselected.Rest), streams))
    "reinforce",
    (fun graph data streams -> new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = steps), streams))
    "noisy top-k",
    (fun graph data streams ->
        new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(2, 0.1, 0.1, Gradient = steps), streams))
    "static",
    (fun graph data streams ->
        let steps =
            GradientSettings(7L, Optimizer = AdamWKind(1e-2, 0.1), Schedule = CosineSchedule 40L)

        new StaticModules(graph, data, steps, streams))
    "exact", (fun graph data streams -> new ExactLikelihood(graph, data, steps, streams))
]

/// Trains a small language model with dropout to step `last`, in a folder; stops after step `stop` where there is one.
let private train make carried (window: int) seed directory (last: int) (stop: int option) resume =
    scoped
    <| fun () ->
        use streams = new RandomStreams(seed)
        let graph, data = Fixtures.resuming streams window carried
        use method: TrainingMethod = make graph data streams

        use folder =
            if resume then
                RunFolder.Open directory
            else
                RunFolder.Create directory

        let splits = new DataSplits(data, [| data |], [||])
        let plan = TrainingPlan(int64 last, 1L, 4L, 5L)
        let trainer = Trainer(graph, method, splits, plan, folder, streams, torch.CPU)
        use cancel = new CancellationTokenSource()

        let seen (progress: Progress) =
            if Some(int progress.Line.Step) = stop && progress.Line.Phase = "train" then
                cancel.Cancel()

        trainer.Run(seen, cancel.Token, resume) |> ignore

let private leftIn directory =
    let tensors =
        Safetensors.Read(Path.Combine(directory, "checkpoint.safetensors"))
        |> Seq.filter (fun t -> t.Key <> "run.seconds" && t.Key <> "run.metrics")
        |> Seq.map (fun t -> t.Key, Convert.ToHexString(t.Value.bytes.ToArray()))
        |> Seq.sort
        |> Seq.toList

    let metrics = [
        for line in File.ReadAllLines(Path.Combine(directory, "metrics.jsonl")) do
            Regex.Replace(line, "\"seconds\":[^,}]*", "")
    ]

    tensors, metrics

/// Stops of a run of 30 steps, each later than the one before.
let private stops =
    Gen.sized (fun _ -> Gen.choose (1, 3))
    |> Gen.bind (fun count -> Gen.listOfLength count (Gen.choose (1, 29)))
    |> Gen.map (List.distinct >> List.sort)

type private Stops =
    static member Stops() : FsCheck.Arbitrary<int list> = Arb.fromGen stops

let private config = {
    FsCheckConfig.defaultConfig with
        maxTest = 3
        replay = Some(20261121, 1)
        arbitrary = [ typeof<Stops> ]
}

[<Tests>]
let tests =
    testList "resume" [
        for name, make in methods do
            let ways = if name = "exact" then [ false ] else [ false; true ]

            for carried in ways do
                let how = if carried then ", state carried" else ""

                testPropertyWithConfig config $"{name}{how}: stopped at any steps, the run ends as one that was not"
                <| fun (stops: int list) ->
                    inDirectory
                    <| fun whole ->
                        inDirectory
                        <| fun parts ->
                            let train = train make carried (if name = "exact" then 2 else 4) 5L
                            train whole 30 None false

                            stops |> List.iteri (fun i stop -> train parts 30 (Some stop) (i > 0))
                            train parts 30 None true
                            let wholeTensors, wholeMetrics = leftIn whole
                            let tensors, metrics = leftIn parts
                            Expect.equal (List.map fst tensors) (List.map fst wholeTensors) "what is kept"
                            Expect.equal tensors wholeTensors "bit for bit"
                            Expect.equal metrics wholeMetrics "the same lines of metrics"

        testCase "a folder in which a run is at work is refused"
        <| fun () ->
            inDirectory
            <| fun directory ->
                use _first = RunFolder.Create directory

                for second in [ RunFolder.Create; RunFolder.Open ] do
                    Expect.throwsC (fun () -> (second directory).Dispose()) (fun e ->
                        Expect.stringContains e.Message "a folder that no run is at work in" "the message")

        testCase "a checkpoint that lacks something says what"
        <| fun () ->
            inDirectory
            <| fun directory ->
                let make = snd methods.Head
                train make false 4 5L directory 3 None false
                let path = Path.Combine(directory, "checkpoint.safetensors")

                let drop (name: string) =
                    use _scope = torch.NewDisposeScope()
                    let tensors = Safetensors.Read path
                    tensors.Remove name |> ignore
                    Safetensors.Write(path, tensors)

                for name in [ "em.assignments"; "method.m_batches.position" ] do
                    train make false 4 5L directory 3 None false
                    drop name

                    Expect.throwsC (fun () -> train make false 4 5L directory 6 None true) (fun e ->
                        Expect.isTrue (e :? UserException) "a user's mistake"
                        Expect.stringContains e.Message name "the name")
    ]
