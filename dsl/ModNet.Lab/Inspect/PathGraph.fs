namespace ModNet

open ModNet.Runtime

/// The modules that a datapoint (of a sequence: a time step) takes through the layers.
type ModulePath = {
    /// For each layer the different modules that ran, from 0, in ascending order: one where K = 1.
    Modules: int[] list
    /// How many datapoints (of a sequence: time steps) take it.
    Count: int64
} with

    /// The numbers of the modules, from 0: `1 → 0+2`.
    member path.Named = path.Modules |> List.map (TraceRows.named "+") |> String.concat " → "

/// All paths through the layers (the paper's Figure 2). A layer without time steps beside one with them counts at every step.
type PathGraph = {
    /// Name and M of each layer, in order.
    Layers: (string * int) list
    /// The paths that are counted: datapoints, or datapoints times steps.
    Total: int64
    /// For each layer [M]: the paths on which a module runs. Where K > 1 they sum to more than all paths.
    Nodes: int64[] list
    /// For each layer but the last [M, M of the next]: the paths on which both modules run, one after the other.
    Edges: int64[,] list
    /// The most frequent paths, most frequent first; ties in order of module.
    Top: ModulePath list
    /// The same as `Edges`, of the paths that are not in `Top`.
    OtherEdges: int64[,] list
    /// The number of different paths.
    Distinct: int
} with

    /// Paths that are not in `Top`.
    member graph.Others = graph.Total - (graph.Top |> List.sumBy _.Count)

module internal PathGraphs =

    let private edges (layers: RoutingLayer list) (paths: ModulePath seq) : int64[,] list =
        let result =
            layers |> List.pairwise |> List.map (fun (one, next) -> Array2D.zeroCreate one.Modules next.Modules)

        for path in paths do
            for counts, (from, into) in List.zip result (List.pairwise path.Modules) do
                for m in from do
                    for next in into do
                        counts[m, next] <- counts[m, next] + path.Count

        result

    let ofTrace (top: int) (trace: RoutingTrace) : PathGraph =
        let layers = List.ofSeq trace.Layers
        let times = layers |> List.map _.Times |> List.fold max 1

        let all =
            seq {
                for n in 0 .. trace.Count - 1 do
                    for t in 0 .. times - 1 do
                        [ for layer in layers -> TraceRows.used layer n (if layer.Times = 1 then 0 else t) ]
            }
            |> Seq.countBy id
            |> Seq.map (fun (modules, count) -> { Modules = modules; Count = int64 count })
            |> Seq.sortBy (fun path -> -path.Count, path.Modules)
            |> Seq.toList

        let most, others = List.splitAt (min top all.Length) all

        let nodes (place: int) (layer: RoutingLayer) =
            let counts = Array.zeroCreate layer.Modules

            for path in all do
                for m in path.Modules[place] do
                    counts[m] <- counts[m] + path.Count

            counts

        {
            Layers = [ for layer in layers -> layer.Name, layer.Modules ]
            Total = int64 trace.Count * int64 times
            Nodes = List.mapi nodes layers
            Edges = edges layers all
            Top = most
            OtherEdges = edges layers others
            Distinct = all.Length
        }

    /// [M, M]: how often a module runs at one time step and another (or the same) at the next.
    let successions (layer: RoutingLayer) : int64[,] =
        let counts = Array2D.zeroCreate layer.Modules layer.Modules

        for struct (n, t) in TraceRows.sites layer do
            if t + 1 < layer.Times then
                for m in TraceRows.used layer n t do
                    for next in TraceRows.used layer n (t + 1) do
                        counts[m, next] <- counts[m, next] + 1L

        counts
