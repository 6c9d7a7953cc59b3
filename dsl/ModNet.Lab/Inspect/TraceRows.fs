namespace ModNet

open ModNet.Runtime

/// Ways through a trace that all analyses take.
module internal TraceRows =

    /// x log x, with 0 at 0.
    let xlogx (p: float) = if p > 0.0 then p * log p else 0.0

    /// In nats.
    let entropy (distribution: float seq) = -(distribution |> Seq.sumBy xlogx)

    /// Every site of the layer: datapoint's row and time.
    let sites (layer: RoutingLayer) =
        seq {
            for n in 0 .. layer.Selections.GetLength 0 - 1 do
                for t in 0 .. layer.Times - 1 do
                    struct (n, t)
        }

    /// The modules that ran at a site, a module for each position.
    let chosen (layer: RoutingLayer) (n: int) (t: int) = Array.init layer.Choose (fun k -> layer.Selections[n, t, k])

    /// The different modules that ran at a site, in ascending order.
    let used (layer: RoutingLayer) n t = chosen layer n t |> Array.distinct |> Array.sort

    /// p(a | x) at a site: a distribution for each position. None where no controller chose.
    let distributions (layer: RoutingLayer) n t : float[][] option =
        match layer.Probabilities with
        | null -> None
        | p -> Some(Array.init (p.GetLength 2) (fun k -> Array.init layer.Modules (fun m -> float p[n, t, k, m])))

    /// What a number stands for, or the number itself.
    let label (labels: System.Collections.Generic.IReadOnlyList<string>) (number: int) =
        if isNull labels || number < 0 || number >= labels.Count then string number else labels[number]
