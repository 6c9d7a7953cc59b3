namespace ModNet.Figures

open System.Text.Json.Nodes
open PlotlyTrace

/// The part of a figure that is not data: axes, reference lines, panels beside each other, the look.
module internal PlotlyLayout =
    /// The look, as a plotly template: every panel takes it, and a page with a dark ground can put another in its place.
    let private template () =
        let axis =
            object [
                "showline", flag true
                "linecolor", text "#444444"
                "gridcolor", text "#e4e4e4"
                "zeroline", flag false
                "ticks", text "outside"
                "tickcolor", text "#444444"
                "ticklen", number 4.0
                "automargin", flag true
                "exponentformat", text "power"
                "separatethousands", flag true
                "title", object [ "standoff", number 8.0 ]
            ]

        let layout =
            object [
                "font", object [ "family", text Palette.fonts; "size", number 13.0; "color", text "#222222" ]
                "colorway", Palette.colours |> Seq.map text |> list
                "paper_bgcolor", text "#ffffff"
                "plot_bgcolor", text "#ffffff"
                "hovermode", text "closest"
                "hoverlabel", object [ "align", text "left" ]
                "xaxis", axis
                "yaxis", axis.DeepClone()
            ]

        object [ "layout", layout ]

    let private axisOf (axis: Axis) =
        let position value = if axis.Log then log10 value else value

        [
            if axis.Title <> "" then
                "title", object [ "text", text (Label.typeset axis.Title) ] :> JsonNode
            if axis.Log then
                "type", text "log"
                "tickformat", text ",~r"
                "dtick", text "D2"
            if axis.Classes then
                "type", text "category"
            if axis.Hidden then
                "visible", flag false
            if not axis.Marks.IsEmpty then
                "tickmode", text "array"
                "tickvals", axis.Marks |> Seq.map fst |> numbers
                "ticktext", axis.Marks |> Seq.map (snd >> Label.typeset >> text) |> list
            if axis.Whole then
                "tickformat", text ",d"
                // Left alone, plotly would write 1, 1, 2, 2 beside 0.5, 1, 1.5, 2.
                match axis.Range with
                | Some(low, high) when high - low < 9.0 -> "dtick", number 1.0
                | _ -> ()
            match axis.Range with
            | Some(low, high) -> "range", numbers [ position low; position high ]
            | None -> ()
        ]

    let private axes suffix (panel: Panel) = [
        "xaxis" + suffix, object (axisOf panel.X @ [ "anchor", text ("y" + suffix) ]) :> JsonNode

        let y =
            object [
                yield! axisOf panel.Y
                "anchor", text ("x" + suffix)
                if panel.EqualUnits then
                    "scaleanchor", text ("x" + suffix)
                if panel.Downwards then
                    "autorange", text "reversed"
            ]

        "yaxis" + suffix, y :> JsonNode
    ]

    let private references suffix (panel: Panel) =
        panel.References
        |> List.map (fun (value, label) ->
            object [
                "type", text "line"
                "xref", text $"x{suffix} domain"
                "yref", text ("y" + suffix)
                "x0", number 0.0
                "x1", number 1.0
                "y0", number value
                "y1", number value
                "line", object [ "color", text Palette.grey; "width", number 1.2; "dash", text "dash" ]
                "label",
                object [
                    "text", text (Label.typeset label)
                    "textposition", text "end"
                    "yanchor", text "bottom"
                    "font", object [ "size", number 12.0; "color", text Palette.grey ]
                ]
            ]
            :> JsonNode)

    /// Text whose place is given by axis references, without an arrow.
    let private note xref yref (x: float, y: float) (xAnchor: string, yAnchor: string) size (label: string) =
        object [
            "text", text (Label.typeset label)
            "xref", text xref
            "yref", text yref
            "x", number x
            "y", number y
            "xanchor", text xAnchor
            "yanchor", text yAnchor
            "showarrow", flag false
            "font", object [ "size", number size ]
        ]

    let private notes suffix (panel: Panel) : JsonNode list = [
        let xDomain, yDomain = $"x{suffix} domain", $"y{suffix} domain"

        if panel.Title <> "" then
            note xDomain yDomain (0.0, 1.0) ("left", "bottom") 14.0 panel.Title

        match panel.RightMarks with
        | None -> ()
        | Some(title, marks) ->
            let beside = note xDomain yDomain (1.0, 0.5) ("left", "middle") 13.0 title
            beside["textangle"] <- number 90.0
            beside["xshift"] <- number 26.0
            beside

            for value, label in marks do
                let place = if panel.Y.Log then log10 value else value
                note xDomain ("y" + suffix) (1.0, place) ("left", "middle") 12.0 ("– " + label)
    ]

    /// The layout of these panels in rows of `columns`.
    let ofPanels (columns: int) (legend: bool) (panels: Panel list) : JsonObject =
        let rows = (panels.Length + columns - 1) / columns

        let suffixed =
            panels |> List.mapi (fun i p -> (if i = 0 then "" else string (i + 1)), p)

        let gather part =
            suffixed |> List.collect (fun (suffix, panel) -> part suffix panel)

        let panelHeight = panels |> List.map _.Height |> List.max
        let titled = panels |> List.exists (fun p -> p.Title <> "")
        let marked = panels |> List.exists (fun p -> p.RightMarks.IsSome)

        object [
            "template", template ()
            "height", number (panelHeight * float rows + (if legend then 30.0 else 0.0))
            "margin",
            object [
                "l", number 60.0
                "r", number (if marked then 52.0 else 28.0)
                "t", number (if titled then 52.0 else 28.0)
                "b", number 50.0
            ]
            if panels.Length > 1 then
                "grid",
                object [
                    "rows", number (float rows)
                    "columns", number (float columns)
                    "pattern", text "independent"
                    "xgap", number 0.16
                    "ygap", number 0.3
                ]
            yield! gather axes
            "shapes", list (gather references)
            "annotations", list (gather notes)
            "showlegend", flag legend
            "legend",
            object [
                "orientation", text "h"
                "x", number 0.0
                "xanchor", text "left"
                "y", number 0.0
                "yref", text "container"
                "yanchor", text "bottom"
            ]
            if
                panels
                |> List.forall (fun p -> p.Series |> List.forall (fun s -> s.Mark.IsLine))
            then
                "hovermode", text "x unified"
        ]
