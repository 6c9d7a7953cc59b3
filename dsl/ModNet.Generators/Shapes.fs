namespace ModNet.Generators

open FsCheck
open FsCheck.FSharp
open ModNet

/// A square window that slides over an image.
type internal Window = { Size: int; Stride: int; Padding: int }

/// Generators of the shapes of datapoints.
[<RequireQualifiedAccess>]
module Shapes =

    /// [n].
    let vector (limits: Limits) = Gen.choose (1, limits.Width) |> Gen.map Shape.Vector

    /// [T, n].
    let sequence (limits: Limits) = Gen.choose (1, limits.Width) |> Gen.map Shape.Sequence

    /// [C, H, W].
    let image (limits: Limits) =
        gen {
            let! channels = Gen.choose (1, limits.Channels)
            let! height = Gen.choose (1, limits.Side)
            let! width = Gen.choose (1, limits.Side)
            return Shape.Image(channels, height, width)
        }

    /// [T], ids below the vocabulary's size.
    let tokens (limits: Limits) = Gen.choose (1, limits.Vocabulary) |> Gen.map Shape.Tokens

    /// Any of them.
    let any limits = Gen.oneof [ vector limits; sequence limits; image limits; tokens limits ]

    /// All windows over an image of this size that give one of that size.
    let internal windows (height, width) (height', width') = [
        for size in 1 .. max height width + 2 do
            for stride in 1..3 do
                for padding in 0 .. min 2 (size - 1) do
                    if
                        Typing.places height size stride padding = Some height'
                        && Typing.places width size stride padding = Some width'
                    then
                        { Size = size; Stride = stride; Padding = padding }
    ]

    /// All windows of a transposed convolution from an image of this size to one of that size.
    let internal larger (height, width) (height', width') = [
        for size in 1 .. max (height' - height) (width' - width) + 3 do
            for stride in 1..3 do
                for padding in 0 .. min 2 (size - 1) do
                    if
                        Typing.larger height size stride padding = Some height'
                        && Typing.larger width size stride padding = Some width'
                    then
                        { Size = size; Stride = stride; Padding = padding }
    ]

    /// The size after some window that makes an image smaller, or leaves it.
    let internal smaller (height, width) =
        gen {
            let! size = Gen.choose (1, min 3 (min height width))
            let! stride = Gen.choose (1, 2)
            let side length = (length - size) / stride + 1
            return side height, side width
        }

    /// A shape that some layer makes of this one.
    let internal after (limits: Limits) shape =
        match shape with
        | Shape.Vector _ -> Gen.frequency [ 1, Gen.constant shape; 1, vector limits ]
        | Shape.Sequence _ -> Gen.frequency [ 1, Gen.constant shape; 1, sequence limits ]
        | Shape.Tokens _ -> sequence limits
        | Shape.Image(channels, height, width) ->
            Gen.frequency [
                2, Gen.constant shape
                3,
                gen {
                    let! channels = Gen.frequency [ 1, Gen.constant channels; 2, Gen.choose (1, limits.Channels) ]

                    let! height, width = smaller (height, width)
                    return Shape.Image(channels, height, width)
                }
                // What makes images larger does so twice.
                (if 2 * max height width <= limits.Side then 2 else 0),
                Gen.choose (1, limits.Channels)
                |> Gen.map (fun channels -> Shape.Image(channels, 2 * height, 2 * width))
                1, Gen.constant (Shape.Vector(channels * height * width))
                1, vector limits
            ]

    /// A shape on the way from one to another, to which a layer leads and from which layers lead on.
    let internal between (limits: Limits) shape target =
        match shape, target with
        | Shape.Image(_, height, width), Shape.Image _ ->
            Gen.choose (1, limits.Channels) |> Gen.map (fun channels -> Shape.Image(channels, height, width))
        | _ -> after limits shape
