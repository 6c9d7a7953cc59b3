/// Figures: standard plotly JSON, with everything that was asked for in it.
module ModNet.Tests.ReportFigureTests

open System
open System.Text.Json.Nodes
open Expecto
open ModNet.Figures

let private text (node: JsonNode) = node.GetValue<string>()

let private floats (node: JsonNode) =
    node.AsArray() |> Seq.map _.GetValue<float>() |> Seq.toArray

let private names (figure: Figure) =
    figure.Data |> Seq.map (fun trace -> text trace["name"]) |> Seq.toList

let private listed (figure: Figure) =
    figure.Data
    |> Seq.filter (fun trace -> trace["showlegend"].GetValue<bool>())
    |> Seq.map (fun trace -> text trace["name"])
    |> Seq.toList

let private steps = [| 1.0; 2.0; 3.0 |]
let private falling = Series.line "train" steps [| 3.0; 2.0; 1.0 |]
let private rising = Series.line "validation" steps [| 1.0; 2.0; 3.0 |]

let private points = array2D [ [ 0.0; 1.0 ]; [ 2.0; 3.0 ]; [ 4.0; 5.0 ] ]

let private moved = Array2D.map (fun x -> 10.0 * x) points

let private panels = [
    testCase "a line becomes a plotly trace" (fun () ->
        let trace = (Figure.single (Panel.series [ falling ])).Data[0]

        Expect.equal
            (text trace["type"], text trace["mode"])
            ("scatter", "lines+markers")
            "few points: a line with dots"

        Expect.equal (floats trace["x"]) steps "x"
        Expect.equal (floats trace["y"]) [| 3.0; 2.0; 1.0 |] "y")

    testCase "what is not finite becomes a gap" (fun () ->
        let series = Series.line "a" steps [| 1.0; nan; infinity |]
        let y = (Figure.single (Panel.series [ series ])).Data[0].["y"]
        Expect.equal (y.ToJsonString()) "[1,null,null]" "y")

    testCase "axis titles, logarithmic axis and reference line are in the layout" (fun () ->
        let layout =
            Panel.series [ falling ]
            |> Panel.x "step"
            |> Panel.y "H_b"
            |> Panel.logY
            |> Panel.reference (log 2.0) "log 2"
            |> Figure.single
            |> _.Layout

        Expect.equal (text layout["xaxis"].["title"].["text"]) "step" "x title"
        Expect.equal (text layout["yaxis"].["title"].["text"]) "H<sub>b</sub>" "y title, typeset"
        Expect.equal (text layout["yaxis"].["type"]) "log" "y axis"
        let shape = layout["shapes"].[0]
        Expect.equal (text shape["label"].["text"]) "log 2" "label"
        Expect.floatClose Accuracy.medium (shape["y0"].GetValue<float>()) 0.693147 "place")

    testCase "panels beside each other have axes of their own and share names, colours and one legend" (fun () ->
        let figure =
            Figure.beside [ Panel.series [ falling; rising ]; Panel.series [ rising; falling ] ]

        Expect.equal (figure.Data |> Seq.map (fun t -> text t["yaxis"]) |> Seq.toList) [ "y"; "y"; "y2"; "y2" ] "axes"
        Expect.equal (listed figure) [ "train"; "validation" ] "legend entries"

        let colours =
            figure.Data |> Seq.map (fun t -> text t["line"].["color"]) |> Seq.toArray

        Expect.equal colours[0] colours[3] "colour of train"
        Expect.equal colours[1] colours[2] "colour of validation"
        Expect.notEqual colours[0] colours[1] "train and validation"
        Expect.equal (figure.Layout["grid"].["columns"].GetValue<float>()) 2.0 "columns"
        Expect.equal (figure.Layout["grid"].["rows"].GetValue<float>()) 1.0 "rows")

    testCase "a grid starts a new row when one is full" (fun () ->
        let grid =
            (Figure.grid 2 (List.replicate 3 (Panel.series [ falling ]))).Layout["grid"]

        Expect.equal (grid["rows"].GetValue<float>(), grid["columns"].GetValue<float>()) (2.0, 2.0) "rows, columns")

    testCase "one name needs no legend" (fun () ->
        Expect.isEmpty (listed (Figure.single (Panel.series [ falling ]))) "legend")

    testCase "a name with markup stays text" (fun () ->
        let figure = Figure.single (Panel.series [ Series.line "<b>a</b>" steps steps ])
        Expect.equal (names figure) [ "&lt;b&gt;a&lt;/b&gt;" ] "escaped for plotly"
        Expect.isFalse (figure.Json.Contains '<') "no tag can end a script element")

    testCase "lengths that differ are refused with both of them" (fun () ->
        Expect.throwsC (fun () -> Series.line "a" steps [| 1.0 |] |> ignore) (fun e ->
            Expect.isMatch e.Message @"\(3\), got 1" "message"))
]

let private json = [
    testCase "JSON there and back is the same figure" (fun () ->
        let figure =
            Figure.beside [
                Panel.series [ falling; rising ] |> Panel.reference 1.5 "middle"
                Panel.series [ Series.arrows "go" points moved ] |> Panel.equalUnits
            ]

        Expect.equal (Figure.ofJson figure.Json).Json figure.Json "JSON")

    testPropertyWithConfig
        FsCheckConfig.defaultConfig
        "finite numbers keep seven digits on the way"
        (fun (xs: FsCheck.NormalFloat list) ->
            let xs = xs |> List.map _.Get |> List.toArray
            let figure = Figure.single (Panel.series [ Series.points "p" xs xs ])
            let back = floats (Figure.ofJson figure.Json).Data[0].["x"]
            Expect.equal back.Length xs.Length "count"

            for x, y in Array.zip xs back do
                Expect.floatClose { absolute = 0.0; relative = 1e-6 } y x "value")

    testCase "text that is no figure is refused" (fun () ->
        for wrong in [ "{"; "[]"; "null"; """{"data": []}"""; """{"data": {}, "layout": {}}""" ] do
            Expect.throwsT<FormatException> (fun () -> Figure.ofJson wrong |> ignore) wrong)

    testCase "a figure's parts are copies" (fun () ->
        let figure = Figure.single (Panel.series [ falling ])
        let before = figure.Json
        figure.Layout.Clear()
        figure.Data.Clear()
        Expect.equal figure.Json before "unchanged")
]

let private toy = [
    testCase "composition: one cloud for each module and component that meet, targets behind" (fun () ->
        let figure = Toy.composition points points moved [| 0; 1; 1 |] [| 1; 0; 1 |]

        Expect.equal
            (listed figure |> List.sort)
            [
                "module 1, component 2"
                "module 2, component 1"
                "module 2, component 2"
                "target"
            ]
            "legend"

        let trace name axis =
            figure.Data
            |> Seq.find (fun t -> text t["name"] = name && text t["yaxis"] = axis)

        Expect.equal (floats (trace "module 1, component 2" "y").["x"]) [| 2.0 |] "an input"
        Expect.equal (floats (trace "module 1, component 2" "y2").["x"]) [| 20.0 |] "its prediction"
        Expect.equal (floats (trace "target" "y2").["x"]) [| 0.0; 2.0; 4.0 |] "the targets"

        let look name =
            let marker = (trace name "y").["marker"]
            text marker["color"], text marker["symbol"]

        Expect.equal (fst (look "module 2, component 1")) (fst (look "module 2, component 2")) "colour is the module"

        Expect.equal
            (snd (look "module 1, component 2"))
            (snd (look "module 2, component 2"))
            "symbol is the component")

    testCase "data: inputs left, targets right, by component" (fun () ->
        let figure = Toy.data points moved [| 0; 1; 0 |]
        Expect.equal (names figure) [ "component 1"; "component 2"; "component 1"; "component 2" ] "clouds"
        Expect.equal (floats figure.Data[2].["y"]) [| 10.0; 50.0 |] "targets of component 1")

    testCase "arrows go from input to prediction" (fun () ->
        let figure = Toy.arrows 2 points moved [| 0; 1; 0 |]
        Expect.equal (figure.Data[1].["x"].ToJsonString()) "[2,20,null]" "module 2"
        Expect.equal (figure.Data[0].["y"].ToJsonString()) "[1,10,null,5,50,null]" "module 1")

    testCase "shapes that do not fit are refused by name" (fun () ->
        Expect.throwsC (fun () -> Toy.data points (Array2D.zeroCreate 3 3) [| 0; 1; 0 |] |> ignore) (fun e ->
            Expect.stringContains e.Message "targets: expected [3, 2], got [3, 3]" "message"))
]

let private controllers = [
    testCase "a distribution is black at 0, white at 1, first datapoint on top" (fun () ->
        let figure = Controllers.distribution (array2D [ [ 0.0; 1.0 ]; [ 0.5; 0.5 ] ])
        let trace = figure.Data[0]
        Expect.equal (trace["z"].ToJsonString()) "[[0,1],[0.5,0.5]]" "values"
        Expect.equal (trace["zmin"].GetValue<float>(), trace["zmax"].GetValue<float>()) (0.0, 1.0) "range"
        Expect.equal (trace["colorscale"].ToJsonString()) """[[0,"#000000"],[1,"#ffffff"]]""" "colours"
        Expect.equal (text figure.Layout["yaxis"].["autorange"]) "reversed" "rows from the top"
        Expect.equal (text figure.Layout["xaxis"].["type"]) "category" "modules are names")
]

[<Tests>]
let tests =
    testList "figure" [
        testList "panel" panels
        testList "json" json
        testList "toy" toy
        testList "controllers" controllers
    ]
