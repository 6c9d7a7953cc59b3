namespace ModNet

/// Layers side by side: their sum, or their outputs side by side.
module internal BranchesLayer =

    let private infer join (site: Site) branches shape =
        if site.IsEmpty "branches side by side" branches then
            Inferred.output (join (site, []))
        else
            let outputs, planned =
                branches
                |> List.mapi (fun index layers ->
                    let planned, output = site.Chain (Some(index + 1)) layers shape
                    site.Rules.Numbers(site.Place + "/" + string<int>(index + 1), "numbers", output), planned)
                |> List.unzip

            { Inferred.output (join (site, outputs)) with Inside = planned }

    /// Without a branch, or without the layers of one.
    let private simpler make (branches: Layer list list) = [
        yield! branches

        if branches.Length > 1 then
            for index in 0 .. branches.Length - 1 do
                [ make (List.removeAt index branches) ]

        for index in 0 .. branches.Length - 1 do
            if not branches[index].IsEmpty then [ make (List.updateAt index [] branches) ]
    ]

    let private kind weight word get make join = {
        LayerKind.body weight word get make (fun layer -> Codec.one "branches" (Codec.list (Codec.list layer))) with
            Describe = fun _ -> $"{word} {{ … }}"
            Infer = infer join
            Simpler = simpler make
    }

    let sum =
        kind
            2
            "sum_of"
            (function
            | Layer.SumOf branches -> Some branches
            | _ -> None)
            Layer.SumOf
            (fun (site, outputs) -> site.Rules.Same(site.Place, outputs))

    let concat =
        kind
            3
            "concat_of"
            (function
            | Layer.ConcatOf branches -> Some branches
            | _ -> None)
            Layer.ConcatOf
            (fun (site, outputs) -> site.Rules.Beside(site.Place, outputs))
