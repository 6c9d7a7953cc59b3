namespace ModNet.Figures

/// How a line is drawn; tells series apart where colour is lost in print.
[<RequireQualifiedAccess>]
type Dash =
    | Solid
    | Dashed
    | Dotted
    | DashDot

[<RequireQualifiedAccess>]
type Symbol =
    | Circle
    | Cross
    | Square
    | Diamond
    | Triangle
    /// A circle without filling: shows what lies under or inside it.
    | Ring

/// Positions along one axis.
[<RequireQualifiedAccess>]
type Positions =
    | Numbers of float[]
    | Names of string[]

[<RequireQualifiedAccess>]
type Mark =
    | Line of Dash
    | Points of Symbol * size: float
    | Bars
    /// An arrow from each (x, y) to (toX, toY).
    | Arrows of toX: float[] * toY: float[]
    /// Outlines of filled shapes, one after the other with a gap (NaN) between them.
    | Filled
    /// A labelled disc at each point, so many pixels across.
    | Nodes of diameters: float[] * labels: string[]
    /// values [rows, columns], black at `low`, white at `high`; row 0 on top.
    | Heat of values: float[,] * low: float * high: float

/// One set of data as it is drawn in a panel. Names are plain text.
[<RequireQualifiedAccess>]
type Series = {
    Name: string
    X: Positions
    Y: Positions
    Mark: Mark
    /// Without one, series of the same name share the palette's next colour.
    Colour: string option
    Opacity: float
    /// A plotly hover template; `%{customdata}` is `Extra`. Empty: plotly's own.
    Hover: string
    Extra: float[]
    /// Named in the legend.
    Listed: bool
    /// Said on hovering.
    Hoverable: bool
    /// Markers at each point of a line, for lines of few points.
    Dots: bool
}

[<RequireQualifiedAccess>]
module Series =
    let private make name x y mark : Series = {
        Name = name
        X = x
        Y = y
        Mark = mark
        Colour = None
        Opacity = 1.0
        Hover = ""
        Extra = [||]
        Listed = true
        Hoverable = true
        Dots = false
    }

    let private paired what (xs: float[]) (ys: float[]) =
        if xs.Length <> ys.Length then
            invalidArg (nameof ys) $"{what}: expected as many y as x ({xs.Length}), got {ys.Length}."

    /// A line through (x, y). Points that are not finite leave a gap.
    let line name (xs: float[]) (ys: float[]) : Series =
        paired $"line '{name}'" xs ys

        let series =
            make name (Positions.Numbers xs) (Positions.Numbers ys) (Mark.Line Dash.Solid)

        { series with Dots = xs.Length <= 12 }

    /// A cloud of points.
    let points name (xs: float[]) (ys: float[]) : Series =
        paired $"points '{name}'" xs ys
        make name (Positions.Numbers xs) (Positions.Numbers ys) (Mark.Points(Symbol.Circle, 6.0))

    /// One bar for each category.
    let bars name (categories: string[]) (heights: float[]) : Series =
        if categories.Length <> heights.Length then
            invalidArg
                (nameof heights)
                $"bars '{name}': expected as many heights as categories ({categories.Length}), got {heights.Length}."

        make name (Positions.Names categories) (Positions.Numbers heights) Mark.Bars

    /// An arrow from each row of `from` to the same row of `towards`, both [N, 2].
    let arrows name (from: float[,]) (towards: float[,]) : Series =
        let shape (a: float[,]) = Array2D.length1 a, Array2D.length2 a

        if shape from <> shape towards || Array2D.length2 from <> 2 then
            invalidArg
                (nameof towards)
                $"arrows '{name}': expected two arrays [N, 2], got {shape from} and {shape towards}."

        make
            name
            (Positions.Numbers from[*, 0])
            (Positions.Numbers from[*, 1])
            (Mark.Arrows(towards[*, 0], towards[*, 1]))

    /// values [rows, columns] as a grey map, black at `low`, white at `high`; columns are named, row 0 is on top.
    let heat name (columns: string[]) (low: float, high: float) (values: float[,]) : Series =
        if columns.Length <> Array2D.length2 values then
            invalidArg
                (nameof columns)
                $"heat map '{name}': expected {Array2D.length2 values} column names, got {columns.Length}."

        make
            name
            (Positions.Names columns)
            (Positions.Numbers(Array.init (Array2D.length1 values) (fun row -> float (row + 1))))
            (Mark.Heat(values, low, high))

    /// The same map with rows that have names.
    let rows (names: string[]) (series: Series) = {
        series with
            Y = Positions.Names names
    }

    /// A disc at each point, so many pixels across, with a label.
    let nodes name (xs: float[]) (ys: float[]) (diameters: float[]) (labels: string[]) : Series =
        paired $"nodes '{name}'" xs ys

        if diameters.Length <> xs.Length || labels.Length <> xs.Length then
            invalidArg
                (nameof diameters)
                $"nodes '{name}': expected a diameter and a label for each of {xs.Length}, got {diameters.Length} and {labels.Length}."

        make name (Positions.Numbers xs) (Positions.Numbers ys) (Mark.Nodes(diameters, labels))

    /// Filled shapes, each the points of its outline.
    let filled name (outlines: (float * float) list list) : Series =
        let points =
            outlines
            |> List.map List.toArray
            |> function
                | [] -> [||]
                | all ->
                    all
                    |> List.reduce (fun before next -> Array.concat [ before; [| nan, nan |]; next ])

        let xs, ys = Array.unzip points
        make name (Positions.Numbers xs) (Positions.Numbers ys) Mark.Filled

    let colour colour (series: Series) = { series with Colour = Some colour }
    let opacity opacity (series: Series) = { series with Opacity = opacity }

    /// Not in the legend: what belongs to another series of the same name.
    let unlisted (series: Series) = {
        series with
            Listed = false
            Hoverable = false
    }

    /// Not in the legend, but said on hovering.
    let unnamed (series: Series) = { series with Listed = false }

    /// The line's dashing. A series that is no line stays as it is.
    let dash dash (series: Series) =
        match series.Mark with
        | Mark.Line _ -> { series with Mark = Mark.Line dash }
        | _ -> series

    /// The points' symbol and size in pixels. A series that is no cloud of points stays as it is.
    let symbol symbol size (series: Series) =
        match series.Mark with
        | Mark.Points _ -> {
            series with
                Mark = Mark.Points(symbol, size)
          }
        | _ -> series

    /// What is shown on hovering: a plotly template, `%{x}`, `%{y}` and, one for each point, `%{customdata}`.
    let hover template (extra: float[]) (series: Series) = {
        series with
            Hover = template
            Extra = extra
    }
