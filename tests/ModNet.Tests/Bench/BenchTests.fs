/// `./modnet bench`: how it measures, what it writes, and how it refuses.
module ModNet.Tests.BenchTests

open System
open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open FsCheck
open ModNet.Bench

let private tiny = BenchSettings(Tiny = true, Pace = Pace.Once, Peers = [||], Threads = 1)

let private silent = Action<string> ignore

let private measure (contenders: Contender list) (rounds: int) =
    Interleaved.Measure(contenders, Pace(rounds, 0.0, 0.0, 0.0), silent, CancellationToken.None)

/// What a command says, and its exit code.
let private bench (words: string list) =
    let output, errors = Console.Out, Console.Error
    use said = new StringWriter()

    try
        Console.SetOut said
        Console.SetError said
        let code = BenchCommand.Run(Array.ofList words, CancellationToken.None)
        code, string said
    finally
        Console.SetOut output
        Console.SetError errors

let private number (node: JsonNode) (name: string) = node[name].GetValue<float>()

let private ordered (entry: JsonNode) =
    let least, middle, most = number entry "minimum", number entry "median", number entry "maximum"

    Expect.isTrue (0.0 < least && least <= middle && middle <= most) $"{entry}"

let private wellFormed (name: string) (rounds: int option) (report: JsonNode) =
    Expect.equal (report["benchmark"].GetValue<string>()) name "its name"
    Expect.equal (report["threads"].GetValue<int>()) 1 "threads"
    let cases = report["cases"].AsArray()
    Expect.isGreaterThan cases.Count 0 "cases"

    for case in cases do
        Expect.isNotEmpty (case["name"].GetValue<string>()) "a case's name"
        let seconds = case["seconds"].AsArray()
        Expect.isGreaterThan seconds.Count 0 $"timings of {case}"

        for entry in seconds do
            ordered entry
            let samples = entry["samples"].AsArray()
            rounds |> Option.iter (fun count -> Expect.equal samples.Count count "samples")

        for ratio in case["ratios"].AsArray() do
            ordered ratio

/// Finite, and so are their sums, as those of seconds are: FsCheck draws the greatest number there is, too.
let private seconds (first: NormalFloat) (rest: NormalFloat list) =
    first :: rest |> List.map (fun value -> float value / 4.0)

[<Tests>]
let measuring =
    testList "bench measures" [
        testProperty "a median has half of the samples on either side"
        <| fun (first: NormalFloat) (rest: NormalFloat list) ->
            let samples = seconds first rest
            let spread = Spread.Of samples

            let count keep = samples |> List.filter keep |> List.length

            Expect.isGreaterThanOrEqual (2 * count (fun x -> x <= spread.Median)) samples.Length "not above"
            Expect.isGreaterThanOrEqual (2 * count (fun x -> x >= spread.Median)) samples.Length "not below"
            Expect.equal spread.Minimum (List.min samples) "least"
            Expect.equal spread.Maximum (List.max samples) "greatest"

            if samples.Length % 2 = 1 then Expect.contains samples spread.Median "the middle one"

        testProperty "order says nothing" (fun (first: NormalFloat) (rest: NormalFloat list) ->
            let samples = seconds first rest
            Spread.Of(List.rev samples) = Spread.Of samples)

        testCase "of an even number, the mean of the middle two"
        <| fun () -> Expect.equal (Spread.Of [ 4.0; 1.0; 2.0; 10.0 ]) (Spread(1.0, 3.0, 10.0)) "spread"

        testCase "contenders take turns"
        <| fun () ->
            let log = ResizeArray<string>()

            let contender name =
                Contender(
                    name,
                    fun calls ->
                        log.Add name
                        float calls
                )

            let timings = measure [ contender "a"; contender "b"; contender "c" ] 3
            Expect.sequenceEqual log (List.concat (List.replicate 4 [ "a"; "b"; "c" ])) "one warm-up, three rounds"
            Expect.equal [ for t in timings -> t.Name ] [ "a"; "b"; "c" ] "names"

        testCase "seconds are those of a call"
        <| fun () ->
            // Calls of 1 ms, in samples of 0.05 s.
            let asked = ResizeArray<int>()

            let contender =
                Contender(
                    "a",
                    fun calls ->
                        asked.Add calls
                        0.001 * float calls
                )

            let timings = Interleaved.Measure([ contender ], Pace(2, 0.2, 0.05, 0.0), silent, CancellationToken.None)

            Expect.equal timings[0].Calls 50 "calls of a sample"
            Expect.equal (List.ofSeq (Seq.skip (asked.Count - 2) asked)) [ 50; 50 ] "calls that were made"
            Expect.floatClose Accuracy.high timings[0].Seconds.Median 0.001 "seconds"

        testCase "ratios are of what ran side by side"
        <| fun () ->
            let timing name (samples: float list) = Timing(name, 1, Array.ofList samples)

            let ratio = Ratio.Of("a / b", timing "a" [ 2.0; 9.0; 4.0 ], timing "b" [ 1.0; 3.0; 2.0 ])

            Expect.floatClose Accuracy.high ratio.Value 2.0 "medians: 4 / 2"
            Expect.equal ratio.ByRound (Spread(2.0, 2.0, 3.0)) "by round"

        testCase "who wants it to end is heard between samples"
        <| fun () ->
            use stop = new CancellationTokenSource()

            let contender =
                Contender(
                    "a",
                    fun _ ->
                        stop.Cancel()
                        1.0
                )

            Expect.throwsT<OperationCanceledException>
                (fun () -> Interleaved.Measure([ contender ], Pace(3, 0.0, 0.0, 0.0), silent, stop.Token) |> ignore)
                "stopped"

        testCase "memory that is touched is growth, and what was there is not"
        <| fun () ->
            let mutable held = Array.create 50_000_000 1uy
            // What earlier tests left would be given back meanwhile, or serve for the new block, and hide as much of it.
            GC.Collect()
            GC.WaitForPendingFinalizers()
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking = true, compacting = true)

            match ProcessMemory.PeakGrowth(fun () -> held <- Array.create 100_000_000 2uy) |> Option.ofNullable with
            | None -> skiptest "this system does not tell a process's peak"
            | Some bytes ->
                Expect.isGreaterThan bytes 80_000_000L "the new block"
                Expect.isLessThan bytes 400_000_000L "not all there is"

            Expect.equal held.Length 100_000_000 "kept"

        for seconds, said in [ 2.5, "2.50 s"; 0.0123, "12.3 ms"; 4.5e-4, "450 µs"; 6e-7, "600 ns" ] do
            testCase $"{said} suits" <| fun () -> Expect.equal (ReportTable.Time seconds) said "text"

        testCase "a kernel's operations are counted one by one"
        <| fun () ->
            let sizes =
                KernelSizes(
                    PtbSizes(Vocabulary = 3, Hidden = 2, Window = 5, Embed = 4, Modules = 3),
                    LayerSizes(9, 2, 5, 4, 3),
                    1
                )

            // 2 rows of 5 words, 3 logits of 2 multiply-adds each.
            Expect.equal (sizes.Head(2, false).Operations) (float (2 * 5 * 3 * 2 * 2)) "scores"
            Expect.equal (sizes.Head(2, true).Operations) (float (2 * 5 * 3 * 2 * 2 * 3)) "gradients"
            // z, r: 4 outputs of [h, x], 6 wide; 3 logits; one module's 2.
            Expect.equal (sizes.Gru(2, false).Operations) (float (2 * 5 * (4 + 3 + 2) * 6 * 2)) "window"
            // 5 rows of 2 choices, each 4 × 4; two products going back.
            Expect.equal (sizes.Linear(false).Operations) (float (5 * 2 * 4 * 4 * 2)) "layer"
            Expect.equal (sizes.Linear(true).Operations) (float (5 * 2 * 4 * 4 * 2 * 2)) "layer's gradients"
            // Rows in and out, and the weights of three modules.
            Expect.equal (sizes.Linear(false).Bytes) (float (4 * (2 * 10 * 4 + 3 * 4 * 4))) "layer's numbers"
            // 7 images of 4 × 4 windows that read 2 × 3 × 3 numbers; 3 modules of 2 channels at most run for 5 · 2 choices.
            let convolution = ModNet.Kernels.ModularConvolutionSize(7, 2, 8, 8, 2, 3, 2, 1, 3, 2, Times = 5)

            Expect.equal
                (KernelSizes.Convolution(convolution, false).Operations)
                (float (7 * 16 * 18 * 3 * 2 * 2))
                "convolution"

            Expect.equal (sizes.Adam().Bytes) (float (4 * 7 * 3 * 4 * 4)) "Adam's passes"
    ]

[<Tests>]
let reports =
    testSequenced
    <| testList "bench reports" [
        for benchmark in Benchmark.All do
            testInDirectory $"{benchmark.Name} runs without the peer, in small"
            <| fun directory ->
                if benchmark.Name = "ranks" && isNull (RankGroup.Launcher()) then skiptest "there is no mpirun here"

                let report = benchmark.Report(tiny, $"./modnet bench {benchmark.Name}", ignore)
                let path = Path.Combine(directory, "new", "results.json")
                report.Write path

                let rounds = if benchmark.Name = "kernels" then None else Some tiny.Pace.Rounds

                wellFormed benchmark.Name rounds (JsonNode.Parse(File.ReadAllText path))

                for case in report.Cases do
                    let table = ReportTable.Of case

                    for timing in case.Timings do
                        Expect.stringContains table timing.Name "the table has every time"

                    for ratio in case.Ratios do
                        Expect.stringContains table ratio.Name "and every ratio"

        testCase "whoever ends it keeps what was finished"
        <| fun () ->
            let benchmark = Benchmark.All |> Seq.find (fun b -> b.Name = "modular-layer")
            let told = ResizeArray<BenchReport>()
            use stop = new CancellationTokenSource()

            let settings = BenchSettings(Tiny = true, Pace = Pace.Once, Peers = [||], Stop = stop.Token)

            let soFar (report: BenchReport) =
                told.Add report
                stop.Cancel()

            Expect.throwsT<OperationCanceledException>
                (fun () -> benchmark.Report(settings, "", soFar) |> ignore)
                "stopped"

            Expect.equal [ for report in told -> report.Cases.Count, report.Complete ] [ 1, false ] "one case"

        testCase "the E-step's memory is told"
        <| fun () ->
            let report = Benchmark.All |> Seq.find (fun b -> b.Name = "ptb-estep")
            let facts = report.Report(tiny, "", ignore).Cases[0].Facts

            if OperatingSystem.IsLinux() then
                Expect.isGreaterThanOrEqual (number facts "memory_growth_mb") 0.0 "megabytes"

        testCase "a hand-written step is the compiled network's step"
        <| fun () ->
            use compiled = new PtbModel(PtbSizes.Tiny, null)
            use plain = new PtbModel(PtbSizes.Tiny, null)
            use byHand = new HandWrittenMStep(plain)

            for _ in 1..3 do
                compiled.Em.MStep()
                byHand.Run()

            for name in PtbModel.Names do
                let one, other = compiled.Parameter name, plain.Parameter name
                Expect.isLessThan (distance one other) 1e-5 name
                use untouched = new PtbModel(PtbSizes.Tiny, null)
                Expect.isGreaterThan (distance one (untouched.Parameter name)) 1e-4 $"{name} was moved"
    ]

[<Tests>]
let commands =
    testSequenced
    <| testList "bench command" [
        testCase "help names every benchmark"
        <| fun () ->
            let code, said = bench [ "--help" ]
            Expect.equal code 0 "exit code"

            for benchmark in Benchmark.All do
                Expect.stringContains said benchmark.Name "help"

        for words, part in
            [
                [ "ptb-emm" ], "there is no benchmark ptb-emm – did you mean ptb-em?; there are: ptb-em, ptb-mstep"
                [ "ptb-em"; "--threads"; "0" ], "--threads: expected 1 to 1024, got 0"
                [ "ptb-em"; "--threads"; "many" ], "--threads: expected a whole number, got many"
                [ "ptb-em"; "--fast" ], "--fast"
                [ "ptb-em"; "--peer-wait"; "long" ], "--peer-wait: expected active or passive, got long"
                [ "ptb-em"; "--peer"; "pytorsh" ],
                "--peer: expected pytorch, torchsharp or both, got pytorsh – did you mean pytorch?"
                [ "ptb-em"; "--peer"; "both"; "--no-peer" ], "--peer: expected no --no-peer beside it"
                [ "--out"; "x.json" ], "--out: expected one NAME with it"
            ] do
            let command = String.concat " " words

            testCase $"a usage error: {command}"
            <| fun () ->
                let code, said = bench words
                Expect.equal code 2 "exit code"
                Expect.stringContains said part "message"
    ]
