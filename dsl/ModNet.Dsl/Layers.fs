namespace ModNet

/// The layers that are said in one phrase. Shapes are per datapoint; T is the number of steps.
[<AutoOpen>]
module Layers =

    /// Input: token ids [T], each below `vocabulary`.
    /// Example: `tokens 10_000`
    let tokens (vocabulary: int) = Layer.Tokens vocabulary

    /// Input: a vector [width].
    /// Example: `features 2`
    let features (width: int) = Layer.Features width

    /// Token ids [T] → [T, width], by a learned table [vocabulary, width].
    /// Example: `embed 32`
    let embed (width: int) = Layer.Embed width

    /// x [in] → W x + b [width]; on a sequence [T, in] → [T, width], step by step. A layer, or the unit of a pool.
    /// Example: `linear 8 |> relu`
    let linear (width: int) : LinearSpec = {
        Width = width
        Bias = true
        Activation = None
    }

    /// The same linear map without b.
    /// Example: `linear 2 |> no_bias`
    let no_bias (linear: LinearSpec) = { linear with Bias = false }

    /// The same linear map, then max(0, ·).
    /// Example: `linear 8 |> relu`
    let relu (linear: LinearSpec) = { linear with Activation = Some Relu }

    /// The same linear map, then 1 / (1 + exp(−·)). (For the hyperbolic tangent F#'s own `tanh` serves.)
    /// Example: `linear 8 |> sigmoid`
    let sigmoid (linear: LinearSpec) = {
        linear with
            Activation = Some Sigmoid
    }

    /// An elementwise nonlinearity as a layer of its own; keeps the shape.
    /// Example: `activation Tanh`
    let activation (kind: Activation) = Layer.Activation kind

    /// Head: [in] → a categorical distribution over `classes`, by a linear map with bias; on a sequence one at every step.
    /// Example: `softmax 10_000`
    let softmax (classes: int) = Layer.Softmax classes

    /// Head: a Gaussian over [in] whose mean is the layer's input.
    /// Example: `gaussian (variance 0.1)`
    let gaussian (variance: Variance) = Layer.Gaussian variance

    /// A given σ² > 0, in the square of the target's unit.
    /// Example: `gaussian (variance 0.1)`
    let variance (value: float) = Variance.Fixed value

    /// A σ² learned with θ, one scalar for all outputs, from `initial` > 0 on.
    /// Example: `gaussian (learned_variance 1.0)`
    let learned_variance (initial: float) = Variance.Learned initial

    /// Head: independent binary outputs whose logits [in] are the layer's input.
    /// Example: `bernoulli`
    let bernoulli = Layer.Bernoulli
