/// A second process, which runs some of the tests beside this one and tells of them on its standard output.
module ModNet.Tests.Second

open System
open System.Collections.Concurrent
open System.Diagnostics
open System.IO
open System.Threading
open ModNet.Tests.Event

/// What the second process is told on its standard input: the name of a list of tests, or that there is none left.
let private none = ""

/// The name of the next list of tests for this process, which asks the first one by an event; None where there is none left. That the standard
/// input ends says that the first process is gone, however that came, and then this one must not go on, even amid a test.
let lists (tell: Event -> unit) : string seq =
    let told = new BlockingCollection<string>()

    let listen () =
        use input = new StreamReader(Console.OpenStandardInput())

        let rec next () =
            match input.ReadLine() with
            | null -> Environment.Exit 130
            | line ->
                told.Add line
                next ()

        next ()

    Thread(listen, IsBackground = true).Start()

    Seq.unfold
        (fun () ->
            tell Asked

            match told.Take() with
            | list when list = none -> None
            | list -> Some(list, ()))
        ()

/// Starts a program, tells it of a list of tests whenever it asks for one, and takes events and other lines as they come, each from one thread.
type Process(program: string, words: string list, next: unit -> string option, take: Event -> unit, say: string -> unit)
    =
    let mutable running = ""
    let mutable ended = false

    let started =
        let start = ProcessStartInfo(program, words, RedirectStandardInput = true, RedirectStandardOutput = true)

        // That file is for the first process's tests.
        start.Environment.Remove "MODNET_RUNNING" |> ignore
        Diagnostics.Process.Start start

    let tellNext () =
        try
            started.StandardInput.WriteLine(next () |> Option.defaultValue none)
            started.StandardInput.Flush()
        with :? IOException ->
            // It is gone already, which is told when it is waited for.
            ()

    let takeLine (line: string) =
        match read line with
        | said, event ->
            if said <> "" || event.IsNone then say said

            match event with
            | Some Asked -> tellNext ()
            | Some Ended -> ended <- true
            | Some(Began test) -> running <- test
            | _ -> ()

            Option.iter take event

    do
        started.OutputDataReceived.Add(fun line -> if not (isNull line.Data) then takeLine line.Data)
        started.BeginOutputReadLine()

    member _.Id = started.Id

    /// Waits until it has ended; a process that ends before its tests do is a failure, too.
    member _.Wait() =
        started.WaitForExit()

        if not ended then
            let last = if running = "" then "none" else running

            take (
                Failed(
                    "the second process of tests",
                    $"it ended with exit code {started.ExitCode} before it was done; the last test that it began: {last}",
                    TimeSpan.Zero
                )
            )

    interface IDisposable with
        member _.Dispose() =
            started.Kill true
            started.WaitForExit()
            started.Dispose()
