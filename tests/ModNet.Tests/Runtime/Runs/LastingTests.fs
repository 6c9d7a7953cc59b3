/// Long runs, many runs, and runs side by side: nothing leaks, nothing is shared, nothing differs.
module ModNet.Tests.LastingTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open System.Threading
open System.Threading.Tasks
open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

let private isLong = Mutations.isLong
let private steps = GradientSettings(7L, Optimizer = AdamKind 1e-2)

let private methods: (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(3, 3, 7L, 7L, 1e-2), streams))
    "reinforce",
    (fun graph data streams -> new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = steps), streams))
    "noisy top-k",
    (fun graph data streams ->
        new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(2, 0.1, 0.1, Gradient = steps), streams))
    "loss-free top-k",
    (fun graph data streams ->
        new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = steps), streams))
    "static", (fun graph data streams -> new StaticModules(graph, data, steps, streams))
    "exact", (fun graph data streams -> new ExactLikelihood(graph, data, steps, streams))
]

/// A small language model; of a graph in single precision the fused kernel runs.
let private setUp name seed =
    let streams = new RandomStreams(seed)
    let graph, data = Fixtures.resuming streams (if name = "exact" then 2 else 4) false
    graph, data, streams

let private settled () =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    // Gives emptied parts of the managed heap back to the system at once; otherwise the collector keeps them for a while.
    GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, true, true)
    use self = Process.GetCurrentProcess()
    (liveTensors ()), self.WorkingSet64

let private mebibytes (bytes: int64) = float bytes / 1048576.0

let private left (after: string) (tensors: int64) (bytes: int64) =
    $"{after}: {tensors} tensors and {bytes} bytes ({mebibytes bytes:F1} MiB) more"

/// What a process that other tests have warmed may still grow by without a leak: arenas of several threads.
let private slack = 24L <<< 20

/// A whole run in a folder: its lines of metrics but for the clock, and all that its checkpoint holds.
let private whole make name seed directory =
    scoped
    <| fun () ->
        let graph, data, streams = setUp name seed
        use streams = streams
        use _graph = graph
        use _data = data
        use method: TrainingMethod = make graph data streams
        use folder = RunFolder.Create directory
        let plan = TrainingPlan(24L, 2L, 8L, 8L)

        let trainer =
            Trainer(graph, method, new DataSplits(data, [| data |], [| data |]), plan, folder, streams, torch.CPU)

        trainer.Run(ignore, CancellationToken.None) |> ignore

        [
            for line in folder.Metrics() do
                Learned.untimed (line.ToJson())

            for name, bytes in Learned.tensorsOf folder.Path do
                $"{name} {bytes}"
        ]
        |> List.sort

let private wholeRun (name, make) seed =
    let seen = ref []
    inDirectory (fun directory -> seen.Value <- whole make name seed directory)
    seen.Value

[<Tests>]
let tests =
    testSequenced
    <| testList "lasting" [
        for name, make in methods do
            let count = if isLong then 10_000 else 150

            testCase $"{name}: over {count} steps live tensors stay as many, and memory as much"
            <| fun () ->
                let graph, data, streams = setUp name 1L
                let method: TrainingMethod = make graph data streams

                let run count =
                    for i in 1..count do
                        if i % 10 = 0 then method.StepAndReport() |> ignore else method.Step()

                run 60
                let tensors, bytes = settled ()
                run count
                let tensorsAfter, bytesAfter = settled ()
                Expect.isLessThanOrEqual tensorsAfter tensors "live tensors"
                let grown = bytesAfter - bytes
                Expect.isLessThan grown slack $"{mebibytes grown:F1} MiB more"
                Tally.note "leaks" (left $"{name}, {count} steps" (tensorsAfter - tensors) grown)

                for part in [ method :> IDisposable; graph; data; streams ] do
                    part.Dispose()

        testCase $"over {if isLong then 200 else 20} runs in one process, each disposed of, nothing is left"
        <| fun () ->
            let cycles = if isLong then 200 else 20

            let cycle i =
                let name, make = methods[i % methods.Length]
                inDirectory (fun directory -> whole make name (int64 i) directory |> ignore)

            for i in 1..10 do
                cycle i

            let tensors, bytes = settled ()
            let handles = Process.GetCurrentProcess().HandleCount

            for i in 1..cycles do
                cycle i

            let tensorsAfter, bytesAfter = settled ()
            Expect.isLessThanOrEqual tensorsAfter tensors "live tensors"
            let grown = bytesAfter - bytes
            Expect.isLessThan grown slack $"{mebibytes grown:F1} MiB more"
            let handlesAfter = Process.GetCurrentProcess().HandleCount
            Expect.isLessThan (handlesAfter - handles) 10 "open files"
            Tally.note "leaks" (left $"{cycles} runs" (tensorsAfter - tensors) grown)

        for method in methods do
            testCase $"{fst method}: one seed gives one run, metrics and checkpoint, bit for bit; another seed another"
            <| fun () ->
                Expect.equal (wholeRun method 1L) (wholeRun method 1L) "bit for bit"
                Expect.notEqual (wholeRun method 1L) (wholeRun method 2L) "another"

        testCase "runs side by side in one process share neither chance nor assignments"
        <| fun () ->
            let runs = [ for method in methods -> method, 3L ] @ [ methods.Head, 4L; methods.Head, 3L ]

            let alone = [ for method, seed in runs -> wholeRun method seed ]

            let together =
                runs
                |> List.map (fun (method, seed) ->
                    Task.Factory.StartNew((fun () -> wholeRun method seed), TaskCreationOptions.LongRunning))
                |> Task.WhenAll

            for expected, found in Seq.zip alone together.Result do
                Expect.equal found expected "as alone, bit for bit"

        testCase "runs stay right while the collector moves and frees all that nothing holds"
        <| fun () ->
            // Whatever address libtorch is given has to stay where it is until the call ends.
            use over = new CancellationTokenSource()

            let collecting =
                Task.Factory.StartNew(
                    (fun () ->
                        while not over.IsCancellationRequested do
                            GC.Collect(0, GCCollectionMode.Forced, true, true)
                            // Reuses what was freed.
                            [| for _ in 1..200 -> Array.create 3 -1L |] |> GC.KeepAlive
                            Thread.Sleep 1),
                    TaskCreationOptions.LongRunning
                )

            let expected = [ for method in methods -> wholeRun method 3L ]

            // Every run meets hundreds of collections; the long tests look twice as often.
            for _ in 1 .. (if isLong then 4 else 2) do
                for method, expected in Seq.zip methods expected do
                    Expect.equal (wholeRun method 3L) expected "bit for bit"

            over.Cancel()
            collecting.Wait()

        testScoped "evaluation from several threads gives what it gives from one, and leaves the mode as it was"
        <| fun () ->
            let graph, data, streams = setUp "em" 1L
            use _streams = streams
            graph.train ()

            let evaluate () =
                scoped
                <| fun () -> graph.InEvaluation(fun () -> numbers (graph.Forward(data.Inputs, ModeSelector()).Features))

            let expected = evaluate ()

            let found =
                [
                    for _ in 1..4 ->
                        Task.Factory.StartNew(
                            (fun () -> [ for _ in 1..25 -> evaluate () ]),
                            TaskCreationOptions.LongRunning
                        )
                ]
                |> Task.WhenAll

            for seen in List.concat found.Result do
                Expect.equal seen expected "without dropout, and the same"

            Expect.isTrue graph.training "in training again"
    ]
