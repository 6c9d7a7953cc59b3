namespace ModNet

/// Making images larger without parameters.
[<AutoOpen>]
module UpsampleLayer =

    /// Each value as a square of factor × factor equal values: [C, H, W] → [C, factor·H, factor·W].
    /// Example: `upsample 2`
    let upsample (factor: int) = Layer.Upsample factor

module internal Upsample =

    let private infer (site: Site) factor shape =
        match site.Rules.Image(site.Place, shape), factor with
        | Some(channels, height, width), Some factor ->
            let longer side = int64<int> side * int64<int> factor

            site.Notes.Countable(
                site.Place,
                "a number of values",
                Counts.times (int64<int> channels) (Counts.times (longer height) (longer width))
            )
            |> Option.map (fun _ -> Shape.Image(channels, int (longer height), int (longer width)))
        | _ -> None

    let kind =
        LayerKind.sized
            2
            "upsample"
            ("factor", "a factor")
            (function
            | Layer.Upsample factor -> Some factor
            | _ -> None)
            Layer.Upsample
            infer
