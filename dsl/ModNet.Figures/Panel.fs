namespace ModNet.Figures

open System
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

    /// The panel's height in pixels, axes included; 340 by default. In a grid the highest panel counts.
    let height (pixels: int) (chart: GenericChart) : GenericChart =
        let legend = if hasLegend chart then legendPixels else 0
        chart |> onLayout (fun layout -> layout.SetProperty("height", pixels + legend))

    /// A panel with these charts, the house's or Plotly.NET's own, drawn in this order.
    let series (charts: GenericChart list) : GenericChart =
        let chart = GenericChart.combine charts

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

    let private margin (side: string) (pixels: int) =
        onLayout (fun layout ->
            let margin = layout |> part<Margin> "margin"
            margin.SetProperty(side, pixels)
            layout.SetProperty("margin", margin))

    /// Writes a title over the panel.
    let title (title: string) (chart: GenericChart) : GenericChart =
        if title = "" then
            chart
        else
            chart
            |> margin "t" 52
            |> note
                title
                14.0
                (Annotation.style (X = 0.0, Y = 1.0, YRef = "y domain", YAnchor = StyleParam.YAnchorPosition.Bottom))

    let private axisTitle axis (title: string) =
        onAxis axis (LinearAxis.style (Title = Title.init (Text = Label.typeset title)))

    let x title (chart: GenericChart) : GenericChart = axisTitle "xaxis" title chart
    let y title (chart: GenericChart) : GenericChart = axisTitle "yaxis" title chart

    /// Makes the y axis logarithmic.
    let logY (chart: GenericChart) : GenericChart =
        chart
        |> onAxis
            "yaxis"
            (LinearAxis.style (AxisType = StyleParam.AxisType.Log, TickFormat = ",~r", DTick = number "D2"))

    let private range axis low high chart =
        let at = place axis chart

        chart |> onAxis axis (LinearAxis.style (Range = StyleParam.Range.MinMax(at low, at high)))

    /// Where the x axis starts and ends.
    let xRange (low: float) (high: float) (chart: GenericChart) : GenericChart = range "xaxis" low high chart

    /// Where the y axis starts and ends (on a logarithmic axis: positive values).
    let yRange (low: float) (high: float) (chart: GenericChart) : GenericChart = range "yaxis" low high chart

    let private classes axis = onAxis axis (LinearAxis.style (AxisType = StyleParam.AxisType.Category))

    /// Makes the x axis one of names, in the order in which they come, even where they look like numbers.
    let classesX (chart: GenericChart) : GenericChart = classes "xaxis" chart

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

    /// Hides the y axis, for pictures in which only the places relative to each other count.
    let hideY (chart: GenericChart) : GenericChart = chart |> onAxis "yaxis" (LinearAxis.style (Visible = false))

    /// Writes whole numbers on the x axis, which counts things.
    let wholeX (chart: GenericChart) : GenericChart = chart |> onAxis "xaxis" (LinearAxis.style (TickFormat = ",d"))

    /// Writes whole numbers on the y axis, which counts things.
    let wholeY (chart: GenericChart) : GenericChart =
        let few (axis: LinearAxis) =
            match axis.TryGetPropertyValue "range" with
            | Some(:? (IConvertible[]) as range) -> Convert.ToDouble range[1] - Convert.ToDouble range[0] < 9.0
            | _ -> false

        // By itself plotly would round the ticks 0.5, 1, 1.5, 2 to 1, 1, 2, 2.
        chart
        |> onAxis "yaxis" (fun axis ->
            axis |> LinearAxis.style (TickFormat = ",d", ?DTick = (if few axis then Some(number 1.0) else None)))

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
