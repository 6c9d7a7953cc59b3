/// A second process, which runs some of the tests beside this one and tells of them on its standard output.
module ModNet.Tests.Second

open System
open System.Diagnostics
open System.Threading
open ModNet.Tests.Event

/// Nothing is ever written to the standard input of the second process: that it ends says that the first process is gone,
/// however that came, and then the second must not go on.
let endWithTheFirst () =
    let watch () =
        use input = Console.OpenStandardInput()

        while input.ReadByte() >= 0 do
            ()

        Environment.Exit 130

    Thread(watch, IsBackground = true).Start()

/// Starts a program, and takes events and other lines as they come, each from one thread.
type Process(program: string, words: string list, take: Event -> unit, say: string -> unit) =
    let mutable running = ""
    let mutable ended = false

    let started =
        let start = ProcessStartInfo(program, words, RedirectStandardInput = true, RedirectStandardOutput = true)

        // That file is for the first process's tests.
        start.Environment.Remove "MODNET_RUNNING" |> ignore
        Diagnostics.Process.Start start

    let takeLine (line: string) =
        match read line with
        | said, event ->
            if said <> "" || event.IsNone then say said

            match event with
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
