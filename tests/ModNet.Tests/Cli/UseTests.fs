/// The verbs that use trained networks and look at many runs, but for predict: sample, export, runs, compare, edit, structure.
module ModNet.Tests.UseTests

open System
open System.Globalization
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.CommandHost
open TorchSharp

let private summary (folder: string) = (RunFiles.summary folder).Value

[<Tests>]
let tests =
    testSequenced
    <| testList "using runs" [
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
                        let share = 100.0 * SmallRuns.measured folder "test" "accuracy"
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

            Clone.refused 1 [ "train"; word; "--steps"; "5" ] [ word ]
            Clone.refused 1 [ "train"; directory ] [ "expected the folder of a run" ]

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
