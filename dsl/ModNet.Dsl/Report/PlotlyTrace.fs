namespace ModNet.Figures

open System
open System.Globalization
open System.Text.Json.Nodes

/// Series as plotly traces (JSON).
module internal PlotlyTrace =
    let text (value: string) : JsonNode = JsonValue.Create value
    let flag (value: bool) : JsonNode = JsonValue.Create value

    /// Seven significant digits: more than a plot can show, and half the file. What is not finite becomes null, a gap.
    let number (value: float) : JsonNode =
        if not (Double.IsFinite value) then
            null
        else
            let culture = CultureInfo.InvariantCulture
            JsonValue.Create(Double.Parse(value.ToString("G7", culture), culture))

    let list (items: JsonNode seq) : JsonNode = JsonArray(Seq.toArray items)
    let numbers (values: float seq) : JsonNode = values |> Seq.map number |> list

    /// An object of these properties, in this order.
    let object (properties: (string * JsonNode) seq) : JsonObject =
        let result = JsonObject()

        for name, value in properties do
            result[name] <- value

        result

    let private positions =
        function
        | Positions.Numbers values -> numbers values
        | Positions.Names names -> names |> Seq.map (Label.typeset >> text) |> list

    let private dashName =
        function
        | Dash.Solid -> "solid"
        | Dash.Dashed -> "dash"
        | Dash.Dotted -> "dot"
        | Dash.DashDot -> "dashdot"

    let private symbolName =
        function
        | Symbol.Circle -> "circle"
        | Symbol.Cross -> "x-thin-open"
        | Symbol.Square -> "square"
        | Symbol.Diamond -> "diamond"
        | Symbol.Triangle -> "triangle-up"
        | Symbol.Ring -> "circle-open"

    let private coordinates (series: Series) = [ "x", positions series.X; "y", positions series.Y ]

    /// Tail, head and a gap for each arrow, so that one trace draws them all; the head's marker turns with its line.
    let private arrows (series: Series) colour (toX: float[]) (toY: float[]) =
        let braided positions (heads: float[]) =
            match positions with
            | Positions.Numbers tails -> Seq.collect (fun (a, b) -> [ a; b; nan ]) (Seq.zip tails heads)
            | Positions.Names _ -> invalidOp "Arrows start at numbers."

        let sizes = Seq.collect (fun _ -> [ 0.0; 9.0; 0.0 ]) toX

        [
            "type", text "scatter"
            "mode", text "lines+markers"
            "x", numbers (braided series.X toX)
            "y", numbers (braided series.Y toY)
            "line", object [ "color", text colour; "width", number 1.2 ]
            "marker",
            object [
                "symbol", text "arrow"
                "angleref", text "previous"
                "color", text colour
                "opacity", number 1.0
                "size", numbers sizes
            ]
        ]

    let private heat (series: Series) (values: float[,]) low high =
        let rows =
            Seq.init (Array2D.length1 values) (fun row -> numbers values[row, *]) |> list

        let stop at grey = list [ number at; text grey ]

        coordinates series
        @ [
            "type", text "heatmap"
            "z", rows
            "zmin", number low
            "zmax", number high
            "colorscale", list [ stop 0.0 "#000000"; stop 1.0 "#ffffff" ]
            "showscale", flag false
        ]

    let private drawn (series: Series) colour =
        match series.Mark with
        | Mark.Line dash ->
            coordinates series
            @ [
                "type", text "scatter"
                "mode", text (if series.Dots then "lines+markers" else "lines")
                "line",
                object [
                    "color", text colour
                    "width", number (if series.Listed then 2.0 else 1.0)
                    "dash", text (dashName dash)
                ]
            ]
        | Mark.Points(symbol, size) ->
            let outline = symbol = Symbol.Ring || symbol = Symbol.Cross

            coordinates series
            @ [
                "type", text "scatter"
                "mode", text "markers"
                "marker",
                object [
                    "color", text colour
                    "size", number size
                    "symbol", text (symbolName symbol)
                    if outline then
                        "line", object [ "width", number 1.5; "color", text colour ]
                ]
            ]
        | Mark.Bars ->
            coordinates series
            @ [ "type", text "bar"; "marker", object [ "color", text colour ] ]
        | Mark.Filled ->
            coordinates series
            @ [
                "type", text "scatter"
                "mode", text "lines"
                "line", object [ "width", number 0.0; "color", text colour ]
                "fill", text "toself"
                "fillcolor", text colour
                "hoveron", text "fills"
                "text", text (Label.typeset series.Name)
                "hoverinfo", text "text"
            ]
        | Mark.Nodes(diameters, labels) ->
            coordinates series
            @ [
                "type", text "scatter"
                "mode", text "markers+text"
                "text", labels |> Seq.map (Label.typeset >> text) |> list
                "textposition", text "top center"
                "cliponaxis", flag false
                "marker",
                object [
                    "color", text colour
                    "size", numbers diameters
                    "sizemin", number 2.0
                    "opacity", number 1.0
                ]
            ]
        | Mark.Arrows(toX, toY) -> arrows series colour toX toY
        | Mark.Heat(values, low, high) -> heat series values low high

    /// The trace of one series on the axes `suffix` ("" for the first panel, "2", "3", …). `legend`: this is the first
    /// trace of its name, and the figure has several names.
    let ofSeries (colour: string) (suffix: string) (legend: bool) (series: Series) : JsonObject =
        let name = Label.typeset series.Name

        object [
            "name", text name
            yield! drawn series colour
            if series.Opacity <> 1.0 then
                "opacity", number series.Opacity
            if not series.Hoverable then
                "hoverinfo", text "skip"
            elif series.Hover <> "" then
                "hovertemplate", text series.Hover
            if series.Extra.Length > 0 then
                "customdata", numbers series.Extra
            "xaxis", text ("x" + suffix)
            "yaxis", text ("y" + suffix)
            match series.Mark with
            | Mark.Heat _ -> ()
            | _ ->
                "legendgroup", text name
                "showlegend", flag legend
        ]
