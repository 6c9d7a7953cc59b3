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

    /// Input: an image [channels, height, width].
    /// Example: `image (3, 32, 32)`
    let image (channels: int, height: int, width: int) = Layer.Image(channels, height, width)

    /// Beside the input: a task id per datapoint, below `count`, which controllers of form `Task` read.
    /// Example: `tasks 4`
    let tasks (count: int) = Layer.Tasks count

    /// Token ids [T] → [T, width], by a learned table [vocabulary, width].
    /// Example: `embed 32`
    let embed (width: int) = Layer.Embed width

    /// x [in] → W x + b [width]; on a sequence [T, in] → [T, width], step by step. A layer, or the unit of a pool.
    /// Example: `linear 8 |> relu`
    let linear (width: int) : LinearSpec = { Width = width; Bias = true; Activation = None }

    /// x [in, H, W] → W ∗ x + b [channels, H', W'], with square kernels of this size, stride 1 and no padding:
    /// H' = H − kernel + 1, W' likewise. A layer, or the unit of a pool.
    /// Example: `conv 16 3 |> same |> relu`
    let conv (channels: int) (kernel: int) : ConvSpec = {
        Channels = channels
        Kernel = kernel
        Stride = 1
        Padding = 0
        Bias = true
        Activation = None
    }

    /// The same convolution at every `step`-th place: H' = ⌊(H + 2·padding − kernel) / step⌋ + 1.
    /// Example: `conv 16 3 |> stride 2`
    let stride (step: int) (conv: ConvSpec) = { conv with Stride = step }

    /// The same convolution with `zeros` rows and columns of zeros on every side, fewer than its kernel.
    /// Example: `conv 16 3 |> padding 1`
    let padding (zeros: int) (conv: ConvSpec) = { conv with Padding = zeros }

    /// The same convolution with ⌊kernel / 2⌋ zeros on every side: at stride 1 an odd kernel keeps the image's size.
    /// Example: `conv 16 3 |> same`
    let same (conv: ConvSpec) = { conv with Padding = conv.Kernel / 2 }

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

    /// Linear maps to each width in turn, with ReLU between them: [in] → [last width]. A part of a network, or the unit of a
    /// pool.
    /// Example: `mlp [ 64; 8 ]`
    let mlp (widths: int list) =
        let last = widths.Length - 1

        Chain [
            for index, width in List.indexed widths ->
                Layer.Linear(if index < last then linear width |> relu else linear width)
        ]

    /// The greatest value of every window × window places, side by side: [C, H, W] → [C, ⌊H / window⌋, ⌊W / window⌋].
    /// Example: `max_pool 2`
    let max_pool (window: int) = Layer.MaxPool { Window = window; Stride = window }

    /// The mean of every window × window places, side by side: [C, H, W] → [C, ⌊H / window⌋, ⌊W / window⌋].
    /// Example: `avg_pool 2`
    let avg_pool (window: int) = Layer.AvgPool { Window = window; Stride = window }

    /// An image as a vector, channel by channel, row by row: [C, H, W] → [C·H·W].
    /// Example: `flatten`
    let flatten = Layer.Flatten

    /// An elementwise nonlinearity as a layer of its own; keeps the shape.
    /// Example: `activation Tanh`
    let activation (kind: Activation) = Layer.Activation kind

    /// Sets each value to 0 with probability `rate`, 0 ≤ rate < 1, and scales the others by 1/(1 − rate): in M-steps only,
    /// not in E-steps nor in evaluation. Keeps the shape.
    /// Example: `dropout 0.5`
    let dropout (rate: float) = Layer.Dropout rate

    /// Brings a datapoint's values (on a sequence a step's) to mean 0 and variance 1, then applies a learned scale and shift to
    /// each. Keeps the shape.
    /// Example: `layer_norm`
    let layer_norm = Layer.LayerNorm

    /// Brings every feature (every channel of an image) to mean 0 and variance 1 over the batch, then applies a learned scale
    /// and shift to each; in evaluation and E-steps by running averages. Keeps the shape. Not inside modules, where the batch
    /// would be whichever datapoints chose one.
    /// Example: `batch_norm`
    let batch_norm = Layer.BatchNorm

    /// Gives x as it is, and adds weight · Σ|x| over a datapoint's values, the mean over the minibatch, to the loss that M-steps (or another
    /// method's gradient steps) minimise: an L1 penalty on the activations before it, which drives them to zero. weight > 0. Not inside
    /// modules; E-steps and evaluation know nothing of it.
    /// Example: `activity_l1 1e-3`
    let activity_l1 (weight: float) = Layer.ActivityL1 weight

    /// x [T, in] → [T, hidden]: a gated recurrent unit; z, r = σ(W [h, x] + b), c = tanh(U [r⊙h, x] + d),
    /// h ← (1 − z)⊙h + z⊙c, from h = 0.
    /// Example: `gru 8`
    let gru (hidden: int) = Layer.Gru hidden

    /// Head: [in] → a categorical distribution over `classes`, by a linear map with bias; on a sequence one at every step.
    /// Example: `softmax 10_000`
    let softmax (classes: int) = Layer.Softmax classes

    /// Head: [in] → a categorical distribution over as many classes, whose logits are the layer's input as it is: `softmax` without its
    /// linear map.
    /// Example: `categorical`
    let categorical = Layer.Categorical

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
