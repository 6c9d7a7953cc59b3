/// Whole runs by several ranks, faked by threads: their folders, checkpoints, and going on with another number of ranks.
module ModNet.Tests.RankRunTests

open System
open System.IO
open System.Threading
open Expecto
open ModNet.Runtime
open TorchSharp

let private shards = 4

/// One rank's part in a run of a language model with all that a run remembers, which is stopped after so many steps, if it is.
let private rank (directory: string) (steps: int64) (stopAfter: int64) (loose: int64) (ranks: Ranks) =
    scoped
    <| fun () ->
        use streams = new RandomStreams 5L
        let graph, data = Fixtures.resuming streams 2 true
        use graph = graph

        let settings =
            EmSettings(
                2,
                3,
                7L,
                7L,
                1e-2,
                Shards = shards,
                Unselected = Unselected.Rest,
                LooseRounds = (if loose = 0L then Nullable() else Nullable loose)
            )

        use em = new ViterbiEm(graph, data, settings, streams, Ranks = ranks)

        let resume = Checkpoint.IsIn directory
        // All look before the first one writes.
        ranks.Meet()

        use folder =
            if not ranks.Leads then RunFolder.Follow directory
            elif resume then RunFolder.Open directory
            else RunFolder.Create directory

        let splits = new DataSplits(data, [| data.Part(torch.arange 5L) |], [||])
        let plan = TrainingPlan(steps, 1L, 4L, (if loose = 0L then 3L else 4L))
        use stop = new CancellationTokenSource()
        let trainer = Trainer(graph, em, splits, plan, folder, streams, torch.CPU, Say = Action<string> ignore)

        let seen (progress: Progress) =
            if progress.Line.Phase = "train" && progress.Line.Step = stopAfter then stop.Cancel()

        trainer.Run(Action<Progress> seen, stop.Token, resume).Steps

let private train directory steps stopAfter loose count =
    ThreadRanks.Run(count, Func<Ranks, _>(rank directory steps stopAfter loose)) |> Array.distinct

[<Tests>]
let tests =
    testList "runs of ranks" [
        for loose in [ 0L; 4L ] do
            testCase
                $"a run goes on with any number of ranks, and ends as if one had run it all (loose rounds: {loose})"
            <| fun () ->
                inDirectory
                <| fun directory ->
                    let folder name = Path.Combine(directory, name)
                    let steps = 11L
                    Expect.equal (train (folder "whole") steps -1L loose 1) [| steps |] "one rank"
                    Expect.equal (train (folder "four") steps -1L loose 4) [| steps |] "four ranks"
                    // Within a round of shards that train by themselves, a run stops at the end of the round.
                    let stopped = if loose = 0L then 5L else 8L
                    Expect.equal (train (folder "changing") steps 5L loose 2) [| stopped |] "two ranks, stopped"

                    Expect.equal
                        (train (folder "changing") steps 9L loose 1)
                        [| (if loose = 0L then 9L else steps) |]
                        "one rank"

                    Expect.equal (train (folder "changing") steps -1L loose 4) [| steps |] "four ranks to the end"

                    scoped
                    <| fun () ->
                        for name in [ "four"; "changing" ] do
                            for (name, e), (_, f) in
                                List.zip (Learned.tensorsOf (folder "whole")) (Learned.tensorsOf (folder name)) do
                                if e <> f then failtest $"{name} differs"

                            Expect.equal
                                (Learned.metricsOf (folder name))
                                (Learned.metricsOf (folder "whole"))
                                "metrics"

        testCase "where rank 0 cannot write, no rank goes on"
        <| fun () ->
            inDirectory
            <| fun directory ->
                let path = Path.Combine(directory, "run")
                Directory.CreateDirectory path |> ignore
                // A folder stands where the checkpoint should be.
                Directory.CreateDirectory(Path.Combine(path, "checkpoint.safetensors")) |> ignore

                let refused =
                    Expect.throwsC (fun () -> train path 11L -1L 0L 2 |> ignore) (fun e -> e :?> UserException)

                Expect.stringContains refused.Message "checkpoint.safetensors" "where"
    ]
