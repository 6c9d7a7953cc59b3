module ModNet.Tests.EndToEndTests

open System
open System.Diagnostics
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Notebooks
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.Signals

let private lines (folder: string) =
    File.ReadAllLines(Path.Combine(folder, "metrics.jsonl"))
    |> Array.map (fun line -> JsonNode.Parse(line).AsObject())

let private ofPhase (phase: string) (lines: JsonObject[]) =
    lines |> Array.filter (fun line -> line["phase"].GetValue<string>() = phase)

let private number (node: JsonNode) (name: string) = node[name].GetValue<float>()

let private summary (folder: string) = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json"))).AsObject()

let private hasRunFiles (folder: string) =
    for file in [ "spec.json"; "metrics.jsonl"; "summary.json"; "checkpoint.safetensors"; "state.json"; "report.html" ] do
        Expect.isTrue (File.Exists(Path.Combine(folder, file))) $"{file} is there"

    Expect.isEmpty (Directory.GetFiles(folder, "*.partial")) "nothing half-written"
    let report = File.ReadAllText(Path.Combine(folder, "report.html"))
    let first = report.IndexOf("<h2>", StringComparison.Ordinal)
    Expect.stringStarts (report.Substring first) "<h2>Architecture</h2>" "the report's first section"
    Expect.stringContains report "<g data-layer=" "a drawing of the network"

/// A text with a grammar: a word of three classes is followed by one of the next class.
let private corpus (directory: string) (lines: int) =
    let random = Random 1

    let word c = $"{[| 'a'; 'b'; 'c' |][c]}{random.Next 4}"

    for part, count in [ "train", lines; "valid", lines / 10; "test", lines / 10 ] do
        let text = [ for _ in 1..count -> String.concat " " [ for i in 0..8 -> word (i % 3) ] ]
        File.WriteAllLines(Path.Combine(directory, $"toy.{part}.txt"), text)

/// A script in the directory, which loads ModNet as notebooks do.
let private scriptOf (directory: string) (name: string) (body: string) =
    let load = Path.Combine(root, "notebooks", "modnet.fsx")
    write directory $"{name}.fsx" $"#load @\"{load}\"\nopen ModNet\n{body}"

[<Tests>]
let jobs =
    testSequenced
    <| testList "main jobs" [
        testInDirectory "the toy regression, short, leaves a whole run folder"
        <| fun directory ->
            let out = Path.Combine(directory, "toy")

            let code, output, errors = modnet [ "demo"; "--steps"; "150"; "--seed"; "2"; "--out"; out ]

            Expect.equal code 0 errors
            Expect.stringContains output "agreement of module and component" "the verdict"
            hasRunFiles out
            let seen = summary out
            Expect.equal (number seen "steps") 150.0 "steps"
            Expect.isTrue (number seen "agreement" >= 0.5) "agreement is a share of the held-out points"
            let train = lines out |> ofPhase "train"
            Expect.isLessThan (number (Array.last train) "loss") (number train[0] "loss") "the loss falls"
            let spec = File.ReadAllText(Path.Combine(out, "spec.json"))

            let expected = { Toy.run with Seed = 2; Out = Some out }

            match Experiment.of_json spec with
            | Ok experiment ->
                Expect.equal { experiment with Method = expected.Method } expected "the spec is the experiment"
            | Error e -> failtest $"spec.json cannot be read: {e}"

        testInDirectory "a language model, small, from a script, learns a grammar"
        <| fun directory ->
            corpus directory 300
            let out = Path.Combine(directory, "run")

            let code, output, errors =
                modnet [
                    "train"
                    Path.Combine(root, "notebooks", "ptb.fsx")
                    "--data"
                    directory
                    "--modules"
                    "3"
                    "--steps"
                    "60"
                    "--validate-every"
                    "30"
                    "--out"
                    out
                ]

            Expect.equal code 0 $"{output}{errors}"
            hasRunFiles out
            let seen = summary out
            Expect.isTrue (seen["finished"].GetValue<bool>()) "finished"

            let validation = lines out |> ofPhase "validation" |> Array.map (fun l -> number l "perplexity")

            Expect.equal validation.Length 3 "at the start, on the way and at the end"
            Expect.isLessThan (Array.last validation) validation[0] "validation perplexity falls"

            Expect.equal
                (number seen["test"] "perplexity")
                (number (lines out |> ofPhase "test" |> Array.last) "perplexity")
                "test"

            Expect.stringContains output "test perplexity" "and is printed"

        testInDirectory "the toy's data train a network of no choice, and one of several"
        <| fun directory ->
            for name, layers in
                [
                    "plain", "linear 2"
                    "several",
                    "modular { modules 3; unit (linear 2); choose 2 }\n        modular { modules 2; unit (linear 2) }"
                ] do
                let path = Path.Combine(directory, $"{name}.fsx")
                let load = Path.Combine(root, "notebooks", "modnet.fsx")
                let out = Path.Combine(directory, name)

                File.WriteAllText(
                    path,
                    $"#load @\"{load}\"\nopen ModNet\n"
                    + $"let mine =\n    network \"{name}\" {{\n        features 2\n        {layers}\n        gaussian (variance 1.0)\n    }}\n"
                    + "experiment { net mine; data (toy_regression { }); train (em { steps 20 }) } |> Program.main fsi.CommandLineArgs"
                )

                let code, _, errors = modnet [ "train"; path; "--out"; out ]
                Expect.equal code 0 errors
                hasRunFiles out
                Expect.isGreaterThan (number (summary out) "held_out_error") 0.0 "an error"
                Expect.isNull ((summary out).["agreement"]) "agreement is of single choices"

        testCase "classes in a CSV file are learned, from a script"
        <| fun () ->
            inDirectory
            <| fun directory ->
                let random = Random 5

                let rows = [
                    for i in 1..300 do
                        let x, y = random.NextDouble() * 2.0 - 1.0, random.NextDouble() * 2.0 - 1.0
                        let quadrant = if x * y > 0.0 then "same" else "other"
                        $"{x:F4},{y:F4},{quadrant}"
                ]

                let path = write directory "quadrants.csv" (String.concat "\n" ("x,y,sign" :: rows))
                let out = Path.Combine(directory, "run")

                let script =
                    scriptOf
                        directory
                        "quadrants"
                        """
let mine =
    network "quadrants" {
        features 2
        modular { modules 2; unit (linear 8 |> relu); choose 1 }
        softmax 2
    }

experiment {
    net mine
    data (csv "" { target "sign"; classes 2; standardise true; held_out 0.2; test 0.2 })
    train (em { steps 400; batch 64; optimizer (AdamW (2e-2, 1e-3)); schedule (Warmup (20, Cosine)); start Sweep })
    checkpoint_every 100
}
|> Program.main fsi.CommandLineArgs
"""

                let code, output, errors = modnet [ "train"; script; "--data"; path; "--out"; out ]
                Expect.equal code 0 $"{output}{errors}"
                hasRunFiles out
                let seen = summary out
                Expect.isGreaterThan (number seen["test"] "accuracy") 0.9 "the quadrants are learned"
                Expect.isNull (seen["test"].["perplexity"]) "no perplexity of classes"
                Expect.stringContains output "test accuracy" "and it is printed"
                let told = seen["data"]
                Expect.equal (told["classes"].ToJsonString()) "[\"other\",\"same\"]" "labels"

                Expect.equal
                    (number told "train", number told "validation", number told "test")
                    (180.0, 60.0, 60.0)
                    "rows"

                Expect.equal
                    (told["files"].[0].["sha256"].GetValue<string>())
                    (Convert.ToHexStringLower(Security.Cryptography.SHA256.HashData(File.ReadAllBytes path)))
                    "checksum"

        for way, command in
            [
                "a pipe", "\"$0\" \"$@\" --data <(cat \"$TEXT\")"
                "standard input", "cat \"$TEXT\" | \"$0\" \"$@\" --data /dev/stdin"
            ] do
            testInDirectory $"a text comes to a script through {way}"
            <| fun directory ->
                let path = write directory "x.txt" (String.replicate 400 "a b c\nd e\n")
                let out = Path.Combine(directory, "run")

                let words = [
                    "train"
                    Path.Combine(root, "notebooks", "ptb.fsx")
                    yield! [ "--modules"; "2"; "--steps"; "2"; "--threads"; "1"; "--out"; out ]
                ]

                let code, output, errors =
                    run root "bash" ([ "-c"; command; Environment.ProcessPath; cli ] @ words) [ "TEXT", path ]

                Expect.equal code 0 $"{output}{errors}"
                let seen = summary out
                let file = seen["data"].["files"].[0]

                Expect.equal
                    (file["sha256"].GetValue<string>())
                    (DataFile.Of path).Sha256
                    "the checksum is of what came through"

        testCase "images of MNIST's and CIFAR-10's formats train from a script"
        <| fun () ->
            inDirectory
            <| fun directory ->
                writeMnist directory ".gz" 80 20
                let archive = Path.Combine(directory, "cifar-10-binary.tar.gz")
                writeTarGz archive (cifarFiles 10)

                for name, input, source, path, steps in
                    [
                        "digits", "image (1, 28, 28)", "mnist", directory, 60
                        "things", "image (3, 32, 32)", "cifar10", archive, 20
                    ] do
                    let out = Path.Combine(directory, name)

                    let script =
                        scriptOf
                            directory
                            name
                            $"
let mine =
    network \"{name}\" {{
        {input}
        conv 4 3 |> stride 2 |> relu
        max_pool 2
        flatten
        modular {{ modules 2; unit (linear 8 |> relu) }}
        softmax 10
    }}

experiment {{
    net mine
    data ({source} \"\" {{ held_out 10; standardise true }})
    train (em {{ steps {steps}; batch 32; optimizer (Adam 1e-2) }})
}}
|> Program.main fsi.CommandLineArgs
"

                    let code, output, errors = modnet [ "train"; script; "--data"; path; "--out"; out ]
                    Expect.equal code 0 $"{output}{errors}"
                    hasRunFiles out
                    let train = lines out |> ofPhase "train"
                    Expect.isLessThan (number (Array.last train) "loss") (number train[0] "loss") "the loss falls"
                    let seen = summary out
                    let accuracy = number seen["test"] "accuracy"

                    if name = "digits" then
                        Expect.isGreaterThan accuracy 0.8 "the bars of brightness are told apart"
                    else
                        Expect.isTrue (accuracy >= 0.0 && accuracy <= 1.0) "a share"

                    Expect.equal (number (seen["data"]) "validation") 10.0 "held out"

        testInDirectory "the same seed gives the same metrics, whole runs apart"
        <| fun directory ->
            let run name =
                let out = Path.Combine(directory, name)
                let code, _, errors = modnet [ "demo"; "--steps"; "60"; "--out"; out ]
                Expect.equal code 0 errors

                lines out
                |> Array.map (fun line ->
                    line.Remove "seconds" |> ignore
                    line.ToJsonString())

            Expect.equal (run "a") (run "b") "lines of metrics but for the clock"

        testInDirectory "a run that is asked to stop finishes its step and leaves a whole folder"
        <| fun directory ->
            corpus directory 300
            let out = Path.Combine(directory, "run")

            use running =
                start [
                    "train"
                    Path.Combine(root, "notebooks", "ptb.fsx")
                    "--data"
                    directory
                    "--steps"
                    "1000000"
                    "--out"
                    out
                ]

            let errors = running.StandardError.ReadToEndAsync()

            // The first line that is shown says that training goes on.
            let rec untilTraining () =
                match running.StandardOutput.ReadLine() with
                | null -> failtest $"ended before training: {errors.Result}"
                | line when line.Contains "steps/s" -> ()
                | _ -> untilTraining ()

            untilTraining ()
            send Signal.Terminate running
            let rest = running.StandardOutput.ReadToEnd()
            Expect.isTrue (running.WaitForExit 60_000) "ends"
            Expect.equal running.ExitCode 130 errors.Result
            Expect.stringContains rest "stopped after" "says so"
            hasRunFiles out
            Expect.isFalse ((summary out).["finished"].GetValue<bool>()) "not finished"

        testCase "check shows the summary and trains nothing"
        <| fun () ->
            let code, output, _ = modnet [ "check"; Path.Combine(root, "notebooks", "ptb.fsx"); "--modules"; "15" ]

            Expect.equal code 0 "exit code"
            Expect.stringContains output "modular_gru1" "a row per layer"
            Expect.stringContains output "ptb-em-15-1" "the network's name"

        testCase "doctor names libtorch and a speed"
        <| fun () ->
            let code, output, _ = modnet [ "doctor" ]
            Expect.equal code 0 "exit code"
            Expect.stringContains output "libtorch" "libtorch"
            Expect.stringContains output "GFLOP/s" "speed"

        testCase "a script's help lists its own options beside the common ones"
        <| fun () ->
            let code, output, errors = modnet [ "train"; Path.Combine("notebooks", "ptb.fsx"); "--help" ]

            Expect.equal code 0 errors

            for option in [ "--modules"; "--choose"; "--data"; "--steps" ] do
                Expect.stringContains output option "help"

        testCase "help lists every command"
        <| fun () ->
            let code, output, _ = modnet [ "--help" ]
            Expect.equal code 0 "exit code"

            for verb in [ "demo"; "train"; "check"; "doctor"; "test" ] do
                Expect.stringContains output verb "help"
    ]
