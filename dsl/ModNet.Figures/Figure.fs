namespace ModNet.Figures

open DynamicObj
open Plotly.NET
open Plotly.NET.LayoutObjects
open Plotly.NET.TraceObjects

/// Panels beside each other as one Plotly.NET chart.
[<RequireQualifiedAccess>]
module Figure =

    let private text (property: string) (thing: DynamicObj) =
        match thing.TryGetPropertyValue property with
        | Some(:? string as text) -> text
        | _ -> ""

    let private number (property: string) (thing: DynamicObj) =
        match thing.TryGetPropertyValue property with
        | Some(:? int as number) -> number
        | _ -> 0

    let private takesColour (trace: Trace) =
        let coloured place = ((Panel.part<DynamicObj> place trace).TryGetPropertyValue "color").IsSome

        trace.``type`` <> "heatmap" && not (coloured "line" || coloured "marker")

    /// Changes references to a panel's own axes ("x", "y domain") into references to the figure's i-th pair of axes.
    let private moveTo suffix (references: string list) (thing: #DynamicObj) =
        for reference in references do
            let axis = text reference thing

            if axis.StartsWith 'x' || axis.StartsWith 'y' then thing.SetProperty(reference, axis.Insert(1, suffix))

        thing

    let private traces (colour: string -> string) suffix (panel: GenericChart) : Trace list = [
        for trace in GenericChart.getTraces panel do
            let copy = trace |> Panel.copyTo (Trace2D trace.``type``)
            copy.SetProperty("xaxis", "x" + suffix)
            copy.SetProperty("yaxis", "y" + suffix)

            if takesColour trace then
                let colour = Color.fromString (colour (text "name" trace))

                if (text "mode" trace).StartsWith "lines" then
                    copy.SetProperty("line", trace |> Panel.part<Line> "line" |> Line.style (Color = colour))
                else
                    copy.SetProperty("marker", trace |> Panel.part<Marker> "marker" |> Marker.style (Color = colour))

            copy
    ]

    /// Adds a panel's axes, shapes and notes to the figure, at the panel's pair of axes, and whatever else the figure's layout does not have yet.
    let private addTo (figure: Layout) suffix (panel: Layout) : unit =
        let own = [ "xaxis"; "yaxis"; "shapes"; "annotations" ]

        for property in panel.GetProperties false do
            if not (List.contains property.Key own) && (figure.TryGetPropertyValue property.Key).IsNone then
                figure.SetProperty(property.Key, property.Value)

        for axis, other in [ "xaxis", "y"; "yaxis", "x" ] do
            let moved = panel |> Panel.part<LinearAxis> axis |> moveTo suffix [ "scaleanchor" ]
            moved.SetProperty("anchor", other + suffix)
            figure.SetProperty(axis + suffix, moved)

        let move fresh thing = thing |> Panel.copyTo (fresh ()) |> moveTo suffix [ "xref"; "yref" ]

        let add things fresh =
            let moved = Panel.items things panel |> List.map (move fresh)
            figure.SetProperty(things, Panel.items things figure @ moved)

        add "shapes" Shape
        add "annotations" Annotation

    /// The names that a panel's traces would have in a legend.
    let private named (panel: GenericChart) = GenericChart.getTraces panel |> List.choose Panel.listed |> List.distinct

    /// Whether one legend serves all panels: none has a name that the panel with the most names lacks.
    let private agree (names: string list list) =
        let most = names |> List.maxBy List.length
        names |> List.forall (List.forall (fun name -> List.contains name most))

    /// The space between columns, as a part of a panel and this space; a page's script sets it by the page's width.
    let private columnGap = 0.16

    /// Entries that stand beside each other in a panel's own legend; more stand below each other, so that long names do not reach into the next panel.
    let private fewEntries = 3

    let private entryPixels, entryGap = 20, 8

    let private isShort (names: string list) = names.Length <= fewEntries && (names |> List.sumBy String.length) < 36

    /// Pixels below a panel that its own legend takes.
    let private legendHeight (names: string list) =
        if names.IsEmpty then 0
        elif isShort names then entryGap + entryPixels
        else entryGap + entryPixels * names.Length

    /// A legend whose upper left corner is at this place of the figure.
    let private ownLegend (x: float, y: float) (names: string list) =
        Legend.init (
            Orientation = (if isShort names then StyleParam.Orientation.Horizontal else StyleParam.Orientation.Vertical),
            X = x,
            XAnchor = StyleParam.XAnchorPosition.Left,
            Y = y,
            YAnchor = StyleParam.YAnchorPosition.Top,
            TraceGroupGap = 0
        )

    /// Panels side by side, in rows of `columns`, as one figure. A legend is drawn where there is more than one name: one for the whole figure where its
    /// panels have the same names, else one below each panel. Of settings that concern more than a panel's axes, the first panel's count. Raises
    /// ArgumentException without a panel or a column.
    /// Example: `[ loss; accuracy ] |> Figure.grid 2`
    let grid (columns: int) (panels: GenericChart list) : GenericChart =
        if panels.IsEmpty || columns < 1 then
            invalidArg
                (nameof panels)
                $"A figure: expected at least one panel and one column, got {panels.Length} and {columns}."

        let columns = min columns panels.Length
        let rows = (panels.Length + columns - 1) / columns
        let layouts = List.map GenericChart.getLayout panels
        let largest measure = layouts |> List.map measure |> List.max

        // Colours by name, so that "train" looks the same in every panel.
        let names =
            panels
            |> List.collect GenericChart.getTraces
            |> List.filter takesColour
            |> List.map (text "name")
            |> List.distinct

        let colour name = Palette.colour (List.findIndex ((=) name) names)

        let layout = Layout()
        let suffix i = if i = 0 then "" else string (i + 1)
        layouts |> List.iteri (fun i panel -> panel |> addTo layout (suffix i))

        let entries = List.map named panels
        let together = agree entries

        let moved =
            panels
            |> List.mapi (fun i panel ->
                let traces = traces colour (suffix i) panel

                if not together then
                    for trace in traces do
                        trace.SetProperty("legend", "legend" + suffix i)

                traces)

        let chart = moved |> List.concat |> GenericChart.ofTraceObjects false
        let legend = Panel.hasLegend chart

        let bare (panel: Layout) =
            number "height" panel
            - (if panel.TryGetPropertyValue "showlegend" = Some true then Panel.legendPixels else 0)

        let margin side = largest (Panel.part<Margin> "margin" >> number side)
        let below = if together then 0 else entries |> List.map legendHeight |> List.max
        let top, bottom = margin "t", margin "b" + below
        // Between two rows there is as much space as above and below all of them.
        let row = largest bare + below

        let style =
            Layout.style (
                Height = rows * row + (if legend && together then Panel.legendPixels else 0),
                Margin = Margin.init (Left = margin "l", Right = margin "r", Top = top, Bottom = bottom),
                ShowLegend = legend
            )

        if panels.Length > 1 then
            LayoutGrid.init (
                Rows = rows,
                Columns = columns,
                Pattern = StyleParam.LayoutGridPattern.Independent,
                XGap = columnGap,
                YGap = float (top + bottom) / float row
            )
            |> fun grid -> layout.SetProperty("grid", grid)

            // One way of hovering holds for the whole figure, so all panels must ask for it.
            if layouts |> List.exists (fun panel -> text "hovermode" panel = "") then
                layout.RemoveProperty "hovermode" |> ignore

        if not together then
            let whole = float (rows * row - top - bottom)

            for i, names in List.indexed entries do
                let x = float (i % columns) / (float columns - columnGap)
                let y = float ((rows - 1 - i / columns) * row - margin "b") / whole
                layout.SetProperty("legend" + suffix i, ownLegend (x, y) names)

        for traces in (if together then [ List.concat moved ] else moved) do
            let mutable seen = Set.empty

            for trace in traces do
                match Panel.listed trace with
                | Some name ->
                    trace.SetProperty("legendgroup", name)

                    if seen.Contains name then trace.SetProperty("showlegend", false)

                    seen <- seen.Add name
                | None -> ()

        chart |> GenericChart.setLayout (style layout)

    /// Panels in one row.
    let beside (panels: GenericChart list) : GenericChart = grid (max 1 panels.Length) panels
