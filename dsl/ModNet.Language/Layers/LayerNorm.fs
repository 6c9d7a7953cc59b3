namespace ModNet

/// Normalisation over a datapoint's values.
[<AutoOpen>]
module LayerNormLayer =

    /// Brings a datapoint's values (on a sequence a step's) to mean 0 and variance 1, then applies a learned scale and shift to
    /// each. Keeps the shape.
    /// Example: `layer_norm`
    let layer_norm = Layer.LayerNorm

module internal LayerNorm =

    let kind = {
        LayerKind.plain 3 "layer_norm" Layer.LayerNorm with
            Cost = fun _ layer () -> Cost.passed (Counts.times 2L (ShapeRules.Values layer.Input))
            Simpler = fun () -> [ [ Layer.Activation Relu ] ]
    }
