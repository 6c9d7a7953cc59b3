namespace ModNet

/// Nonlinearities, as layers and as ends of linear maps and convolutions.
[<AutoOpen>]
module ActivationLayer =

    /// A nonlinearity as a layer of its own; keeps the shape.
    /// Example: `activation (LeakyRelu 0.1)`
    let activation (kind: Activation) = Layer.Activation kind

    /// The same linear map or convolution without b.
    /// Example: `linear 2 |> no_bias`
    let inline no_bias (layer: ^Layer) : ^Layer = (^Layer: (static member WithoutBias: ^Layer -> ^Layer) layer)

    /// The same linear map or convolution, then max(0, ·).
    /// Example: `linear 8 |> relu`
    let inline relu (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Relu))

    /// The same linear map or convolution, then 1 / (1 + exp(−·)). (For the hyperbolic tangent F#'s own `tanh` serves.)
    /// Example: `linear 8 |> sigmoid`
    let inline sigmoid (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Sigmoid))

    /// The same linear map or convolution, then this nonlinearity: also one that has no word of its own in a pipe.
    /// Example: `linear 8 |> activated_by Softmax`
    let inline activated_by (kind: Activation) (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, kind))

    /// The same linear map or convolution, then x·Φ(x), Φ the distribution function of N(0, 1).
    /// Example: `linear 8 |> gelu`
    let inline gelu (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Gelu))

    /// The same linear map or convolution, then x / (1 + exp(−x)), which is also called swish.
    /// Example: `linear 8 |> silu`
    let inline silu (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Silu))

    /// The same linear map or convolution, then x where x is positive, else slope·x; slope ≥ 0.
    /// Example: `linear 8 |> leaky_relu 0.01`
    let inline leaky_relu (slope: float) (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, LeakyRelu slope))

    /// The same linear map or convolution, then x where x is positive, else alpha·(exp(x) − 1); alpha ≥ 0.
    /// Example: `linear 8 |> elu 1.0`
    let inline elu (alpha: float) (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Elu alpha))

    /// The same linear map or convolution, then log(1 + exp(x)).
    /// Example: `linear 8 |> softplus`
    let inline softplus (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Softplus))

    /// The same linear map or convolution, then x·min(max(x + 3, 0), 6) / 6.
    /// Example: `linear 8 |> hardswish`
    let inline hardswish (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Hardswish))

    /// The same linear map or convolution, then x·tanh(log(1 + exp(x))).
    /// Example: `linear 8 |> mish`
    let inline mish (layer: ^Layer) : ^Layer =
        (^Layer: (static member WithActivation: ^Layer * Activation -> ^Layer) (layer, Mish))

module internal ActivationKind =

    let kind = {
        LayerKind.body
            2
            "activation"
            (function
            | Layer.Activation kind -> Some kind
            | _ -> None)
            Layer.Activation
            (fun _ -> Codec.one "activation" Words.activation) with
            Name = Words.ofActivation
            Describe =
                fun kind ->
                    match kind with
                    | LeakyRelu _
                    | Elu _ -> $"activation ({Words.activationCase kind})"
                    | _ -> $"activation {Words.activationCase kind}"
            Infer =
                fun site kind shape ->
                    site.Activation(Some kind)
                    site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output
            Simpler = fun kind -> if kind = Relu then [] else [ [ Layer.Activation Relu ] ]
    }
