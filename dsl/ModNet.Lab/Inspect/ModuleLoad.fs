namespace ModNet

open ModNet.Runtime

/// How a layer's M modules share its work.
type ModuleLoad = {
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
    /// H_a (Eq. 15): the entropy of p(a | x), summed over positions, averaged over datapoints and sites; nats. None where no controller chose.
    SelectionEntropy: float option
    /// H_b (Eq. 16): the entropy of the mean of p(a | x) over datapoints and sites, averaged over positions; nats.
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

    let ofLayer (layer: RoutingLayer) : ModuleLoad =
        let counts = Array.zeroCreate layer.Modules

        for m in layer.Selections |> Seq.cast<int> do
            counts[m] <- counts[m] + 1L

        let total = Array.sum counts |> max 1L
        let shares = counts |> Array.map (fun count -> float count / float total)

        {
            Layer = layer.Name
            Counts = counts
            Shares = shares
            Ideal = 1.0 / float layer.Modules
            Dead = [
                for m in 0 .. layer.Modules - 1 do
                    if counts[m] = 0L then m
            ]
            Effective = exp (TraceRows.entropy shares)
            SelectionEntropy =
                if isNull layer.Probabilities then
                    None
                else
                    Some(TraceRows.sites layer |> Seq.averageBy (fun struct (n, t) -> TraceRows.undecided layer n t))
            BatchSelectionEntropy = mean layer |> Option.map (Array.averageBy TraceRows.entropy)
        }
