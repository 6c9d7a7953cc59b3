namespace ModNet.Figures

open ModNet
open Plotly.NET

/// Paths through modular layers as nodes and edges (the paper's Figure 2).
[<RequireQualifiedAccess>]
module PathFigure =

    /// The diameter in pixels of a module's disc if all paths take it; areas are proportional to counts.
    let private widestNode = 44.0

    /// A module's height in pixels, and the thickness of all paths together as a part of it.
    let private modulePixels, private allPaths = 62, 0.5

    /// How to read the figures, for a caption.
    let caption =
        "Each disc is a module of a layer; its area is proportional to the number of paths that run it. A band between two discs is as thick as "
        + "the number of paths that run both, one after the other; bands of the most frequent paths are coloured, all other paths together grey. "
        + "A module that never runs is a dot."

    let private height (graph: PathGraph) m modules =
        let most = graph.Layers |> List.map snd |> List.max
        float (most - 1) / 2.0 - (float m - float (modules - 1) / 2.0)

    let private band (x: float) (from: float, fromShift: float) (into: float, intoShift: float) thickness = [
        x, from + fromShift - thickness / 2.0
        x, from + fromShift + thickness / 2.0
        x + 1.0, into + intoShift + thickness / 2.0
        x + 1.0, into + intoShift - thickness / 2.0
    ]

    /// A share of all paths in percent.
    let private share (graph: PathGraph) (count: int64) =
        $"{Label.number (System.Math.Round(100.0 * float count / float (max 1L graph.Total), 1))} %%"

    /// How many datapoints take an edge: a count for each of the top paths, then one for all other paths.
    let private parts (graph: PathGraph) gap m next =
        let onTop =
            graph.Top
            |> List.map (fun path ->
                let from, into = path.Modules[gap], path.Modules[gap + 1]

                if Array.contains m from && Array.contains next into then path.Count else 0L)

        onTop @ [ graph.OtherEdges[gap].[m, next] ]

    /// A path's place in the palette in each of several graphs: the same in all of them, as far as the palette has colours for the paths of one graph.
    let private colours (graphs: PathGraph list) : int list list =
        let free used = Seq.initInfinite id |> Seq.find (fun i -> not (Set.contains i used))

        (([], Map.empty), graphs)
        ||> List.fold (fun (done', known) graph ->
            let names = graph.Top |> List.map _.Named
            let kept = names |> List.choose (fun name -> Map.tryFind name known)

            let _, mine =
                ((Set.ofList kept, known), names)
                ||> List.fold (fun (used, known) name ->
                    if Map.containsKey name known then
                        used, known
                    else
                        // A colour that no path has yet, and, when there are none, one that no path of this graph has.
                        let all = known |> Map.values |> Set.ofSeq
                        let next = free all
                        let next = if next < Palette.colours.Length then next else free used
                        Set.add next used, Map.add name next known)

            (names |> List.map (fun name -> mine[name])) :: done', mine)
        |> fst
        |> List.rev

    let private panel title (graph: PathGraph) (colours: int list) : GenericChart =
        let total = float (max 1L graph.Total)
        let bands = Array.init (graph.Top.Length + 1) (fun _ -> ResizeArray())

        for gap in 0 .. graph.Layers.Length - 2 do
            let modules, following = snd graph.Layers[gap], snd graph.Layers[gap + 1]

            for m in 0 .. modules - 1 do
                for next in 0 .. following - 1 do
                    let thick = parts graph gap m next |> List.map (fun count -> allPaths * float count / total)

                    let mutable below = -(List.sum thick) / 2.0

                    for i, thickness in List.indexed thick do
                        if thickness > 0.0 then
                            let shift = below + thickness / 2.0
                            below <- below + thickness

                            bands[i]
                                .Add(
                                    band
                                        (float gap)
                                        (height graph m modules, shift)
                                        (height graph next following, shift)
                                        thickness
                                )

        let band i name colour opacity = Draw.Filled(name, List.ofSeq bands[i], colour, Opacity = opacity)

        let nodes = [|
            for place, (name, modules) in List.indexed graph.Layers do
                for m in 0 .. modules - 1 do
                    let count = graph.Nodes[place].[m]
                    float place, height graph m modules, count, string m
        |]

        let tops =
            graph.Top
            |> List.mapi (fun i path ->
                band i $"{path.Named} ({share graph path.Count})" (Palette.colour colours[i]) 0.85)

        let most = graph.Layers |> List.map snd |> List.max
        let last = float (graph.Layers.Length - 1)

        Panel.series [
            if graph.Others > 0L then
                band
                    graph.Top.Length
                    $"{graph.Distinct - graph.Top.Length} other paths ({share graph graph.Others})"
                    Palette.grey
                    0.45
            yield! tops
            Draw.Nodes(
                "modules",
                (nodes |> Array.map (fun (x, y, _, _) -> x, y) |> Array.unzip),
                (nodes |> Array.map (fun (_, _, count, _) -> max 3.0 (widestNode * sqrt (float count / total)))),
                (nodes |> Array.map (fun (_, _, _, label) -> label)),
                "#4a5560",
                Hover = "module %{text}: %{customdata:.1%} of all paths<extra></extra>",
                Extra = (nodes |> Array.map (fun (_, _, count, _) -> float count / total))
            )
        ]
        |> Panel.title title
        |> Panel.xMarks (graph.Layers |> List.mapi (fun place (name, _) -> float place, name))
        |> Panel.xRange -0.35 (last + 0.35)
        |> Panel.yRange -0.7 (float most - 0.3)
        |> Panel.hideY
        |> Panel.height (110 + modulePixels * most)

    /// One graph; the legend names the top paths, module by module, and their share of all paths.
    let ofGraph (graph: PathGraph) : GenericChart = panel "" graph (colours [ graph ] |> List.head)

    /// The same datapoints at several times of the training, named, in their order, all to one scale.
    let evolution (times: (string * PathGraph) list) : GenericChart =
        List.map2 (fun (name, graph) colours -> panel name graph colours) times (colours (List.map snd times))
        |> Figure.beside
