/// The verbs that use trained networks and look at many runs: predict, sample, export, runs, compare.
module ModNet.Tests.UseTests

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone
open TorchSharp

let private summary (folder: string) = (RunFiles.summary folder).Value

let private measured (folder: string) (phase: string) (metric: string) =
    let said = summary folder
    let values = said[phase].AsObject()
    values[metric].GetValue<float>()

/// Lines without quotes in them.
let private table (text: string) =
    let lines = text.TrimEnd().Split '\n' |> Array.map _.Split(',')
    lines[0], lines[1..]

let private number (text: string) = Double.Parse(text, CultureInfo.InvariantCulture)

let private succeeds (words: string list) =
    let code, output, errors = modnet words
    let command = String.concat " " words
    Expect.equal code 0 $"{command}: {errors}"
    output, errors

[<Tests>]
let tests =
    testSequenced
    <| testList "using runs" [
        testInDirectory "predict: classes by name, probabilities and modules, as CSV and as JSON lines"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let asked = Path.Combine(directory, "asked.csv")
            let flowers = SmallRuns.flowers 40
            // Columns in another order, one of which the network knows nothing of, and classes with a comma.
            File.WriteAllLines(
                asked,
                "species,name,width,length"
                :: [ for long, wide, name, species in flowers -> $"{SmallRuns.quoted species},{name},{wide},{long}" ]
            )

            let out = Path.Combine(directory, "said.jsonl")
            let _, errors = succeeds [ "predict"; folder; "--data"; asked; "--out"; out ]
            let said = File.ReadAllLines out |> Array.map (fun line -> JsonNode.Parse(line).AsObject())
            Expect.hasLength said 40 "a line for each row"
            let text (row: JsonObject) (name: string) = row[name].GetValue<string>()
            let species = [| for _, _, _, species in flowers -> species |]
            Expect.equal [| for row in said -> text row "target" |] species "targets"
            let right = said |> Array.filter (fun row -> text row "predicted" = text row "target")
            Expect.isGreaterThan right.Length 35 "the network has learned them"
            let share = float right.Length / 40.0
            Expect.stringContains errors ("accuracy " + share.ToString("0.00 %", CultureInfo.InvariantCulture)) errors

            for place, row in Array.indexed said do
                Expect.equal (row["row"].GetValue<int>()) (place + 1) "the row's number"
                let probability = row["probability"].AsObject()
                let of' (name: string) = probability[name].GetValue<float>()
                Expect.floatClose Accuracy.medium (of' "setosa" + of' "virginica, blue") 1.0 "a distribution"
                let best = if of' "setosa" > of' "virginica, blue" then "setosa" else "virginica, blue"
                Expect.equal (text row "predicted") best "the most probable"
                let likelihood = row["log_likelihood"].GetValue<float>()
                Expect.floatClose Accuracy.medium (exp likelihood) (of' (text row "target")) "log p"
                let sites = row["modules"].AsObject()
                let modules = [ for m in sites["modular1"].AsArray() -> m.GetValue<int>() ]
                Expect.isTrue (modules.Length = 2 && List.forall (fun m -> m >= 0 && m < 3) modules) "K of M modules"

            // Without targets, to the output.
            File.WriteAllLines(asked, "width,length" :: [ for long, wide, _, _ in flowers -> $"{wide},{long}" ])
            let output, errors = succeeds [ "predict"; folder; "--data"; asked; "--best" ]
            Expect.equal errors "" "nothing to tell"

            Expect.equal
                (output.Split('\n')[0])
                "row,predicted,probability:setosa,\"probability:virginica, blue\",modules:modular1"
                "the header"

            Expect.equal (output.TrimEnd().Split('\n').Length) 41 "a line for each row, and the header"
            use best = Trained.load_best folder

            scoped
            <| fun () ->
                let x =
                    torch
                        .tensor(
                            [|
                                for long, wide, _, _ in flowers do
                                    yield! [ number long; number wide ]
                            |]
                        )
                        .view(40L, 2L)

                for name, line in Array.zip (best.PredictNames x) (output.TrimEnd().Split('\n')[1..]) do
                    Expect.stringContains line $",{SmallRuns.quoted name}," "as from code"

            let ranked, _ = succeeds [ "predict"; folder; "--data"; asked; "--top"; "1" ]

            Expect.stringStarts
                ranked
                "row,predicted,class1,probability1,modules:modular1\n"
                "the most probable class alone"

        testInDirectory "predict: all mistakes of a file at once, and nothing is written"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let asked = Path.Combine(directory, "asked.csv")
            let out = Path.Combine(directory, "said.csv")

            let refusedFor (lines: string list) =
                File.WriteAllLines(asked, lines)
                refused 1 [ "predict"; folder; "--data"; asked; "--out"; out ]

            refusedFor [ "length,width,species"; "1,2,setosa"; "much,2,setosa"; "1,,rose"; "1,2,rose"; "3" ] [
                $"{asked}, line 3, column length: expected a number, got `much`"
                $"{asked}, line 4, column width: expected a number, got nothing"
                $"{asked}, line 5, column species: expected one of the 2 labels that the run's data had (setosa, virginica, blue), got `rose`"
                $"{asked}, line 6: expected 3 values, as in the first row, got 1"
            ]

            refusedFor [ "a,b"; "1,2" ] [ "missing: `length`, `width`"; "got the columns a, b" ]
            refusedFor [ "length,width" ] [ "a header alone" ]
            let file = Path.Combine(directory, "said.txt")

            refused 1 [ "predict"; folder; "--data"; asked; "--out"; file ] [
                "--out"
                ".csv, .jsonl or .parquet"
                file
            ]

            refused 1 [ "predict"; folder; "--data"; asked + "x" ] [ "got nothing at that path" ]
            refused 1 [ "predict"; folder; "--data"; asked; "--top"; "0" ] [ "--top"; "at least 1" ]
            refused 2 [ "predict"; folder ] [ "--data" ]
            refused 1 [ "predict"; directory; "--data"; asked ] [ "expected the folder of a run" ]
            Expect.isFalse (File.Exists out || File.Exists file) "no file"
            Expect.isEmpty (Directory.GetFiles(directory, "*.partial")) "nothing half-written"

        testInDirectory "predict: numbers of a file without a header, with and without the target column"
        <| fun directory ->
            let folder = SmallRuns.ofNumbers directory
            let asked = Path.Combine(directory, "asked.csv")
            let points = [ for i in 1..10 -> 0.05 * float i, 0.5 ]
            let text (value: float) = value.ToString(CultureInfo.InvariantCulture)
            File.WriteAllLines(asked, [ for a, b in points -> $"{text (a + b)};{text a};{text b}" ])
            let output, errors = succeeds [ "predict"; folder; "--data"; asked ]
            let header, rows = table output
            Expect.equal header [| "row"; "target"; "mean"; "deviation"; "log_likelihood" |] "the header"
            let error = rows |> Array.averageBy (fun row -> (number row[1] - number row[2]) ** 2.0)
            Expect.stringContains errors ("squared error " + error.ToString("g4", CultureInfo.InvariantCulture)) errors
            Expect.all rows (fun row -> row[3] = "0.5") "σ of the given variance"

            File.WriteAllLines(asked, [ for a, b in points -> $"{text a};{text b}" ])
            let without, errors = succeeds [ "predict"; folder; "--data"; asked ]
            Expect.equal errors "" "nothing to tell"
            let _, again = table without
            Expect.equal [| for row in again -> row[1] |] [| for row in rows -> row[2] |] "the same means"

        testInDirectory "predict: bits, with the names of tasks"
        <| fun directory ->
            let folder = SmallRuns.ofBits directory
            let asked = Path.Combine(directory, "asked.csv")
            File.WriteAllLines(asked, [ "subject,x"; "maths,0.9"; "art,0.1"; "maths,0.1" ])
            let output, _ = succeeds [ "predict"; folder; "--data"; asked ]
            let header, rows = table output

            Expect.equal
                header
                [|
                    "row"
                    "predicted:high"
                    "predicted:second"
                    "probability:high"
                    "probability:second"
                    "modules:modular1"
                |]
                "the header"

            for row in rows do
                for bit, probability in [ 1, 3; 2, 4 ] do
                    Expect.equal (number row[bit] = 1.0) (number row[probability] > 0.5) "the most probable bit"

            use trained = Trained.load folder

            scoped
            <| fun () ->
                let x = torch.tensor([| 0.9f; 0.1f; 0.1f |]).view(3L, 1L)
                // Names of tasks are numbered in order: art, maths.
                let side = SideInputs(torch.tensor [| 1L; 0L; 1L |], null)

                for row, expected in Array.zip rows (matrix (trained.PredictProbabilities(x, side))) do
                    Expect.floatClose Accuracy.medium (number row[3]) expected[0] "as from code"
                    Expect.floatClose Accuracy.medium (number row[4]) expected[1] "as from code"

            File.WriteAllLines(asked, [ "subject,x"; "music,0.9" ])
            refused 1 [ "predict"; folder; "--data"; asked ] [ "column subject"; "(art, maths)"; "`music`" ]

        testInDirectory "predict: a text and images come to the test perplexity and accuracy that their runs measured"
        <| fun directory ->
            let test = Path.Combine(directory, "test.txt")
            let lines = File.ReadAllLines(SmallRuns.cycle directory)
            // The last twentieth of a single file is its test text.
            File.WriteAllLines(test, lines[lines.Length - lines.Length / 20 ..])

            for carry in [ false; true ] do
                let folder = SmallRuns.ofText directory carry
                let output, errors = succeeds [ "predict"; folder; "--data"; test ]
                let expected = measured folder "test" "perplexity"

                Expect.stringContains
                    errors
                    ("perplexity " + expected.ToString("F3", CultureInfo.InvariantCulture))
                    errors

                let header, rows = table output

                Expect.equal header[..4] [| "row"; "word"; "target"; "predicted"; "probability:ada" |] "the header"

                Expect.equal (rows[0][1..2]) [| "ada"; "bob" |] "a word, and what follows it"
                Expect.equal ((Array.last rows)[2]) "" "nothing follows the last one"

            let folder = SmallRuns.ofCharacters directory
            let asked = Path.Combine(directory, "asked.txt")
            File.WriteAllText(asked, "b😀c")
            let header, rows = table (fst (succeeds [ "predict"; folder; "--data"; asked; "--top"; "1" ]))
            Expect.equal header[..3] [| "row"; "character"; "target"; "predicted" |] "of characters"

            let first = [ for row in Array.truncate 2 rows -> row[1], row[2] ]
            Expect.equal first [ "b", "😀"; "😀", "c" ] "one after another"

            let folder = SmallRuns.ofImages directory
            let images = Path.Combine(directory, "images")
            let output, errors = succeeds [ "predict"; folder; "--data"; images ]
            let accuracy = measured folder "test" "accuracy"

            Expect.stringContains
                errors
                ("accuracy " + accuracy.ToString("0.00 %", CultureInfo.InvariantCulture))
                errors

            let file = Path.Combine(images, "t10k-images-idx3-ubyte")
            let again, errors = succeeds [ "predict"; folder; "--data"; file ]
            Expect.equal again output "a file of images, with the labels beside it"
            Expect.stringContains errors "accuracy" errors
            let alone = Path.Combine(directory, "mine.idx3")
            File.Copy(file, alone)
            let unlabelled, errors = succeeds [ "predict"; folder; "--data"; alone ]
            Expect.equal errors "" "without labels"
            let _, rows = table unlabelled
            let _, labelled = table output
            Expect.equal [| for row in rows -> row[1] |] [| for row in labelled -> row[2] |] "the same classes"

        testInDirectory "sample goes on with a text, export leaves weights that predict and sample take"
        <| fun directory ->
            let folder = SmallRuns.ofText directory true

            let ask (from: string) (more: string list) =
                succeeds ([ "sample"; from; "--prompt"; "ada bob"; "--tokens"; "7" ] @ more)

            let output, errors = ask folder [ "--temperature"; "0" ]
            Expect.equal (output, errors) ("ada bob cid ada bob cid\nada bob\n", "") "the cycle, and a line's end"
            let wild = ask folder [ "--temperature"; "9"; "--seed"; "3" ]
            Expect.equal (ask folder [ "--temperature"; "9"; "--seed"; "3" ]) wild "one seed, one text"
            let out = Path.Combine(directory, "weights")
            succeeds [ "export"; folder; "--out"; out ] |> ignore
            Expect.equal (ask out [ "--temperature"; "0" ]) (output, errors) "from exported weights"
            let _, told = succeeds [ "sample"; folder; "--prompt"; "zoë"; "--tokens"; "1" ]
            Expect.stringContains told "<unk> stands for `zoë`" "an unknown word"
            Expect.equal (ask folder [ "--temperature"; "0"; "--device"; "cpu" ]) (output, errors) "on a device"
            refused 1 [ "sample"; folder; "--device"; "gpu" ] [ "gpu" ]
            refused 1 [ "sample"; folder; "--tokens"; "0" ] [ "--tokens"; "at least 1" ]
            refused 1 [ "sample"; folder; "--temperature"; "-1" ] [ "--temperature"; "at least 0"; "-1" ]
            refused 1 [ "sample"; folder; "--top-k"; "-2" ] [ "--top-k" ]
            refused 1 [ "sample"; SmallRuns.ofNumbers directory ] [ "expected a network on a text" ]
            refused 1 [ "export"; folder; "--out"; out ] [ out; "a new folder" ]

        testInDirectory "runs lists what is there, and tells of damaged folders in a line each"
        <| fun directory ->
            let runs = Directory.CreateDirectory(Path.Combine(directory, "runs")).FullName
            let folder = SmallRuns.ofClasses directory 1
            let at name = Path.Combine(runs, name)
            Directory.CreateDirectory(at "study") |> ignore
            Directory.Move(folder, at (Path.Combine("study", "whole")))
            let whole = at (Path.Combine("study", "whole"))

            let copy (name: string) =
                Directory.CreateDirectory(at name) |> ignore

                for file in Directory.GetFiles whole do
                    File.Copy(file, Path.Combine(at name, Path.GetFileName file))

                at name

            File.Delete(Path.Combine(copy "cut", "summary.json"))
            let early = copy "early"
            let path = Path.Combine(early, "summary.json")
            let said = JsonNode.Parse(File.ReadAllText path).AsObject()
            said["stopped_early"] <- true
            said["steps"] <- 40
            File.WriteAllText(path, said.ToJsonString())
            File.WriteAllText(Path.Combine(copy "damaged", "spec.json"), "{")
            File.WriteAllText(Path.Combine(copy "torn", "summary.json"), "no JSON\nat all")
            use _held = FileLock.TryTake(Path.Combine(copy "working", "run.lock"), removes = true)

            let output, _ = succeeds [ "runs"; runs ]
            let lines = output.TrimEnd().Split '\n'
            let line (name: string) = lines |> Array.filter (fun line -> line.StartsWith name) |> Array.exactlyOne

            for name, state in
                [ "study/whole", "finished"; "cut", "interrupted"; "early", "stopped early"; "working", "running" ] do
                Expect.stringEnds ((line name).TrimEnd()) state name
                Expect.stringContains (line name) "flowers" "the network"
                Expect.stringContains (line name) "csv flowers.csv" "the data"
                Expect.stringContains (line name) "EM" "the method"

            Expect.stringContains (line "study/whole") "60/60" "steps"
            Expect.stringContains (line "early") "40/60" "steps of a run that stopped early"
            Expect.stringContains (line "damaged") "damaged – spec.json" "what is damaged"
            Expect.stringContains (line "torn") "damaged – summary.json is no JSON object" "what is damaged"
            let said = summary whole
            let best = said["best"].AsObject()
            let validation = best["validation"].AsObject()
            let accuracy = validation["accuracy"].GetValue<float>()

            Expect.stringContains
                (line "study/whole")
                ("accuracy " + accuracy.ToString("0.00 %", CultureInfo.InvariantCulture))
                "the best validation"

            // The log alone knows it, too.
            let step = best["step"].GetValue<int64>()
            Expect.stringContains (line "cut") $"(step {step})" "the best validation by the log"

            let json, _ = succeeds [ "runs"; runs; "--json" ]
            let entries = [ for entry in JsonNode.Parse(json).AsArray() -> entry.AsObject() ]

            let states = [
                for entry in entries ->
                    entry["name"].GetValue<string>(),
                    if isNull entry["state"] then "" else entry["state"].GetValue<string>()
            ]

            Expect.equal
                (Map.ofList states)
                (Map.ofList [
                    "study/whole", "finished"
                    "cut", "interrupted"
                    "early", "stopped early"
                    "working", "running"
                    "damaged", ""
                    "torn", ""
                ])
                "as JSON"

            refused 1 [ "runs"; runs + "x" ] [ "a folder with runs"; "none at that path" ]
            Directory.CreateDirectory(at "empty") |> ignore
            let none, _ = succeeds [ "runs"; at "empty" ]
            Expect.stringContains none "no runs" "an empty folder"

        testInDirectory "compare writes one page with curves over one another, and marks settings that differ"
        <| fun directory ->
            let one, other = SmallRuns.ofClasses directory 1, SmallRuns.ofClasses directory 2
            let page = Path.Combine(directory, "page.html")
            succeeds [ "compare"; one; other; "--out"; page ] |> ignore
            let html = File.ReadAllText page

            for part in
                [
                    "<td class=\"words\">best validation: accuracy</td>"
                    "<h2>Loss</h2>"
                    "\"name\":\"classes-1\""
                    "\"name\":\"classes-2\""
                ] do
                Expect.stringContains html part "the page"

            let report = RunComparison.page [ one; other ]

            let rows (heading: string) =
                report.Sections
                |> List.find (fun section -> section.Heading = heading)
                |> _.Contents
                |> List.pick (function
                    | Content.Table(_, rows) -> Some rows
                    | _ -> None)

            Expect.contains (rows "Differences of network, data and run") [ "≠ seed"; "1"; "2" ] "what differs"
            Expect.all (rows "Settings") (fun row -> row[0].StartsWith "≠" = (row[1] <> row[2])) "marks"

            for row in rows "Final metrics" do
                if row[0] = "test: accuracy" then
                    for folder, cell in List.zip [ one; other ] row.Tail do
                        let share = 100.0 * measured folder "test" "accuracy"
                        Expect.equal cell $"{ModNet.Figures.Label.number share} %%" "as the summary has it"

            refused 1 [ "compare"; one; directory; directory + "x" ] [ directory; "expected folders of runs" ]
            refused 1 [ "compare"; one ] [ one; "expected at least two runs, got one" ]

        testInDirectory
            "edit changes a trained network, measures the change, and train goes on with the folder it leaves"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let out = Path.Combine(directory, "fewer")
            let output, _ = succeeds [ "edit"; folder; "exclude"; "modular1/pool"; "0"; "--out"; out ]
            Expect.stringContains output "exclude modular1/pool 0; measured on" "what was done"
            Expect.stringContains output "unaffected" "a table"
            let told = JsonNode.Parse(File.ReadAllText(Path.Combine(out, "edit.json"))).AsObject()
            let measured = told["measured"].AsObject()
            let unaffected = measured["unaffected"].AsObject()
            Expect.equal (unaffected["changed_predictions"].GetValue<int>()) 0 "the others are as they were"
            let page = File.ReadAllText(Path.Combine(out, "edit.html"))

            for part in [ "exclude modular1/pool 0"; "<h2>Before</h2>"; "<h2>After</h2>"; "affected" ] do
                Expect.stringContains page part "the page"

            let listed, _ = succeeds [ "runs"; directory ]
            Expect.stringContains listed "edited" "the list of runs"
            let trained, _ = succeeds [ "train"; out; "--steps"; "70" ]
            Expect.stringContains trained "70 steps" "it goes on"

            let word = Path.Combine(directory, "word")
            succeeds [ "edit"; folder; "split-module"; "modular1/pool"; "1"; "--out"; word ] |> ignore
            use alone = Trained.load word
            Expect.equal (Seq.length alone.Graph.Nodes) 1 "one layer"
            succeeds [ "edit"; folder; "split-at"; "modular1"; "--out"; Path.Combine(directory, "half") ] |> ignore
            Expect.isTrue (Directory.Exists(Path.Combine(directory, "half-2"))) "two networks"

            refused 1 [ "edit"; folder; "exclude"; "modular1/pool"; "7"; "--out"; word + "2" ] [
                "modules from 0 to 2"
                "got 7"
            ]

            refused 1 [ "edit"; folder; "exclude"; "modular1/pool"; "--out"; word + "2" ] [ "edit exclude"; "POOL M…" ]
            refused 1 [ "edit"; folder; "clone"; "words"; "1"; "--out"; word + "2" ] [ "`words`"; "`modular1/pool`" ]

            refused 1 [ "edit"; folder; "clone"; "modular1/pool"; "1"; "--out"; word ] [
                "a new folder, or an empty one"
            ]

            refused 2 [ "edit"; folder; "exclued"; "modular1/pool"; "1"; "--out"; word + "2" ] [
                "did you mean exclude?"
            ]

            refused 1 [ "train"; word; "--steps"; "5" ] [ word ]
            refused 1 [ "train"; directory ] [ "expected the folder of a run" ]

        testInDirectory "structure: of the routing of a modular network, and of the activity of its layers"
        <| fun directory ->
            let folder = SmallRuns.ofClasses directory 1
            let output, _ = succeeds [ "structure"; folder; "--lesions"; "--graphs"; "5" ]
            Expect.stringContains output "modules joined by the datapoints whose path meets both" "routing"
            Expect.stringContains output "Q of 5 random graphs of the same degrees" "beside random graphs"
            Expect.stringContains output "modular1/pool/0" "lesions"

            let told (path: string) = JsonNode.Parse(File.ReadAllText path).AsObject()
            let json = told (Path.Combine(folder, "structure.json"))
            Expect.equal (json["of"].GetValue<string>()) "routing" "of"
            Expect.hasLength (json["rewired"].AsArray()) 5 "random graphs"
            Expect.hasLength (json["nodes"].AsArray()) 3 "modules"
            Expect.hasLength (json["lesions"].AsArray()) 3 "lesions"

            Expect.stringContains
                (File.ReadAllText(Path.Combine(folder, "structure.html")))
                "modular1/pool/0"
                "the page"

            let page = Path.Combine(directory, "units.html")

            let output, _ =
                succeeds [
                    "structure"
                    folder
                    "--layers"
                    "modular1"
                    "--least"
                    "0.3"
                    "--blocks"
                    "2"
                    "--out"
                    page
                ]

            Expect.stringContains output "units of modular1, joined where |r| ≥ 0.300" "activity"
            Expect.stringContains output "blocks by EM: " "blocks"
            let json = told (Path.ChangeExtension(page, ".json"))
            Expect.equal (json["of"].GetValue<string>(), json["least"].GetValue<float>()) ("activity", 0.3) "of"
            let first = json["nodes"].AsArray() |> Seq.head
            Expect.isTrue (first.AsObject().ContainsKey "block") "blocks"

            refused 1 [ "structure"; folder; "--of"; "weigths" ] [
                "--of"
                "activity, weights, routing"
                "did you mean weights?"
            ]

            refused 1 [ "structure"; folder; "--of"; "routing"; "--least"; "2" ] [ "--least"; "activity as the graph" ]
            refused 1 [ "structure"; folder; "--datapoints"; "1" ] [ "--datapoints: expected at least 2, got 1" ]
            refused 1 [ "structure"; folder; "--layers"; "conv9" ] [ "expected layers among"; "conv9" ]
    ]
