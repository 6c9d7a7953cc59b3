namespace ModNet

/// Where in a network a layer belongs.
[<RequireQualifiedAccess>]
type internal Role =
    | Input
    /// A side input: what flows through the layers passes it by.
    | Beside
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
        | Layer.Image _ -> "image"
        | Layer.Tasks _ -> "tasks"
        | Layer.Embed _ -> "embed"
        | Layer.Linear _ -> "linear"
        | Layer.Conv _ -> "conv"
        | Layer.MaxPool _ -> "max_pool"
        | Layer.AvgPool _ -> "avg_pool"
        | Layer.Flatten -> "flatten"
        | Layer.Activation activation -> ofActivation activation
        | Layer.Dropout _ -> "dropout"
        | Layer.LayerNorm -> "layer_norm"
        | Layer.BatchNorm -> "batch_norm"
        | Layer.ActivityL1 _ -> "activity_l1"
        | Layer.Gru _ -> "gru"
        | Layer.Modular _ -> "modular"
        | Layer.ModularGru _ -> "modular_gru"
        | Layer.Residual _ -> "residual"
        | Layer.SumOf _ -> "sum_of"
        | Layer.ConcatOf _ -> "concat_of"
        | Layer.Repeat _ -> "repeat"
        | Layer.Block _ -> "block"
        | Layer.Custom _ -> "custom"
        | Layer.Softmax _ -> "softmax"
        | Layer.Categorical -> "categorical"
        | Layer.Gaussian _ -> "gaussian"
        | Layer.Bernoulli -> "bernoulli"

    let role layer =
        match layer with
        | Layer.Tokens _
        | Layer.Features _
        | Layer.Image _ -> Role.Input
        | Layer.Tasks _ -> Role.Beside
        | Layer.Softmax _
        | Layer.Categorical
        | Layer.Gaussian _
        | Layer.Bernoulli -> Role.Head
        | _ -> Role.Body

    let private affine bias activation =
        let bias = if bias then "" else " |> no_bias"

        let activation =
            match activation with
            | None -> ""
            | Some activation -> $" |> {ofActivation activation}"

        bias + activation

    /// As in a script: 10_000.
    let private digits (count: int) = (Numbers.grouped (int64 count)).Replace(',', '_')

    /// As in a script: `linear 8 |> no_bias |> relu`.
    let describe layer =
        match layer with
        | Layer.Linear linear -> $"linear {linear.Width}{affine linear.Bias linear.Activation}"
        | Layer.Conv conv ->
            let stride = if conv.Stride = 1 then "" else $" |> stride {conv.Stride}"

            let padding = if conv.Padding = 0 then "" else $" |> padding {conv.Padding}"

            $"conv {conv.Channels} {conv.Kernel}{stride}{padding}{affine conv.Bias conv.Activation}"
        | Layer.MaxPool pooling -> $"max_pool {pooling.Window}"
        | Layer.AvgPool pooling -> $"avg_pool {pooling.Window}"
        | Layer.Dropout rate -> $"dropout {Numbers.ofFloat rate}"
        | Layer.ActivityL1 weight -> $"activity_l1 {Numbers.ofFloat weight}"
        | Layer.Tokens size -> $"tokens {digits size}"
        | Layer.Features width -> $"features {digits width}"
        | Layer.Image(channels, height, width) -> $"image ({channels}, {height}, {width})"
        | Layer.Tasks count -> $"tasks {digits count}"
        | Layer.Embed width -> $"embed {digits width}"
        | Layer.Gru hidden -> $"gru {digits hidden}"
        | Layer.Softmax classes -> $"softmax {digits classes}"
        | Layer.Gaussian(Variance.Fixed value) -> $"gaussian (variance {Numbers.ofFloat value})"
        | Layer.Gaussian(Variance.Learned initial) -> $"gaussian (learned_variance {Numbers.ofFloat initial})"
        | Layer.Activation kind -> $"activation {kind}"
        | Layer.Custom custom -> $"custom `{custom.Name}`"
        | Layer.Residual _
        | Layer.SumOf _
        | Layer.ConcatOf _
        | Layer.Repeat _
        | Layer.Block _ -> $"{ofLayer layer} {{ … }}"
        | other -> ofLayer other

    /// A pool's unit as in a script.
    let describeUnit layers =
        match layers with
        | [ layer ] -> describe layer
        | layers ->
            let inside = layers |> List.map describe |> String.concat "; "
            $"chain {{ {inside} }}"
