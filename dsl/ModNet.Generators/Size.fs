namespace ModNet.Generators

open ModNet

/// How large a network is to read.
[<RequireQualifiedAccess>]
module internal Size =

    let private activation kind = if Option.isNone kind then 0 else 1
    let private bias has = if has then 0 else 1

    let private ofShape shape =
        match shape with
        | Shape.Tokens size
        | Shape.Vector size
        | Shape.Sequence size -> size
        | Shape.Image(channels, height, width) -> channels + height + width

    let private ofController controller =
        match controller with
        | Linear -> 0
        | Given -> 1
        | Task -> 2
        | Mlp hidden -> 2 + hidden.Length + List.sum hidden
        | Conv(channels, kernel) -> 4 + channels + kernel
        | Custom spec -> 4 + ofShape spec.Input + ofShape spec.Output

    let rec ofChain layers = List.sumBy ofLayer layers

    and private ofPool (pool: Pool) =
        (if pool.Name.IsSome then 1 else 0)
        + pool.Modules
        + (if pool.Init = Uniform then 0 else 1)
        + List.sumBy (fun unit -> 1 + ofChain unit) pool.Units

    and private ofModular (modular: Modular) =
        ofPool modular.Pool
        + modular.Choose
        + (if modular.Combine = Sum then 0 else 1)
        + ofController modular.Controller
        + (if modular.Duplicates = Every then 0 else 1)
        + (if modular.StopGradient then 1 else 0)
        + (if modular.Dispatch = Auto then 0 else 1)

    and private ofLayer layer =
        match layer with
        | Layer.Tokens vocabulary -> 2 + vocabulary
        | Layer.Features width -> 1 + width
        | Layer.Image(channels, height, width) -> 2 + channels + height + width
        | Layer.Tasks count -> 1 + count
        | Layer.Embed width -> 2 + width
        | Layer.Linear linear -> 2 + linear.Width + activation linear.Activation + bias linear.Bias
        | Layer.Conv conv ->
            3 + conv.Channels + conv.Kernel + conv.Stride + conv.Padding + activation conv.Activation + bias conv.Bias
        | Layer.MaxPool pooling -> 3 + pooling.Window + pooling.Stride
        | Layer.AvgPool pooling -> 2 + pooling.Window + pooling.Stride
        | Layer.Flatten
        | Layer.Activation _ -> 2
        | Layer.Dropout _
        | Layer.LayerNorm -> 3
        | Layer.BatchNorm
        | Layer.ActivityL1 _ -> 4
        | Layer.Gru hidden -> 4 + hidden
        | Layer.Modular modular -> 5 + ofModular modular
        | Layer.ModularGru gru -> 6 + gru.Hidden + ofModular gru.Candidate
        | Layer.Residual layers
        | Layer.Block(_, layers) -> 2 + ofChain layers
        | Layer.Repeat(times, layers) -> 2 + times + ofChain layers
        | Layer.SumOf branches -> 2 + List.sumBy (fun branch -> 1 + ofChain branch) branches
        | Layer.ConcatOf branches -> 3 + List.sumBy (fun branch -> 1 + ofChain branch) branches
        | Layer.Custom spec -> 5 + ofShape spec.Input + ofShape spec.Output
        | Layer.Softmax classes -> 2 + classes
        | Layer.Gaussian(Variance.Learned _) -> 2
        | Layer.Gaussian(Variance.Fixed _) -> 1
        | Layer.Categorical -> 1
        | Layer.Bernoulli -> 0

    let ofNetwork (network: Network) = ofChain network.Layers
