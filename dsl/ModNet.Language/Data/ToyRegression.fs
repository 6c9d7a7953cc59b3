namespace ModNet

open System.ComponentModel

/// Sets the toy regression's fields; made by `toy_regression`.
[<Sealed>]
type ToyRegressionBuilder internal () =
    inherit
        SettingsBlock<ToyRegression>(
            { Dimensions = 2; Points = 1024; HeldOut = 1024; Separation = 4.0; Spread = 0.5; SeedOffset = 0 }
        )

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
    member _.Run(data: ToyRegression) = Data.ToyRegression data

[<AutoOpen>]
module ToyRegressionSource =

    /// The paper's toy regression (§3.1, appendix B): x [D] from two Gaussians, y [D] = Rx (a rotation) or Sx (a scaling).
    /// Settings: `dimensions`, `points`, `held_out`, `separation`, `spread`, `seed_offset`.
    /// Example: `toy_regression { points 1_000; held_out 1_000 }`
    let toy_regression = ToyRegressionBuilder()

module internal ToyRegressionKind =

    let private fields =
        Codec.fields {
            let! dimensions = Codec.field "dimensions" (fun (toy: ToyRegression) -> toy.Dimensions) Codec.int
            and! points = Codec.field "points" _.Points Codec.int
            and! heldOut = Codec.field "held_out" _.HeldOut Codec.int
            and! separation = Codec.field "separation" _.Separation Codec.float
            and! spread = Codec.field "spread" _.Spread Codec.float
            and! seedOffset = Codec.field "seed_offset" _.SeedOffset Codec.int

            return {
                Dimensions = dimensions
                Points = points
                HeldOut = heldOut
                Separation = separation
                Spread = spread
                SeedOffset = seedOffset
            }
        }

    let private check (rules: DataRules) (toy: ToyRegression) =
        if toy.Dimensions < 2 then
            rules.Notes.Add(
                Fault.NonPositiveSize,
                rules.Place "dimensions",
                "D ≥ 2, so that there is something to rotate",
                $"D = {toy.Dimensions}",
                "give it two or more"
            )

        for setting, value in [ "points", toy.Points; "held_out", toy.HeldOut ] do
            rules.Notes.Positive(rules.Place setting, "a number of points", value) |> ignore

        for setting, value in [ "separation", toy.Separation; "spread", toy.Spread ] do
            rules.Notes.PositiveReal(
                Fault.NonPositiveScale,
                rules.Place setting,
                "a distance",
                value,
                "give it a positive number"
            )

        rules.Ends("the toy regression", (_.IsFeatures, "features"), (_.IsGaussian, "gaussian"))

        if toy.Dimensions >= 2 then
            for layer in rules.Plan.Layers do
                match layer.Layer, layer.Input with
                | (Layer.Features _ | Layer.Gaussian _), Shape.Vector width when width <> toy.Dimensions ->
                    rules.Notes.Add(
                        Fault.WidthUnlikeData,
                        $"{rules.Root}/{layer.Name}",
                        $"width {toy.Dimensions}, the data's dimensions",
                        $"width {width}",
                        "make the network's input and output as wide as the data"
                    )
                | _ -> ()

    let kind = {
        DataKind.make
            "toy_regression"
            (function
            | Data.ToyRegression toy -> Some toy
            | _ -> None)
            Data.ToyRegression
            fields
            check with
            Points = fun toy -> Some(toy.Points, ", or draw more points")
            Values = fun toy -> DataKind.numbered toy.Dimensions
            WithoutValidation =
                fun _ -> Some "the points that it holds out are a test set: take other data, such as `generated`"
    }
