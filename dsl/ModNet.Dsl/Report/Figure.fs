namespace ModNet.Figures

open System
open System.Text.Json
open System.Text.Json.Nodes

/// A standard plotly figure: `data` (traces) and `layout`. Every plotly tool, Plotly.NET included, reads its JSON.
[<Sealed>]
type Figure internal (json: JsonObject) =
    /// The figure's own copy of its traces.
    member _.Data = json["data"].DeepClone().AsArray()
    /// The figure's own copy of its layout.
    member _.Layout = json["layout"].DeepClone().AsObject()
    /// `{"data": […], "layout": {…}}`; safe inside an HTML script element.
    member _.Json = json.ToJsonString()

[<RequireQualifiedAccess>]
module Figure =
    let private make (data: JsonNode) (layout: JsonNode) =
        Figure(PlotlyTrace.object [ "data", data; "layout", layout ])

    /// Colours by name, so that "train" looks the same in every panel.
    let private coloured (panels: Panel list) =
        let names =
            panels
            |> List.collect _.Series
            |> List.filter _.Colour.IsNone
            |> List.map _.Name
            |> List.distinct

        fun (series: Series) ->
            series.Colour
            |> Option.defaultWith (fun () -> Palette.colour (List.findIndex ((=) series.Name) names))

    /// Panels side by side, in rows of `columns`, as one figure with one legend. A legend is drawn where there is more
    /// than one name.
    let grid (columns: int) (panels: Panel list) : Figure =
        if panels.IsEmpty || columns < 1 then
            invalidArg
                (nameof panels)
                $"A figure: expected at least one panel and one column, got {panels.Length} and {columns}."

        let columns = min columns panels.Length
        let colour = coloured panels

        let named =
            panels
            |> List.collect _.Series
            |> List.filter (fun s -> s.Name <> "" && s.Listed && not s.Mark.IsHeat)
            |> List.map _.Name

        let legend = (List.distinct named).Length > 1
        let mutable seen = Set.empty

        let data =
            panels
            |> List.mapi (fun i panel ->
                let suffix = if i = 0 then "" else string (i + 1)

                panel.Series
                |> List.map (fun series ->
                    let first =
                        legend && series.Listed && series.Name <> "" && not (seen.Contains series.Name)

                    if first then
                        seen <- seen.Add series.Name

                    PlotlyTrace.ofSeries (colour series) suffix first series :> JsonNode))
            |> List.concat

        make (PlotlyTrace.list data) (PlotlyLayout.ofPanels columns legend panels)

    /// One panel as a figure.
    let single (panel: Panel) : Figure = grid 1 [ panel ]

    /// Panels in one row.
    let beside (panels: Panel list) : Figure = grid (max 1 panels.Length) panels

    /// Reads a figure, ours or any plotly tool's. Raises FormatException where the text is no plotly figure.
    let ofJson (json: string) : Figure =
        let refuse got =
            raise (
                FormatException
                    $"A plotly figure: expected a JSON object with 'data' (a list) and 'layout' (an object), got {got}."
            )

        let root =
            try
                JsonNode.Parse json
            with :? JsonException as e ->
                refuse $"text that is no JSON ({e.Message})"

        match root with
        | :? JsonObject as fields ->
            match fields["data"], fields["layout"] with
            | (:? JsonArray as data), (:? JsonObject as layout) -> make (data.DeepClone()) (layout.DeepClone())
            | _ -> refuse "an object without them"
        | _ -> refuse "no object"

    /// Writes the figure as JSON, whole, then renamed into place.
    let write (path: string) (figure: Figure) : unit =
        ModNet.Runtime.WholeFile.Write(path, figure.Json)
