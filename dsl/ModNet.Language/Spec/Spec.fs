namespace ModNet

open System.ComponentModel

/// A nonlinearity. Shapes are kept. All but `Softmax` and `LogSoftmax` take each value by itself.
type Activation =
    /// max(0, x).
    | Relu
    /// The hyperbolic tangent.
    | Tanh
    /// σ(x) = 1 / (1 + exp(−x)).
    | Sigmoid
    /// x·Φ(x), Φ the distribution function of N(0, 1).
    | Gelu
    /// x·σ(x).
    | Silu
    /// x where x is positive, else slope·x; slope ≥ 0.
    | LeakyRelu of slope: float
    /// x where x is positive, else alpha·(exp(x) − 1); alpha ≥ 0.
    | Elu of alpha: float
    /// log(1 + exp(x)).
    | Softplus
    /// x·min(max(x + 3, 0), 6) / 6.
    | Hardswish
    /// x·tanh(log(1 + exp(x))).
    | Mish
    /// exp(x_i) / Σ_j exp(x_j) over the features of a row: of a sequence's step, or of an image's channels at each place.
    | Softmax
    /// The logarithm of the same.
    | LogSoftmax

/// A convolution over the steps of a sequence, x [T, in] → activation(W ∗ x + b) [T, Channels], that reads no later step than
/// the one it gives; `in` is inferred from what comes before.
type Conv1dSpec = {
    /// Output channels, ≥ 1.
    Channels: int
    /// How many steps one output reads, ≥ 1: its own and those before.
    Kernel: int
    /// How far apart these steps are, ≥ 1.
    Dilation: int
    /// Whether b [Channels] is added.
    Bias: bool
    /// What is applied to the result, if anything.
    Activation: Activation option
} with

    /// Lets F#'s own `tanh` stand in a pipe: `conv1d 8 3 |> tanh`.
    static member Tanh(conv: Conv1dSpec) = { conv with Activation = Some Tanh }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithActivation(conv: Conv1dSpec, activation) = { conv with Activation = Some activation }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithoutBias(conv: Conv1dSpec) = { conv with Bias = false }

/// Attention of a sequence's steps to each other, x [T, in] → [T, in].
type SelfAttentionSpec = {
    /// H, how many means of the steps are taken side by side, ≥ 1; divides `in`.
    Heads: int
    /// Whether a step sees itself and the steps before it alone, else all steps.
    Causal: bool
}

/// An affine map x [in] → activation(W x + b) [Width]; `in` is inferred from what comes before.
type LinearSpec = {
    /// Output width, ≥ 1.
    Width: int
    /// Whether b [Width] is added.
    Bias: bool
    /// What is applied to the result, if anything.
    Activation: Activation option
} with

    /// Lets F#'s own `tanh` stand in a pipe: `linear 8 |> tanh`.
    static member Tanh(linear: LinearSpec) = { linear with Activation = Some Tanh }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithActivation(linear: LinearSpec, activation) = { linear with Activation = Some activation }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithoutBias(linear: LinearSpec) = { linear with Bias = false }

/// A convolution with square kernels, x [in, H, W] → activation(W ∗ x + b) [Channels, H', W'] where
/// H' = ⌊(H + 2·Padding − Kernel) / Stride⌋ + 1, and W' likewise; `in` is inferred from what comes before.
type ConvSpec = {
    /// Output channels, ≥ 1.
    Channels: int
    /// The kernel's height and width, ≥ 1 and at most that of the padded image.
    Kernel: int
    /// ≥ 1.
    Stride: int
    /// Zeros added on every side, ≥ 0 and below Kernel: more would give outputs that see nothing.
    Padding: int
    /// Whether b [Channels] is added.
    Bias: bool
    /// What is applied to the result, if anything.
    Activation: Activation option
} with

    /// Lets F#'s own `tanh` stand in a pipe: `conv 8 3 |> tanh`.
    static member Tanh(conv: ConvSpec) = { conv with Activation = Some Tanh }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithActivation(conv: ConvSpec, activation) = { conv with Activation = Some activation }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithoutBias(conv: ConvSpec) = { conv with Bias = false }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithStride(conv: ConvSpec, step) = { conv with Stride = step }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithPadding(conv: ConvSpec, zeros) = { conv with Padding = zeros }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithSame(conv: ConvSpec) = { conv with Padding = conv.Kernel / 2 }

/// A transposed convolution, as scripts say it before it is a layer: the form of the convolution that it is the transpose of.
type Transposed =
    | Transposed of ConvSpec

    /// Lets F#'s own `tanh` stand in a pipe: `conv_transpose 8 2 |> tanh`.
    static member Tanh(Transposed conv) = Transposed { conv with Activation = Some Tanh }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithActivation(Transposed conv, activation) = Transposed { conv with Activation = Some activation }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithoutBias(Transposed conv) = Transposed { conv with Bias = false }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithStride(Transposed conv, step) = Transposed { conv with Stride = step }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithPadding(Transposed conv, zeros) = Transposed { conv with Padding = zeros }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    static member WithSame(Transposed conv) = Transposed { conv with Padding = conv.Kernel / 2 }

/// A column of features that holds categories, and the width of the vectors that stand for them.
type EmbeddedColumn = {
    /// Which column, counted from 0.
    Column: int
    /// How many categories there are, ≥ 1; the column holds their numbers from 0.
    Categories: int
    /// ≥ 1.
    Width: int
}

/// Pooling over square windows, without padding: x [C, H, W] → [C, H', W'], H' = ⌊(H − Window) / Stride⌋ + 1.
type PoolingSpec = {
    /// The window's height and width, ≥ 1 and at most the image's.
    Window: int
    /// ≥ 1.
    Stride: int
}

/// The network of a synthetic gradient: reads x, and the target if it is said so, and predicts the loss's gradient in x.
type SyntheticSpec = {
    /// Widths ≥ 1 of linear maps with ReLU before the last linear map; none makes it linear.
    Hidden: int list
    SeesTarget: bool
}

/// What trains the layers before a boundary, which the loss's gradient does not cross.
[<RequireQualifiedAccess>]
type Boundary =
    /// Nothing that comes after it.
    | Closed
    /// A head of its own, of the network's kind.
    | LocalHead
    /// A prediction of the gradient that it stops.
    | Synthetic of SyntheticSpec

/// The words that make layers, for the message about something else among them.
module internal LayerWords =

    [<Literal>]
    let All =
        "tokens, features, sequence, image, tasks, embed, embed_columns, linear, conv, conv_transpose, conv1d, self_attention, positions, learned_positions, last_step, mean_steps, max_pool, avg_pool, upsample, flatten, as_image, slice, activation, dropout, layer_norm, batch_norm, activity_l1, locality, boundary, gru, lstm, modular, modular_gru, fold, task_heads, residual, coupling, uncoupling, sum_of, concat_of, repeat, block, chain, mlp, program, custom, softmax, categorical, gaussian, bernoulli"

/// The shape of one datapoint between two layers. T is the number of steps, which the data decide.
[<RequireQualifiedAccess>]
type Shape =
    /// Token ids [T], each below the vocabulary size.
    | Tokens of vocabulary: int
    /// [width].
    | Vector of width: int
    /// [T, width].
    | Sequence of width: int
    /// [channels, height, width].
    | Image of channels: int * height: int * width: int

    /// `[T]`, `[2]`, `[T, 32]` or `[3, 32, 32]`.
    override shape.ToString() =
        match shape with
        | Tokens _ -> "[T]"
        | Vector width -> $"[{width}]"
        | Sequence width -> $"[T, {width}]"
        | Image(channels, height, width) -> $"[{channels}, {height}, {width}]"

/// A user's own module, `nn.Module<Tensor, Tensor>` or a function of parameters. What is declared here is held against its code
/// when the network is compiled.
type Custom = {
    /// Names the code. JSON holds the name and not the code, so two customs that are equal in all else count as equal.
    Name: string
    /// What it reads, per datapoint.
    Input: Shape
    /// What it gives, per datapoint.
    Output: Shape
    /// The number of its parameters.
    Parameters: int64
    /// Multiply-adds per datapoint (on a sequence: per step).
    MultiplyAdds: int64
    /// What makes the module; nothing in a spec that was read from JSON.
    Code: Carried<CustomCode>
}

/// How the weights of a pool's modules begin. `in` and `out` are a single module's fans.
type Init =
    /// Weights and biases U(−1/√in, 1/√in).
    | Uniform
    /// Weights U(−√(6/(in+out)), √(6/(in+out))), biases 0.
    | Glorot
    /// Weights N(0, 2/in), biases 0.
    | He
    /// As the reference library has it, for comparison only: Glorot's over the stack of M modules as if it were one tensor,
    /// which shrinks weights by √M.
    | Stacked

/// How the K chosen units' outputs become the layer's output.
type Combine =
    /// y = Σ_k f_{a_k}(x), [unit]; Eq. 1.
    | Sum
    /// y = [f_{a_1}(x), …, f_{a_K}(x)], [K · unit] (images side by side in channels), in position order.
    | Concat

/// What a module counts for that several positions of one datapoint chose.
type Duplicates =
    /// Once for every position (Eq. 1).
    | Every
    /// Once in all, as in the reference library.
    | Once

/// The form of p(a | x, φ): K softmaxes over M, from the layer's own input x (an image is flattened).
type Controller =
    /// A linear map to K·M logits, with bias.
    | Linear
    /// Linear maps with bias and ReLU to each of the hidden widths, then a linear map to K·M logits.
    | Mlp of hidden: int list
    /// On images: a convolution of stride 1 that keeps the size, ReLU, the mean over all places, then a linear map to K·M logits.
    | Conv of channels: int * kernel: int
    /// A linear map of x and the datapoint's task id (one-hot) to K·M logits, with bias.
    | Task
    /// For many modules: a module's number is written as digits of these sizes, whose product is M, the last one varying fastest; a linear map
    /// with bias to K·Σ sizes logits, and a softmax for each digit, so that log p(a | x) is their sum. With one digit it is `Linear`.
    | Factored of digits: int list
    /// No controller: the datapoint brings its K choices along, and nothing is learned about them. On a sequence they hold
    /// at every step.
    | Given
    /// No controller: the datapoint's task id is the choice, at every step of a sequence. Module t runs for task t, K is 1 and M the number of
    /// tasks, so every task has a module of its own.
    | ByTask
    /// A user's own: reads x, gives K·M logits, position by position.
    | Custom of Custom

/// How the chosen modules are run. Every choice gives the same numbers, up to rounding.
type Dispatch =
    /// By the runtime's cost rule. Of a `modular_gru` with linear modules and a linear controller, one kernel for the whole
    /// window where the method's choices can be told ahead; any other case runs it step by step.
    | Auto
    /// Module by module.
    | Loop
    /// Rows sorted by module, one product per module.
    | Grouped
    /// All M modules for all rows, then the chosen ones picked.
    | Wide
    /// The chosen weights fetched for every row, one batched product; for pools of equal linear units.
    | Gather
    /// As `Grouped`, by one call of our own kernel; for pools of equal linear units. In float32 on the CPU; elsewhere it is
    /// `Grouped`.
    | Kernel

    /// Whether it runs pools of equal linear units and no others.
    member dispatch.IsForLinear = dispatch = Gather || dispatch = Kernel

/// σ² of a Gaussian head. It weighs log p(y | x, a) against log p(a | x) in Eq. 11.
[<RequireQualifiedAccess>]
type Variance =
    /// Given, > 0.
    | Fixed of value: float
    /// One learned scalar for all outputs, from this start, > 0.
    | Learned of initial: float

/// M modules of one signature. Pools of the same name are one pool, wherever they are used.
type Pool = {
    /// A shared pool's name; None is a pool of its layer's own, named after the layer's place.
    Name: string option
    /// M, the number of modules, ≥ 1; 0 where it was not said.
    Modules: int
    /// What the modules are: one unit for all, or M of equal signature; a unit is layers in order. Empty where it was not
    /// said, which `check` reports.
    Units: Layer list list
    Init: Init
    /// Whether the modules live on the ranks that train together, M / R on each, and rows go to them; else every rank has all.
    Spread: bool
}

/// A modular layer: K of a pool's M modules, chosen for each datapoint (on a sequence at every step).
/// x [in] → [unit] (Sum) or [K · unit] (Concat).
and Modular = {
    Pool: Pool
    /// K, the number of positions, 1 ≤ K ≤ M.
    Choose: int
    Combine: Combine
    Controller: Controller
    Duplicates: Duplicates
    /// Whether the controller's loss stays out of the layers before (Eq. 8's second term).
    StopGradient: bool
    Dispatch: Dispatch
    /// The modules that this layer may not choose, from 0: their probabilities are 0, and the others' sum to 1.
    Masked: int list
    /// How many of the last features of a row are for the controller alone: the units read those before, ≥ 0.
    Context: int
    /// Whether the pool's last module is the halt of a program or a fold: rows that chose it choose nothing from there on.
    Halts: bool
}

/// A modular GRU (paper, appendix A), or a fold, which is one without gates: x [T, in] → [T, Hidden], with a choice at each of the T steps.
and ModularGru = {
    /// The width of the state h.
    Hidden: int
    /// The modular layer of the candidate state: reads [r⊙h, x] and gives [Hidden]; its controller reads [h, x].
    Candidate: Modular
    /// Whether gates decide how much of h stays and how much the candidate counts, which goes through ReLU. A fold has none: its state is Σ_k f_{a_k}([h, x]).
    Gated: bool
}

/// One layer of a network: an input, a layer proper, or a head. Shapes are per datapoint.
and [<RequireQualifiedAccess>] Layer =
    /// Input: token ids [T], each below the vocabulary size.
    | Tokens of vocabulary: int
    /// Input: a vector [width].
    | Features of width: int
    /// Input: a sequence of vectors [T, width].
    | Sequence of width: int
    /// Input: an image [channels, height, width].
    | Image of channels: int * height: int * width: int
    /// Beside the input: a task id per datapoint, below the count. What flows through the layers stays as it is.
    | Tasks of count: int
    /// Token ids [T] → [T, width].
    | Embed of width: int
    /// [F] → [F − c + Σ widths]: right after the input, c of whose columns hold categories. The other columns come first, then
    /// the vectors for the categories, column by column.
    | EmbedColumns of columns: EmbeddedColumn list
    /// [in] → [width], on sequences at every step.
    | Linear of LinearSpec
    /// [in, H, W] → [channels, H', W'].
    | Conv of ConvSpec
    /// [in, H, W] → [channels, H', W'], H' = (H − 1)·Stride − 2·Padding + Kernel, W' likewise: the transpose of a convolution.
    | ConvTranspose of ConvSpec
    /// [T, in] → [T, channels].
    | Conv1d of Conv1dSpec
    /// [T, in] → [T, in].
    | SelfAttention of SelfAttentionSpec
    /// [T, in] → [T, in]: sines and cosines of each step's place are added.
    | Positions
    /// [T, in] → [T, in], T ≤ steps: a learned vector for each place is added.
    | LearnedPositions of steps: int
    /// [T, n] → [n].
    | LastStep
    /// [T, n] → [n].
    | MeanSteps
    /// The greatest value of every window: [C, H, W] → [C, H', W'].
    | MaxPool of PoolingSpec
    /// The mean of every window: [C, H, W] → [C, H', W'].
    | AvgPool of PoolingSpec
    /// Each value as a square of equal values: [C, H, W] → [C, factor·H, factor·W].
    | Upsample of factor: int
    /// [C, H, W] → [C·H·W], channel by channel, row by row.
    | Flatten
    /// [C·H·W] → [C, H, W].
    | AsImage of channels: int * height: int * width: int
    /// [n] → [width], from feature `first`, from 0; of sequences at every step, of images channels.
    | Slice of first: int * width: int
    /// Keeps the shape.
    | Activation of Activation
    /// Each value is 0 with this probability, and the others grow by 1/(1 − rate); in training M-steps only. 0 ≤ rate < 1.
    | Dropout of rate: float
    /// Over a datapoint's values (on sequences: a step's): mean 0, variance 1, then a learned scale and shift for each.
    | LayerNorm
    /// Over the batch, per feature (per channel of an image): mean 0, variance 1, then a learned scale and shift for each;
    /// in evaluation and E-steps by running averages.
    | BatchNorm
    /// Keeps what comes in, and adds weight · Σ|x| of a datapoint to the loss of training: an L1 penalty on activations.
    | ActivityL1 of weight: float
    /// Keeps what comes in, and adds weight · the mean over pairs of units of A d² to the loss of training, A their co-activity and d their distance.
    | Locality of weight: float
    /// Keeps what comes in, and stops the loss's gradient in training.
    | Boundary of Boundary
    /// [T, in] → [T, hidden].
    | Gru of hidden: int
    /// [T, in] → [T, hidden].
    | Lstm of hidden: int
    /// [in] → [unit] or [K · unit].
    | Modular of Modular
    /// [T, in] → [T, hidden].
    | ModularGru of ModularGru
    /// x → x + f(x), f the layers in order; the shape is kept.
    | Residual of Layer list
    /// [x₁, x₂] → [x₂ + f(x₁), x₁], two halves of the features (images: channels), f the layers in order; the shape is kept.
    | Coupling of Layer list
    /// [y₁, y₂] → [y₂, y₁ − f(y₂)]: what a coupling with the same f read to give y.
    | Uncoupling of Layer list
    /// x → Σ_i f_i(x), f_i the layers of a branch in order (a branch without layers is x itself); all of one shape.
    | SumOf of branches: Layer list list
    /// x → [f_1(x), f_2(x), …], features side by side (images: channels), all else of one shape.
    | ConcatOf of branches: Layer list list
    /// The layers, this many times over; every time with parameters of its own, but for shared pools.
    | Repeat of times: int * layers: Layer list
    /// The layers in order, under a name of the user's; the names of what is inside begin with it: `stem/conv1`.
    | Block of name: string * layers: Layer list
    /// The user's own.
    | Custom of Custom
    /// Head: a linear map [in] → [classes] logits with bias, then a categorical distribution.
    | Softmax of classes: int
    /// Head: the layer's input is the logits of a categorical distribution, over as many classes as it is wide.
    | Categorical
    /// Head: the layer's input is the mean.
    | Gaussian of Variance
    /// Head: the layer's input is the logits, one independent binary output each.
    | Bernoulli

    /// How the layer chooses, where it does; of a modular GRU, its candidate's modular layer.
    member layer.Choosing: Modular option =
        match layer with
        | Modular settings -> Some settings
        | ModularGru gru -> Some gru.Candidate
        | _ -> None

/// Layers in order, as a value of their own: a branch, a module, or a part of a network.
type Chain = Chain of Layer list

/// A pool's modules said one by one: M chains of equal signature.
type Mixed = Mixed of Layer list list

/// A network: an input, layers, a head, in order. Plain data: compare it, store it, change it with `{ net with … }`.
type Network = { Name: string; Layers: Layer list }
