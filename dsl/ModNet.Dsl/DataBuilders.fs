namespace ModNet

open System.ComponentModel

/// Sets a text's fields; made by `text`.
[<Sealed>]
type TextBuilder internal (path: string) =

    let paper: TextData = {
        Path = path
        Window = 35
        Vocabulary = None
    }

    /// T, the number of steps in a datapoint, ≥ 1; 35 unless said.
    /// Example: `window 35`
    [<CustomOperation "window">]
    member _.Window(data: TextData, steps: int) = { data with Window = steps }

    /// The number of words to keep, ≥ 1; unless said, as many as the training text has.
    /// Example: `vocabulary 10_000`
    [<CustomOperation "vocabulary">]
    member _.Vocabulary(data: TextData, size: int) = { data with Vocabulary = Some size }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> TextData) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(data: TextData) = Data.Text data

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = paper

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Text, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = paper

/// Sets the toy regression's fields; made by `toy_regression`.
[<Sealed>]
type ToyRegressionBuilder internal () =

    let standard: ToyRegression = {
        Dimensions = 2
        Points = 1024
        HeldOut = 1024
        Separation = 4.0
        Spread = 0.5
        SeedOffset = 0
    }

    /// D, the dimension of x [D] and y [D], ≥ 2; 2 unless said.
    /// Example: `dimensions 2`
    [<CustomOperation "dimensions">]
    member _.Dimensions(data: ToyRegression, count: int) = { data with Dimensions = count }

    /// The number of training points, ≥ 1; 1,024 unless said.
    /// Example: `points 1_000`
    [<CustomOperation "points">]
    member _.Points(data: ToyRegression, count: int) = { data with Points = count }

    /// The number of points held out for validation, ≥ 1; 1,024 unless said.
    /// Example: `held_out 1_000`
    [<CustomOperation "held_out">]
    member _.HeldOut(data: ToyRegression, count: int) = { data with HeldOut = count }

    /// The distance between the means of the two components, > 0; 4 unless said.
    /// Example: `separation 4.0`
    [<CustomOperation "separation">]
    member _.Separation(data: ToyRegression, distance: float) = { data with Separation = distance }

    /// The standard deviation of each component in every direction, > 0; 0.5 unless said.
    /// Example: `spread 0.5`
    [<CustomOperation "spread">]
    member _.Spread(data: ToyRegression, deviation: float) = { data with Spread = deviation }

    /// Added to the experiment's seed where the data are drawn; 0 unless said.
    /// Example: `seed_offset 100`
    [<CustomOperation "seed_offset">]
    member _.SeedOffset(data: ToyRegression, offset: int) = { data with SeedOffset = offset }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> ToyRegression) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(data: ToyRegression) = Data.ToyRegression data

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.ToyRegression, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.ToyRegression, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.ToyRegression, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = standard

[<AutoOpen>]
module DataSources =

    /// Next-word prediction: `path` is a directory with `*.train.txt`, `*.valid.txt` and `*.test.txt`, or one text file.
    /// A datapoint is a window [T] of words. Settings: `window`, `vocabulary`; `{ }` alone takes the paper's.
    /// Example: `text "data/ptb" { window 35 }`
    let text (path: string) = TextBuilder path

    /// The paper's toy regression (§3.1, appendix B): x [D] from two Gaussians, y [D] = Rx (a rotation) or Sx (a scaling).
    /// Settings: `dimensions`, `points`, `held_out`, `separation`, `spread`, `seed_offset`.
    /// Example: `toy_regression { points 1_000; held_out 1_000 }`
    let toy_regression = ToyRegressionBuilder()
