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
