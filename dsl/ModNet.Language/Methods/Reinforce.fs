namespace ModNet

open System.ComponentModel

/// Sets the fields of REINFORCE; made by `reinforce`.
[<Sealed>]
type ReinforceBuilder internal () =
    inherit MethodSettings<float>(0.99)

    /// d, how much of the control variate a minibatch leaves as it was, in [0, 1): c ← d · c + (1 − d) · mean log p(y | x, a); 0.99
    /// unless said.
    /// Example: `decay 0.9`
    [<CustomOperation "decay">]
    member _.Decay(draft: MethodDraft<float>, decay: float) : MethodDraft<float> = { draft with Own = decay }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<float>) = Method.Reinforce { Decay = draft.Own; Gradient = draft.Gradient }

[<AutoOpen>]
module ReinforceMethod =

    /// REINFORCE on Σ_a p(a | x, φ) log p(y | x, a, θ) (paper, Eqs. 12–14), unregularised: one composition a per datapoint is drawn, and
    /// (log p(y | x, a) − c) weighs ∇ log p(a | x), c an exponential moving average of log p(y | x, a).
    /// Settings: `decay`, `batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `label_smoothing`, `average_weights`, `shards`, `loose_rounds`, `precision`. Where one is said twice the last counts.
    /// Example: `reinforce { decay 0.99; batch 128; steps 50_000 }`
    let reinforce = ReinforceBuilder()

module internal ReinforceKind =

    let private fields =
        Codec.fields {
            let! decay = Codec.field "decay" (fun (reinforce: Reinforce) -> reinforce.Decay) Codec.float
            and! gradient = Codec.within _.Gradient MethodKind.gradient
            return { Reinforce.Decay = decay; Gradient = gradient }
        }

    let private check (site: MethodSite) (reinforce: Reinforce) =
        if not (reinforce.Decay >= 0.0 && reinforce.Decay < 1.0) then
            site.Notes.Add(
                Fault.DecayOutOfRange,
                site.Place "decay",
                "a decay in [0, 1)",
                Numbers.ofFloat reinforce.Decay,
                "0.99 averages over some hundred minibatches; 0 takes the one before"
            )

        site.Gradient reinforce.Gradient

    let kind: MethodKind<Reinforce> = {
        Word = "reinforce"
        Get =
            (function
            | Method.Reinforce reinforce -> Some reinforce
            | _ -> None)
        Make = Method.Reinforce
        Fields = fields
        Check = check
    }
