/// Runs the tests with Expecto: those whose full name contains the first argument, or all; what follows are Expecto's options.
/// Prints failures when they happen, every so often how far it is, in the end what was counted and `N passed, N failed`.
/// With `--list-tests` it lists the names of tests; with `--write-messages` it writes docs/messages.md; both run nothing.
///
/// The whole suite takes two processes, which run one list of tests after the other until none is left: this one, which prints what comes of all,
/// and a second, started with `--second`. What aims at a moment of another process runs last, alone.
module ModNet.Tests.Main

open System
open System.IO
open System.Threading
open Expecto
open Expecto.Impl
open ModNet.Tests.Event

/// Where, if anywhere, the name of the test that runs is kept, for whoever finds this process dead.
let private keep =
    match Environment.GetEnvironmentVariable "MODNET_RUNNING" with
    | null
    | "" -> ignore
    | path -> fun (name: string) -> File.WriteAllText(path, name)

/// Expecto buffers what is written to the console; this is not buffered.
let private say =
    let output = Console.Out
    fun (line: string) -> lock output (fun () -> output.WriteLine line)

let private indented (text: string) = String.Join("\n", [ for line in text.Trim('\n').Split '\n' -> "    " + line ])

/// What is said while tests run, how far they are, and what came of them.
type private Progress(total: int) =
    let running = Collections.Concurrent.ConcurrentDictionary<int, string>()
    let durations = Collections.Concurrent.ConcurrentBag<string * TimeSpan>()
    let counts = Collections.Concurrent.ConcurrentQueue<Tally.Count>()
    let mutable passed, skipped, failed = 0, 0, 0

    /// Takes what happens in one of the processes.
    member _.Take (place: int) (event: Event) =
        match event with
        | Began test -> running[place] <- test
        | Passed(test, took) ->
            Interlocked.Increment &passed |> ignore
            durations.Add(test, took)
        | Skipped(test, reason) ->
            Interlocked.Increment &skipped |> ignore
            say $"skipped: {test}: {reason}"
        | Failed(test, what, took) ->
            Interlocked.Increment &failed |> ignore
            say $"failed: {test} ({took.TotalSeconds:F1} s)\n{indented what}\n"
        | Counted count -> counts.Enqueue count
        | Asked -> ()
        | Ended -> running.TryRemove place |> ignore

    member _.Say() =
        let running = running.Values |> String.concat "; "
        say $"{passed + skipped + failed} of {total} tests done; running: {running}"

    member _.Passed = passed
    member _.Skipped = skipped
    member _.Failed = failed
    member _.Counts = List.ofSeq counts

    /// The tests that took longest, of those that passed.
    member _.Slowest(count: int) = durations |> Seq.sortByDescending snd |> Seq.truncate count |> Seq.toList

    /// The lists of tests that took longest, by the sum of what their tests took.
    member _.SlowestLists(count: int) =
        durations
        |> Seq.groupBy (fun (name, _) -> name[.. name.IndexOf '/' - 1])
        |> Seq.map (fun (list, tests) ->
            list, Seq.length tests, tests |> Seq.sumBy (fun (_, took) -> took.TotalSeconds))
        |> Seq.sortByDescending (fun (_, _, seconds) -> seconds)
        |> Seq.truncate count
        |> Seq.toList

/// Runs tests and tells what happens: Expecto's exit code, and whether Expecto ran them, as it does unless its options say
/// otherwise.
let private run (take: Event -> unit) (options: string list) (tests: Test) : int * bool =
    let tell event = async { take event }
    let mutable ran = false

    let printer = {
        TestPrinters.silent with
            beforeEach = fun name _ -> tell (Began name)
            passed = fun name took -> tell (Passed(name, took))
            ignored = fun name reason -> tell (Skipped(name, reason))
            failed = fun name message took -> tell (Failed(name, message, took))
            exn = fun name error took -> tell (Failed(name, string error, took))
    }

    let code =
        runTestsWithCLIArgs
            [
                // One test at a time: live tensors are counted, and that count is the process's.
                CLIArguments.Sequenced
                CLIArguments.No_Spinner
                CLIArguments.JoinWith "/"
                if Console.IsOutputRedirected then CLIArguments.Colours 0
                CLIArguments.Printer printer
                CLIArguments.Append_Summary_Handler(SummaryHandler(fun _ -> ran <- true))
            ]
            (Array.ofList options)
            tests

    code, ran

let private all () = testFromThisAssembly () |> Option.defaultValue (testList "" [])

let private namesOf (tests: Test list) = [
    for test in List.collect Test.toTestCodeList tests -> String.concat "/" test.name
]

let private only (chosen: string -> bool) = Test.filter "/" (String.concat "/" >> chosen)

/// The tests that aim at a moment of another process, or look at what a clock brings about: another process may keep them from it.
let private alone = lazy (Set(namesOf [ KillTests.tests; LiveProgressTests.tests ]))

/// What asks the F# compiler is for one process, since to start a session of it takes seconds; both processes share in the rest.
let private ofFirst = lazy (Set(namesOf [ ScriptTests.tests; DiagnosticCases.tests; SnippetTests.tests ]))

/// The lists that take longest, some of them by waiting for other programs, and that would come late. They come first, so that the end finds neither
/// process with a long one while the other has nothing left to do.
let private longest =
    lazy (Set(namesOf [ PackageTests.tests; LookTests.tests; ResumeTests.tests; LastingTests.tests ]))

let private isAlone name = alone.Value.Contains name
let private isOfFirst name = ofFirst.Value.Contains name
let private isShared name = not (isAlone name || isOfFirst name)

/// The list that a test is in, by the test's full name.
let private listOf (name: string) = name.Split('/')[0]

/// What both processes share of a list.
let private shared (list: string) = only (fun name -> listOf name = list && isShared name)

let private runSecond () =
    let tell event = say (line event)
    let tests = all ()

    let codes = [
        for list in Second.lists tell do
            let code, ran = tests |> shared list |> run tell []
            if ran then code else max code 1
    ]

    for count in Tally.all () do
        tell (Counted count)

    tell Ended
    List.fold max 0 codes

/// The whole suite: each process takes one list of tests after the other from what is left.
let private runInTwo (progress: Progress) (here: Event -> unit) (tests: Test) : int * bool =
    let left = Collections.Concurrent.ConcurrentQueue<string>()

    namesOf [ tests ]
    |> List.filter isShared
    |> List.sortBy (fun name -> not (longest.Value.Contains name))
    |> List.map listOf
    |> List.distinct
    |> List.iter left.Enqueue

    let next () =
        match left.TryDequeue() with
        | true, list -> Some list
        | _ -> None

    use second =
        new Second.Process(
            Environment.ProcessPath,
            [ Reflection.Assembly.GetExecutingAssembly().Location; "--second" ],
            next,
            progress.Take 2,
            say
        )

    let rec rest (code, ran) =
        match next () with
        | None -> code, ran
        | Some list ->
            let last, ranLast = tests |> shared list |> run here []
            rest (max code last, ran && ranLast)

    let code, ran = tests |> only isOfFirst |> run here [] |> rest
    here Ended
    second.Wait()
    let last, ranLast = tests |> only isAlone |> run here []
    max code last, ran && ranLast

let private runTests (args: string array) =
    let words, options =
        match List.ofArray args with
        | words :: options when not (words.StartsWith '-') -> words, options
        | options -> "", options

    let tests = all () |> only (fun name -> name.Contains(words, StringComparison.OrdinalIgnoreCase))

    let progress = Progress(Test.toTestCodeList tests |> List.length)

    let here event =
        match event with
        | Began name -> keep name
        | _ -> ()

        progress.Take 1 event

    let code, ran =
        use _ = new Timer((fun _ -> progress.Say()), null, 20_000, 20_000)

        if words = "" && options.IsEmpty && Environment.ProcessorCount > 1 then
            runInTwo progress here tests
        else
            run here options tests

    // Options that only list tests, or tests that Expecto refuses to run.
    if not ran then
        code
    else
        for line in Tally.table (Tally.all () @ progress.Counts) do
            say line

        // So that whoever adds a test sees where the time goes.
        for list, tests, seconds in progress.SlowestLists 10 do
            say $"slow list: {seconds:F1} s in {tests} tests: {list}"

        for name, took in progress.Slowest 10 do
            say $"slow: {took.TotalSeconds:F1} s: {name}"

        if progress.Passed + progress.Failed = 0 then say "no test ran"

        let skips = if progress.Skipped = 0 then "" else $", {progress.Skipped} skipped"

        say $"{progress.Passed} passed, {progress.Failed} failed{skips}"

        if progress.Failed = 0 && progress.Passed > 0 then code else 1

[<EntryPoint>]
let main args =
    // Most of what tests start lives for seconds, in which code that counts how it is used, to be compiled better later, only costs: a fifth of the
    // time that a script takes to start.
    Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0")
    // Nor should a thread that waits for its like take a core from the other process.
    Environment.SetEnvironmentVariable("OMP_WAIT_POLICY", "PASSIVE")
    // A script of a test runs once or twice, and to compile it for later runs takes as long as two of them.
    Environment.SetEnvironmentVariable(ModNet.Cli.CompiledScript.variable, "off")

    match args with
    | [| "--write-messages" |] ->
        MessagePage.write ()
        0
    | [| "--second" |] -> runSecond ()
    | [| "--commands" |] -> CommandHost.serve ()
    | [| "--hold"; path |] -> LockHolder.hold path
    | _ when Array.tryHead args = Some ExampleScripts.word -> ExampleScripts.run (List.ofArray args[1..])
    | _ -> runTests args
