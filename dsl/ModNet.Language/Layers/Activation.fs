namespace ModNet

/// Elementwise nonlinearities, as layers and as ends of linear maps and convolutions.
[<AutoOpen>]
module ActivationLayer =

    /// An elementwise nonlinearity as a layer of its own; keeps the shape.
    /// Example: `activation Tanh`
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
            Describe = fun kind -> $"activation {kind}"
    }
