namespace ModNet

/// A pool as one layer uses it, with everything inferred: M maps Input → Output.
type PlannedPool = {
    /// The shared pool's name, or `LAYER/pool` for a layer's own. Equal names are one pool.
    Name: string
    Pool: Pool
    /// What each module reads here. (A pool of convolutions may serve images of several sizes.)
    Input: Shape
    Output: Shape
    /// One unit for all modules, or M of them: a module's layers in order.
    Units: PlannedLayer list list
}

/// A layer with its name, shapes, pool and what is inside.
and PlannedLayer = {
    /// The way to it, unique within the network, from kinds and positions: `embed1`, `residual2/modular1`,
    /// `sum_of1/2/linear1` in the second branch, `repeat1/3/linear1` in the third round. Inputs and heads have no number.
    Name: string
    Layer: Layer
    /// What it reads; for an input, what it gives.
    Input: Shape
    /// What it gives; for a head, the shape of its distribution's parameters.
    Output: Shape
    /// The pool of a modular layer or modular GRU.
    Pool: PlannedPool option
    /// The number of task ids, where its controller reads one.
    Tasks: int option
    /// The layers of a residual (one list), of branches, or of the rounds of a repetition.
    Inside: PlannedLayer list list
} with

    /// The layer, then all that is inside it, in order: each before what it holds.
    member layer.Unfolded: PlannedLayer list = layer :: (layer.Inside |> List.concat |> List.collect _.Unfolded)

/// A network that was found sound: what `compile` builds from, layer by layer.
type Plan = {
    Network: Network
    Layers: PlannedLayer list
    /// Every pool once, as it is first used, in order of first use.
    Pools: PlannedPool list
}
