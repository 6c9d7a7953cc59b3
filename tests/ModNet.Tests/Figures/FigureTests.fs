/// Figures: Plotly.NET charts in the house's look, with everything that was asked for in it.
module ModNet.Tests.FigureTests

open System
open System.Text.Json.Nodes
open Expecto
open ModNet.Figures
open ModNet.Tests.DrawnFigure
open Plotly.NET

let private steps = [| 1.0; 2.0; 3.0 |]
let private falling = Draw.Line("train", steps, [| 3.0; 2.0; 1.0 |])
let private rising = Draw.Line("validation", steps, [| 1.0; 2.0; 3.0 |])

let private panels = [
    testCase "a line becomes a plotly trace" (fun () ->
        let trace = Drawn(Panel.series [ falling ]).Data[0]

        Expect.equal
            (text trace["type"], text trace["mode"])
            ("scatter", "lines+markers")
            "few points: a line with dots"

        Expect.equal (floats trace["x"]) steps "x"
        Expect.equal (floats trace["y"]) [| 3.0; 2.0; 1.0 |] "y")

    testCase "what is not finite becomes a gap" (fun () ->
        let series = Draw.Line("a", steps, [| 1.0; nan; infinity |])
        let y = Drawn(Panel.series [ series ]).Data[0].["y"]
        Expect.equal (y.ToJsonString()) "[1,null,null]" "y")

    testCase "axis titles, logarithmic axis and reference line are in the layout" (fun () ->
        let layout =
            Panel.series [ falling ]
            |> Panel.x "step"
            |> Panel.y "H_b"
            |> Panel.logY
            |> Panel.reference (log 2.0) "log 2"
            |> Drawn
            |> _.Layout

        Expect.equal (text layout["xaxis"].["title"].["text"]) "step" "x title"
        Expect.equal (text layout["yaxis"].["title"].["text"]) "H<sub>b</sub>" "y title, typeset"
        Expect.equal (text layout["yaxis"].["type"]) "log" "y axis"
        let shape = layout["shapes"].[0]
        Expect.equal (text shape["label"].["text"]) "log 2" "label"
        Expect.floatClose Accuracy.medium (shape["y0"].GetValue<float>()) 0.693147 "place")

    testCase "panels beside each other have axes of their own and share names, colours and one legend" (fun () ->
        let figure = Figure.beside [ Panel.series [ falling; rising ]; Panel.series [ rising; falling ] ] |> Drawn

        Expect.equal (figure.Data |> Seq.map (fun t -> text t["yaxis"]) |> Seq.toList) [ "y"; "y"; "y2"; "y2" ] "axes"
        Expect.equal (listed figure) [ "train"; "validation" ] "legend entries"

        let colours = figure.Data |> Seq.map (fun t -> text t["line"].["color"]) |> Seq.toArray

        Expect.equal colours[0] colours[3] "colour of train"
        Expect.equal colours[1] colours[2] "colour of validation"
        Expect.notEqual colours[0] colours[1] "train and validation"
        Expect.equal (figure.Layout["grid"].["columns"].GetValue<float>()) 2.0 "columns"
        Expect.equal (figure.Layout["grid"].["rows"].GetValue<float>()) 1.0 "rows")

    testCase "a grid starts a new row when one is full" (fun () ->
        let grid = Drawn(Figure.grid 2 (List.replicate 3 (Panel.series [ falling ]))).Layout["grid"]

        Expect.equal (grid["rows"].GetValue<float>(), grid["columns"].GetValue<float>()) (2.0, 2.0) "rows, columns")

    testCase "one name needs no legend" (fun () -> Expect.isEmpty (listed (Drawn(Panel.series [ falling ]))) "legend")

    testCase "a name with markup stays text" (fun () ->
        let figure = Panel.series [ Draw.Line("<b>a</b>", steps, steps) ] |> Drawn
        Expect.equal (names figure) [ "&lt;b&gt;a&lt;/b&gt;" ] "escaped for plotly"
        Expect.isFalse (figure.Json.Contains '<') "no tag can end a script element")

    testCase "a figure whose panels have different names gives each panel its own legend" (fun () ->
        let line name = Draw.Line(name, steps, steps)
        let many = [ for i in 1..5 -> line $"path {i}" ]
        let figure = Figure.beside [ Panel.series [ line "loss" ]; Panel.series many ] |> Drawn
        let legends = figure.Data |> Seq.map (fun trace -> text trace["legend"]) |> Seq.toList
        Expect.equal legends ("legend" :: List.replicate 5 "legend2") "traces and legends"
        let legend (name: string) = figure.Layout[name]
        Expect.equal ((legend "legend").["x"].GetValue<float>()) 0.0 "the first panel's"
        Expect.isGreaterThan ((legend "legend2").["x"].GetValue<float>()) 0.5 "the second panel's, below it"
        Expect.isLessThan ((legend "legend2").["y"].GetValue<float>()) 0.0 "below it"
        Expect.equal (text (legend "legend2").["orientation"]) "v" "many names stand below each other"
        Expect.equal (figure.Layout["height"].GetValue<float>()) (340.0 + 8.0 + 5.0 * 20.0) "and have their room"

        let shared = Figure.beside [ Panel.series [ line "a" ]; Panel.series [ line "a"; line "b" ] ] |> Drawn
        Expect.isNull shared.Data[0].["legend"] "one legend where no name belongs to one panel only")

    testCase "a logarithmic axis has no fixed ticks, and powers of ten where numbers would be long" (fun () ->
        let axis (low: float) : JsonNode =
            (Panel.series [ Draw.Line("a", steps, [| low; 1.0; 2.0 |]) ] |> Panel.logY |> Drawn).Layout["yaxis"]

        for low in [ 1e-14; 0.1; 0.9 ] do
            Expect.isNull (axis low).["dtick"] "plotly follows the range"
            Expect.isLessThan ((axis low).["nticks"].GetValue<float>()) 5.0 "few"

        Expect.isNull (axis 1e-14).["tickformat"] "powers of ten"
        Expect.equal (text (axis 0.1).["tickformat"]) ",~r" "written out")

    testCase "axes hold what is drawn, whatever range was asked for" (fun () ->
        let range (axis: string) (chart: GenericChart) = floats (Drawn chart).Layout[axis].["range"]
        let wide = Panel.series [ rising ] |> Panel.yRange 0.0 10.0 |> range "yaxis"
        Expect.equal wide [| 0.0; 10.0 |] "as asked for"
        let y = Panel.series [ rising ] |> Panel.yRange 1.5 2.0 |> range "yaxis"
        Expect.isTrue (y[0] < 1.0 && y[1] > 3.0) "both ends"
        let x = Panel.series [ rising ] |> Panel.xRange 2.0 3.0 |> range "xaxis"
        Expect.isTrue (x[0] < 1.0 && x[1] = 3.0) "one end"
        let log = Panel.series [ rising ] |> Panel.logY |> Panel.yRange 2.0 10.0 |> range "yaxis"
        Expect.isTrue (log[0] < 0.0 && log[1] = 1.0) "a logarithmic axis")

    testCase "axes of whole numbers have no tick twice" (fun () ->
        let axis (xs: float[]) : JsonNode =
            (Panel.series [ Draw.Line("a", xs, xs) ] |> Panel.wholeX |> Drawn).Layout["xaxis"]

        Expect.equal ((axis [| 1.0; 2.0 |]).["dtick"].GetValue<float>()) 1.0 "few steps"
        Expect.isNull (axis [| 1.0; 2000.0 |]).["dtick"] "many")

    testCase "a heat map has a frame and a scale, which go with its panel" (fun () ->
        let heat = Panel.series [ Draw.Heat([| "0"; "1" |], (0.0, 0.42), points) ] |> Panel.title "a"
        let layout = Drawn(Figure.beside [ Panel.series [ falling ]; heat ]).Layout
        Expect.isTrue (layout["xaxis2"].["mirror"].GetValue<bool>()) "a frame"
        Expect.isNull layout["xaxis"].["mirror"] "only there"
        let shapes = layout["shapes"].AsArray() |> Seq.toList
        Expect.allEqual (shapes |> List.map (fun shape -> text shape["xref"])) "x2 domain" "at the panel's own axes"

        Expect.equal
            (text shapes[0].["fillcolor"], text shapes[11].["fillcolor"])
            ("#000000", "#ffffff")
            "from low to high"

        let notes = layout["annotations"].AsArray() |> Seq.map (fun note -> text note["text"]) |> Seq.toList
        Expect.containsAll notes [ "0"; "0.42"; "a" ] "its ends")

    testCase "quotes in a name stay what they are" (fun () ->
        Expect.equal
            (names (Drawn(Panel.series [ Draw.Line("\"q' & <b>", steps, steps) ])))
            [ "\"q' &amp; &lt;b&gt;" ]
            "name")

    testCase "lengths that differ are refused with both of them" (fun () ->
        Expect.throwsC (fun () -> Draw.Line("a", steps, [| 1.0 |]) |> ignore) (fun e ->
            Expect.isMatch e.Message @"\(3\), got 1" "message"))
]

/// A chart of each of the house's kinds, in which every name and label is hostile.
let private hostile = "</script><b>x</b>"

let private ofEachKind = [
    "line", Draw.Line(hostile, steps, steps, Colour = Palette.blue, Dash = StyleParam.DrawingStyle.Dash, Hover = "%{y}")
    "quiet line", Draw.Line(hostile, steps, steps, Opacity = 0.3, Quiet = true)
    "arrows", Draw.Arrows(hostile, points, moved, Palette.green)
    "filled", Draw.Filled(hostile, [ [ 0.0, 0.0; 1.0, 1.0; 1.0, 0.0 ]; [ 2.0, 2.0; 3.0, 3.0; 3.0, 2.0 ] ], Palette.sky)
    "nodes",
    Draw.Nodes(hostile, (steps, steps), [| 4.5; 9.0; 13.5 |], Array.create 3 hostile, Palette.grey, Extra = steps)
    "heat", Draw.Heat(Array.create 2 hostile, (0.0, 6.0), points, Rows = Array.create 3 hostile)
]

let private dressed (chart: GenericChart) =
    Panel.series [ chart ]
    |> Panel.title hostile
    |> Panel.x hostile
    |> Panel.y hostile
    |> Panel.xMarks [ 1.0, hostile ]
    |> Panel.reference 1.5 hostile
    |> Panel.rightMarks hostile [ 2.0, hostile ]

/// All texts in it.
let rec private texts (node: JsonNode) : string list =
    match node with
    | :? JsonObject as fields -> [ for field in fields -> texts field.Value ] |> List.concat
    | :? JsonArray as items -> [ for item in items -> texts item ] |> List.concat
    | :? JsonValue as value when value.GetValueKind() = Text.Json.JsonValueKind.String -> [ text value ]
    | _ -> []

/// The same with numbers of six digits, which Plotly.NET writes in full, and without lists and objects of nothing.
let rec private rounded (node: JsonNode) : string =
    match node with
    | :? JsonObject as fields ->
        fields
        |> Seq.map (fun field -> $"{field.Key}: {rounded field.Value}")
        |> Seq.sort
        |> String.concat ", "
        |> sprintf "{%s}"
    | :? JsonArray as items -> items |> Seq.map rounded |> String.concat ", " |> sprintf "[%s]"
    | :? JsonValue as value when value.GetValueKind() = Text.Json.JsonValueKind.Number ->
        value.GetValue<float>().ToString("G6", Globalization.CultureInfo.InvariantCulture)
    | null -> "null"
    | other -> other.ToJsonString().Replace("\"NaN\"", "null")

let private json = [
    for kind, chart in ofEachKind do
        testCase $"{kind}: names and labels stay text wherever they stand" (fun () ->
            let drawn = Drawn(dressed chart)
            Expect.isFalse (drawn.Json.Contains '<') "no tag can end a script element"
            let said = [ drawn.Data :> JsonNode; drawn.Layout ] |> List.collect texts
            Expect.isFalse (said |> List.exists (fun text -> text.Contains "<b>")) "no markup for plotly"

            Expect.isGreaterThanOrEqual
                (said |> List.filter (fun text -> text.Contains "&lt;b&gt;") |> List.length)
                7
                "but the words are there")

        testCase $"{kind}: the house's template is in it" (fun () ->
            let look = Drawn(dressed chart).Layout["template"].["layout"]
            Expect.equal (text look["font"].["family"]) Palette.fonts "fonts"
            Expect.equal (look["colorway"].AsArray() |> Seq.map text |> Seq.toArray) Palette.colours "colours"
            Expect.isTrue (look["xaxis"].["automargin"].GetValue<bool>()) "axes")

        testCase $"{kind}: our JSON says what Plotly.NET's own does" (fun () ->
            let figure =
                Figure.beside [ dressed chart; Panel.series [ falling ] |> Panel.logY |> Panel.yRange 1.0 8.0 ]

            let theirs = JsonNode.Parse(GenericChart.toFigureJson figure)
            let ours = Drawn figure
            Expect.equal (rounded ours.Data) (rounded theirs["data"]) "data"
            Expect.equal (rounded ours.Layout) (rounded theirs["layout"]) "layout")

    testCase "Plotly.NET's own charts, colours and dates are written, and their text cannot end a script" (fun () ->
        let chart =
            Chart.Point(x = [ DateTime(2026, 1, 2) ], y = [ 1m ], Name = hostile, MarkerColor = Color.fromRGB 1 2 3)
            |> Chart.withTitle "mine"

        let drawn = Drawn chart
        Expect.isFalse (drawn.Json.Contains '<') "no tag"
        Expect.stringStarts (text drawn.Data[0].["x"].[0]) "2026-01-02" "a date"
        Expect.equal (drawn.Data[0].["y"].[0].GetValue<float>()) 1.0 "a decimal"
        Expect.isNotNull drawn.Data[0].["marker"].["color"] "a colour"
        Expect.equal (text drawn.Layout["title"].["text"]) "mine" "the title"

        Expect.equal
            (text drawn.Layout["template"].["layout"].["font"].["family"])
            Palette.fonts
            "the house's look where none was chosen"

        let own = Drawn(chart |> Chart.withTemplate ChartTemplates.dark).Layout["template"].["layout"]

        Expect.notEqual (text own["paper_bgcolor"]) "#ffffff" "and else what was chosen")

    testPropertyWithConfig
        FsCheckConfig.defaultConfig
        "finite numbers keep seven digits on the way"
        (fun (xs: FsCheck.NormalFloat list) ->
            let xs = xs |> List.map _.Get |> List.toArray
            let back = floats (Drawn(Panel.series [ Draw.Line("p", xs, xs) ])).Data[0].["x"]
            Expect.equal back.Length xs.Length "count"

            for x, y in Array.zip xs back do
                Expect.floatClose { absolute = 0.0; relative = 1e-6 } y x "value")

    testCase "what a chart becomes leaves it as it was" (fun () ->
        let panel = Panel.series [ falling; rising ] |> Panel.reference 1.5 "middle"
        let before = ChartJson.ofChart panel

        panel
        |> Panel.logY
        |> Panel.yRange 1.0 2.0
        |> Panel.rightMarks "m" [ 1.0, "a" ]
        |> fun other -> Figure.beside [ other; panel ]
        |> ignore

        Expect.equal (ChartJson.ofChart panel) before "unchanged")
]

let private restyled = [
    testCase "Plotly.NET's functions restyle a house chart, and a figure takes over what they did" (fun () ->
        let panel =
            Panel.series [ falling |> Chart.withLineStyle (Dash = StyleParam.DrawingStyle.Dot) ]
            |> Chart.withTitle "mine"

        for chart in [ panel; Figure.beside [ panel; Panel.series [ rising ] ] ] do
            let drawn = Drawn chart
            Expect.equal (text drawn.Data[0].["line"].["dash"]) "dot" "line"
            Expect.equal (text drawn.Layout["title"].["text"]) "mine" "title")

    testCase "a figure of several panels is one that Plotly.NET knows its way in" (fun () ->
        let panel = Panel.series [ falling ] |> Panel.x "step" |> Panel.reference 1.5 "middle" |> Panel.title "a"

        let drawn =
            Figure.beside [ panel; panel ]
            |> Chart.withXAxisStyle (MinMax = (0.0, 9.0), Id = StyleParam.SubPlotId.XAxis 2)
            |> Chart.withShape (LayoutObjects.Shape.init (X0 = 1.0))
            |> Chart.withAnnotation (LayoutObjects.Annotation.init (Text = "more"))
            |> Chart.withLineStyle (Width = 7.0)
            |> Drawn

        let axis = drawn.Layout["xaxis2"]
        Expect.equal (text axis["anchor"], text axis["title"].["text"]) ("y2", "step") "what the axis had"
        Expect.equal (floats axis["range"]) [| 0.0; 9.0 |] "and has now"

        Expect.equal
            (drawn.Layout["shapes"].AsArray().Count, drawn.Layout["annotations"].AsArray().Count)
            (3, 3)
            "more of them"

        Expect.equal (text drawn.Data[1].["line"].["color"]) Palette.blue "what the line had"
        Expect.equal (drawn.Data[1].["line"].["width"].GetValue<float>()) 7.0 "and has now")

    testCase "Plotly.NET's charts stand in a panel beside the house's" (fun () ->
        let panel = Panel.series [ falling; Chart.Point(x = steps, y = steps, Name = "dots") ] |> Drawn

        Expect.equal (listed panel) [ "train"; "dots" ] "legend"
        Expect.equal (text panel.Layout["template"].["layout"].["font"].["family"]) Palette.fonts "look"
        Expect.isNull panel.Layout["width"] "as wide as the page")

    testCase "references and notes go with their panel" (fun () ->
        let panel = Panel.series [ falling ] |> Panel.title "a" |> Panel.reference 1.5 "middle"

        let layout = Drawn(Figure.grid 1 [ panel; panel |> Panel.equalUnits ]).Layout

        let refs (name: string) (key: string) =
            layout[name].AsArray() |> Seq.map (fun (item: JsonNode) -> text item[key]) |> Seq.toList

        Expect.equal (refs "shapes" "xref", refs "shapes" "yref") ([ "x domain"; "x2 domain" ], [ "y"; "y2" ]) "shapes"
        Expect.equal (refs "annotations" "yref") [ "y domain"; "y2 domain" ] "notes"
        Expect.equal (text layout["yaxis2"].["scaleanchor"]) "x2" "units"
        Expect.equal (layout["height"].GetValue<float>()) 680.0 "two rows")

    testCase "discs keep their proportions" (fun () ->
        let nodes = Draw.Nodes("n", (steps, steps), [| 1.25; 2.5; 5.0 |], [| "a"; "b"; "c" |], Palette.grey)

        Expect.equal (floats (Drawn nodes).Data[0].["marker"].["size"]) [| 1.25; 2.5; 5.0 |] "sizes")
]

let private empty = [
    testCase "a panel of no charts is an empty one, whatever is said of it" (fun () ->
        let panel =
            Panel.series []
            |> Panel.title "nothing yet"
            |> Panel.x "x"
            |> Panel.y "y"
            |> Panel.classesX
            |> Panel.logY
            |> Panel.yRange 0.001 100.0

        let drawn = Drawn(Figure.grid 2 [ panel; panel ])
        Expect.all drawn.Data (fun trace -> isNull trace["y"] || trace["y"].AsArray().Count = 0) "no points")
]

[<Tests>]
let tests =
    testList "figure" [
        testList "panel" panels
        testList "empty" empty
        testList "json" json
        testList "restyled" restyled
    ]
