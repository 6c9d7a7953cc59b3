namespace ModNet

open ModNet.Runtime

/// A graph with the community of each of its nodes.
type Communities = {
    Graph: UnitGraph
    /// The community of each node, numbered from 0 in the order in which the nodes meet them: [nodes].
    Of: int[]
} with

    /// The number of communities.
    member communities.Count = communities.Of |> Array.distinct |> Array.length

    /// The numbers of the nodes of each community, ascending.
    member communities.Members: int[][] =
        communities.Of |> Array.indexed |> Array.groupBy snd |> Array.sortBy fst |> Array.map (snd >> Array.map fst)

/// What was found in a graph, beside the same in random graphs with the same degrees.
type AgainstRewired = {
    Found: float
    /// The same in each of the random graphs.
    Rewired: float[]
} with

    /// The mean over the random graphs.
    member against.Mean = Array.average against.Rewired

    /// The standard deviation over the random graphs, with n − 1.
    member against.Deviation =
        let mean = against.Mean
        let squares = against.Rewired |> Array.sumBy (fun value -> (value - mean) ** 2.0)
        sqrt (squares / float (against.Rewired.Length - 1))

    /// How many deviations lie between what was found and the mean; NaN where all random graphs have the same.
    member against.Z =
        let deviation = against.Deviation
        if deviation = 0.0 then nan else (against.Found - against.Mean) / deviation

/// One way in which three nodes are joined, and how many triples of nodes are, beside random graphs.
type Motif = { Triad: Triad; Count: AgainstRewired }

/// What a network loses without one of its modules or units.
type Lesion = {
    /// The module or unit, as `words/3` or `linear1/12`.
    Name: string
    /// The share of datapoints (of a text: steps) whose path meets the module; the share of datapoints for which the unit's output is anywhere other
    /// than 0.
    Affected: float
    /// The mean of log p(y | x, a) before and after, in nats: of a datapoint for units, of what `Affected` counts for modules.
    LogLikelihood: float * float
    /// The share whose class is predicted rightly, before and after; None where y are no classes.
    Accuracy: (float * float) option
}

/// A small set of a layer's units that suffices for what the network does.
type Core = {
    Layer: string
    /// The units, from 0, ascending: with these alone the network keeps the share that was asked for, and with one less it does not.
    Units: int list
    /// Of each unit of the layer, by how much its presence raises the mean of log p(y | x, a), by regression over random subsets: [units].
    Effects: float[]
    /// R² of the regression.
    Fit: float
    /// The mean of log p(y | x, a) with all units, with these alone, and with none.
    LogLikelihood: float * float * float
} with

    /// The share of what all units together gain over none that these alone keep.
    member core.Kept: float =
        let all, alone, none = core.LogLikelihood
        (alone - none) / (all - none)
