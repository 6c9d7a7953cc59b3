namespace ModNet

open System.ComponentModel

/// Sets the fields of training with static modules; made by `static_modules`.
[<Sealed>]
type StaticModulesBuilder internal () =
    inherit MethodSettings<unit>()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<unit>) = Method.StaticModules draft.Gradient

[<AutoOpen>]
module StaticModulesMethod =

    /// The baseline without choice (paper, Table 1): at every layer modules 0 to K − 1, for every datapoint; controllers stay as they
    /// began. (`static` itself is a reserved word of F#.)
    /// Settings: `batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `label_smoothing`, `average_weights`, `shards`, `loose_rounds`, `precision`. Where one is said twice the last counts.
    /// Example: `static_modules { steps 50_000 }`
    let static_modules = StaticModulesBuilder()

module internal StaticModulesKind =

    let kind: MethodKind<GradientSteps> = {
        Word = "static_modules"
        Get =
            (function
            | Method.StaticModules gradient -> Some gradient
            | _ -> None)
        Make = Method.StaticModules
        Fields = MethodKind.gradient
        Check =
            fun site gradient ->
                site.Gradient gradient

                for planned in site.Plan.Layers |> List.collect _.Unfolded do
                    match planned.Layer.Choosing with
                    | Some modular when List.exists (fun masked -> masked < modular.Choose) modular.Masked ->
                        site.Notes.Add(
                            Fault.MaskUnfit,
                            $"{site.Root}/{planned.Name}/masked",
                            $"modules from K = {modular.Choose} on for `static_modules`, which runs the first K",
                            modular.Masked |> List.map string<int> |> String.concat ", ",
                            "leave the first K modules out of it"
                        )
                    | _ -> ()
    }
