namespace ModNet

/// Vectors as images.
[<AutoOpen>]
module AsImageLayer =

    /// A vector as an image, channel by channel, row by row: [C·H·W] → [C, H, W]; the inverse of `flatten`.
    /// Example: `as_image (1, 4, 4)`
    let as_image (channels: int, height: int, width: int) = Layer.AsImage(channels, height, width)

module internal AsImage =

    let private infer (site: Site) (channels, height, width) shape =
        let sizes =
            [ channels; height; width ] |> List.choose (fun size -> site.Notes.Positive(site.Place, "a size", size))

        match
            site.Rules.Vector(
                site.Place,
                "take one vector of the sequence first, by `last_step` or `mean_steps`",
                shape
            )
        with
        | Some given when sizes.Length = 3 ->
            let values = Counts.times (int64<int> channels) (Counts.times (int64<int> height) (int64<int> width))

            if values <> int64 given then
                site.Notes.Add(
                    Fault.WidthUnlikeImage,
                    site.Place,
                    $"a vector of {channels} · {height} · {width} = {Numbers.grouped values} values",
                    $"[{given}]",
                    "let the layer before it give as many, or make an image of another size"
                )

                None
            else
                Some(Shape.Image(channels, height, width))
        | _ -> None
        |> Inferred.output

    let kind = {
        LayerKind.body
            2
            "as_image"
            (function
            | Layer.AsImage(channels, height, width) -> Some(channels, height, width)
            | _ -> None)
            Layer.AsImage
            (fun _ -> Words.image) with
            Describe = fun (channels, height, width) -> $"as_image ({channels}, {height}, {width})"
            Infer = infer
    }
