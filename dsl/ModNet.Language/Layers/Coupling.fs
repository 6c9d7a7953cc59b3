namespace ModNet

/// A coupling and its inverse.
module internal CouplingLayer =

    /// What each half of the features is; None where they are no even number.
    let private half shape =
        match shape with
        | Shape.Vector width when width % 2 = 0 -> Some(Shape.Vector(width / 2))
        | Shape.Sequence width when width % 2 = 0 -> Some(Shape.Sequence(width / 2))
        | Shape.Image(channels, height, width) when channels % 2 = 0 -> Some(Shape.Image(channels / 2, height, width))
        | _ -> None

    let private infer (word: string) (site: Site) layers shape =
        let shape = site.Rules.Numbers(site.Place, "numbers", shape)

        if site.IsEmpty $"layers in the {word}" layers then
            Inferred.output shape
        else
            let part = shape |> Option.bind half

            match shape, part with
            | Some shape, None ->
                site.Notes.Add(
                    Fault.CouplingWidth,
                    site.Place,
                    "an even number of features, which has two halves",
                    ShapeRules.Describe shape,
                    "let the layer before it give an even number"
                )
            | _ -> ()

            let planned, output = site.Chain None layers part

            match part, output with
            | Some part, Some output when part <> output ->
                site.Notes.Add(
                    Fault.CouplingShape,
                    site.Place,
                    $"layers that give {part}, the half of the features that they read",
                    ShapeRules.Describe output,
                    "make the last layer inside give that shape"
                )
            | _ -> ()

            { Inferred.output shape with Inside = [ planned ] }

    let private kind word get make = {
        LayerKind.body 1 word get make (fun layer -> Codec.one "layers" (Codec.list layer)) with
            Describe = fun _ -> $"{word} {{ … }}"
            Infer = infer word
    }

    let coupling =
        kind
            "coupling"
            (function
            | Layer.Coupling layers -> Some layers
            | _ -> None)
            Layer.Coupling

    let uncoupling =
        kind
            "uncoupling"
            (function
            | Layer.Uncoupling layers -> Some layers
            | _ -> None)
            Layer.Uncoupling
