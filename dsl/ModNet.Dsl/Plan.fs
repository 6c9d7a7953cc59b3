namespace ModNet

/// A pool with everything inferred: M maps [Input] → [Output].
type PlannedPool = {
    /// The shared pool's name, or `LAYER/pool` for a layer's own.
    Name: string
    Modules: int
    Unit: PoolUnit
    Input: int
    Output: int
}

/// A layer with its name, shapes and pool.
type PlannedLayer = {
    /// Unique within the network, from kind and position: `embed1`, `modular2`; inputs and heads have no number.
    Name: string
    Layer: Layer
    /// What it reads; for an input, what it gives.
    Input: Shape
    /// What it gives; for a head, the shape of its distribution's parameters.
    Output: Shape
    /// The pool of a modular layer or modular GRU. Equal names are one pool.
    Pool: PlannedPool option
}

/// A network that was found sound: what `compile` builds from, layer by layer.
type Plan = {
    Network: Network
    Layers: PlannedLayer list
    /// Every pool once, in order of first use.
    Pools: PlannedPool list
}
