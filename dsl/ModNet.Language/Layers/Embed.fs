namespace ModNet

/// A learned table of vectors for token ids.
[<AutoOpen>]
module EmbedLayer =

    /// Token ids [T] → [T, width], by a learned table [vocabulary, width].
    /// Example: `embed 32`
    let embed (width: int) = Layer.Embed width

module internal Embed =

    let private infer (site: Site) width shape =
        match shape with
        | Some(Shape.Tokens _)
        | None -> Option.map Shape.Sequence width
        | Some shape ->
            site.Notes.Add(
                Fault.EmbedWithoutTokens,
                site.Place,
                "token ids [T]",
                string shape,
                "begin the network with `tokens`, or leave `embed` out"
            )

            None

    /// The table has a row for each token; one row is read.
    let private cost _ (layer: PlannedLayer) (width: int) =
        let vocabulary =
            match layer.Input with
            | Shape.Tokens size -> int64 size
            | _ -> 0L

        { Parameters = Counts.times vocabulary (int64 width); Active = int64 width; MultiplyAdds = 0L }

    let kind = {
        LayerKind.sized
            2
            "embed"
            ("width", "a width")
            (function
            | Layer.Embed width -> Some width
            | _ -> None)
            Layer.Embed
            infer with
            Cost = cost
    }
