namespace ModNet

/// Where in a network a layer belongs.
[<RequireQualifiedAccess>]
type internal Role =
    | Input
    | Body
    | Head

/// The words for layers in names, tables and messages.
module internal Kind =

    let ofActivation activation =
        match activation with
        | Relu -> "relu"
        | Tanh -> "tanh"
        | Sigmoid -> "sigmoid"

    /// The keyword that makes the layer, except that an activation goes by its own name.
    let ofLayer layer =
        match layer with
        | Layer.Tokens _ -> "tokens"
        | Layer.Features _ -> "features"
        | Layer.Embed _ -> "embed"
        | Layer.Linear _ -> "linear"
        | Layer.Activation activation -> ofActivation activation
        | Layer.Modular _ -> "modular"
        | Layer.ModularGru _ -> "modular_gru"
        | Layer.Softmax _ -> "softmax"
        | Layer.Gaussian _ -> "gaussian"
        | Layer.Bernoulli -> "bernoulli"

    let role layer =
        match layer with
        | Layer.Tokens _
        | Layer.Features _ -> Role.Input
        | Layer.Embed _
        | Layer.Linear _
        | Layer.Activation _
        | Layer.Modular _
        | Layer.ModularGru _ -> Role.Body
        | Layer.Softmax _
        | Layer.Gaussian _
        | Layer.Bernoulli -> Role.Head

    /// As in a script: `linear 8 |> no_bias |> relu`.
    let describe (linear: LinearSpec) =
        let bias = if linear.Bias then "" else " |> no_bias"

        let activation =
            match linear.Activation with
            | None -> ""
            | Some activation -> $" |> {ofActivation activation}"

        $"linear {linear.Width}{bias}{activation}"
