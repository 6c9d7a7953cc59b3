namespace ModNet

/// Some of the features.
[<AutoOpen>]
module SliceLayer =

    /// Some of the features side by side, from feature `first`, counted from 0: [n] → [width], at every step of a sequence; of an image the channels.
    /// Example: `slice 2 4`
    let slice (first: int) (width: int) = Layer.Slice(first, width)

module internal Slice =

    let private infer (site: Site) (first, width) shape =
        let wide = site.Notes.Positive($"{site.Place}/width", "a width", width)

        let out (features: int) (make: int -> Shape) =
            match wide with
            | Some width when first < 0 || int64<int> first + int64 width > int64<int> features ->
                site.Notes.Add(
                    Fault.ColumnOutOfRange,
                    site.Place,
                    $"features from 0 to {features - 1}",
                    $"{first} to {int64<int> first + int64 width - 1L}",
                    "take features that there are"
                )

                None
            | Some width -> Some(make width)
            | None -> None

        match site.Rules.Numbers(site.Place, "numbers", shape) with
        | Some(Shape.Vector features) -> out features Shape.Vector
        | Some(Shape.Sequence features) -> out features Shape.Sequence
        | Some(Shape.Image(channels, height, w)) -> out channels (fun width -> Shape.Image(width, height, w))
        | _ -> None
        |> Inferred.output

    let kind = {
        LayerKind.body
            1
            "slice"
            (function
            | Layer.Slice(first, width) -> Some(first, width)
            | _ -> None)
            Layer.Slice
            (fun _ -> Codec.pair ("first", Codec.int) ("width", Codec.int)) with
            Describe = fun (first, width) -> $"slice {first} {Numbers.inScript (int64<int> width)}"
            Infer = infer
    }
