/// What `check` and `train` mean in a script of several experiments, and in one that trains by itself.
module ModNet.Tests.ScriptVerbTests

open System
open System.Diagnostics
open System.IO
open Expecto
open ModNet.Tests.Clone
open ModNet.Tests.Signals

/// A script with three experiments `one`, which differ in K, and these last lines.
let private script (directory: string) (last: string) =
    let load = Path.Combine(root, "notebooks", "modnet.fsx")

    write
        directory
        "several.fsx"
        $"""#load @"{load}"
open ModNet
let one k =
    experiment {{
        net (network $"k{{k}}" {{ features 2; modular {{ modules 3; unit (linear 2); choose k }}; gaussian (variance 0.1) }})
        data (toy_regression {{ }})
        out (System.IO.Path.Combine(@"{directory}", $"k{{k}}"))
        train (em {{ steps 6 }})
    }}
{last}
"""

let private loop = "for k in 1..3 do one k |> Program.main fsi.CommandLineArgs"
let private all = "Program.all fsi.CommandLineArgs [ for k in 1..3 -> one k ]"
let private byItself = "one 1 |> Train.experiment |> ignore"

let private steps (folder: string) = File.ReadAllText(Path.Combine(folder, "state.json"))

[<Tests>]
let tests =
    testList "verbs of scripts" [
        testInDirectory "`check` of a script that calls Program.main in a loop shows every experiment, and trains none"
        <| fun directory ->
            let code, output, errors = modnet [ "check"; script directory loop ]
            Expect.equal code 0 errors

            for k in 1..3 do
                Expect.stringContains output $"k{k}\n" $"experiment {k}"

            Expect.isEmpty (Directory.GetDirectories directory) "no run"

        testInDirectory "`train` of several gives each a folder in --out, and an option concerns them all"
        <| fun directory ->
            let out = Path.Combine(directory, "runs")
            let code, output, errors = modnet [ "train"; script directory all; "--steps"; "4"; "--out"; out ]
            Expect.equal code 0 errors
            Expect.stringContains output "experiment 3 of 3" "which it is at"

            for k in 1..3 do
                Expect.stringContains (steps (Path.Combine(out, $"k{k}"))) "\"step\": 4" $"experiment {k}"

        testInDirectory "`check` of a script that calls Train itself is refused before it trains"
        <| fun directory ->
            refused 1 [ "check"; script directory byItself ] [
                "check: expected a script that leaves training to the command line, got one that calls `Train` itself"
            ]

            Expect.isEmpty (Directory.GetDirectories directory) "no run"

        testInDirectory "so are options that a script which calls Train itself would not obey"
        <| fun directory ->
            refused 1 [ "train"; script directory byItself; "--steps"; "2" ] [
                "--steps 2: expected a script that reads options"
            ]

        testInDirectory "a script that declares nothing is no success"
        <| fun directory ->
            let path = script directory ""
            refused 1 [ "train"; path ] [ path; "got one that gives none to the command line"; "Program.main" ]

        testInDirectory "options that no experiment has a use for are mistakes, and so is a folder for two runs"
        <| fun directory ->
            let path = script directory loop
            refused 2 [ "train"; path; "--data"; "/nonexistent" ] [ "--data: this experiment reads no data from files" ]
            refused 2 [ "check"; path; "--vocab"; "5" ] [ "--vocab: this experiment reads no text" ]

            refused 1 [ "check"; path; "--out"; Path.Combine(directory, "one") ] [
                "expected a folder of its own for each experiment of the script"
            ]

        testInDirectory "where ./modnet is killed, the script's process ends with a checkpoint, and frees its folder"
        <| fun directory ->
            let path = script directory "{ one 1 with ValidateEvery = 1_000_000 } |> Program.main fsi.CommandLineArgs"
            use running = start [ "train"; path; "--steps"; "1000000" ]
            let folder = Path.Combine(directory, "k1")
            let clock = Stopwatch.StartNew()

            let until (condition: unit -> bool) what =
                while not (condition ()) do
                    if clock.Elapsed > TimeSpan.FromMinutes 2.0 then failtest what
                    Threading.Thread.Sleep 50

            let metrics = Path.Combine(folder, "metrics.jsonl")
            until (fun () -> File.Exists metrics && (FileInfo metrics).Length > 0L) "it does not begin"
            send Signal.Kill running
            running.WaitForExit()
            until (fun () -> File.Exists(Path.Combine(folder, "summary.json"))) "it goes on"
            until (fun () -> not (File.Exists(Path.Combine(folder, "run.lock")))) "the folder stays locked"
            Expect.isTrue (File.Exists(Path.Combine(folder, "checkpoint.safetensors"))) "a checkpoint"
    ]
