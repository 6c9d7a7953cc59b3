/// A sweep as a user starts it: side by side in processes, stopped, and gone on with.
module ModNet.Tests.SweepVerbTests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open System.Threading
open Expecto
open ModNet.Tests.Clone
open ModNet.Tests.Signals

/// A script that sweeps over three seeds, and has a setting of its own.
let private script (directory: string) =
    let load = Path.Combine(root, "notebooks", "modnet.fsx")

    write
        directory
        "seeds.fsx"
        $"""#load @"{load}"
open ModNet
let script = Script fsi.CommandLineArgs
let choose' = script.Int("choose", 1, "modules that are chosen (K)")
sweep "seeds" [
    for chance in 1..3 ->
        experiment {{
            net (network "toy" {{ features 2; modular {{ modules 3; unit (linear 2); choose choose' }}; gaussian (variance 0.1) }})
            data (toy_regression {{ }})
            train (em {{ steps 400 }})
            seed chance
        }}
]
|> script.RunSweep
"""

/// The log of a run without the clock.
let private log (folder: string) = [
    for line in File.ReadAllLines(Path.Combine(folder, "metrics.jsonl")) do
        Regex.Replace(line, "\"seconds\":[^,}]*", "")
]

let private runs = [ for chance in 1..3 -> $"seed-{chance}" ]

[<Tests>]
let tests =
    testList "sweeps as they are started" [
        testInDirectory "a sweep that is stopped goes on by --resume, and ends as one that never was"
        <| fun directory ->
            let script = script directory
            let parts, whole = Path.Combine(directory, "parts"), Path.Combine(directory, "whole")

            // So many that the first two are still at work when the second of them has begun.
            let steps = 1_200

            let words (out: string) (jobs: int) = [
                "train"
                script
                "--steps"
                string steps
                "--out"
                out
                "--jobs"
                string jobs
                "--threads"
                "1"
            ]

            use running = start (words parts 2)
            let clock = Stopwatch.StartNew()
            let begun () = runs |> List.filter (fun run -> File.Exists(Path.Combine(parts, run, "metrics.jsonl")))

            while (begun ()).Length < 2 do
                if running.HasExited || clock.Elapsed > TimeSpan.FromMinutes 2.0 then
                    failtest $"{running.StandardOutput.ReadToEnd()}{running.StandardError.ReadToEnd()}"

                Thread.Sleep 50

            send Signal.Terminate running
            let output = running.StandardOutput.ReadToEnd()
            running.WaitForExit()
            Expect.equal running.ExitCode 130 $"{output}{running.StandardError.ReadToEnd()}"
            Expect.stringContains output "3 runs in" "what begins"
            Expect.stringContains output "2 side by side, with 1 thread each" "how"
            Expect.stringContains output "interrupted" "the table"
            Expect.stringContains output "not begun" "the third"
            Expect.stringContains output "--resume" "how to go on"
            Expect.equal (begun ()).Length 2 "two were begun, side by side"

            let went (words: string list) =
                let code, output, errors = modnet words
                Expect.equal code 0 $"{output}{errors}"
                output

            let output = went (words parts 2 @ [ "--resume" ])
            Expect.stringContains output "3 of 3 finished" "progress"
            went (words whole 1) |> ignore

            for run in runs do
                Expect.equal (log (Path.Combine(parts, run))) (log (Path.Combine(whole, run))) run

            let code, listed, errors = CommandHost.modnet [ "runs"; parts ]
            Expect.equal code 0 errors

            for run in runs do
                Expect.stringContains listed run "the list of runs"

        testInDirectory "`check` of a sweep shows what the runs have in common once, and all mistakes of all runs"
        <| fun directory ->
            let script = script directory
            let code, output, errors = modnet [ "check"; script ]
            Expect.equal code 0 errors
            Expect.equal (Regex.Matches(output, "training method").Count) 1 "once"

            for run in runs do
                Expect.stringContains output $"{run}  " "every run in the table"

            Expect.isEmpty (Directory.GetDirectories directory) "nothing is trained"
            refused 1 [ "check"; script; "--choose"; "4" ] [ "choose: expected K ≤ M = 3, got K = 4" ]

            refused 1 [ "train"; script; "--seed"; "1" ] [
                "expected experiments that differ, got numbers 1 and 2 and 3"
            ]

            refused 2 [ "train"; script; "--jobs"; "0" ] [ "--jobs: expected at least 1, got 0" ]
    ]
