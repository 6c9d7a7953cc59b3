namespace ModNet

module internal ModularGruLayer =

    let private fields layer =
        Codec.fields {
            let! hidden = Codec.field "hidden" (fun (gru: ModularGru) -> gru.Hidden) Codec.int
            and! candidate = Codec.field "candidate" _.Candidate (Codec.object (ModularLayer.fields layer))
            and! gated = Codec.unlessPlain "gated" true _.Gated Codec.bool
            return { Hidden = hidden; Candidate = candidate; Gated = gated }
        }

    /// The word that makes it.
    let word (gru: ModularGru) = if gru.Gated then "modular_gru" else "fold"

    /// What its width is called in a script.
    let private widthWord (gru: ModularGru) = if gru.Gated then "hidden" else "width"

    let private width (site: Site) (gru: ModularGru) =
        if gru.Hidden >= 1 then
            Some gru.Hidden
        else
            let got = if gru.Hidden = 0 then "none" else string<int> gru.Hidden
            let word = widthWord gru
            site.Notes.Add(Fault.NonPositiveSize, $"{site.Place}/{word}", "a width ≥ 1", got, $"say `{word} WIDTH`")
            None

    let private infer (site: Site) (gru: ModularGru) shape =
        if ModularLayer.isAllowed site (word gru) then
            let input, gives =
                site.Rules.Recurrent(
                    site.Place,
                    "begin with `sequence`, or `tokens` and `embed`, or use `modular`",
                    shape
                )

            let hidden = width site gru

            let joined =
                Option.map2 (fun h x -> int64<int> h + int64<int> x) hidden input
                |> Option.bind (fun width -> site.Notes.Countable(site.Place, "a width of [h, x]", width))

            if gru.Candidate.Context <> 0 then
                site.Notes.Add(
                    Fault.ContextUnfit,
                    site.Place + "/context",
                    $"none in `{word gru}`, whose controller and units read [h, x]",
                    string<int> gru.Candidate.Context,
                    "leave it out"
                )

            let candidate, pool = joined |> Option.map Shape.Vector |> site.Together { gru.Candidate with Context = 0 }

            match hidden, candidate with
            | Some hidden, Some candidate when candidate <> Shape.Vector hidden ->
                let from =
                    match gru.Candidate.Combine with
                    | Sum -> "the unit's output"
                    | Concat -> $"K = {gru.Candidate.Choose} units side by side"

                site.Notes.Add(
                    Fault.UnitUnlikeHidden,
                    $"{site.Place}/{widthWord gru}",
                    $"units that give a state [{hidden}]",
                    $"{candidate}, {from}",
                    $"make the unit's width or `{widthWord gru}` fit the other"
                )
            | _ -> ()

            { Inferred.output (gives hidden) with Pool = pool }
        else
            Inferred.output None

    /// z and r, each [H + in] → [H] with bias, where there are gates; the candidate and its controller read [H + in] too.
    let private cost costing (layer: PlannedLayer) (gru: ModularGru) =
        let gates =
            if gru.Gated then
                let reads = Counts.plus (ShapeRules.Values layer.Input) (int64 gru.Hidden)
                Cost.affine reads (2L * int64 gru.Hidden) true
            else
                Cost.none

        Cost.add gates (ModularLayer.cost costing layer gru.Candidate)

    let kind = {
        LayerKind.body
            6
            "modular_gru"
            (function
            | Layer.ModularGru gru -> Some gru
            | _ -> None)
            Layer.ModularGru
            fields with
            Name = word
            Describe = word
            Infer = infer
            Cost = cost
            Simpler = fun gru -> [ [ Layer.Gru gru.Hidden ] ]
    }
