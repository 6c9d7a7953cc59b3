/// The figures, words and page made of routing traces.
module ModNet.Tests.InspectFigureTests

open System
open System.IO
open System.Text.Json.Nodes
open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.Clone
open ModNet.Tests.RoutedExamples

let private text (node: JsonNode) = node.GetValue<string>()

let private floats (node: JsonNode) = [
    for value in node.AsArray() -> if isNull value then nan else value.GetValue<float>()
]

let private three = traceOf 4 60 1 [ 3, 1; 2, 2; 4, 1 ] false
let private words = traceOf 5 9 6 [ 3, 1 ] true
let private options: RoutingReport.Options = { Layer = None; Top = 3 }

[<Tests>]
let tests =
    testList "inspect figures" [
        testCase "discs have areas, bands have thicknesses in proportion to paths"
        <| fun () ->
            let graph = Inspect.paths 2 three
            let figure = PathFigure.ofGraph graph |> Drawn

            let nodes = figure.Data |> Seq.find (fun trace -> text trace["mode"] = "markers+text")

            let sizes = floats nodes["marker"].["size"]
            let counts = graph.Nodes |> List.collect List.ofArray
            let largest = List.max counts

            for size, count in List.zip sizes counts do
                Expect.floatClose Accuracy.medium ((size / List.max sizes) ** 2.0) (float count / float largest) "area"

            // Four corners and a gap; thickness is the difference of the first two.
            let bands = [
                for trace in figure.Data do
                    if not (isNull trace["fill"]) then
                        let x, y = floats trace["x"], floats trace["y"]
                        for i in 0..5 .. x.Length - 1 -> x[i], abs (y[i + 1] - y[i])
            ]

            for gap in 0..1 do
                let thick = bands |> List.filter (fst >> (=) (float gap)) |> List.sumBy snd
                let edges = graph.Edges[gap] |> Seq.cast<int64> |> Seq.sum

                Expect.floatClose
                    Accuracy.medium
                    thick
                    (0.5 * float edges / float graph.Total)
                    $"bands after layer {gap + 1}"

            Expect.equal
                (figure.Data |> Seq.filter (fun t -> not (isNull t["fill"])) |> Seq.length)
                3
                "two paths, and the others"

        testCase "a path has one colour in all panels of a figure, and no other path of a panel has it"
        <| fun () ->
            let graphs = [
                for seed in 1..4 -> $"seed {seed}", Inspect.paths 5 (traceOf seed 60 1 [ 3, 1; 2, 1 ] false)
            ]

            let figure = PathFigure.evolution graphs |> Drawn

            let paths = [
                for trace in figure.Data do
                    if not (isNull trace["fill"]) then
                        let name = text trace["name"]

                        if name.Contains "→" then
                            text trace["xaxis"], name.Substring(0, name.IndexOf " ("), text trace["fillcolor"]
            ]

            for name, colours in paths |> List.groupBy (fun (_, name, _) -> name) do
                Expect.hasLength (colours |> List.map (fun (_, _, colour) -> colour) |> List.distinct) 1 name

            for panel, inside in paths |> List.groupBy (fun (panel, _, _) -> panel) do
                let colours = inside |> List.map (fun (_, _, colour) -> colour)
                Expect.equal (List.distinct colours).Length colours.Length panel

        testCase "a page has the sections that the trace has data for, and tells nothing of others"
        <| fun () ->
            let headings trace = [ for s in RoutingReport.sections options trace -> s.Heading ]

            Expect.equal
                (headings three)
                [ "Module load"; "Selection by class"; "Paths"; "How sure the controllers are"; "Datapoints" ]
                "classes"

            Expect.equal
                (headings words)
                [
                    "Module load"
                    "Selection by word"
                    "From step to step"
                    "How sure the controllers are"
                    "Contexts"
                    "Datapoints"
                ]
                "words"

            for trace in [ three; words ] do
                let html = Report.html (RoutingReport.page "a run" options trace)
                Expect.stringContains html "type=\"search\"" "a filter"

                for section in RoutingReport.sections options trace do
                    for content in section.Contents do
                        match content with
                        | Content.Table(headings, rows)
                        | Content.Searchable(headings, rows) ->
                            for row in rows do
                                Expect.equal row.Length headings.Length section.Heading
                                Expect.isFalse (List.contains "not a number" row) section.Heading
                        | _ -> ()

        testCase "tables for the terminal"
        <| fun () ->
            let said = InspectText.ofTrace options three |> String.concat "\n"

            for part in
                [
                    "60 datapoints of the test set, after 3 steps"
                    "module load"
                    "modular2: class by module"
                    "paths: "
                ] do
                Expect.stringContains said part part

            let said = InspectText.ofTrace options words |> String.concat "\n"

            for part in [ "modular1: word by module"; "most distinctive words of each module" ] do
                Expect.stringContains said part part

            let said = InspectText.ofDatapoint 4L options three |> String.concat "\n"

            for part in [ "datapoint 4 of the test set"; "target"; "modular3" ] do
                Expect.stringContains said part part

        testCase "the mutual information that terminal and page tell is one number, whatever --top is"
        <| fun () ->
            for trace, what in [ three, "class"; words, "word" ] do
                for top in [ 1; 3; 50 ] do
                    let options: RoutingReport.Options = { Layer = None; Top = top }
                    let printed = InspectText.ofTrace options trace |> String.concat "\n"
                    let page = RoutingReport.page "a run" options trace |> Report.html

                    for layer in trace.Layers do
                        let table =
                            if what = "class" then
                                Inspect.by_class layer.Name trace
                            else
                                Inspect.by_word layer.Name 1 trace

                        let number = Label.number (Math.Round(table.Information, 3))
                        Expect.stringContains printed $"(mutual information {number} nats, over all)" $"top {top}"
                        Expect.stringContains page $"{layer.Name} {number}" $"top {top}, page"

        testCase "modules and time steps have one number, from 0, in the API, in the terminal and in figures"
        <| fun () ->
            let last = [ for layer in three.Layers -> layer.Modules - 1 ]
            let alike i = Array3D.create 4 1 1 (List.item i last)

            let trace =
                RoutingTrace(
                    Step = 3L,
                    Split = "test",
                    Datapoints = [| 0L .. 3L |],
                    LogLikelihood = Array.zeroCreate 4,
                    Layers =
                        ResizeArray [
                            for i, layer in Seq.indexed three.Layers ->
                                RoutingLayer(layer.Name, layer.Modules, true, alike i)
                        ]
                )

            let graph = Inspect.paths 1 trace
            Expect.equal graph.Top.Head.Modules [ for m in last -> [| m |] ] "the API"
            Expect.equal graph.Top.Head.Named "2 → 1 → 3" "a path's name"
            let printed = InspectText.ofTrace options trace |> String.concat "\n"
            Expect.stringContains printed "2 → 1 → 3" "paths in the terminal"
            Expect.stringContains printed "0, 1, 2 " "dead modules of the last layer in the terminal"
            let datapoint = InspectText.ofDatapoint 2L options trace |> List.last
            Expect.isTrue (Regex.IsMatch(datapoint, "^modular3 +0 +3$")) $"time and module in the terminal: {datapoint}"
            let nodes = (Drawn(PathFigure.ofGraph graph)).Data |> Seq.find (fun t -> text t["mode"] = "markers+text")

            Expect.equal
                [ for label in nodes["text"].AsArray() -> text label ]
                [ for label in "012010123" -> string label ]
                "discs"

            let load = Drawn(Routes.load (Inspect.load trace))
            Expect.equal [ for label in load.Data[0].["x"].AsArray() -> text label ] [ "0"; "1"; "2" ] "bars"
            let rows = InspectText.ofTrace options words
            Expect.equal (Inspect.contexts "modular1" 1 0 words |> List.last).Module 2 "the API"
            Expect.exists rows (fun line -> line.StartsWith "  module 2 ") "contexts in the terminal"
            Expect.all rows (fun line -> not (line.StartsWith "  module 3")) "and no module that there is not"

        testCase "a pool that layers share has a line of its own"
        <| fun () ->
            let layer name chosen =
                RoutingLayer(name, 4, true, Array3D.init 2 1 1 (fun n _ _ -> List.item n chosen), Pool = "words")

            let trace =
                RoutingTrace(
                    Step = 3L,
                    Split = "test",
                    Datapoints = [| 0L; 1L |],
                    LogLikelihood = Array.zeroCreate 2,
                    Layers = ResizeArray [ layer "modular1" [ 0; 1 ]; layer "modular2" [ 1; 3 ] ]
                )

            let table = InspectText.ofTrace options trace
            let line = table |> List.find (fun line -> line.Contains "pool words (modular1 + modular2)")
            // Module 1 has two of four choices, and only module 2 has none: exp of the entropy is 2 √2.
            Expect.equal
                (line.Split("  ", StringSplitOptions.RemoveEmptyEntries ||| StringSplitOptions.TrimEntries))
                [| "pool words (modular1 + modular2)"; "4"; "50 %"; "25 %"; "2"; "2.828" |]
                "its load"

            Expect.stringContains
                (Report.html (RoutingReport.page "a run" options trace))
                "pool words (modular1 + modular2)"
                "on the page"

        testCase "mistakes name what there is"
        <| fun () ->
            complains (fun () -> Inspect.by_class "modular9" three |> ignore) [
                "one of modular1, modular2, modular3"
                "modular9"
            ]

            complains (fun () -> Inspect.by_class "modular1" words |> ignore) [ "Inspect.by_word" ]
            complains (fun () -> Inspect.by_word "modular1" 3 three |> ignore) [ "Inspect.by_class" ]
            complains (fun () -> Inspect.contexts "modular1" 3 3 three |> ignore) [ "data that are no text" ]

            complains (fun () -> Inspect.datapoint 5L three |> ignore) [
                "one of the 60 datapoints of the test set"
                "nearest one in it is 4"
            ]

            complains (fun () -> Inspect.probabilities "modular1" 1 0 three |> ignore) [ "a time from 0 to 0" ]

        testCase "of many modules the text shows the most used, and how many are dead"
        <| fun () ->
            let many = traceOf 3 200 1 [ 900, 2 ] false
            let options: RoutingReport.Options = { Layer = None; Top = 3 }
            let lines = InspectText.ofTrace options many
            let said = String.concat "\n" lines
            Expect.isLessThan (lines |> List.map String.length |> List.max) 200 "lines that can be read"
            Expect.stringContains said "by module, the 24 most used of 900, percent" "title"
            let dead = (Inspect.load many).Head.Dead.Length
            Expect.stringContains said $", … ({dead})" "dead modules"
            let used = Inspect.by_class "modular1" many
            let counts = [| for m in 0..899 -> Array.sum used.Counts[*, m] |]
            let most = Array.findIndex ((=) (Array.max counts)) counts
            Expect.stringContains said $" {most} " "the most used one"

        testInDirectory "the command: tables, a page, one datapoint, and one line for each mistake"
        <| fun directory ->
            RoutingFile.Write(Path.Combine(directory, "routing.safetensors"), words)
            let code, output, errors = CommandHost.modnet [ "inspect"; directory; "--top"; "2" ]
            Expect.equal (code, errors) (0, "") "it works"
            Expect.stringContains output "module load" "a table"
            Expect.isTrue (File.Exists(Path.Combine(directory, "inspect.html"))) "a page"
            let code, output, _ = CommandHost.modnet [ "inspect"; directory; "--datapoint"; "7" ]
            Expect.equal code 0 "one datapoint"
            Expect.stringContains output "datapoint 7 of the test set" "one datapoint"
            File.Delete(Path.Combine(directory, "routing.safetensors"))
            let code, _, errors = CommandHost.modnet [ "inspect"; directory ]
            Expect.equal code 1 "without trace"

            Expect.stringContains errors "expected a run with a routing trace (routing.safetensors), got none" "message"

            Expect.equal (errors.Trim().Split('\n').Length) 1 "one line"
    ]
