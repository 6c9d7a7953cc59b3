namespace ModNet.Figures

open Plotly.NET
open Plotly.NET.TraceObjects

/// Charts that Plotly.NET has no function for. They stand in a panel beside Plotly.NET's own, such as `Chart.Point` and `Chart.Column`. Names and
/// labels are plain text, which never becomes markup. `Hover` is a plotly hover template, in which `%{customdata}` is `Extra`.
[<AbstractClass; Sealed>]
type Draw =
    static member private Scatter
        (
            name: string,
            mode: StyleParam.Mode,
            xs: float seq,
            ys: float seq,
            ?Marker: Marker,
            ?Line: Line,
            ?Opacity: float,
            ?Hover: string,
            ?Extra: float[]
        ) : Trace2D =
        let text = Label.typeset name

        Trace2D.initScatter (
            Trace2DStyle.Scatter(
                Name = text,
                LegendGroup = text,
                ?Opacity = Opacity,
                Mode = mode,
                X = xs,
                Y = ys,
                ?HoverTemplate = Hover,
                ?CustomData = Option.map Seq.ofArray Extra,
                ?Marker = Marker,
                ?Line = Line
            )
        )

    /// The chart of a trace, with more properties by plotly's names for them.
    static member private Chart(trace: Trace2D, more: (string * obj) list) : GenericChart =
        for name, value in more do
            trace.SetProperty(name, value)

        GenericChart.ofTraceObject false trace

    /// A line through (x, y), with a dot at each point where there are few. Points that are not finite leave a gap. Without a `Colour` it gets the
    /// palette's next one, and without a `Width` it is 2 pixels wide. A `Quiet` line is thin and absent from legend and hovering: it belongs to another line of the same name.
    /// Raises ArgumentException unless there are as many y as x.
    static member Line
        (
            name: string,
            xs: float[],
            ys: float[],
            ?Colour: string,
            ?Dash: StyleParam.DrawingStyle,
            ?Opacity: float,
            ?Hover: string,
            ?Extra: float[],
            ?Quiet: bool,
            ?Width: float
        ) : GenericChart =
        if xs.Length <> ys.Length then
            invalidArg (nameof ys) $"line '{name}': expected as many y as x ({xs.Length}), got {ys.Length}."

        let quiet = Quiet = Some true
        let few = xs.Length <= 12

        let line =
            Line.init (
                ?Color = Option.map Color.fromString Colour,
                Width = (if quiet then 1.0 else defaultArg Width 2.0),
                Dash = defaultArg Dash StyleParam.DrawingStyle.Solid
            )

        Draw.Chart(
            Draw.Scatter(
                name,
                (if few then StyleParam.Mode.Lines_Markers else StyleParam.Mode.Lines),
                xs,
                ys,
                Line = line,
                ?Opacity = Opacity,
                ?Hover = Hover,
                ?Extra = Extra
            ),
            if quiet then [ "showlegend", false; "hoverinfo", "skip" ] else []
        )

    /// An arrow from each row of `from` to the same row of `towards`, both [N, 2]. Raises ArgumentException for other shapes.
    static member Arrows
        (name: string, from: float[,], towards: float[,], colour: string, ?Hover: string)
        : GenericChart =
        let shape (points: float[,]) = Array2D.length1 points, Array2D.length2 points

        if shape from <> shape towards || Array2D.length2 from <> 2 then
            invalidArg
                (nameof towards)
                $"arrows '{name}': expected two arrays [N, 2], got {shape from} and {shape towards}."

        // Tail, head and a gap for each arrow, so that one trace draws them all; the head's marker turns with its line.
        let braided axis =
            Seq.zip from[*, axis] towards[*, axis] |> Seq.collect (fun (tail, head) -> [ tail; head; nan ])

        let colour = Color.fromString colour

        let marker =
            Marker.init (
                Color = colour,
                Symbol = StyleParam.MarkerSymbol.Arrow,
                AngleRef = StyleParam.AngleRef.Previous,
                Opacity = 1.0,
                MultiSize = Seq.collect (fun _ -> [ 0; 9; 0 ]) from[*, 0]
            )

        let line = Line.init (Color = colour, Width = 1.2)
        let mode = StyleParam.Mode.Lines_Markers
        Draw.Chart(Draw.Scatter(name, mode, braided 0, braided 1, Marker = marker, Line = line, ?Hover = Hover), [])

    /// Filled shapes, each given by the points of its outline; hovering shows the name.
    static member Filled
        (name: string, outlines: (float * float) list list, colour: string, ?Opacity: float)
        : GenericChart =
        // The outlines follow each other in one trace, with a gap between them.
        let xs, ys =
            outlines
            |> List.mapi (fun i outline -> if i = 0 then outline else (nan, nan) :: outline)
            |> List.concat
            |> List.unzip

        let line = Line.init (Color = Color.fromString colour, Width = 0.0)

        Draw.Chart(
            Draw.Scatter(name, StyleParam.Mode.Lines, xs, ys, Line = line, ?Opacity = Opacity),
            [
                "fill", "toself"
                "fillcolor", colour
                "hoveron", "fills"
                "text", Label.typeset name
                "hoverinfo", "text"
            ]
        )

    /// A disc at each point, with its diameter in pixels and a label; the legend does not list them. Raises ArgumentException unless all arrays have
    /// one length.
    static member Nodes
        (
            name: string,
            (xs: float[], ys: float[]),
            diameters: float[],
            labels: string[],
            colour: string,
            ?Hover: string,
            ?Extra: float[]
        ) : GenericChart =
        if [ ys.Length; diameters.Length; labels.Length ] |> List.exists ((<>) xs.Length) then
            invalidArg
                (nameof labels)
                $"nodes '{name}': expected a y, a diameter and a label for each of {xs.Length} x, got {ys.Length}, {diameters.Length} and {labels.Length}."

        let marker = Marker.init (Color = Color.fromString colour, SizeMin = 2, Opacity = 1.0)
        // Plotly.NET takes whole pixels only, which would distort proportions.
        marker.SetProperty("size", diameters)

        Draw.Chart(
            Draw.Scatter(name, StyleParam.Mode.Markers_Text, xs, ys, Marker = marker, ?Hover = Hover, ?Extra = Extra),
            [
                "showlegend", false
                "text", Array.map Label.typeset labels
                "textposition", "top center"
                "cliponaxis", false
            ]
        )

    /// A grey map of values [rows, columns], black at `low` and white at `high`; the panel that it is put into shows this scale. Columns have names; rows have the names `Rows`, or numbers from 0
    /// where there are none.
    static member Heat
        (columns: string[], (low: float, high: float), values: float[,], ?Rows: string[], ?Hover: string)
        : GenericChart =
        if columns.Length <> Array2D.length2 values then
            invalidArg
                (nameof columns)
                $"heat map: expected {Array2D.length2 values} column names, got {columns.Length}."

        let rows = [| for row in 0 .. Array2D.length1 values - 1 -> values[row, *] |]

        let numbers () = rows |> Array.mapi (fun row _ -> string row)

        let grey = StyleParam.Colorscale.Custom [ 0.0, Color.fromString "#000000"; 1.0, Color.fromString "#ffffff" ]

        Trace2D.initHeatmap (
            Trace2DStyle.Heatmap(
                X = Array.map Label.typeset columns,
                Y = (Rows |> Option.map (Array.map Label.typeset) |> Option.defaultWith numbers),
                Z = rows,
                ZMin = low,
                ZMax = high,
                ColorScale = grey,
                ShowScale = false,
                ?HoverTemplate = Hover
            )
        )
        |> fun trace -> Draw.Chart(trace, [])
