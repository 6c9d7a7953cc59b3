namespace ModNet

open System.ComponentModel

/// What loss-free top-k has of its own.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type LossFreeDraft = internal { K: int; UpdateRate: float }

/// Sets the fields of loss-free top-k; made by `loss_free_topk`.
[<Sealed>]
type LossFreeTopKBuilder internal () =
    inherit MethodSettings<LossFreeDraft>({ K = 4; UpdateRate = 1e-3 })

    /// k, how many modules run for every row, 1 ≤ k ≤ M, whatever the layers' `choose`, which is 1; 4 unless said.
    /// Example: `k 4`
    [<CustomOperation "k">]
    member _.K(draft: MethodDraft<LossFreeDraft>, count: int) : MethodDraft<LossFreeDraft> = {
        draft with
            Own = { draft.Own with K = count }
    }

    /// u, by how much a gradient step moves the bias of every module, ≥ 0; 0.001, as in Wang et al., unless said. 0 is plain top-k.
    /// Example: `update_rate 0.001`
    [<CustomOperation "update_rate">]
    member _.UpdateRate(draft: MethodDraft<LossFreeDraft>, rate: float) : MethodDraft<LossFreeDraft> = {
        draft with
            Own = { draft.Own with UpdateRate = rate }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<LossFreeDraft>) =
        Method.LossFreeTopK { K = draft.Own.K; UpdateRate = draft.Own.UpdateRate; Gradient = draft.Gradient }

[<AutoOpen>]
module LossFreeTopKMethod =

    /// A mixture of experts that is balanced without a loss for it (Wang et al. 2024): the k modules of highest p(a = i | x) + b_i run, weighted
    /// by p(a = i | x) over the sum of those k. After each step b_i grows by u where module i ran for fewer rows than the mean over modules, and
    /// falls by u where for more. Every layer that chooses must `choose 1` and sum. With k = 1 no gradient reaches the controllers.
    /// Settings: `k`, `update_rate`, `batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `label_smoothing`, `average_weights`, `shards`, `loose_rounds`, `precision`. Where one is said twice the last counts.
    /// Example: `loss_free_topk { k 4; update_rate 0.001; steps 50_000 }`
    let loss_free_topk = LossFreeTopKBuilder()

module internal LossFreeTopKKind =

    let private fields =
        Codec.fields {
            let! k = Codec.field "k" (fun (mixture: LossFreeTopK) -> mixture.K) Codec.int
            and! rate = Codec.field "update_rate" _.UpdateRate Codec.float
            and! gradient = Codec.within _.Gradient MethodKind.gradient
            return { LossFreeTopK.K = k; UpdateRate = rate; Gradient = gradient }
        }

    let private check (site: MethodSite) (mixture: LossFreeTopK) =
        Mixtures.count site mixture.K
        site.Rate("update_rate", mixture.UpdateRate, "0.001 is usual; 0 is plain top-k")
        site.Gradient mixture.Gradient

        if mixture.Gradient.LooseRounds.IsSome then
            site.Notes.Add(
                Fault.MethodUnfit,
                site.Place "loose_rounds",
                "none for `loss_free_topk`, whose biases follow the load of every step",
                "some",
                "leave it out, or train by another method"
            )

        for layer in site.Choosing do
            Mixtures.layer site "loss_free_topk" mixture.K layer

    let kind: MethodKind<LossFreeTopK> = {
        Word = "loss_free_topk"
        Get =
            (function
            | Method.LossFreeTopK mixture -> Some mixture
            | _ -> None)
        Make = Method.LossFreeTopK
        Fields = fields
        Check = check
    }
