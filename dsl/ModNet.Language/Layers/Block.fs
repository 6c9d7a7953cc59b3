namespace ModNet

module internal Block =

    let private infer (site: Site) (name: string, layers) shape =
        site.Notes.Name(site.Place, "block", name)

        if name.Contains '.' then
            site.Notes.Add(
                Fault.BadName,
                site.Place,
                "a block's name without `.`, which parameters' names have",
                $"`{name}`",
                "rename it"
            )

        if site.IsEmpty "layers in the block" layers then
            Inferred.output shape
        else
            let planned, output = site.Chain None layers shape
            { Inferred.output output with Inside = [ planned ] }

    let private fields layer = Codec.pair ("name", Codec.string) ("layers", Codec.list layer)

    let kind = {
        LayerKind.body
            2
            "block"
            (function
            | Layer.Block(name, layers) -> Some(name, layers)
            | _ -> None)
            Layer.Block
            fields with
            Describe = fun _ -> "block { … }"
            Infer = infer
            Simpler = fun (_, layers) -> [ layers ]
    }
