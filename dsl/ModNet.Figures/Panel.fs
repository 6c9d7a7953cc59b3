namespace ModNet.Figures

open System
open System.Collections
open DynamicObj
open Plotly.NET
open Plotly.NET.LayoutObjects

/// One pair of axes with what is drawn in it, as a Plotly.NET chart in the house's look: a figure by itself, or a part of one (`Figure.grid`).
/// Texts are plain; `H_a` is typeset with its subscript. Every function returns a new chart and leaves the given one unchanged.
/// Example: `Panel.series [ Draw.Line("loss", [| 1.0; 2.0 |], [| 0.7; 0.5 |]) ] |> Panel.x "step" |> Panel.y "loss"`
[<RequireQualifiedAccess>]
module Panel =

    /// Pixels of the height that a legend takes.
    let internal legendPixels = 30

    let internal copyTo (copy: 'Object :> DynamicObj) (original: DynamicObj) : 'Object =
        original.ShallowCopyDynamicPropertiesTo copy
        copy

    let internal onLayout (change: Layout -> unit) (chart: GenericChart) : GenericChart =
        let layout = GenericChart.getLayout chart |> copyTo (Layout())
        change layout
        chart |> GenericChart.setLayout layout

    /// A copy of a part of something, such as a marker's line, or a new part where there is none. It has Plotly.NET's own type, by which Plotly.NET
    /// finds it again.
    let internal part<'Part when 'Part :> DynamicObj and 'Part: (new: unit -> 'Part)> name (whole: DynamicObj) : 'Part =
        match whole.TryGetPropertyValue name with
        | Some(:? DynamicObj as part) -> part |> copyTo (new 'Part())
        | _ -> new 'Part()

    let internal items<'Item> name (layout: Layout) : 'Item list =
        match layout.TryGetPropertyValue name with
        | Some(:? seq<'Item> as items) -> List.ofSeq items
        | _ -> []

    let private append name (item: 'Item) =
        onLayout (fun layout -> layout.SetProperty(name, items<'Item> name layout @ [ item ]))

    /// .NET compiles Plotly.NET's generic methods anew for each type of number, which takes a while; with this type it compiles them once.
    let private number (value: #IConvertible) = value :> IConvertible

    let private onAxis name (style: LinearAxis -> LinearAxis) =
        onLayout (fun layout -> layout.SetProperty(name, layout |> part<LinearAxis> name |> style))

    /// Where a value stands on an axis, in plotly's own terms.
    let private place name chart value =
        let axis = GenericChart.getLayout chart |> part<LinearAxis> name

        if axis.TryGetPropertyValue "type" = Some "log" then log10 value else value

    /// A note at the right end or on the upper edge of the panel.
    let private note (text: string) (size: float) (style: Annotation -> Annotation) (chart: GenericChart) =
        let annotation =
            Annotation.init (
                Text = Label.typeset text,
                ShowArrow = false,
                Font = Font.init (Size = size),
                XRef = "x domain",
                XAnchor = StyleParam.XAnchorPosition.Left
            )

        append "annotations" (style annotation) chart

    /// The name of a trace in the legend; None where the legend does not list it.
    let internal listed (trace: Trace) : string option =
        match trace.TryGetPropertyValue "name", trace.TryGetPropertyValue "showlegend" with
        | Some(:? string as name), shown when name <> "" && shown <> Some false && trace.``type`` <> "heatmap" ->
            Some name
        | _ -> None

    /// Whether the chart has a legend: it has one if there is more than one name.
    let internal hasLegend (chart: GenericChart) =
        (GenericChart.getTraces chart |> List.choose listed |> List.distinct).Length > 1

    let private margin (side: string) (pixels: int) =
        onLayout (fun layout ->
            let margin = layout |> part<Margin> "margin"
            margin.SetProperty(side, pixels)
            layout.SetProperty("margin", margin))

    /// Keeps so many pixels at the left of the panel free for the labels of its y axis; 60 by default.
    let left (pixels: int) (chart: GenericChart) : GenericChart = margin "l" pixels chart

    let private numbersIn (things: obj) : float seq =
        match things with
        | :? string -> Seq.empty
        | :? (float seq) as numbers -> numbers
        | :? IEnumerable as items ->
            items
            |> Seq.cast<obj>
            |> Seq.choose (function
                | :? float as number -> Some number
                | :? float32 as number -> Some(float number)
                | :? int as number -> Some(float number)
                | :? int64 as number -> Some(float number)
                | _ -> None)
        | _ -> Seq.empty

    /// The finite numbers that are drawn along an axis, "x" or "y"; none where it is one of names.
    let internal drawn (axis: string) (chart: GenericChart) : float[] =
        GenericChart.getTraces chart
        |> Seq.collect (fun trace ->
            trace.TryGetPropertyValue axis |> Option.map numbersIn |> Option.defaultValue Seq.empty)
        |> Seq.filter Double.IsFinite
        |> Seq.toArray

    /// The lowest and the highest value of a heat map among the traces that has no scale of its own.
    let private scaled (chart: GenericChart) : (float * float) option =
        GenericChart.getTraces chart
        |> Seq.tryPick (fun trace ->
            match
                trace.TryGetPropertyValue "zmin",
                trace.TryGetPropertyValue "zmax",
                trace.TryGetPropertyValue "showscale"
            with
            | Some(:? float as low), Some(:? float as high), Some(:? bool as own) when
                trace.``type`` = "heatmap" && not own
                ->
                Some(low, high)
            | _ -> None)

    /// Pixels above a panel that a heat map's scale takes.
    let private scalePixels = 20

    /// The scale of a heat map, above the panel's right end: greys from low to high with both values, in a frame. It stands at the panel's own axes, so it
    /// stays there wherever a page puts the panel.
    let private scale (low: float, high: float) (chart: GenericChart) : GenericChart =
        let greys, width, bottom, top = 12, 6, 5, 15
        let grey = Color.fromString Palette.grey
        // Beside the bar there is room for the highest value.
        let left = -40 - greys * width

        let unseen = Line.init (Width = 0.0)

        let box x0 x1 (fill: string) (line: Line) =
            let shape =
                Shape.init (
                    ShapeType = StyleParam.ShapeType.Rectangle,
                    Xref = "x domain",
                    Yref = "y domain",
                    X0 = float x0,
                    X1 = float x1,
                    Y0 = float bottom,
                    Y1 = float top,
                    Line = line
                )

            shape.SetProperty("fillcolor", fill)

            for side in [ "x"; "y" ] do
                shape.SetProperty(side + "sizemode", "pixel")
                shape.SetProperty(side + "anchor", 1.0)

            shape

        let shades = [
            for i in 0 .. greys - 1 do
                let shade = 255 * i / (greys - 1)
                let at = left + i * width
                box at (at + width) $"#%02x{shade}%02x{shade}%02x{shade}" unseen
        ]

        let frame = box left (left + greys * width) "rgba(0,0,0,0)" (Line.init (Color = grey, Width = 1.0))

        let value (number: float) shift side chart =
            chart
            |> note (Label.number (Math.Round(number, 3))) 11.0 (fun annotation ->
                annotation
                |> Annotation.style (
                    X = 1.0,
                    XShift = shift,
                    XAnchor = side,
                    Y = 1.0,
                    YRef = "y domain",
                    YAnchor = StyleParam.YAnchorPosition.Bottom
                ))

        List.fold (fun chart shape -> append "shapes" shape chart) chart (shades @ [ frame ])
        |> value low (left - 3) StyleParam.XAnchorPosition.Right
        |> value high -37 StyleParam.XAnchorPosition.Left

    let private framed axis = onAxis axis (LinearAxis.style (Mirror = StyleParam.Mirror.True, ShowGrid = false))

    /// The panel's height in pixels, axes included; 340 by default. In a grid the highest panel counts.
    let height (pixels: int) (chart: GenericChart) : GenericChart =
        let legend = if hasLegend chart then legendPixels else 0
        chart |> onLayout (fun layout -> layout.SetProperty("height", pixels + legend))

    /// A panel with these charts, the house's or Plotly.NET's own, drawn in this order. A heat map of the house's gets its scale and a frame. Without
    /// charts the panel is empty, as a study's report is before its first run ends.
    let series (charts: GenericChart list) : GenericChart =
        let chart = if charts.IsEmpty then Chart.Point(xy = Seq.empty<float * float>) else GenericChart.combine charts

        chart
        |> onLayout (fun layout ->
            // Plotly.NET sets a width by default, but the page chooses it.
            layout.RemoveProperty "width" |> ignore

            let style =
                Layout.style (
                    Template = HouseStyle.template,
                    Margin = Margin.init (Left = 60, Right = 28, Top = 28, Bottom = 50),
                    ShowLegend = hasLegend chart
                )

            style layout |> Layout.setLegend (StyleParam.SubPlotId.Legend 1, HouseStyle.legend ()) |> ignore)
        |> height 340
        |> fun panel ->
            match scaled chart with
            | Some ends -> panel |> scale ends |> framed "xaxis" |> framed "yaxis" |> margin "t" (28 + scalePixels)
            | None -> panel

    /// By this name a page's script finds the titles, and breaks those that are wider than their panels.
    let private titleName = "title"

    /// Writes a title over the panel.
    let title (title: string) (chart: GenericChart) : GenericChart =
        if title = "" then
            chart
        else
            let above = if (scaled chart).IsSome then scalePixels else 0

            let style annotation =
                annotation
                |> Annotation.style (
                    X = 0.0,
                    Y = 1.0,
                    YRef = "y domain",
                    YAnchor = StyleParam.YAnchorPosition.Bottom,
                    YShift = above,
                    Name = titleName
                )

            chart |> margin "t" (52 + above) |> note title 14.0 style

    let private axisTitle axis (title: string) =
        onAxis axis (LinearAxis.style (Title = Title.init (Text = Label.typeset title)))

    let x title (chart: GenericChart) : GenericChart = axisTitle "xaxis" title chart
    let y title (chart: GenericChart) : GenericChart = axisTitle "yaxis" title chart

    /// Makes the y axis logarithmic. Its ticks follow the range that is shown: few numbers where that is less than ten times, 1, 2 and 5 of a few powers of
    /// ten, or only powers of ten, and not each of them where they are many.
    let logY (chart: GenericChart) : GenericChart =
        let positive = drawn "y" chart |> Array.filter (fun value -> value > 0.0)
        let low, high = if positive.Length = 0 then 1.0, 1.0 else Array.min positive, Array.max positive

        // Plotly writes all of 1, 2, …, 9 where it is to make many ticks of a few powers of ten, and they would lie on each other.
        let ticks = if log10 (high / low) > 2.8 then 4 else 3
        // Written out only where that is short; else as powers of ten.
        let format = if low >= 1e-3 && high < 1e6 then Some ",~r" else None

        chart
        |> onAxis "yaxis" (LinearAxis.style (AxisType = StyleParam.AxisType.Log, NTicks = ticks, ?TickFormat = format))

    let private range axis low high chart =
        let at = place axis chart
        let places = drawn (string<char> axis[0]) chart |> Array.map at |> Array.filter Double.IsFinite
        let lowest, highest = Array.fold min (at low) places, Array.fold max (at high) places

        // What is drawn at the very edge would be cut in half.
        let room = 0.03 * (highest - lowest)
        let start = if lowest < at low then lowest - room else lowest
        let stop = if highest > at high then highest + room else highest
        chart |> onAxis axis (LinearAxis.style (Range = StyleParam.Range.MinMax(start, stop)))

    /// Where the x axis starts and ends; further out where something is drawn there, because nothing lies outside its axes.
    let xRange (low: float) (high: float) (chart: GenericChart) : GenericChart = range "xaxis" low high chart

    /// Where the y axis starts and ends (on a logarithmic axis: positive values); further out where something is drawn there.
    let yRange (low: float) (high: float) (chart: GenericChart) : GenericChart = range "yaxis" low high chart

    let private classes axis = onAxis axis (LinearAxis.style (AxisType = StyleParam.AxisType.Category))

    /// Makes the x axis one of names, in the order in which they come, even where they look like numbers.
    let classesX (chart: GenericChart) : GenericChart = classes "xaxis" chart

    /// Writes the labels of the x axis upright, where many long ones stand beside each other: aslant they would run into one another.
    let uprightX (chart: GenericChart) : GenericChart = onAxis "xaxis" (LinearAxis.style (TickAngle = 90)) chart

    /// Makes the y axis one of names, in the order in which they come.
    let classesY (chart: GenericChart) : GenericChart = classes "yaxis" chart

    /// Marks these values of x with these labels, in place of the ticks that plotly would choose.
    let xMarks (marks: (float * string) list) (chart: GenericChart) : GenericChart =
        let style =
            LinearAxis.style (
                TickMode = StyleParam.TickMode.Array,
                TickVals = List.map (fst >> number) marks,
                TickText = List.map (snd >> Label.typeset >> number) marks
            )

        onAxis "xaxis" style chart

    /// Marks these names on the y axis with these labels, in place of the names themselves.
    let yMarks (marks: (string * string) list) (chart: GenericChart) : GenericChart =
        let style =
            LinearAxis.style (
                TickMode = StyleParam.TickMode.Array,
                TickVals = List.map (fst >> Label.typeset >> number) marks,
                TickText = List.map (snd >> Label.typeset >> number) marks
            )

        onAxis "yaxis" style chart

    /// Hides the y axis, for pictures in which only the places relative to each other count.
    let hideY (chart: GenericChart) : GenericChart = chart |> onAxis "yaxis" (LinearAxis.style (Visible = false))

    /// Hides the x axis, as `hideY` does the y axis.
    let hideX (chart: GenericChart) : GenericChart = chart |> onAxis "xaxis" (LinearAxis.style (Visible = false))

    /// Whole numbers as ticks, each once: by itself plotly would round the ticks 0.5, 1, 1.5, 2 to 1, 1, 2, 2.
    let private whole name chart =
        let axis = GenericChart.getLayout chart |> part<LinearAxis> name
        let numbers = drawn (string<char> name[0]) chart

        let span =
            match axis.TryGetPropertyValue "range" with
            | Some(:? (IConvertible[]) as range) -> Some(Convert.ToDouble range[1] - Convert.ToDouble range[0])
            | _ when numbers.Length > 0 -> Some(Array.max numbers - Array.min numbers)
            | _ -> None

        let each = if span |> Option.exists (fun span -> span < 9.0) then Some(number 1.0) else None
        chart |> onAxis name (LinearAxis.style (TickFormat = ",d", ?DTick = each))

    /// Writes whole numbers on the x axis, which counts things.
    let wholeX (chart: GenericChart) : GenericChart = whole "xaxis" chart

    /// Writes whole numbers on the y axis, which counts things.
    let wholeY (chart: GenericChart) : GenericChart = whole "yaxis" chart

    /// Draws a dashed line across the panel at y = value, with a label.
    let reference (value: float) (label: string) (chart: GenericChart) : GenericChart =
        let grey = Color.fromString Palette.grey

        let text =
            ShapeLabel.init (
                Text = Label.typeset label,
                YAnchor = StyleParam.YAnchorPosition.Bottom,
                Font = Font.init (Size = 12.0, Color = grey)
            )

        // Plotly.NET has no name for this place of a line's label.
        text.SetProperty("textposition", "end")

        let line =
            Shape.init (
                ShapeType = StyleParam.ShapeType.Line,
                Xref = "x domain",
                Yref = "y",
                X0 = 0.0,
                X1 = 1.0,
                Y0 = value,
                Y1 = value,
                Line = Line.init (Color = grey, Width = 1.2, Dash = StyleParam.DrawingStyle.Dash),
                Label = text
            )

        append "shapes" line chart

    /// Writes a second reading of the y axis at the panel's right: a title, and a label at each marked value.
    let rightMarks (title: string) (marks: (float * string) list) (chart: GenericChart) : GenericChart =
        let middle = StyleParam.YAnchorPosition.Middle

        let mark chart (value: float, label: string) =
            let at = place "yaxis" chart value

            chart |> note ("– " + label) 12.0 (Annotation.style (X = 1.0, Y = at, YRef = "y", YAnchor = middle))

        let beside =
            Annotation.style (X = 1.0, Y = 0.5, YRef = "y domain", YAnchor = middle, TextAngle = 90.0, XShift = 26)

        List.fold mark (chart |> margin "r" 52 |> note title 13.0 beside) marks

    /// Makes one unit as long on x as on y.
    let equalUnits (chart: GenericChart) : GenericChart =
        chart |> onAxis "yaxis" (LinearAxis.style (ScaleAnchor = StyleParam.ScaleAnchor.X 1))

    /// Counts rows from the top, as in a printed matrix.
    let downwards (chart: GenericChart) : GenericChart =
        chart |> onAxis "yaxis" (LinearAxis.style (AutoRange = StyleParam.AutoRange.Reversed))

    /// A panel of lines over one x axis of whole numbers; hovering shows the values of all lines at one place.
    let over (what: string) (charts: GenericChart list) : GenericChart =
        series charts |> x what |> wholeX |> onLayout (fun layout -> layout.SetProperty("hovermode", "x unified"))
