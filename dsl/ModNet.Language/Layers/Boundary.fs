namespace ModNet

open System.ComponentModel

/// Sets the network of a synthetic gradient; made by `synthetic`.
[<Sealed>]
type SyntheticBuilder internal () =
    inherit SettingsBlock<SyntheticSpec>({ Hidden = []; SeesTarget = false })

    /// Widths ≥ 1 of linear maps with ReLU inside the network that predicts the gradient; none unless said, which makes it linear.
    /// Example: `hidden [ 256 ]`
    [<CustomOperation "hidden">]
    member _.Hidden(spec: SyntheticSpec, widths: int list) = { spec with SyntheticSpec.Hidden = widths }

    /// Whether the network that predicts the gradient also reads the target; false unless said.
    /// Example: `sees_target true`
    [<CustomOperation "sees_target">]
    member _.SeesTarget(spec: SyntheticSpec, reads: bool) = { spec with SeesTarget = reads }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(spec: SyntheticSpec) = Boundary.Synthetic spec

/// Places that no gradient crosses.
[<AutoOpen>]
module BoundaryLayer =

    /// A small network that predicts the loss's gradient at a `boundary`, for what is before it: synthetic gradients. Settings: `hidden`, `sees_target`.
    /// Example: `boundary (synthetic { hidden [ 256 ]; sees_target true })`
    let synthetic = SyntheticBuilder()

    /// Gives x as it is, and lets no gradient of the loss through in training, so that the layers before it form a segment of their own. They are trained by what the boundary says: by
    /// synthetic gradients, s = g(x), where g learns to predict the gradient δ that the boundary stops, by ‖s − δ‖² (Jaderberg et al. 2017); by a head of its own, `Boundary.LocalHead`, that
    /// predicts the target from x alone and whose −log p(y | x) is added to the loss (Belilovsky et al. 2020); or, with `Boundary.Closed`, by nothing that comes after. Evaluation, E-steps, `predict` and
    /// exported networks know nothing of it, and summaries count the network without what boundaries are trained by. Losses of controllers before a boundary stay theirs. Not inside modules.
    /// Example: `boundary Boundary.LocalHead`
    let boundary (gradient: Boundary) = Layer.Boundary gradient

module internal BoundaryKind =

    let private synthetic =
        Codec.fields {
            let! hidden = Codec.field "hidden" (fun (spec: SyntheticSpec) -> spec.Hidden) (Codec.list Codec.int)
            and! seesTarget = Codec.field "sees_target" _.SeesTarget Codec.bool
            return { SyntheticSpec.Hidden = hidden; SeesTarget = seesTarget }
        }

    let private gradient =
        let plain word kind =
            Codec.case word (fun other -> if other = kind then Some() else None) (fun () -> kind) (Codec.nothing ())

        Codec.union [
            plain "closed" Boundary.Closed
            plain "local_head" Boundary.LocalHead
            Codec.case
                "synthetic"
                (function
                | Boundary.Synthetic spec -> Some spec
                | _ -> None)
                Boundary.Synthetic
                synthetic
        ]

    let private describe gradient =
        match gradient with
        | Boundary.Closed -> "boundary Boundary.Closed"
        | Boundary.LocalHead -> "boundary Boundary.LocalHead"
        | Boundary.Synthetic spec ->
            let hidden = spec.Hidden |> List.map string<int> |> String.concat "; "

            let settings =
                [
                    if not spec.Hidden.IsEmpty then $"hidden [ {hidden} ]"
                    if spec.SeesTarget then "sees_target true"
                ]
                |> String.concat "; "

            if settings = "" then "boundary (synthetic { })" else $"boundary (synthetic {{ {settings} }})"

    let private infer (site: Site) gradient shape =
        match gradient with
        | Boundary.Synthetic spec ->
            for width in spec.Hidden do
                site.Notes.Positive($"{site.Place}/hidden", "a hidden width", width) |> ignore
        | Boundary.Closed
        | Boundary.LocalHead -> ()

        site.Penalty "boundary"
        site.Rules.Numbers(site.Place, "numbers", shape) |> Inferred.output

    let kind = {
        LayerKind.body
            4
            "boundary"
            (function
            | Layer.Boundary gradient -> Some gradient
            | _ -> None)
            Layer.Boundary
            (fun _ -> Codec.one "gradient" gradient) with
            Describe = describe
            Infer = infer
            Simpler =
                fun gradient -> [
                    [ Layer.Activation Relu ]
                    if gradient <> Boundary.Closed then [ Layer.Boundary Boundary.Closed ]
                ]
    }
