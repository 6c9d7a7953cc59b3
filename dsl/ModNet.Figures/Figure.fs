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

    /// Panels side by side, in rows of `columns`, as one figure with one legend. A legend is drawn where there is more than one name. Of
    /// settings that concern more than a panel's axes, the first panel's count. Raises ArgumentException without a panel or a column.
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

        let chart =
            panels
            |> List.mapi (fun i panel -> traces colour (suffix i) panel)
            |> List.concat
            |> GenericChart.ofTraceObjects false

        let legend = Panel.hasLegend chart

        let bare (panel: Layout) =
            number "height" panel
            - (if panel.TryGetPropertyValue "showlegend" = Some true then Panel.legendPixels else 0)

        let margin side = largest (Panel.part<Margin> "margin" >> number side)

        let style =
            Layout.style (
                Height = rows * largest bare + (if legend then Panel.legendPixels else 0),
                Margin = Margin.init (Left = margin "l", Right = margin "r", Top = margin "t", Bottom = margin "b"),
                ShowLegend = legend
            )

        if panels.Length > 1 then
            LayoutGrid.init (
                Rows = rows,
                Columns = columns,
                Pattern = StyleParam.LayoutGridPattern.Independent,
                XGap = 0.16,
                YGap = 0.3
            )
            |> fun grid -> layout.SetProperty("grid", grid)

            // One way of hovering holds for the whole figure, so all panels must ask for it.
            if layouts |> List.exists (fun panel -> text "hovermode" panel = "") then
                layout.RemoveProperty "hovermode" |> ignore

        let mutable seen = Set.empty

        for trace in GenericChart.getTraces chart do
            match Panel.listed trace with
            | Some name ->
                trace.SetProperty("legendgroup", name)

                if seen.Contains name then trace.SetProperty("showlegend", false)

                seen <- seen.Add name
            | None -> ()

        chart |> GenericChart.setLayout (style layout)

    /// Panels in one row.
    let beside (panels: GenericChart list) : GenericChart = grid (max 1 panels.Length) panels
