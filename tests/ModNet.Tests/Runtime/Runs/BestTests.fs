/// The best checkpoint by the validation set, beside the newest.
module ModNet.Tests.BestTests

open System
open System.IO
open System.Threading
open Expecto
open ModNet.Runtime
open TorchSharp

/// A linear regression on few points, whose momentum carries it past the best weights and back: its validation goes up and down.
let private made (streams: RandomStreams) =
    let layer = new LinearNode("linear1", 3, 2, Activation.Identity, true, Initialiser(streams.Init))
    let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, Initialiser(streams.Init)))

    let points seed =
        new Dataset(
            (normal seed [ 9; 3 ]).to_type torch.ScalarType.Float32,
            (normal (seed + 1) [ 9; 2 ]).to_type torch.ScalarType.Float32
        )

    graph, new DataSplits(points 3, [| points 5 |], [| points 7 |])

let private settings = GradientSettings(4L, Optimizer = SgdKind(0.01, 0.95))

let private last = 40L

/// Evaluates every third step, with a checkpoint every fifth.
let private plan = TrainingPlan(last, 1L, 3L, 5L)

/// Trains in a folder, with what is said of damage, and what is done after every logged line, in which training may be stopped.
let private training
    (plan: TrainingPlan)
    (change: DataSplits -> DataSplits)
    said
    (meanwhile: MetricsLine -> CancellationTokenSource -> unit)
    resume
    directory
    =
    scoped
    <| fun () ->
        use streams = new RandomStreams(2L)
        let graph, splits = made streams
        use _graph = graph
        use splits = splits
        let used = change splits
        use method = new StaticModules(graph, used.Train, settings, streams)
        use folder = if resume then RunFolder.Open directory else RunFolder.Create directory
        let trainer = Trainer(graph, method, used, plan, folder, streams, torch.CPU, Say = Action<string> said)
        use stop = new CancellationTokenSource()
        trainer.Run((fun progress -> meanwhile progress.Line stop), stop.Token, resume)

let private quiet _ _ = ()

let private train directory = training plan id (failtestf "said: %s") quiet false directory

let private bestIn directory = Path.Combine(directory, "best.safetensors")

/// What a log has of a set, at steps after the first.
let private lines (phase: string) directory = [
    for line in (MetricsLog.OfFolder directory).Lines do
        if line.Phase = phase && line.Step > 0L then line
]

let private logLikelihood (line: MetricsLine) = line.Values["log_likelihood"]

/// All files but the lock, as a process that is killed here would leave them.
let private killed (source: string) (target: string) =
    for path in Directory.GetFiles(source, "*", SearchOption.AllDirectories) do
        if Path.GetFileName path <> "run.lock" then
            let copy = Path.Combine(target, Path.GetRelativePath(source, path))
            Directory.CreateDirectory(Path.GetDirectoryName copy) |> ignore
            File.Copy(path, copy, true)

[<Tests>]
let tests =
    testList "best checkpoint" [
        testInDirectory "it is a whole checkpoint of the first step at which the validation set is the most probable"
        <| fun directory ->
            let outcome = train directory
            let validation = lines "validation" directory
            let best = validation |> List.maxBy logLikelihood
            Expect.isTrue (best.Step > 3L && best.Step < last) $"neither the first nor the last, but {best.Step}"
            Expect.equal outcome.Best.Step best.Step "its step"
            Expect.equal (outcome.Best.Validation.ToJson()) (best.ToJson()) "its validation"
            let test = lines "test" directory |> List.find (fun line -> line.Step = best.Step)
            Expect.equal (outcome.Best.Test.ToJson()) (test.ToJson()) "the test set at the same evaluation"

            inDirectory
            <| fun until ->
                training (TrainingPlan(best.Step, 1L, 3L, 5L)) id (failtestf "said: %s") quiet false until |> ignore

                Expect.equal
                    (Learned.tensorsIn (bestIn directory))
                    (Learned.tensorsIn (Path.Combine(until, "checkpoint.safetensors")))
                    "what a run of so many steps ends with"

        testInDirectory "its weights are loaded on request"
        <| fun directory ->
            train directory |> ignore

            let weights (load: string * Graph * Action<string> -> unit) =
                scoped
                <| fun () ->
                    use streams = new RandomStreams(9L)
                    let graph, splits = made streams
                    use _splits = splits
                    load (directory, graph, Action<string>(failtestf "said: %s"))
                    [ for struct (name, p) in graph.named_parameters () -> name, numbers p ]

            let stored (path: string) =
                scoped
                <| fun () ->
                    let tensors = Safetensors.Read path
                    use streams = new RandomStreams(9L)
                    let graph, splits = made streams
                    use _splits = splits
                    [ for struct (name, _) in graph.named_parameters () -> name, numbers tensors[name] ]

            let best = weights (fun (folder, graph, say) -> Checkpoint.LoadBestWeightsOf(folder, graph, say) |> ignore)
            let newest = weights (fun (folder, graph, say) -> Checkpoint.LoadWeightsOf(folder, graph, say) |> ignore)
            Expect.equal best (stored (bestIn directory)) "the best"
            Expect.notEqual best newest "which is not the newest"

        for stop in [ 4L; 10L; 11L; 27L; 38L ] do
            testInDirectory
                $"a run that is stopped after step {stop}, or killed there, ends with the same best checkpoint"
            <| fun directory ->
                let whole = Path.Combine(directory, "whole")
                let expected = train whole
                let stopped, dead = Path.Combine(directory, "stopped"), Path.Combine(directory, "dead")
                let isThere (line: MetricsLine) = line.Step = stop && line.Phase = "train"

                training
                    plan
                    id
                    (failtestf "said: %s")
                    (fun line stop -> if isThere line then stop.Cancel())
                    false
                    stopped
                |> ignore

                let source = Path.Combine(directory, "source")

                training
                    plan
                    id
                    (failtestf "said: %s")
                    (fun line _ -> if isThere line then killed source dead)
                    false
                    source
                |> ignore

                for folder in [ stopped; if stop > 5L then dead ] do
                    let outcome = training plan id (failtestf "said: %s") quiet true folder
                    Expect.equal outcome.Best.Step expected.Best.Step $"{folder}: its step"

                    Expect.equal
                        (logLikelihood outcome.Best.Validation)
                        (logLikelihood expected.Best.Validation)
                        "its value"

                    Expect.equal
                        (Learned.tensorsIn (bestIn folder))
                        (Learned.tensorsIn (bestIn whole))
                        $"{folder}: bit for bit"

        testInDirectory
            "what is measured where a run is stopped does not count, since a run that goes on measures it no more"
        <| fun directory ->
            let outcome =
                training
                    plan
                    id
                    (failtestf "said: %s")
                    (fun line stop -> if line.Step = 2L then stop.Cancel())
                    false
                    directory

            Expect.equal outcome.Steps 2L "stopped"
            Expect.isNull outcome.Best "no evaluation of the plan's yet"
            Expect.isFalse (File.Exists(bestIn directory)) "and no file"

        testInDirectory "there is none without a validation set, nor where it is not wanted"
        <| fun directory ->
            let unwanted = TrainingPlan(last, 1L, 3L, 5L, KeepBest = false)
            let without (splits: DataSplits) = new DataSplits(splits.Train, [||], splits.Test)

            for name, plan, change in [ "unwanted", unwanted, id; "without", plan, without ] do
                let folder = Path.Combine(directory, name)
                let outcome = training plan change (failtestf "said: %s") quiet false folder
                Expect.isNull outcome.Best name
                Expect.isFalse (File.Exists(bestIn folder)) name

                scoped
                <| fun () ->
                    use streams = new RandomStreams(2L)
                    let graph, splits = made streams
                    use _splits = splits

                    complains (fun () -> Checkpoint.LoadBestWeightsOf(folder, graph, Action<string> ignore) |> ignore) [
                        bestIn folder
                        "expected the best checkpoint of a run, got none"
                    ]

        testInDirectory "one that is damaged is said, and training goes on"
        <| fun directory ->
            training
                plan
                id
                (failtestf "said: %s")
                (fun line stop -> if line.Step = 20L then stop.Cancel())
                false
                directory
            |> ignore

            let bytes = File.ReadAllBytes(bestIn directory)
            bytes[bytes.Length / 2] <- bytes[bytes.Length / 2] ^^^ 4uy
            File.WriteAllBytes(bestIn directory, bytes)
            let said = ResizeArray<string>()
            let outcome = training plan id said.Add quiet true directory
            Expect.hasLength said 1 "one thing to say"
            Expect.stringContains said[0] (bestIn directory) "which"

            let best =
                lines "validation" directory |> List.filter (fun line -> line.Step > 20L) |> List.maxBy logLikelihood

            Expect.equal outcome.Best.Step best.Step "the best of what came after"
    ]

/// The step at which a run of these evaluations runs out of patience: plain counting.
let private ends (patience: int) (validation: MetricsLine list) =
    let rec go best since (lines: MetricsLine list) =
        match lines with
        | [] -> None
        | line :: rest ->
            if logLikelihood line > best then go (logLikelihood line) 0 rest
            elif since + 1 = patience then Some line.Step
            else go best (since + 1) rest

    go -infinity 0 validation

[<Tests>]
let earlyStopping =
    testList "early stopping" [
        for keepBest in [ true; false ] do
            let patient patience = TrainingPlan(last, 1L, 3L, 5L, KeepBest = keepBest, Patience = Nullable patience)
            let how = if keepBest then "with the best kept" else "without"

            testInDirectory $"a run ends after so many evaluations that are no better, and not before ({how})"
            <| fun directory ->
                let whole = Path.Combine(directory, "whole")
                train whole |> ignore
                let validation = lines "validation" whole
                let ended = [ for patience in 1..4 -> patience, ends patience validation ]
                Expect.isTrue (ended |> List.exists (fun (_, step) -> step.IsSome && step.Value < last)) $"{ended}"

                for patience, step in ended do
                    let folder = Path.Combine(directory, $"{patience}")
                    let outcome = training (patient patience) id (failtestf "said: %s") quiet false folder
                    let step' = step |> Option.filter (fun step -> step < last)
                    Expect.equal outcome.Steps (defaultArg step' last) $"patience {patience}: its steps"
                    Expect.isTrue outcome.Finished "finished"
                    Expect.equal outcome.StoppedEarly step'.IsSome "whether early"

                    Expect.equal
                        [ for line in lines "validation" folder -> line.Step, logLikelihood line ]
                        [
                            for line in validation do
                                if line.Step <= outcome.Steps then line.Step, logLikelihood line
                        ]
                        "until then as without patience"

                    let best = lines "validation" folder |> List.maxBy logLikelihood
                    Expect.equal outcome.Best.Step best.Step "the best of them"

            testInDirectory
                $"stopped or killed before, it ends at the same step, bit for bit, and then stays as it is ({how})"
            <| fun directory ->
                let plan = patient 2
                let whole = Path.Combine(directory, "whole")
                let expected = training plan id (failtestf "said: %s") quiet false whole
                Expect.isTrue expected.StoppedEarly "early"
                let checkpoint folder = Path.Combine(folder, "checkpoint.safetensors")

                for stop in [ 4L; 6L; expected.Best.Step; expected.Steps - 1L; expected.Steps ] do
                    let folder name = Path.Combine(directory, $"{name}{stop}")
                    let isThere (line: MetricsLine) = line.Step = stop && line.Phase = "train"
                    let stopIt (line: MetricsLine) (stop: CancellationTokenSource) = if isThere line then stop.Cancel()
                    let killIt (line: MetricsLine) _ = if isThere line then killed (folder "source") (folder "dead")
                    training plan id (failtestf "said: %s") stopIt false (folder "stopped") |> ignore
                    training plan id (failtestf "said: %s") killIt false (folder "source") |> ignore

                    for folder in [ folder "stopped"; if stop > 5L then folder "dead" ] do
                        for again in [ "resumed"; "resumed once more" ] do
                            let outcome = training plan id (failtestf "said: %s") quiet true folder
                            Expect.equal outcome.Steps expected.Steps $"{again}: its steps"
                            Expect.isTrue (outcome.Finished && outcome.StoppedEarly) again
                            Expect.equal outcome.Best.Step expected.Best.Step $"{again}: the best"

                            Expect.equal
                                (Learned.tensorsIn (checkpoint folder))
                                (Learned.tensorsIn (checkpoint whole))
                                again

                            Expect.equal
                                [ for line in (MetricsLog.OfFolder folder).Lines -> line.Step, line.Phase ]
                                [ for line in (MetricsLog.OfFolder whole).Lines -> line.Step, line.Phase ]
                                $"{again}: its log"

            testInDirectory $"with more patience it goes on, as if it had had that from its start ({how})"
            <| fun directory ->
                let whole, parts = Path.Combine(directory, "whole"), Path.Combine(directory, "parts")
                let expected = training (patient 3) id (failtestf "said: %s") quiet false whole
                let first = training (patient 1) id (failtestf "said: %s") quiet false parts
                Expect.isLessThan first.Steps expected.Steps "earlier"
                let outcome = training (patient 3) id (failtestf "said: %s") quiet true parts
                Expect.equal outcome.Steps expected.Steps "its steps"

                Expect.equal
                    (Learned.tensorsIn (Path.Combine(parts, "checkpoint.safetensors")))
                    (Learned.tensorsIn (Path.Combine(whole, "checkpoint.safetensors")))
                    "bit for bit"

        testInDirectory "without a validation set it is refused before anything is written"
        <| fun directory ->
            let plan = TrainingPlan(last, 1L, 3L, 5L, Patience = Nullable 2)
            let without (splits: DataSplits) = new DataSplits(splits.Train, [||], splits.Test)

            complains (fun () -> training plan without ignore quiet false directory |> ignore) [
                "train/early_stopping: expected data with a validation set, by which it stops, got none"
            ]
    ]
