namespace ModNet

open System.ComponentModel

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
