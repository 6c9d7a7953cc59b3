namespace ModNet

open ModNet.Runtime

/// What all analyses read from a trace.
module internal TraceRows =

    /// The entropy of a distribution, in nats.
    let entropy (distribution: float seq) = SelectionStatistics.EntropyOf distribution

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

    /// How undecided a controller is that has these distributions, one for each position: their entropy, averaged over positions; nats.
    let undecided (positions: float[][]) = positions |> Array.averageBy entropy

    /// The same at a site of a layer. Only where a controller chose.
    let undecidedAt (layer: RoutingLayer) n t = distributions layer n t |> Option.get |> undecided

    /// The label of a class, task or word, or its number where there is no label.
    let label (labels: System.Collections.Generic.IReadOnlyList<string>) (number: int) =
        if isNull labels || number < 0 || number >= labels.Count then string number else labels[number]

    /// The numbers of modules, from 0.
    let named (separator: string) (modules: int seq) = modules |> Seq.map string |> String.concat separator

    /// Whether the inputs are words, and the layer chooses at every one of them.
    let atWords (trace: RoutingTrace) (layer: RoutingLayer) =
        not (isNull trace.Tokens) && layer.Times = trace.Tokens.GetLength 1
