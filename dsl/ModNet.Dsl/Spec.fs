namespace ModNet

/// An elementwise nonlinearity. Shapes are kept.
type Activation =
    | Relu
    | Tanh
    | Sigmoid

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

/// What each of a pool's M modules is. All modules of a pool have this one signature.
[<RequireQualifiedAccess>]
type PoolUnit = Linear of LinearSpec

/// M modules of one signature. Pools of the same name are one pool, wherever they are used.
type Pool = {
    /// A shared pool's name; None is a pool of its layer's own, named after the layer's place.
    Name: string option
    /// M, the number of modules, ≥ 1; 0 where it was not said.
    Modules: int
    /// The unit; None where it was not said, which `check` reports.
    Unit: PoolUnit option
}

/// How the K chosen units' outputs become the layer's output.
type Combine =
    /// y = Σ_k f_{a_k}(x), [unit]; Eq. 1.
    | Sum
    /// y = [f_{a_1}(x), …, f_{a_K}(x)], [K · unit], in position order.
    | Concat

/// The form of p(a | x, φ): K softmaxes over M, from the layer's own input.
type Controller =
    /// A linear map to K·M logits, with bias.
    | Linear

/// How the chosen modules are run. Every choice gives the same numbers.
type Dispatch =
    /// By the runtime's cost rule.
    | Auto
    /// Module by module.
    | Loop
    /// Rows sorted by module, one product per module.
    | Grouped
    /// All M modules for all rows, then the chosen ones picked.
    | Wide

/// A modular layer: K of a pool's M modules, chosen for each datapoint. x [in] → [unit] (Sum) or [K · unit] (Concat).
type Modular = {
    Pool: Pool
    /// K, the number of positions, 1 ≤ K ≤ M.
    Choose: int
    Combine: Combine
    Controller: Controller
    Dispatch: Dispatch
}

/// A modular GRU (paper, appendix A): x [T, in] → [T, Hidden], with a choice at each of the T steps.
type ModularGru = {
    /// The width of the state h.
    Hidden: int
    /// The modular layer of the candidate state: reads [r⊙h, x] and gives [Hidden]; its controller reads [h, x].
    Candidate: Modular
}

/// σ² of a Gaussian head. It weighs log p(y | x, a) against log p(a | x) in Eq. 11.
[<RequireQualifiedAccess>]
type Variance =
    /// Given, > 0.
    | Fixed of value: float
    /// One learned scalar for all outputs, from this start, > 0.
    | Learned of initial: float

/// One layer of a network: an input, a layer proper, or a head. Shapes are per datapoint.
[<RequireQualifiedAccess>]
type Layer =
    /// Input: token ids [T], each below the vocabulary size.
    | Tokens of vocabulary: int
    /// Input: a vector [width].
    | Features of width: int
    /// Token ids [T] → [T, width].
    | Embed of width: int
    /// [in] → [width], on sequences at every step.
    | Linear of LinearSpec
    /// Elementwise.
    | Activation of Activation
    /// [in] → [unit] or [K · unit].
    | Modular of Modular
    /// [T, in] → [T, hidden].
    | ModularGru of ModularGru
    /// Head: a linear map [in] → [classes] logits with bias, then a categorical distribution.
    | Softmax of classes: int
    /// Head: the layer's input is the mean.
    | Gaussian of Variance
    /// Head: the layer's input is the logits, one independent binary output each.
    | Bernoulli

/// A network: an input, layers, a head, in order. Plain data: compare it, store it, change it with `{ net with … }`.
type Network = { Name: string; Layers: Layer list }

/// Next-word prediction from text: a directory with `*.train.txt`, `*.valid.txt` and `*.test.txt`, or one text file.
type TextData = {
    /// The directory or file; a blank leaves it to the command line's `--data`.
    Path: string
    /// T, the number of steps in a datapoint, ≥ 1.
    Window: int
    /// The size to keep the vocabulary to; None takes the data's own.
    Vocabulary: int option
}

/// The toy regression (paper §3.1, appendix B): x from two Gaussians, y = Rx or Sx by component.
type ToyRegression = {
    /// The dimension of x and y, ≥ 2 (R is a rotation).
    Dimensions: int
    /// The number of training points.
    Points: int
    /// The number of points held out.
    HeldOut: int
    /// The distance between the two components' means.
    Separation: float
    /// The standard deviation of each component.
    Spread: float
    /// Added to the experiment's seed where the data are drawn, so data and training may vary apart.
    SeedOffset: int
}

/// Where the datapoints come from.
[<RequireQualifiedAccess>]
type Data =
    | Text of TextData
    | ToyRegression of ToyRegression

/// What takes the gradient steps, on θ and φ alike.
type Optimizer = Adam of rate: float

/// Generalised Viterbi EM (paper, Algorithm 1).
type Em = {
    /// S, the number of compositions drawn per datapoint in an E-step, ≥ 1.
    Samples: int
    /// Gradient steps between two E-steps, ≥ 1.
    MSteps: int
    /// Datapoints in an M-step's minibatch.
    Batch: int
    /// Datapoints in an E-step's minibatch.
    EBatch: int
    /// The number of M-steps in all.
    Steps: int
    Optimizer: Optimizer
}

/// How the network is trained.
[<RequireQualifiedAccess>]
type Method = Em of Em

/// A network, its data, its training: everything that a run depends on.
type Experiment = {
    Network: Network
    Data: Data
    Method: Method
    Seed: int
    /// A line of metrics every so many M-steps.
    LogEvery: int
    /// Validation every so many M-steps.
    ValidateEvery: int
    /// The run's folder; None is `runs/` and the network's name.
    Out: string option
}
