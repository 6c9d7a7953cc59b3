/// A run stays with the data that it is of, and keeps how they become inputs.
module ModNet.Tests.RunDataTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private rows =
    let random = Random 5
    let number from = (from + random.NextDouble()).ToString("F3", Globalization.CultureInfo.InvariantCulture)

    [
        for i in 1..60 do
            let y = i % 2
            // Far from zero, so that nothing can be told apart without the scale.
            $"{number (1.0e6 + 3.0 * float y)},{number -1.0e6},{y}"
    ]

let private table (path: string) (rows: string list) = File.WriteAllLines(path, "a,b,y" :: rows)

let private experimentOf (directory: string) =
    let net' =
        network "plain" {
            features 2
            linear 8 |> relu
            softmax 2
        }

    experiment {
        net net'

        data (
            csv (Path.Combine(directory, "d.csv")) {
                target "y"
                classes 2
                held_out 0.2
                standardise true
            }
        )

        train (
            static_modules {
                steps 40
                batch 16
                optimizer (Adam 0.05)
            }
        )

        log_every 10
        validate_every 20
        out (Path.Combine(directory, "run"))
    }

let private lasting n (experiment: Experiment) = { experiment with Method = experiment.Method.WithSteps n }
let private resuming = { Settings.none with Resume = true }

/// Every file of a folder and its bytes.
let private contents (folder: string) =
    Directory.GetFiles(folder, "*", SearchOption.AllDirectories)
    |> Array.sort
    |> Array.map (fun path -> Path.GetRelativePath(folder, path), Convert.ToHexString(File.ReadAllBytes path))

/// Trains forty steps on a table, and hands over its folder.
let private trained (directory: string) =
    table (Path.Combine(directory, "d.csv")) rows
    quietly (fun () -> Running.train Settings.none (experimentOf directory) |> ignore)
    Path.Combine(directory, "run")

[<Tests>]
let tests =
    testSequenced
    <| testList "a run and its data" [
        testInDirectory "other data are refused on resuming, with what differs, and the folder stays as it is"
        <| fun directory ->
            let folder = trained directory
            let before = contents folder

            let resume path =
                let settings = { resuming with Data = path }
                let experiment = experimentOf directory |> lasting 60 |> Settings.apply settings
                quietly (fun () -> Running.train settings experiment |> ignore)

            table (Path.Combine(directory, "d.csv")) (List.rev rows)
            let parts = [ "checkpoint.safetensors: expected the data that the run began with, got others"; "d.csv (" ]
            complains (fun () -> resume None) parts
            let other = Path.Combine(directory, "other.csv")
            table other (rows.Tail @ [ rows.Head ])
            complains (fun () -> resume (Some other)) [ "now other.csv (" ]
            Expect.equal (contents folder) before "nothing is written"
            let moved = Path.Combine(directory, "moved.csv")
            table moved rows
            resume (Some moved)
            let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))
            Expect.equal (summary["steps"].GetValue<int>()) 60 "the same rows from elsewhere go on"

        testInDirectory "so are a text that was rewritten, and arrays of other numbers"
        <| fun directory ->
            let path = Path.Combine(directory, "t.txt")

            let write (shift: int) =
                File.WriteAllLines(
                    path,
                    [ for i in 1..40 -> String.concat " " [ for n in 0..3 -> $"w{(n * i + shift) % 4}" ] ]
                )

            let language () =
                experiment {
                    net (
                        network "text" {
                            tokens 6
                            embed 3
                            gru 4
                            softmax 6
                        }
                    )

                    data (text path { window 4 })

                    train (
                        static_modules {
                            steps 2
                            batch 4
                        }
                    )

                    out (Path.Combine(directory, "text"))
                }

            let arrays first = Arrays.line directory (Arrays.points first)

            let run settings experiment = quietly (fun () -> Running.train settings experiment |> ignore)
            write 0
            run Settings.none (language ())
            run Settings.none (arrays 1.0f)
            write 1

            for other, part in
                [
                    language (), "expected the data that the run began with"
                    // The spec has the checksum of arrays.
                    arrays 1.5f, "$.data.checksum"
                ] do
                complains (fun () -> other |> lasting 4 |> run resuming) [ part ]

            write 0

            for same in [ language (); arrays 1.0f ] do
                same |> lasting 4 |> run resuming

        testInDirectory "a finished run that is resumed stays as it is; a shorter length is refused"
        <| fun directory ->
            let folder = trained directory
            let before = contents folder |> Array.filter (fun (name, _) -> name <> "report.html")
            let resume n = quietly (fun () -> Running.train resuming (experimentOf directory |> lasting n))
            let outcome = resume 40
            Expect.equal outcome.Steps 40L "all its steps"
            let after = contents folder |> Array.filter (fun (name, _) -> name <> "report.html")
            Expect.equal after before "nothing is written but the report"
            complains (fun () -> resume 5 |> ignore) [ "expected a run of at most 5 steps"; "got one of 40 steps" ]

            Expect.equal
                (contents folder |> Array.filter (fun (name, _) -> name <> "report.html"))
                before
                "nor by a refusal"

        testInDirectory "predictions take columns as the file has them: nothing but the run's folder knows their scale"
        <| fun directory ->
            let folder = trained directory

            File.Delete(Path.Combine(directory, "d.csv"))
            use network = Trained.load folder
            let cells = rows |> List.map (fun row -> row.Split ',' |> Array.map float)
            let labels = Seq.toArray network.Preparation.Value.Classes

            scoped
            <| fun () ->
                let raw =
                    torch
                        .tensor(
                            [|
                                for row in cells do
                                    yield! row[..1]
                            |],
                            torch.ScalarType.Float64
                        )
                        .view(-1L, 2L)

                let found = integers (network.Predict raw) |> Array.map (fun number -> float labels[number])
                let right = List.zip (List.ofArray found) cells |> List.filter (fun (label, row) -> label = row[2])
                Expect.isGreaterThan (float right.Length / float rows.Length) 0.95 "the share of right predictions"
                Expect.equal (Seq.toList network.Preparation.Value.Columns) [ "a"; "b" ] "the columns"

                complains (fun () -> network.Predict(torch.zeros (3L, 5L)) |> ignore) [
                    "x: expected rows [B, 2] with the columns a, b, not yet standardised, got [3, 5]"
                ]

        testInDirectory "a run of an earlier version says how to get what it did not keep"
        <| fun directory ->
            let folder = trained directory
            File.Delete(Path.Combine(folder, "data.json"))

            do
                use network = Trained.load folder

                complains (fun () -> network.Predict(torch.zeros (1L, 2L)) |> ignore) [
                    "got one of an earlier version"
                    "resume the run with --resume"
                ]

            quietly (fun () -> Running.train resuming (experimentOf directory) |> ignore)
            use network = Trained.load folder
            Expect.isSome network.Preparation "as the message says"

        testInDirectory "damaged preparations are refused, and those of other data are named"
        <| fun directory ->
            let folder = trained directory
            let path = Path.Combine(folder, "data.json")
            let whole = File.ReadAllText path

            for damaged in
                [
                    ""
                    "{}"
                    "[]"
                    whole[.. whole.Length / 2]
                    whole.Replace("\"version\": 1", "\"version\": 9")
                    // Names that tell nothing apart.
                    whole.Replace("\"a\"", "\"b\"")
                    whole.Replace("\"a\"", "null")
                ] do
                Expect.notEqual damaged whole "there is something wrong"
                File.WriteAllText(path, damaged)

                complains (fun () -> (Trained.load folder :> IDisposable).Dispose()) [
                    "data.json: expected how a run prepares its data"
                ]
    ]
