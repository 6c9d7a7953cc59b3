namespace ModNet

open ModNet.Runtime

/// The spec's closed choices as the runtime has them.
module internal RuntimeWords =

    let activation (kind: ModNet.Activation option) =
        match kind with
        | None -> Runtime.Activation.Identity
        | Some Relu -> Runtime.Activation.Relu
        | Some Tanh -> Runtime.Activation.Tanh
        | Some Sigmoid -> Runtime.Activation.Sigmoid
        | Some Gelu -> Runtime.Activation.Gelu
        | Some Silu -> Runtime.Activation.Silu
        | Some(LeakyRelu slope) -> Runtime.Activation.LeakyRelu slope
        | Some(Elu alpha) -> Runtime.Activation.Elu alpha
        | Some Softplus -> Runtime.Activation.Softplus
        | Some Hardswish -> Runtime.Activation.Hardswish
        | Some Mish -> Runtime.Activation.Mish
        | Some Softmax -> Runtime.Activation.Softmax
        | Some LogSoftmax -> Runtime.Activation.LogSoftmax

    let combine (kind: ModNet.Combine) =
        match kind with
        | Sum -> Runtime.Combine.Sum
        | Concat -> Runtime.Combine.Concat

    let dispatch (kind: ModNet.Dispatch) =
        match kind with
        | Auto -> Runtime.Dispatch.Auto
        | Loop -> Runtime.Dispatch.Loop
        | Grouped -> Runtime.Dispatch.Grouped
        | Wide -> Runtime.Dispatch.Wide
        | Gather -> Runtime.Dispatch.Gather
        | Kernel -> Runtime.Dispatch.Kernel

    let duplicates (kind: ModNet.Duplicates) =
        match kind with
        | Every -> Runtime.Duplicates.Every
        | Once -> Runtime.Duplicates.Once

    let init (kind: ModNet.Init) =
        match kind with
        | Uniform -> Runtime.Init.Uniform
        | Glorot -> Runtime.Init.Glorot
        | He -> Runtime.Init.He
        | Stacked -> Runtime.Init.Stacked

    let convolution (conv: ConvSpec) = Convolution(conv.Channels, conv.Kernel, conv.Stride, conv.Padding)

    /// The number of features, or of an image's channels.
    let features (shape: Shape) =
        match shape with
        | Shape.Vector width
        | Shape.Sequence width -> width
        | Shape.Tokens vocabulary -> vocabulary
        | Shape.Image(channels, _, _) -> channels

    /// What a normalisation over a datapoint's values (on a sequence a step's) takes together.
    let normalised (shape: Shape) =
        match shape with
        | Shape.Image(channels, height, width) -> [| int64 channels; int64 height; int64 width |]
        | other -> [| int64 (features other) |]
