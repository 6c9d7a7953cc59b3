namespace ModNet

open System

/// Prediction of the next word or character of a text: a directory with `*.train.txt`, `*.valid.txt` and `*.test.txt`, or one text file.
type TextData = {
    /// The directory or file; a blank leaves it to the command line's `--data`.
    Path: string
    /// T, the number of steps in a datapoint, ≥ 1.
    Window: int
    /// The size to keep the vocabulary to; None takes the data's own.
    Vocabulary: int option
    /// Whether recurrent layers go on from window to window; else each window starts at zero.
    CarryState: bool
    /// Whether tokens are characters; else they are words.
    Characters: bool
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

/// What is to be predicted of a datapoint.
[<RequireQualifiedAccess>]
type Target =
    /// One of so many classes: for a `softmax` head.
    | Classes of count: int
    /// So many numbers: for a `gaussian` head, or, if they are all 0 or 1, a `bernoulli` one.
    | Values of width: int

/// What stands between two values of a CSV file.
type Separator =
    | Comma
    | Semicolon
    | Tab

/// What becomes of missing values among the features of a table.
type MissingValues =
    /// A number becomes the mean of its column over the training rows, and a category a level of its own.
    | Mean
    /// A row without one of its numbers is left out, and a missing category is a level of its own.
    | Drop

/// What a prediction makes of a level that a categorical column of the run's file did not have.
type UnseenLevels =
    /// Each of the column's levels is 0.
    | Zeros

/// Rows of a CSV or Parquet file: numbers x [features], and y [targets] or a class.
type CsvData = {
    /// The file; a blank leaves it to the command line's `--data`.
    Path: string
    /// The columns that y is made of, in order.
    Targets: string list
    /// The number of labels in the one target column; None where targets are numbers.
    Classes: int option
    /// The columns that x is made of, in order; None takes all that are neither target nor task nor weight.
    Features: string list option
    /// The columns of x that hold categories, each of which becomes a column for each of its levels.
    Categorical: string list
    /// The columns of x that hold categories which the network reads as codes, from 0.
    Coded: string list
    /// The columns of x that hold dates, which become days since the beginning of 1970.
    Dates: string list
    /// What becomes of missing values among the features; None refuses them.
    Missing: MissingValues option
    /// What a prediction makes of levels that the file does not have; None refuses them.
    UnseenLevels: UnseenLevels option
    /// The column of task ids, labels of any kind.
    Task: string option
    /// The column of weights, by which rows count in losses and metrics; None counts all alike.
    Weight: string option
    /// Whether the first row names the columns; else they are named 1, 2, ….
    Header: bool
    Separator: Separator
    /// Whether features get mean 0 and deviation 1 over the training rows.
    Standardise: bool
    /// The share of rows held out for validation, in [0, 1).
    HeldOut: float
    /// The share of rows held out for the test, in [0, 1).
    Test: float
    /// What the held-out rows are drawn by, whatever the experiment's seed.
    SplitSeed: int
}

/// A labelled set of images in files.
type ImageData = {
    /// The directory; a blank leaves it to the command line's `--data`.
    Path: string
    /// The number of training images held out for validation.
    HeldOut: int
    /// Whether each channel gets mean 0 and deviation 1 over the training images; else pixels are in [0, 1].
    Standardise: bool
    /// What the held-out images are drawn by, whatever the experiment's seed.
    SplitSeed: int
    /// The classes whose images are taken, after validation images were held out; empty takes all.
    Only: int list
    /// Whether the classes of `Only` are numbered from 0 in their order; else they keep their numbers.
    Renumber: bool
    /// What the order of the pixels is drawn by, the same order for all images; None leaves it.
    Permuted: int option
    /// The class that is told from all others: its images are class 1, and as many images of the other classes class 0. None leaves the classes.
    OneVsRest: int option
    /// Whether an image is its own target, in place of its class: its C·H·W values as the network reads them.
    Reconstruct: bool
}

/// Arrays in memory. JSON holds their checksum and not their values.
type InMemoryData = {
    Name: string
    /// What x is, per datapoint: a vector, an image or a sequence of vectors.
    Input: Shape
    /// T, the number of steps of every sequence; 1 where x are none.
    Steps: int
    Target: Target
    /// Whether every step of a sequence has a target of its own, or the datapoint has one.
    EachStep: bool
    /// The number of task ids, where datapoints have one.
    Tasks: int option
    /// The number of choices that each datapoint brings along, where it does.
    Given: int option
    /// Whether datapoints have weights, by which they count in losses and metrics.
    Weighted: bool
    /// The number of datapoints, held-out ones and those of weight 0 included.
    Points: int
    /// How many of them are held out for validation.
    HeldOut: int
    /// How many of them are held out for the test.
    Test: int
    /// What the held-out datapoints are drawn by, whatever the experiment's seed.
    SplitSeed: int
    /// SHA-256 of all values, in hexadecimal.
    Checksum: string
    /// The values; nothing in a spec that was read from JSON.
    Arrays: Carried<Arrays>
}

/// Datapoints drawn by a user's function. JSON holds its name and not its code.
type GeneratedData = {
    Name: string
    /// What x is, per datapoint: a vector or an image.
    Input: Shape
    Target: Target
    /// The number of task ids, where datapoints have one.
    Tasks: int option
    /// The number of choices that each datapoint brings along, where it does.
    Given: int option
    /// The number of training points.
    Points: int
    /// The number of points drawn for validation.
    HeldOut: int
    /// The number of points drawn for the test.
    Test: int
    /// Added to the experiment's seed where the data are drawn.
    SeedOffset: int
    /// Draws one datapoint; nothing in a spec that was read from JSON.
    Draw: Carried<Random -> Datapoint>
}

/// Which stored datapoints of earlier tasks are added to each minibatch of a later one.
[<RequireQualifiedAccess>]
type Replay =
    /// So many of all that are stored, each with the same probability.
    | Uniform of datapoints: int
    /// So many of those whose a* has a module that the a* of the minibatch has as well.
    | ByModule of datapoints: int

    /// How many are added.
    member replay.Datapoints =
        match replay with
        | Uniform datapoints
        | ByModule datapoints -> datapoints

/// A pool that gets more modules to choose from where a later task needs them.
type Growth = {
    /// The pool's name; of a layer's own pool `LAYER/pool`.
    Pool: string
    /// How many modules may be chosen from the beginning, from 1 to M − 1.
    Start: int
    /// How many more may be chosen each time.
    Add: int
    /// After how many gradient steps of a task it is asked, again and again.
    Every: int
    /// It grows if the task's mean −log p(y|x, a) is above so many nats.
    Above: float
    /// Over how many training datapoints of the task that is measured.
    Datapoints: int
}

/// Where the datapoints come from.
[<RequireQualifiedAccess>]
type Data =
    | Text of TextData
    | ToyRegression of ToyRegression
    | Csv of CsvData
    | Mnist of ImageData
    | Cifar10 of ImageData
    | InMemory of InMemoryData
    | Generated of GeneratedData
    | Stream of StreamData

    /// The data of each task of a stream; what is no stream is its only part.
    member data.Parts =
        match data with
        | Stream stream -> stream.Tasks |> List.map _.Data
        | other -> [ other ]

/// One task of a stream.
and StreamTask = { Name: string; Data: Data }

/// Several tasks, whose numbers from 0 are the task ids of their datapoints.
and StreamData = {
    Tasks: StreamTask list
    /// Whether the datapoints of all tasks are mixed; else the tasks are trained on one after the other, in order.
    Together: bool
    /// The numbers of gradient steps on tasks of these names, where they are not the method's.
    Steps: (string * int) list
    /// What is added to minibatches of earlier tasks; None adds nothing.
    Replay: Replay option
    /// How many datapoints of each earlier task are stored for that; None stores all.
    Memory: int option
    /// How much of a gradient step the module keeps that earlier tasks use most, in [0, 1], and others by how much they are used; None is 1.
    Plasticity: float option
    /// λ ≥ 0, the weight of the penalty on what later tasks change of parameters that earlier tasks need; None is without.
    Consolidation: float option
    /// Over how many training datapoints of a task it is measured what the task needs; None is 200.
    Fisher: int option
    /// A pool that gets more modules to choose from; None is without.
    Growth: Growth option
} with

    /// The same number, where there is a consolidation that asks for it.
    member stream.FisherDatapoints = defaultArg stream.Fisher 200

    /// Whether the tasks are trained on one after the other, and are several.
    member stream.IsSequential = not stream.Together && stream.Tasks.Length > 1

    /// The number of gradient steps on each task, in order, where the method has so many.
    member stream.StepsOfTasks(steps: int) : int list = [
        for task in stream.Tasks ->
            stream.Steps |> List.tryFind (fst >> (=) task.Name) |> Option.map snd |> Option.defaultValue steps
    ]

/// What takes the gradient steps, on θ and φ alike. g is the gradient of the method's loss, r the scheduled rate.
type Optimizer =
    /// m ← 0.9 m + 0.1 g, v ← 0.999 v + 0.001 g², θ ← θ − r · m̂ / (√v̂ + 1e-8), with m̂ = m / (1 − 0.9ⁿ) and v̂ = v / (1 − 0.999ⁿ) in
    /// the n-th step.
    | Adam of rate: float
    /// Adam, and every step first takes r · decay · θ away from θ.
    | AdamW of rate: float * decay: float
    /// v ← momentum · v + g, θ ← θ − r · v.
    | Sgd of rate: float * momentum: float

/// How the rate goes over the gradient steps: step t = 0, 1, … of T is taken at the optimiser's rate times a factor.
type Schedule =
    /// 1.
    | Constant
    /// ½ (1 + cos(π t / T)): from 1 towards 0.
    | Cosine
    /// factor^⌊t / every⌋.
    | Decay of every: int * factor: float
    /// (t + 1) / steps while t < steps; then `after`, with its own t from 0 and the T − steps that are left.
    | Warmup of steps: int * after: Schedule

/// What a gradient step does to the modules that nothing in its minibatch chose.
type Unselected =
    /// What the optimiser makes of a gradient of zero: the moments of `Adam` decay and weights go on moving for a while, `AdamW` shrinks
    /// them, momentum carries them on.
    | Drift
    /// Nothing: each module is trained as by an optimiser of its own, that only takes the steps in which the module is in use. Cost then
    /// follows the modules in use, not M.
    | Rest

/// In which numbers the products of modules are multiplied.
type Precision =
    /// float32, as all else.
    | Float32Products
    /// bfloat16, which has 8 bits of precision where float32 has 24. Weights, gradients of weights, controllers and heads stay in float32.
    | Bfloat16Products

/// What a* is before the first M-step.
type Start =
    /// Uniform over all compositions (Algorithm 1).
    | AtRandom
    /// The same, and then one E-step for every datapoint.
    | Sweep

/// Where a* is among an E-step's candidates.
type Held =
    /// Beside S fresh samples (Eq. 11).
    | Beside
    /// One of the S, so that S − 1 are fresh.
    | Among

/// Which datapoints share a*.
type Assign =
    /// None: each has its own.
    | PerDatapoint
    /// Those of one task id. An E-step sums the joint over them.
    | PerTask

/// How gradient steps are taken, by any method.
type GradientSteps = {
    /// Datapoints in a minibatch.
    Batch: int
    /// The number of gradient steps in all; 0 where they are said in epochs.
    Steps: int
    Optimizer: Optimizer
    Unselected: Unselected
    Schedule: Schedule
    /// The greatest norm of the gradients of all parameters together, to which a step scales them down; None leaves them as they are.
    ClipNorm: float option
    /// Training ends after so many evaluations on end that are no better than the best by the validation set; None trains to the end.
    EarlyStopping: int option
    /// The number of passes through the training data that the gradient steps go on for; None where the steps are said.
    Epochs: int option
    /// The share of every label that is spread evenly over all classes in the loss, in [0, 1); 0 is without.
    LabelSmoothing: float
    /// The decay of a moving average of the weights, in (0, 1), by which the network is evaluated; None keeps none.
    AverageWeights: float option
    /// The number of shards that every minibatch is cut into, each of which has a pass of its own; None is as many as there are ranks.
    Shards: int option
    /// Each shard trains by itself for so many gradient steps, and then their weights are averaged; None adds their gradients in every step.
    LooseRounds: int option
    /// In which numbers the products of modules are multiplied.
    Precision: Precision
}

/// REINFORCE (paper, Eqs. 12–14) with an exponential moving average as control variate.
type Reinforce = {
    /// How much of the average a minibatch leaves as it was, in [0, 1).
    Decay: float
    Gradient: GradientSteps
}

/// The noisy top-k mixture (Shazeer et al. 2017).
type NoisyTopK = {
    /// k, the number of modules that run for every row, ≥ 1 and ≤ M.
    K: int
    /// Weighs the importance loss, ≥ 0; 0 is without.
    Importance: float
    /// Weighs the load loss, ≥ 0; 0 is without.
    Load: float
    Gradient: GradientSteps
}

/// Top-k balanced by biases and without a loss for it (Wang et al. 2024).
type LossFreeTopK = {
    /// k, the number of modules that run for every row, ≥ 1 and ≤ M.
    K: int
    /// By how much a gradient step moves every module's bias, ≥ 0; 0 is plain top-k.
    UpdateRate: float
    Gradient: GradientSteps
}

/// Generalised Viterbi EM (paper, Algorithm 1). Its gradient steps are the M-steps.
type Em = {
    /// S, the number of compositions drawn per datapoint in an E-step, ≥ 1; with `Among` a* is one of them.
    Samples: int
    /// Gradient steps between two E-steps, ≥ 1.
    MSteps: int
    /// Datapoints in an E-step's minibatch.
    EBatch: int
    /// Weighs log p(a* | x, φ) against log p(y | x, a*, θ) in the M-step's loss, ≥ 0; 1 is Eq. 8.
    ControllerWeight: float
    Start: Start
    Held: Held
    Assign: Assign
    Gradient: GradientSteps
}

/// How the network is trained.
[<RequireQualifiedAccess>]
type Method =
    | Em of Em
    | Reinforce of Reinforce
    | NoisyTopK of NoisyTopK
    | LossFreeTopK of LossFreeTopK
    /// The same K modules for every datapoint.
    | StaticModules of GradientSteps
    /// The marginal likelihood by enumeration (Eq. 4).
    | Exact of GradientSteps

    /// How its gradient steps are taken.
    member method.Gradient =
        match method with
        | Em { Gradient = gradient }
        | Reinforce { Gradient = gradient }
        | NoisyTopK { Gradient = gradient }
        | LossFreeTopK { Gradient = gradient }
        | StaticModules gradient
        | Exact gradient -> gradient

    /// The same with gradient steps taken another way.
    member method.WithGradient(gradient: GradientSteps) =
        match method with
        | Em em -> Em { em with Gradient = gradient }
        | Reinforce reinforce -> Reinforce { reinforce with Gradient = gradient }
        | NoisyTopK mixture -> NoisyTopK { mixture with Gradient = gradient }
        | LossFreeTopK mixture -> LossFreeTopK { mixture with Gradient = gradient }
        | StaticModules _ -> StaticModules gradient
        | Exact _ -> Exact gradient

    /// The number of gradient steps in all; 0 where they are said in epochs, and only the data tell.
    member method.Steps = method.Gradient.Steps

    /// The same with so many gradient steps in all, whatever was said of its length.
    member method.WithSteps(steps: int) = method.WithGradient { method.Gradient with Steps = steps; Epochs = None }

    /// The same with so many passes through the training data, whatever was said of its length.
    member method.WithEpochs(epochs: int) = method.WithGradient { method.Gradient with Steps = 0; Epochs = Some epochs }

/// What tensors are computed on.
type Device =
    | Cpu
    /// The CUDA device of this index, from 0.
    | Cuda of index: int

    /// `cpu` or `cuda:0`.
    override device.ToString() =
        match device with
        | Cpu -> "cpu"
        | Cuda index -> $"cuda:{index}"

/// Which routing traces a run leaves: what modules ran for which datapoints, as data.
type Tracing = {
    /// One of training datapoints before the first gradient step and after every so many; None leaves none.
    Every: int option
    /// The number of training datapoints that those hold, at most: evenly spaced over the set, the same every time.
    Rows: int
    /// The number of held-out datapoints that the trace at the end holds, at most: evenly spaced over the set.
    AtEnd: int
}

/// A network, its data, its training: everything that a run depends on.
type Experiment = {
    Network: Network
    Data: Data
    Method: Method
    Seed: int
    Device: Device
    /// A line of metrics every so many gradient steps.
    LogEvery: int
    /// Validation every so many gradient steps.
    ValidateEvery: int
    /// A checkpoint every so many gradient steps; None writes one with every validation.
    CheckpointEvery: int option
    /// How many checkpoints stay in the run's folder, the newest among them, ≥ 1.
    KeepCheckpoints: int
    /// Whether the checkpoint with which the validation set was the most probable stays in the run's folder as well.
    KeepBest: bool
    Tracing: Tracing
    /// The parts of the network that training leaves as they are: layers by name, `LAYER/controller`, pools, `POOL/MODULE`.
    Frozen: string list
    /// The run's folder; None is `runs/` and the network's name.
    Out: string option
} with

    /// The number of gradient steps in all, over all tasks of a stream; 0 where they are said in epochs, and only the data tell.
    member experiment.Steps: int64 =
        match experiment.Data with
        | Data.Stream stream when experiment.Method.Gradient.Epochs.IsNone ->
            stream.StepsOfTasks experiment.Method.Steps |> List.sumBy int64
        | _ -> int64 experiment.Method.Steps
