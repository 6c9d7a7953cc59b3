namespace ModNet

module internal Residual =

    let private infer (site: Site) layers shape =
        let shape = site.Rules.Numbers(site.Place, "numbers", shape)

        if site.IsEmpty "layers in the residual" layers then
            Inferred.output shape
        else
            let planned, output = site.Chain None layers shape

            match shape, output with
            | Some shape, Some output when shape <> output ->
                site.Notes.Add(
                    Fault.ResidualShape,
                    site.Place,
                    $"layers that give {shape}, the shape that comes in",
                    ShapeRules.Describe output,
                    "make the last layer inside give that shape"
                )
            | _ -> ()

            { Inferred.output shape with Inside = [ planned ] }

    let kind = {
        LayerKind.body
            2
            "residual"
            (function
            | Layer.Residual layers -> Some layers
            | _ -> None)
            Layer.Residual
            (fun layer -> Codec.one "layers" (Codec.list layer)) with
            Describe = fun _ -> "residual { … }"
            Infer = infer
            Simpler = fun layers -> [ layers ]
    }
