/// Runs that are killed, or that the disk fails, as a user starts them.
module ModNet.Tests.KillTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open System.Threading
open Expecto
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.Signals

/// A checkpoint after every step: much of the time goes into writing them.
let private words (out: string) (steps: int) (every: int) = [
    "demo"
    "--resume"
    "--threads"
    "1"
    "--steps"
    string steps
    "--checkpoint-every"
    string every
    "--validate-every"
    "50"
    "--out"
    out
]

let private newest (out: string) = Path.Combine(out, "checkpoint.safetensors")

let private reads (path: string) =
    scoped
    <| fun () ->
        try
            let stored = Safetensors.Read path
            Some(stored["run.step"].item<int64>())
        with :? UserException ->
            None

/// Weights, a*, optimiser and streams, but not the clock; and metrics without it.
let private leftIn (out: string) =
    let tensors = Learned.tensorsIn (newest out)
    let metrics = Learned.metricsOf out

    List.sort tensors, metrics

let private finishes (words: string list) =
    let code, output, errors = modnet words
    Expect.equal code 0 $"{output}{errors}"
    output

let private until (running: Process) (condition: unit -> bool) =
    let clock = Stopwatch.StartNew()

    while not (condition ()) do
        if running.HasExited then
            failtest $"ended by itself: {running.StandardOutput.ReadToEnd()}{running.StandardError.ReadToEnd()}"

        if clock.Elapsed > TimeSpan.FromMinutes 2.0 then failtest "nothing happens"

        Thread.SpinWait 200

/// Kills the run at a random moment; every other time while a checkpoint is being written. Whether it was.
let private killOnce (random: Random) (turn: int) (out: string) (steps: int) : bool =
    use running = start (words out steps 1)

    let before = if File.Exists(newest out) then File.GetLastWriteTimeUtc(newest out) else DateTime.MinValue
    // A step on, at least: so that a chain of kills gets somewhere.
    until running (fun () -> File.Exists(newest out) && File.GetLastWriteTimeUtc(newest out) <> before)
    let unfinished = $"{newest out}.{Environment.MachineName}-{running.Id}.partial"

    if turn % 2 = 0 then
        until running (fun () -> File.Exists unfinished)
        Thread.SpinWait(random.Next 2_000)
    else
        Thread.Sleep(random.Next 60)

    send Signal.Kill running
    running.WaitForExit()
    Expect.equal running.ExitCode (128 + int Signal.Kill) "killed, and not ended before"
    File.Exists unfinished

let private killedAndResumed (kills: int) (steps: int) =
    inDirectory
    <| fun directory ->
        let whole, parts = Path.Combine(directory, "whole"), Path.Combine(directory, "parts")

        let random = Random 20261121
        let mutable writing = 0
        let mutable lastStep = 0L

        for turn in 1..kills do
            if killOnce random turn parts steps then writing <- writing + 1

            Expect.isTrue (File.Exists(newest parts)) "the newest has its name at every moment"

            let present =
                [
                    newest parts
                    let before = Path.Combine(parts, "checkpoints")

                    if Directory.Exists before then yield! Directory.GetFiles before
                ]
                |> List.map reads

            Expect.isNonEmpty present "a checkpoint"
            Expect.isFalse (List.contains None present) "all are whole"
            let step = present |> List.choose id |> List.max
            Expect.isTrue (step >= lastStep) "nothing before the last checkpoint is lost"
            lastStep <- step

        Expect.isTrue (lastStep < int64 steps) "there was something left to do"
        finishes (words parts steps 1_000) |> ignore
        finishes (words whole steps 1_000) |> ignore
        let tensors, metrics = leftIn parts
        let wholeTensors, wholeMetrics = leftIn whole
        Expect.equal tensors wholeTensors "bit for bit"
        Expect.equal metrics wholeMetrics "the same lines of metrics"
        Expect.isEmpty (Directory.GetFiles(parts, "*.partial")) "nothing unfinished is left"
        Expect.isTrue (writing > 0) "some kills came while a checkpoint was being written"

        Tally.note
            "kills"
            $"{kills} of {kills} survived over {steps} steps, {writing} of them while a checkpoint was being written"

/// Does the action in a small file system of its own; skips the test where none can be mounted.
let private onSmallDisk (size: string) (action: string -> (string -> unit) -> unit) =
    inDirectory
    <| fun directory ->
        let mount (words: string list) =
            let info = ProcessStartInfo("mount", RedirectStandardError = true)
            words |> List.iter info.ArgumentList.Add

            try
                use running = Process.Start info
                running.WaitForExit()
                running.ExitCode = 0
            with :? ComponentModel.Win32Exception ->
                false

        let remount (way: string) = Expect.isTrue (mount [ "-o"; $"remount,{way}"; directory ]) way

        if not (mount [ "-t"; "tmpfs"; "-o"; $"size={size}"; "tmpfs"; directory ]) then
            skiptest "no file system can be mounted here"

        try
            action directory remount
        finally
            use unmount = Process.Start("umount", directory)
            unmount.WaitForExit()

let private stopsBy (name: string) (signal: Signal) =
    testInDirectory $"{name} finishes the step, saves, says how to go on, and the run then ends as one that went on"
    <| fun directory ->
        let whole, parts = Path.Combine(directory, "whole"), Path.Combine(directory, "parts")

        use running = start (words parts 400 10)
        until running (fun () -> File.Exists(newest parts))
        send signal running
        let output = running.StandardOutput.ReadToEnd()
        let errors = running.StandardError.ReadToEnd()
        running.WaitForExit()
        Expect.equal running.ExitCode 130 errors

        let told =
            Regex.Match(output, "stopped after ([0-9,]+) of 400 steps; the checkpoint holds them: to go on, (.*)")

        Expect.isTrue told.Success output
        Expect.equal told.Groups[2].Value (String.concat " " ("./modnet" :: words parts 400 10)) "how to go on"

        Expect.equal (reads (newest parts)) (Some(Int64.Parse(told.Groups[1].Value.Replace(",", "")))) "what is saved"

        finishes (words parts 400 10) |> ignore
        finishes (words whole 400 10) |> ignore
        Expect.equal (leftIn parts) (leftIn whole) "bit for bit"

[<Tests>]
let tests =
    testSequenced
    <| testList "runs that are killed" [
        testCase "a run killed at 20 random moments ends as one that was not" <| fun () -> killedAndResumed 20 1_500

        if Environment.GetEnvironmentVariable "MODNET_LONG" = "1" then
            testCase "a run killed at 200 random moments ends as one that was not"
            <| fun () -> killedAndResumed 200 15_000

        stopsBy "Ctrl-C" Signal.Interrupt
        stopsBy "SIGTERM" Signal.Terminate

        testCase "a disk that fills up is one clear message, checkpoints whole, and the run goes on when there is room"
        <| fun () ->
            onSmallDisk "600k"
            <| fun disk remount ->
                let out = Path.Combine(disk, "run")
                // Metrics and checkpoints of so many steps do not fit.
                let words = words out 2_000 5 @ [ "--log-every"; "1" ]
                refused 1 words [ "a file that can be written"; "No space left on device" ]
                let step = reads (newest out)
                Expect.isSome step "the last checkpoint is whole"
                remount "size=40m"
                finishes words |> ignore
                let whole = Path.Combine(disk, "whole")

                finishes (words |> List.map (fun word -> if word = out then whole else word)) |> ignore

                Expect.equal (leftIn out) (leftIn whole) "bit for bit"

        testCase "a folder that cannot be written is one clear message"
        <| fun () ->
            onSmallDisk "40m"
            <| fun disk remount ->
                let out = Path.Combine(disk, "run")
                finishes (words out 20 10) |> ignore
                let before = File.ReadAllBytes(newest out)
                remount "ro"
                refused 1 (words out 40 10) [ out; "a folder that can be written"; "Read-only file system"; "--out" ]
                refused 1 [ "demo"; "--out"; out ] [ out; "a folder that can be written"; "Read-only file system" ]
                Expect.equal (File.ReadAllBytes(newest out)) before "the checkpoint is as it was"

        testInDirectory "a script that has not come to its experiment ends with ./modnet, by SIGKILL and by SIGINT"
        <| fun directory ->
            let begun = Path.Combine(directory, "begun")
            let load = Path.Combine(root, "notebooks", "modnet.fsx")

            let script =
                write
                    directory
                    "slow.fsx"
                    $"""#load @"{load}"
System.IO.File.WriteAllText(@"{begun}.part", string System.Environment.ProcessId)
System.IO.File.Move(@"{begun}.part", @"{begun}")
System.Threading.Thread.Sleep 300_000
"""

            for verb, signal in [ "check", Signal.Kill; "check", Signal.Interrupt; "notebook", Signal.Interrupt ] do
                File.Delete begun
                use running = start [ verb; script ]
                let clock = Stopwatch.StartNew()

                while not (File.Exists begun) do
                    if running.HasExited || clock.Elapsed > TimeSpan.FromMinutes 2.0 then
                        failtest $"{running.StandardOutput.ReadToEnd()}{running.StandardError.ReadToEnd()}"

                    Thread.Sleep 20

                let own = Path.Combine("/proc", File.ReadAllText begun)
                send signal running
                Expect.isTrue (running.WaitForExit 60_000) $"{verb} ends"
                if signal = Signal.Interrupt then Expect.equal running.ExitCode 130 $"{verb}: as shells tell of SIGINT"

                while Directory.Exists own && clock.Elapsed < TimeSpan.FromMinutes 4.0 do
                    Thread.Sleep 20

                Expect.isFalse (Directory.Exists own) $"{verb}: its script is gone"

            Expect.isFalse (File.Exists(Path.Combine(directory, "slow.ipynb"))) "no notebook"
            Expect.hasLength (Directory.GetFiles(directory, "*.fsx")) 1 "no copy of the script"

        testInDirectory "a second run in the same folder is refused"
        <| fun directory ->
            let out = Path.Combine(directory, "run")
            use running = start (words out 100_000 10)
            until running (fun () -> File.Exists(newest out))
            refused 1 [ "demo"; "--out"; out ] [ out; "a folder that no run is at work in"; $"process {running.Id}" ]
            refused 1 (words out 100 10) [ out; "a folder that no run is at work in" ]
            send Signal.Kill running
            running.WaitForExit()
            Expect.isSome (reads (newest out)) "the first run's checkpoint is whole"
    ]
