namespace ModNet

open ModNet.Runtime

/// How sure a controller is at the sites of one time step, over all datapoints.
type Certainty = {
    Time: int
    /// The mean over datapoints of the entropy of p(a | x), averaged over positions; nats.
    Entropy: float
    /// The mean over datapoints and positions of the highest probability.
    MostProbable: float
}

module internal Certainties =

    /// Empty where no controller chose.
    let ofLayer (layer: RoutingLayer) : Certainty list = [
        if not (isNull layer.Probabilities) then
            for t in 0 .. layer.Times - 1 do
                let all = [
                    for n in 0 .. layer.Selections.GetLength 0 - 1 -> TraceRows.distributions layer n t |> Option.get
                ]

                {
                    Time = t
                    Entropy = all |> List.averageBy TraceRows.undecided
                    MostProbable = all |> List.averageBy (Array.averageBy Array.max)
                }
    ]
