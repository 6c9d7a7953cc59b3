namespace ModNet

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
