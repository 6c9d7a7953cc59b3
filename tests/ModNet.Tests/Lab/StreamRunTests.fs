/// Runs on a stream of tasks.
module ModNet.Tests.StreamRunTests

open System
open System.IO
open System.Threading
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp
open ModNet.Tests.StreamCases

/// A run of a stream on a text's windows, or on all but consecutive ones, that is stopped where it is told.
let private stoppable
    (growing: GrowthPlan option)
    (carried: bool)
    (replay: ReplayPlan option)
    (directory: string)
    (stop: int option)
    (resume: bool)
    =
    scoped
    <| fun () ->
        use streams = new RandomStreams(5L)
        let graph, whole = Fixtures.resuming streams 4 carried

        let part (first: int64) (count: int64) =
            new Dataset(
                whole.Inputs.narrow(0, first, count).clone(),
                whole.Targets.narrow(0, first, count).clone(),
                consecutive = carried
            )

        let splits (first: int64) (count: int64) = new DataSplits(part first count, [| part first count |], [||])

        use joined =
            JoinedTasks.Of [| struct ("a", splits 0L 8L); struct ("b", splits 8L 6L); struct ("c", splits 14L 9L) |]

        let spans = [|
            for task, steps in Seq.zip joined.Tasks [ 7L; 9L; 8L ] -> TaskSpan(task.Name, task.First, task.Count, steps)
        |]

        // Used modules are slowed down, and what earlier tasks need is kept, in all of these runs.
        let stream =
            TaskStream(
                spans,
                Replay = Option.toObj replay,
                Plasticity = Nullable 0.3,
                Consolidation = ConsolidationPlan(20.0, 5L),
                Growth = Option.toObj growing
            )

        let settings =
            EmSettings(3, 4, 5L, 4L, 1e-2, Stream = stream, Start = EmStart.Sweep, Unselected = Runtime.Unselected.Rest)

        use method = new ViterbiEm(graph, joined.Train, settings, streams)
        use folder = if resume then RunFolder.Open directory else RunFolder.Create directory
        let plan = TrainingPlan(24L, 1L, 4L, 5L, KeepBest = false, Stream = stream)
        let trainer = Trainer(graph, method, joined, plan, folder, streams, torch.CPU)
        use cancel = new CancellationTokenSource()

        let seen (progress: Progress) =
            if Some(int progress.Line.Step) = stop && progress.Line.Phase = "train" then cancel.Cancel()

        trainer.Run(seen, cancel.Token, resume) |> ignore

[<Tests>]
let tests =
    testSequenced
    <| testList "runs of streams" [
        for name, method' in methods do
            testInDirectory $"{name}: a stream of one task is the plain run, bit for bit"
            <| fun directory ->
                let _, only = sides.Head
                let alone = trained (run directory "alone" plain only method')

                let within =
                    trained (
                        run
                            directory
                            "stream"
                            plain
                            (stream {
                                task "up" only
                                replay (Replay.Uniform 5)
                                consolidation 10.0
                            })
                            method'
                    )

                let learned folder =
                    Learned.tensorsOf folder
                    |> List.filter (fun (name, _) ->
                        not (name.EndsWith "_batches.task") && name <> "method.consolidated")

                Expect.equal (learned within) (learned alone) "weights, optimiser, a*, places, random streams"

                Expect.equal
                    (Learned.metricsOf within |> List.map withoutTasks)
                    (Learned.metricsOf alone)
                    "lines of metrics"

        for growing, carried in [ None, false; None, true; Some(GrowthPlan("words", 1, 1, 2L, 0.1)), false ] do
            for replay in
                [
                    None
                    if not carried then
                        Some(ReplayPlan(3L, true, Memory = Nullable 4L))
                        Some(ReplayPlan 6L)
                ] do
                let how =
                    match replay with
                    | None -> "without replay"
                    | Some replay when replay.ByModule -> "with replay by module"
                    | Some _ -> "with uniform replay"

                let grows = if growing.IsSome then ", growing" else ""

                testCase
                    $"a stream {how}{grows}, state carried: {carried}, goes on in a task and at its ends as if it had not been stopped"
                <| fun () ->
                    inDirectory
                    <| fun whole ->
                        stoppable growing carried replay whole None false

                        for stops in [ [ 11 ]; [ 7 ]; [ 3; 16; 17 ]; [ 7; 8; 23 ] ] do
                            inDirectory
                            <| fun parts ->
                                stops
                                |> List.iteri (fun i stop -> stoppable growing carried replay parts (Some stop) (i > 0))

                                stoppable growing carried replay parts None true
                                Expect.equal (Learned.tensorsOf parts) (Learned.tensorsOf whole) $"{stops}: bit for bit"
                                Expect.equal (Learned.metricsOf parts) (Learned.metricsOf whole) $"{stops}: metrics"

        testInDirectory "the summary has the matrix, whose last row an opened run comes to again"
        <| fun directory ->
            let folder =
                trained (
                    run
                        directory
                        "run"
                        headed
                        (stream {
                            tasks sides
                            replay (Replay.ByModule 8)
                            memory 20
                            steps_of "right" 30
                        })
                        byEm
                )

            let summary = summaryOf folder
            let told = summary["tasks"].AsObject()
            Expect.equal [ for step in told["ends"].AsArray() -> step.GetValue<int>() ] [ 23; 53; 76 ] "ends"
            Expect.equal (summary["steps"].GetValue<int64>()) 76L "steps in all"
            let matrix = told["test"].["matrix"].AsArray()
            let rows = [ for row in matrix -> [ for value in row.AsArray() -> value.GetValue<float>() ] ]
            Expect.equal [ for row in rows -> row.Length ] [ 3; 3; 3 ] "a row for every task"

            Expect.equal
                (summary["final"].["average_accuracy"].GetValue<float>())
                (List.average (List.last rows))
                "the mean of the last row"

            let best = [ for column in List.transpose rows -> List.max column ]

            Expect.floatClose
                Accuracy.high
                (summary["final"].["forgetting"].GetValue<float>())
                (List.zip best (List.last rows) |> List.take 2 |> List.averageBy (fun (best, last) -> best - last))
                "forgetting"

            // Functions and arrays are not in the folder.
            let code = Experiment.with_code_of (run directory "run" headed (stream { tasks sides }) byEm)

            Trained.within_as code folder (fun opened ->
                let again = [
                    for task in opened.Source.Splits.Tasks ->
                        scoped (fun () ->
                            Evaluation
                                .Of(opened.Graph, task.Test, 128L, opened.Device, opened.Evaluating)
                                .Score.Accuracy.Value)
                ]

                Expect.equal again (List.last rows) "evaluated again")

            let html = File.ReadAllText(Path.Combine(folder, "report.html"))
            Expect.stringContains html "task that is evaluated" "the report shows the matrix"

        testInDirectory "every method trains a stream with uniform replay, and mixed"
        <| fun directory ->
            for name, method' in methods do
                for how, source in
                    [
                        "one after the other",
                        stream {
                            tasks sides
                            replay (Replay.Uniform 4)
                        }
                        "consolidated",
                        stream {
                            tasks sides
                            consolidation 10.0
                            fisher 20
                        }
                        "together",
                        stream {
                            tasks sides
                            together
                        }
                    ] do
                    let folder = trained (run directory $"{name}, {how}" plain source method')
                    let summary = summaryOf folder
                    Expect.equal (summary["steps"].GetValue<int64>()) 69L $"{name}, {how}: steps"
                    let rows = summary["tasks"].["test"].["matrix"].AsArray().Count
                    Expect.equal rows (if how = "together" then 1 else 3) $"{name}, {how}: rows"

        testInDirectory "a run of a stream is not resumed to another length"
        <| fun directory ->
            let experiment = run directory "run" plain (stream { tasks sides }) byEm
            trained experiment |> ignore
            let longer = { experiment with Method = experiment.Method.WithSteps 30 }

            Expect.throwsC
                (fun () -> quietly (fun () -> train { Settings.none with Resume = true } longer |> ignore))
                (fun refused -> Expect.stringContains refused.Message "the same experiment" "refused")

        testInDirectory "texts of a stream have one vocabulary"
        <| fun directory ->
            let one = write directory "one.txt" (String.replicate 30 "a b c\n")
            let two = write directory "two.txt" (String.replicate 30 "b d e f\n")

            let reader =
                network "reader" {
                    tokens 8
                    embed 4
                    gru 4
                    softmax 8
                }

            let folder =
                trained (
                    run
                        directory
                        "run"
                        reader
                        (stream {
                            task "one" (text one { window 4 })
                            task "two" (text two { window 4 })
                        })
                        byEm
                )

            let summary = summaryOf folder
            Expect.equal (summary["tasks"].["test"].["measure"].GetValue<string>()) "log_likelihood_per_word" "measure"
            use trained = Trained.load folder
            Expect.equal (Set trained.ClassNames) (Set [ "a"; "b"; "c"; "d"; "e"; "f"; "<unk>"; "<eos>" ]) "words"

        testInDirectory "tasks of images are some classes of them, or their pixels in another order"
        <| fun directory ->
            writeMnist directory "-ubyte" 100 40

            let load (source: Data) =
                let unchecked =
                    experiment {
                        net (
                            network "digits" {
                                image (1, 28, 28)
                                flatten
                                softmax 10
                            }
                        )

                        data source
                        train (em { })
                    }

                (Source.load (
                    CheckedExperiment(unchecked, { Network = unchecked.Network; Layers = []; Pools = [] }, [])
                ))
                    .Splits

            use whole = load (mnist directory { held_out 20 })

            use kept =
                load (
                    mnist directory {
                        held_out 20
                        only [ 7; 2 ]
                    }
                )

            use renumbered =
                load (
                    mnist directory {
                        held_out 20
                        only [ 7; 2 ]
                        renumber true
                    }
                )

            let parts (splits: DataSplits) = [ splits.Train; splits.Validation[0]; splits.Test[0] ]

            scoped
            <| fun () ->
                for all, (some, other) in List.zip (parts whole) (List.zip (parts kept) (parts renumbered)) do
                    let labels = integers all.Targets

                    let rows = [|
                        for row, label in Array.indexed labels do
                            if label = 7 || label = 2 then row
                    |]

                    Expect.equal (integers some.Targets) [| for row in rows -> labels[row] |] "labels, in their order"

                    Expect.equal
                        (integers other.Targets)
                        [| for row in rows -> if labels[row] = 7 then 0 else 1 |]
                        "numbered as they are said"

                    let pixels (images: Dataset) =
                        numbers (images.Inputs.to_type torch.ScalarType.Float32) |> Array.chunkBySize 784

                    let expected = [| for row in rows -> (pixels all)[row] |]
                    Expect.equal (pixels some) expected "images"
                    Expect.equal (pixels other) expected "the same"

                let against () =
                    load (
                        mnist directory {
                            held_out 20
                            one_vs_rest 7
                        }
                    )

                use against' = against ()
                use again = against ()

                let pixels (images: Dataset) =
                    numbers (images.Inputs.to_type torch.ScalarType.Float32) |> Array.chunkBySize 784 |> List.ofArray

                for all, split in List.zip (parts whole) (parts against') do
                    let labels, own = integers all.Targets, integers split.Targets
                    let count = labels |> Array.filter ((=) 7) |> Array.length
                    Expect.equal (own |> Array.countBy id |> set) (set [ 1, count; 0, count ]) "as many of both"
                    // Each image that is taken comes after the one before it; class 7 is class 1.
                    let left =
                        List.zip (pixels all) (List.ofArray labels)
                        |> List.fold
                            (fun taken (image, label) ->
                                match taken with
                                | next :: rest when next = (image, (if label = 7 then 1 else 0)) -> rest
                                | _ -> taken)
                            (List.zip (pixels split) (List.ofArray own))

                    Expect.isEmpty left "in their order, with their classes"

                Expect.equal (pixels again.Train) (pixels against'.Train) "the same others"

                use own =
                    load (
                        mnist directory {
                            held_out 20
                            standardise true
                            only [ 7; 2 ]
                            reconstruct true
                        }
                    )

                for some, own in List.zip (parts kept) (parts own) do
                    let batch = own.Range(0, own.Count)
                    Expect.equal (numbers batch.Targets) (numbers (batch.Inputs.flatten 1)) "as the network reads them"

                    Expect.equal
                        (integers (own.Inputs.to_type torch.ScalarType.Int64))
                        (integers (some.Inputs.to_type torch.ScalarType.Int64))
                        "of the same images"

                use permuted =
                    load (
                        mnist directory {
                            held_out 20
                            permuted 4
                        }
                    )

                let pixels (images: Dataset) =
                    numbers (images.Inputs.to_type torch.ScalarType.Float32) |> Array.chunkBySize 784
                // The place of each pixel, found by images of which each pixel has a history of its own.
                for all, other in List.zip (parts whole) (parts permuted) do
                    for before, after in Array.zip (pixels all) (pixels other) do
                        Expect.equal (Array.sort after) (Array.sort before) "the same pixels"

                    Expect.notEqual (pixels other) (pixels all) "elsewhere"

                let history (sets: Dataset list) place = [
                    for set in sets do
                        for image in pixels set -> image[place]
                ]

                let before = [ for place in 0..783 -> history (parts whole) place ] |> List.sort
                let after = [ for place in 0..783 -> history (parts permuted) place ] |> List.sort
                Expect.equal after before "one order for all images of all sets"
    ]
