namespace ModNet

/// Images as vectors.
[<AutoOpen>]
module FlattenLayer =

    /// An image as a vector, channel by channel, row by row: [C, H, W] → [C·H·W].
    /// Example: `flatten`
    let flatten = Layer.Flatten

module internal Flatten =

    let private infer (site: Site) () shape =
        site.Rules.Image(site.Place, shape)
        |> Option.map (fun (channels, height, width) -> Shape.Vector(channels * height * width))
        |> Inferred.output

    let kind = { LayerKind.plain 2 "flatten" Layer.Flatten with Infer = infer }
