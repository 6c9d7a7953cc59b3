namespace ModNet

open ModNet.Runtime

/// How the M modules of a layer, or of a pool that several layers share, do the work.
type ModuleLoad = {
    /// The layer's name; of a shared pool `pool NAME (LAYER + LAYER)`.
    Layer: string
    /// [M]: the choices that fell on each module, over all datapoints, sites and positions.
    Counts: int64[]
    /// [M]: the same as shares, which sum to 1.
    Shares: float[]
    /// The share of each module if all were used alike: 1/M.
    Ideal: float
    /// Modules, from 0, that were never chosen.
    Dead: int list
    /// exp of the entropy of the shares: so many modules, used alike, would be as diverse. From 1 (collapse) to M.
    Effective: float
    /// H_a (Eq. 15, per position): the entropy of p(a | x), averaged over positions, datapoints and sites; nats. None where no controller chose,
    /// and for a shared pool.
    SelectionEntropy: float option
    /// H_b (Eq. 16, per position): the entropy of the mean of p(a | x) over datapoints and sites, averaged over positions; nats.
    BatchSelectionEntropy: float option
} with

    /// M.
    member load.Modules = load.Counts.Length

    /// The most used module's share over the ideal: 1 is even, M is collapse.
    member load.Peak = Array.max load.Shares / load.Ideal

module internal ModuleLoads =

    let private mean (layer: RoutingLayer) : float[][] option =
        match layer.Probabilities with
        | null -> None
        | p ->
            let sums = Array.init (p.GetLength 2) (fun _ -> Array.zeroCreate layer.Modules)

            for struct (n, t) in TraceRows.sites layer do
                for k in 0 .. sums.Length - 1 do
                    for m in 0 .. layer.Modules - 1 do
                        sums[k][m] <- sums[k][m] + float p[n, t, k, m]

            let rows = float (p.GetLength 0 * p.GetLength 1)
            Some(sums |> Array.map (Array.map (fun sum -> sum / rows)))

    let private counts (layer: RoutingLayer) : int64[] =
        let counts = Array.zeroCreate layer.Modules

        for m in layer.Selections |> Seq.cast<int> do
            counts[m] <- counts[m] + 1L

        counts

    let private ofCounts (name: string) (counts: int64[]) : ModuleLoad =
        let modules = counts.Length
        let total = Array.sum counts |> max 1L
        let shares = counts |> Array.map (fun count -> float count / float total)

        {
            Layer = name
            Counts = counts
            Shares = shares
            Ideal = 1.0 / float modules
            Dead = [
                for m in 0 .. modules - 1 do
                    if counts[m] = 0L then m
            ]
            Effective = exp (TraceRows.entropy shares)
            SelectionEntropy = None
            BatchSelectionEntropy = None
        }

    let ofLayer (layer: RoutingLayer) : ModuleLoad = {
        ofCounts layer.Name (counts layer) with
            SelectionEntropy =
                if isNull layer.Probabilities then
                    None
                else
                    Some(TraceRows.sites layer |> Seq.averageBy (fun struct (n, t) -> TraceRows.undecidedAt layer n t))
            BatchSelectionEntropy = mean layer |> Option.map TraceRows.undecided
    }

    /// The pools that several of these layers share: what all of these layers together made of each.
    let ofSharedPools (layers: RoutingLayer list) : ModuleLoad list = [
        for pool, sharing in layers |> List.groupBy _.Pool do
            if sharing.Length > 1 then
                let names = sharing |> List.map _.Name |> String.concat " + "

                ofCounts $"pool {pool} ({names})" (sharing |> List.map counts |> List.reduce (Array.map2 (+)))
    ]
