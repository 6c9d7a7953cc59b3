/// Runs the tests with Expecto: those whose full name contains the first argument, or all; what follows are Expecto's options.
/// Prints failures when they happen, every so often how far it is, in the end what was counted and `N passed, N failed`.
/// With `--list-tests` it lists the names of tests; with `--write-messages` it writes docs/messages.md; both run nothing.
module ModNet.Tests.Main

open System
open System.IO
open System.Threading
open Expecto
open Expecto.Impl

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

/// What is said while tests run, and how far they are.
type private Progress(total: int) =
    let mutable ended = 0
    let mutable running = ""
    let durations = Collections.Concurrent.ConcurrentBag<string * TimeSpan>()

    let failed (name: string) (what: string) (took: TimeSpan) =
        say $"failed: {name} ({took.TotalSeconds:F1} s)\n{indented what}\n"

    let ending () = Interlocked.Increment &ended |> ignore

    let after action =
        async {
            ending ()
            action ()
        }

    member _.Say() = say $"{ended} of {total} tests done; running: {running}"

    /// The tests that took longest, of those that passed.
    member _.Slowest(count: int) = durations |> Seq.sortByDescending snd |> Seq.truncate count |> Seq.toList

    member _.Printer = {
        TestPrinters.silent with
            beforeEach =
                fun name _ ->
                    async {
                        running <- name
                        keep name
                    }
            passed = fun name took -> after (fun () -> durations.Add(name, took))
            ignored = fun name reason -> after (fun () -> say $"skipped: {name}: {reason}")
            failed = fun name message took -> after (fun () -> failed name message took)
            exn = fun name error took -> after (fun () -> failed name (string error) took)
    }

let private runTests (args: string array) =
    let words, options =
        match List.ofArray args with
        | words :: options when not (words.StartsWith '-') -> words, options
        | options -> "", options

    let tests =
        testFromThisAssembly ()
        |> Option.defaultValue (testList "" [])
        |> Test.filter "/" (fun name -> (String.concat "/" name).Contains(words, StringComparison.OrdinalIgnoreCase))

    let progress = Progress(Test.toTestCodeList tests |> List.length)
    let mutable summary = None

    let code =
        use _ = new Timer((fun _ -> progress.Say()), null, 20_000, 20_000)

        runTestsWithCLIArgs
            [
                // One test at a time: live tensors are counted, and that count is the process's.
                CLIArguments.Sequenced
                CLIArguments.No_Spinner
                CLIArguments.JoinWith "/"
                if Console.IsOutputRedirected then CLIArguments.Colours 0
                CLIArguments.Printer progress.Printer
                CLIArguments.Append_Summary_Handler(SummaryHandler(fun run -> summary <- Some run))
            ]
            (Array.ofList options)
            tests

    match summary with
    // Options that only list tests, or tests that Expecto refuses to run.
    | None -> code
    | Some run ->
        for line in Tally.table (Tally.all ()) do
            say line

        // So that whoever adds a test sees where the time goes.
        for name, took in progress.Slowest 10 do
            say $"slow: {took.TotalSeconds:F1} s: {name}"

        let passed, skipped = run.passed.Length, run.ignored.Length
        let failed = run.failed.Length + run.errored.Length

        if passed + failed = 0 then say "no test ran"

        let skips = if skipped = 0 then "" else $", {skipped} skipped"
        say $"{passed} passed, {failed} failed{skips}"
        if failed = 0 && passed > 0 then code else 1

[<EntryPoint>]
let main args =
    match args with
    | [| "--write-messages" |] ->
        MessagePage.write ()
        0
    | _ -> runTests args
