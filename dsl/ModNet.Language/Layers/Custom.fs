namespace ModNet

/// A user's own module: as a layer, in a module, or as a controller.
module internal CustomModule =

    let private natural (notes: Notes) place what (value: int64) =
        if value < 0L then
            notes.Add(Fault.NonPositiveSize, place, $"{what} ≥ 0", Numbers.grouped value, "count them, or leave it out")

    /// Notes what is wrong with one at this place that is given this shape, `when` it is given.
    let check (notes: Notes) place (custom: Custom) (shape: Shape option) ``when`` =
        if custom.Code.Value.IsNone then
            notes.Add(
                Fault.CustomUnknown,
                place,
                $"the code of custom `{custom.Name}`",
                "none, since JSON holds only its name",
                "give it by `Network.with_customs` or `Experiment.with_code_of`"
            )

        match shape with
        | Some shape when shape <> custom.Input ->
            notes.Add(
                Fault.CustomInput,
                place,
                $"{ShapeRules.Describe custom.Input}, which custom `{custom.Name}` reads",
                ShapeRules.Describe shape + ``when``,
                "change what it `reads`, or what comes before"
            )
        | _ -> ()

        natural notes (place + "/parameters") "a number of parameters" custom.Parameters
        natural notes (place + "/multiply_adds") "a number of multiply-adds" custom.MultiplyAdds

    let private infer (site: Site) (custom: Custom) shape =
        check site.Notes site.Place custom shape ""

        let output =
            if not (ShapeRules.IsSound custom.Output) then
                site.Notes.Add(
                    Fault.NonPositiveSize,
                    site.Place + "/gives",
                    "sizes ≥ 1",
                    string custom.Output,
                    "give it positive numbers"
                )

                None
            else
                site.Notes.Countable(site.Place + "/gives", "a number of values", ShapeRules.Values custom.Output)
                |> Option.map (fun _ -> custom.Output)

        Inferred.output output

    let kind = {
        LayerKind.body
            5
            "custom"
            (function
            | Layer.Custom custom -> Some custom
            | _ -> None)
            Layer.Custom
            (fun _ -> Words.custom) with
            Describe = fun custom -> $"custom `{custom.Name}`"
            Infer = infer
            Cost = fun _ _ custom -> Cost.ofCustom custom
    }
