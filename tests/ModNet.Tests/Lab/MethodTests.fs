/// What every training method does alike: learn, replay, report, and leave a checkpoint.
module ModNet.Tests.MethodTests

open System
open System.Text.Json.Nodes
open System.IO
open System.Threading
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open TorchSharp

let private batches batch rate = GradientSettings(batch, Optimizer = AdamKind rate)

/// Every method, as it is made for a graph and its data.
let private methods batch rate : (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list =
    let steps = batches batch rate

    [
        "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(4, 5, batch, batch, rate), streams))
        "reinforce",
        (fun graph data streams -> new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = steps), streams))
        "noisy top-k",
        (fun graph data streams ->
            new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(2, 0.1, 0.1, Gradient = steps), streams))
        "loss-free top-k",
        (fun graph data streams ->
            new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(2, 0.01, Gradient = steps), streams))
        "static", (fun graph data streams -> new StaticModules(graph, data, steps, streams))
        "exact", (fun graph data streams -> new ExactLikelihood(graph, data, steps, streams))
    ]

let private window name = if name = "exact" then 3 else 5

/// A language model of three modules and a method for it.
let private language name make seed =
    let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 (window name)
    let streams = new RandomStreams(seed)
    graph, data, streams, (make graph data streams: TrainingMethod)

[<Tests>]
let tests =
    testList "training methods" [
        for name, make in methods 128L 1e-2 do
            testScoped $"{name} fits the toy better and better"
            <| fun () ->
                use streams = new RandomStreams 1L

                let problem =
                    new Runtime.ToyRegression(dimensions = 2, separation = 4.0, spread = 0.5, generator = streams.Data)

                let points = problem.Draw 256L
                let graph = compile 1 toy
                use method = make graph points.Data streams

                let fit () = Evaluation.Of(graph, [ points.Data ], 256L, torch.CPU, method.Evaluating).LogLikelihood

                let first = fit ()

                let losses = [ for _ in 1..200 -> scoped (fun () -> method.StepAndReport().Loss) ]

                let mean part = List.average part
                Expect.isLessThan (mean losses[190..]) (0.7 * mean losses[..9]) "loss"
                Expect.isGreaterThan (fit ()) (first + 1.0) "log-likelihood, in evaluation"

        for name, make in methods 8L 1e-2 do
            testCase $"{name} replays bit for bit"
            <| fun () ->
                let run seed =
                    scoped
                    <| fun () ->
                        let _, _, _, method = language name make seed

                        [
                            for _ in 1..4 do
                                method.Step()
                                (method.StepAndReport()).Loss
                        ]

                Expect.equal (run 1L) (run 1L) "bit for bit"
                Expect.notEqual (run 1L) (run 2L) "seed 2"

            testCase $"{name} leaves no tensor behind"
            <| fun () ->
                let graph, data, streams, method = language name make 1L

                let steps count =
                    for i in 1..count do
                        if i % 10 = 0 then method.StepAndReport() |> ignore else method.Step()

                steps 20
                // What earlier tests left to the finalizers goes first; after that nothing may need them.
                GC.Collect()
                GC.WaitForPendingFinalizers()
                let before = (liveTensors ())
                steps 60
                Expect.isLessThanOrEqual (liveTensors ()) before "live tensors"

                for part in [ method :> IDisposable; graph; data; streams ] do
                    part.Dispose()

            testInDirectory $"{name} is driven by the trainer, and its checkpoint has what it remembers"
            <| fun directory ->
                scoped
                <| fun () ->
                    let graph, data, streams, method = language name make 1L
                    use folder = RunFolder.Create directory
                    let splits = new DataSplits(data, [| data |], [||])

                    let trainer =
                        Trainer(graph, method, splits, TrainingPlan(12L, 4L, 6L, 6L), folder, streams, torch.CPU)

                    let seen = ResizeArray<MetricsLine>()
                    let outcome = trainer.Run((fun p -> seen.Add p.Line), CancellationToken.None)
                    Expect.equal outcome.Steps 12L "steps"

                    Expect.equal
                        [ for line in seen -> line.Phase, int line.Step ]
                        [ "validation", 0; "train", 4; "validation", 6; "train", 8; "train", 12; "validation", 12 ]
                        "lines"

                    for line in seen do
                        Expect.equal line[Metric.SelectionEntropy].HasValue (name <> "static") "H_a"
                        Expect.equal line[Metric.BatchSelectionEntropy].HasValue (name <> "static") "H_b"
                        Expect.equal line[Metric.Reassigned].HasValue (name = "em" && line.Phase = "train") "reassigned"
                        Expect.isTrue line[Metric.ModulesUsed].HasValue "modules used"

                    // Evaluation is the method's own, and deterministic.
                    let fit = Evaluation.Of(graph, [ data ], 7L, torch.CPU, method.Evaluating).LogLikelihood

                    Expect.floatClose Accuracy.high seen[5].[Metric.LogLikelihood].Value fit "evaluation"
                    let kept = Safetensors.Read(folder.PathOf "checkpoint.safetensors")
                    Expect.containsAll kept.Keys [ for n, _ in Slopes.parameters graph -> n ] "weights"

                    let own =
                        kept.Keys |> Seq.filter (fun n -> n.StartsWith "em." || n.StartsWith "reinforce.") |> List.ofSeq

                    Expect.equal
                        own
                        (match name with
                         | "em" -> [ "em.assignments"; "em.reassigned" ]
                         | "reinforce" -> [ "reinforce.average" ]
                         | _ -> [])
                        "the method's own"

        testCase "EM's step is an E-step in every so many, then an M-step"
        <| fun () ->
            let run (each: ViterbiEm -> int -> float) =
                scoped
                <| fun () ->
                    let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 4
                    use streams = new RandomStreams 3L
                    use em = new ViterbiEm(graph, data, EmSettings(4, 3, 6L, 8L, 1e-2), streams)
                    [ for i in 0..10 -> each em i ]

            let byHand =
                run (fun em i ->
                    if i % 3 = 0 then em.EStep() |> ignore

                    em.MStepAndReport().Loss)

            Expect.equal (run (fun em _ -> em.StepAndReport().Loss)) byHand "bit for bit"

        testCase "with a* among S samples S − 1 are fresh"
        <| fun () ->
            let run samples held =
                scoped
                <| fun () ->
                    let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 4
                    use streams = new RandomStreams 3L

                    use em = new ViterbiEm(graph, data, EmSettings(samples, 3, 20L, 8L, 1e-2, Held = held), streams)

                    [ for _ in 1..4 -> em.EStep(Fixtures.everything data) ]

            Expect.equal (run 5 EmHeld.Among) (run 4 EmHeld.Beside) "as with S − 1 beside it"
            Expect.notEqual (run 5 EmHeld.Among) (run 5 EmHeld.Beside) "not as with S"
            Expect.equal (run 1 EmHeld.Among |> List.sumBy _.Replaced) 0L "none is fresh"
    ]

let private quiet = { Settings.none with Steps = Some 30; TraceEvery = Some 15 }

[<Tests>]
let runs =
    testList "runs of every method" [
        for name, method in
            [
                "reinforce", reinforce { batch 32 }
                "noisy_topk",
                noisy_topk {
                    k 2
                    batch 32
                }
                "noisy_topk of one", noisy_topk { k 1 }
                "loss_free_topk",
                loss_free_topk {
                    k 2
                    batch 32
                }
                "static_modules", static_modules { batch 32 }
                "exact", exact { batch 32 }
                "em_libmodular", em_libmodular { batch 32 }
            ] do
            testInDirectory $"{name} leaves a run folder with what applies"
            <| fun directory ->
                let mine =
                    experiment {
                        net toy

                        data (
                            toy_regression {
                                points 128
                                held_out 64
                            }
                        )

                        train method
                        out directory
                    }

                let run = Settings.apply quiet mine
                Expect.equal run.Method.Steps 30 "--steps"
                Expect.equal (run.Method.WithSteps 50_000) method "nothing else changed"
                Expect.equal (Running.train quiet run).Steps 30L "steps"

                let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "summary.json"))).AsObject()

                let has = name <> "static_modules"
                Expect.equal (summary["final"].AsObject().ContainsKey "selection_entropy") has "H_a"
                // Agreement is of datapoints that make one choice.
                Expect.equal
                    (summary.ContainsKey "agreement")
                    (name <> "noisy_topk" && name <> "loss_free_topk")
                    "agreement"

                Expect.isTrue (File.Exists(Path.Combine(directory, "report.html"))) "report"

                Expect.equal
                    (Experiment.of_json (File.ReadAllText(Path.Combine(directory, "spec.json"))))
                    (Ok run)
                    "spec"
    ]
