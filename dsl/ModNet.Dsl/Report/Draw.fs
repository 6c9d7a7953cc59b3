namespace ModNet.Figures

open Plotly.NET
open Plotly.NET.TraceObjects

/// The house's traces as Plotly.NET charts. Names and labels are plain text, which never becomes markup. A `Colour` that is not given is the
/// palette's next; traces of one name share it in all panels of a figure. `Hover` is a plotly hover template, in which `%{customdata}` is
/// `Extra`. What is not `Listed` has no entry in the legend. Plotly.NET's own functions restyle what these make.
[<AbstractClass; Sealed>]
type Draw =
    static member private Same(what: string, expected: int, got: int) =
        if got <> expected then
            invalidArg "ys" $"{what}: expected as many y as x ({expected}), got {got}."

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
            ?Extra: float[],
            ?Listed: bool
        ) : Trace2D =
        let text = Label.typeset name

        Trace2D.initScatter (
            Trace2DStyle.Scatter(
                Name = text,
                LegendGroup = text,
                ?ShowLegend = (if Listed = Some false then Listed else None),
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

    static member private Chart(trace: Trace2D) : GenericChart = GenericChart.ofTraceObject false trace

    /// A line through (x, y), with a dot at each point where there are few. Points that are not finite leave a gap. `Quiet`: a thin line of which
    /// neither legend nor hovering tells, for what belongs to another line of the same name.
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
            ?Quiet: bool
        ) : GenericChart =
        Draw.Same($"line '{name}'", xs.Length, ys.Length)
        let quiet = defaultArg Quiet false

        let mode =
            if xs.Length <= 12 then
                StyleParam.Mode.Lines_Markers
            else
                StyleParam.Mode.Lines

        let line =
            Line.init (
                ?Color = Option.map HouseStyle.colour Colour,
                Width = (if quiet then 1.0 else 2.0),
                Dash = defaultArg Dash StyleParam.DrawingStyle.Solid
            )

        let trace =
            Draw.Scatter(
                name,
                mode,
                xs,
                ys,
                Line = line,
                ?Opacity = Opacity,
                ?Hover = Hover,
                ?Extra = Extra,
                Listed = not quiet
            )

        if quiet then
            trace.SetProperty("hoverinfo", "skip")

        Draw.Chart trace

    /// A cloud of points; six pixels across unless `Size` says otherwise.
    static member Points
        (
            name: string,
            xs: float[],
            ys: float[],
            ?Colour: string,
            ?Symbol: StyleParam.MarkerSymbol,
            ?Size: int,
            ?Opacity: float
        ) : GenericChart =
        Draw.Same($"points '{name}'", xs.Length, ys.Length)

        let marker =
            Marker.init (
                ?Color = Option.map HouseStyle.colour Colour,
                Size = defaultArg Size 6,
                Symbol = defaultArg Symbol StyleParam.MarkerSymbol.Circle
            )

        Draw.Scatter(name, StyleParam.Mode.Markers, xs, ys, Marker = marker, ?Opacity = Opacity)
        |> Draw.Chart

    /// An arrow from each row of `from` to the same row of `towards`, both [N, 2].
    static member Arrows
        (name: string, from: float[,], towards: float[,], ?Colour: string, ?Hover: string)
        : GenericChart =
        let shape (points: float[,]) =
            Array2D.length1 points, Array2D.length2 points

        if shape from <> shape towards || Array2D.length2 from <> 2 then
            invalidArg
                (nameof towards)
                $"arrows '{name}': expected two arrays [N, 2], got {shape from} and {shape towards}."

        // Tail, head and a gap for each arrow, so that one trace draws them all; the head's marker turns with its line.
        let braided axis =
            Seq.zip from[*, axis] towards[*, axis]
            |> Seq.collect (fun (tail, head) -> [ tail; head; nan ])

        let colour = Option.map HouseStyle.colour Colour

        let marker =
            Marker.init (
                ?Color = colour,
                Symbol = StyleParam.MarkerSymbol.Arrow,
                AngleRef = StyleParam.AngleRef.Previous,
                Opacity = 1.0,
                MultiSize = Seq.collect (fun _ -> [ 0; 9; 0 ]) from[*, 0]
            )

        Draw.Scatter(
            name,
            StyleParam.Mode.Lines_Markers,
            braided 0,
            braided 1,
            Marker = marker,
            Line = Line.init (?Color = colour, Width = 1.2),
            ?Hover = Hover
        )
        |> Draw.Chart

    /// Filled shapes, each the points of its outline; hovering tells the name.
    static member Filled
        (name: string, outlines: (float * float) list list, colour: string, ?Opacity: float)
        : GenericChart =
        // One after the other with a gap between them.
        let xs, ys =
            outlines
            |> List.mapi (fun i outline -> if i = 0 then outline else (nan, nan) :: outline)
            |> List.concat
            |> List.unzip

        let line = Line.init (Color = HouseStyle.colour colour, Width = 0.0)

        let trace =
            Draw.Scatter(name, StyleParam.Mode.Lines, xs, ys, Line = line, ?Opacity = Opacity)

        for property, value in
            [
                "fill", "toself"
                "fillcolor", colour
                "hoveron", "fills"
                "text", Label.typeset name
                "hoverinfo", "text"
            ] do
            trace.SetProperty(property, value)

        Draw.Chart trace

    /// A disc at each point, so many pixels across, with a label; not in the legend.
    static member Nodes
        (
            name: string,
            xs: float[],
            ys: float[],
            diameters: float[],
            labels: string[],
            ?Colour: string,
            ?Hover: string,
            ?Extra: float[]
        ) : GenericChart =
        Draw.Same($"nodes '{name}'", xs.Length, ys.Length)

        if diameters.Length <> xs.Length || labels.Length <> xs.Length then
            invalidArg
                (nameof diameters)
                $"nodes '{name}': expected a diameter and a label for each of {xs.Length}, got {diameters.Length} and {labels.Length}."

        let marker =
            Marker.init (?Color = Option.map HouseStyle.colour Colour, SizeMin = 2, Opacity = 1.0)

        // Plotly.NET's are whole pixels, which would bend proportions.
        marker.SetProperty("size", diameters)

        let trace =
            Draw.Scatter(
                name,
                StyleParam.Mode.Markers_Text,
                xs,
                ys,
                Marker = marker,
                ?Hover = Hover,
                ?Extra = Extra,
                Listed = false
            )

        trace.SetProperty("text", Array.map Label.typeset labels)
        trace.SetProperty("textposition", "top center")
        trace.SetProperty("cliponaxis", false)
        Draw.Chart trace

    /// One bar for each category.
    static member Bars
        (name: string, categories: string[], heights: float[], ?Colour: string, ?Hover: string)
        : GenericChart =
        if categories.Length <> heights.Length then
            invalidArg
                (nameof heights)
                $"bars '{name}': expected as many heights as categories ({categories.Length}), got {heights.Length}."

        let text = Label.typeset name

        Trace2D.initBar (
            Trace2DStyle.Bar(
                Name = text,
                LegendGroup = text,
                X = Array.map Label.typeset categories,
                Y = heights,
                ?HoverTemplate = Hover,
                Marker = Marker.init (?Color = Option.map HouseStyle.colour Colour)
            )
        )
        |> Draw.Chart

    /// values [rows, columns] as a grey map, black at `low`, white at `high`. Columns are named, rows too where there are `Rows`, else they count
    /// from 1.
    static member Heat
        (name: string, columns: string[], (low: float, high: float), values: float[,], ?Rows: string[], ?Hover: string)
        : GenericChart =
        let count = Array2D.length1 values

        if columns.Length <> Array2D.length2 values then
            invalidArg
                (nameof columns)
                $"heat map '{name}': expected {Array2D.length2 values} column names, got {columns.Length}."

        let trace =
            Trace2D.initHeatmap (
                Trace2DStyle.Heatmap(
                    Name = Label.typeset name,
                    X = Array.map Label.typeset columns,
                    Z = Array.init count (fun row -> values[row, *]),
                    ZMin = low,
                    ZMax = high,
                    ColorScale =
                        StyleParam.Colorscale.Custom [
                            0.0, HouseStyle.colour "#000000"
                            1.0, HouseStyle.colour "#ffffff"
                        ],
                    ShowScale = false,
                    ?HoverTemplate = Hover
                )
            )

        match Rows with
        | Some names -> trace.SetProperty("y", Array.map Label.typeset names)
        | None -> trace.SetProperty("y", Array.init count (fun row -> row + 1))

        Draw.Chart trace
