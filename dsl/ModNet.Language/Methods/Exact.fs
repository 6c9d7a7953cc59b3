namespace ModNet

open System.ComponentModel

/// Sets the fields of exact training; made by `exact`.
[<Sealed>]
type ExactBuilder internal () =
    inherit MethodSettings<unit>()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<unit>) = Method.Exact draft.Gradient

[<AutoOpen>]
module ExactMethod =

    /// The marginal likelihood log Σ_a p(y | x, a, θ) p(a | x, φ) itself, by enumeration (paper, Eqs. 4 and 5): for networks that have at
    /// most 65,536 compositions a over all their sites.
    /// Settings: `batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `average_weights`, `shards`, `loose_rounds`, `precision`. Where one is said twice the last counts.
    /// Example: `exact { batch 64; steps 3_000 }`
    let exact = ExactBuilder()

module internal ExactKind =

    /// The most compositions of a datapoint that `exact` goes through. The runtime has the same limit (`Compositions.Limit`); a test
    /// compares the two, because neither knows the other.
    [<Literal>]
    let MostCompositions = 65_536

    /// Penalties are a minibatch's, of one composition for every datapoint.
    let private unpenalised (site: MethodSite) =
        for planned in site.Plan.Layers |> List.collect _.Unfolded do
            let penalty =
                match planned.Layer with
                | Layer.ActivityL1 _ -> Some "activity_l1"
                | Layer.Locality _ -> Some "locality"
                | Layer.Boundary _ -> Some "boundary"
                | _ -> None

            for word in Option.toList penalty do
                site.Notes.Add(
                    Fault.MethodUnfit,
                    $"{site.Root}/{planned.Name}",
                    "no penalties for `exact`, which runs every composition",
                    $"`{word}`",
                    "leave it out, or train by another method"
                )

    /// M^(K · sites) over all layers must be few enough; how long a sequence is, the data say.
    let private countable (site: MethodSite) =
        let texts =
            site.Data.Parts
            |> List.choose (function
                | Data.Text text -> Some text
                | _ -> None)

        if texts |> List.exists _.CarryState then
            site.Notes.Add(
                Fault.MethodUnfit,
                $"{site.Root}/data/carry_state",
                "false under `exact`, whose every composition would leave another state",
                "true",
                "drop `carry_state`, or train by another method"
            )

        let steps = texts |> List.map _.Window |> List.fold max 1

        let powers = [
            for planned, modular in site.Choosing do
                let sites =
                    match planned.Input with
                    | Shape.Sequence _ -> steps
                    | _ -> 1

                let choices = int64 (max 0 modular.Choose) * int64 sites

                if modular.Pool.Modules > 1 && choices >= 1L then modular.Pool.Modules, choices
        ]

        let size = powers |> List.sumBy (fun (m, n) -> float n * log (float m))

        if size > log (float MostCompositions) + 1e-9 then
            let got =
                [ for modules, choices in powers -> if choices = 1L then $"{modules}" else $"{modules}^{choices}" ]
                |> String.concat " · "

            site.Notes.Add(
                Fault.TooManyCompositions,
                $"{site.Root}/train",
                $"at most {Numbers.grouped (int64 MostCompositions)} compositions per datapoint for `exact`, which goes through them all",
                got,
                "train a smaller network, or train by `em`"
            )

    /// A smoothed label is of one composition's output.
    let private unsmoothed (site: MethodSite) (gradient: GradientSteps) =
        if gradient.LabelSmoothing > 0.0 && gradient.LabelSmoothing < 1.0 then
            site.Notes.Add(
                Fault.MethodUnfit,
                site.Place "label_smoothing",
                "none for `exact`, which maximises the likelihood itself",
                Numbers.ofFloat gradient.LabelSmoothing,
                "leave it out, or train by another method"
            )

    let private check (site: MethodSite) gradient =
        site.Gradient gradient
        unsmoothed site gradient
        unpenalised site
        countable site

    let kind: MethodKind<GradientSteps> = {
        Word = "exact"
        Get =
            (function
            | Method.Exact gradient -> Some gradient
            | _ -> None)
        Make = Method.Exact
        Fields = MethodKind.gradient
        Check = check
    }
