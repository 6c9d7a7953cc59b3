namespace ModNet

open System.ComponentModel

/// What noisy top-k has of its own.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type TopKDraft = internal { K: int; Importance: float; Load: float }

/// Sets the fields of noisy top-k; made by `noisy_topk`.
[<Sealed>]
type NoisyTopKBuilder internal () =
    inherit MethodSettings<TopKDraft>({ K = 4; Importance = 0.0; Load = 0.0 })

    /// k, how many modules run for every row, 1 ≤ k ≤ M, whatever the layers' `choose`, which is 1; 4, as in the paper's Table 1, unless
    /// said.
    /// Example: `k 4`
    [<CustomOperation "k">]
    member _.K(draft: MethodDraft<TopKDraft>, count: int) : MethodDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with K = count }
    }

    /// Weighs the importance loss Σ_layers CV(Σ_x G(x))², CV the deviation over modules by the mean, ≥ 0; 0, which is without, unless said.
    /// Shazeer et al. have 0.1 in their language models.
    /// Example: `importance 0.1`
    [<CustomOperation "importance">]
    member _.Importance(draft: MethodDraft<TopKDraft>, weight: float) : MethodDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with Importance = weight }
    }

    /// Weighs the load loss Σ_layers CV(Σ_x P(x))², P(x)_i the probability that module i is among the k were its noise drawn anew, ≥ 0; 0,
    /// which is without, unless said. Shazeer et al. have 0.1 in their language models.
    /// Example: `load 0.1`
    [<CustomOperation "load">]
    member _.Load(draft: MethodDraft<TopKDraft>, weight: float) : MethodDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with Load = weight }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<TopKDraft>) =
        Method.NoisyTopK {
            K = draft.Own.K
            Importance = draft.Own.Importance
            Load = draft.Own.Load
            Gradient = draft.Gradient
        }

[<AutoOpen>]
module NoisyTopKMethod =

    /// The noisy top-k mixture of experts (Shazeer et al. 2017): the k modules of highest H(x) = x·W_g + N(0, 1) · softplus(x·W_noise) run,
    /// weighted by a softmax over them; without noise in evaluation. Every layer that chooses must `choose 1` and sum; its controller is x·W_g.
    /// Settings: `k`, `importance`, `load`, `batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `label_smoothing`, `average_weights`, `shards`, `loose_rounds`, `precision`. Where one is said twice the last counts.
    /// Example: `noisy_topk { k 4; importance 0.1; load 0.1; steps 50_000 }`
    let noisy_topk = NoisyTopKBuilder()

module internal NoisyTopKKind =

    let private fields =
        Codec.fields {
            let! k = Codec.field "k" (fun (mixture: NoisyTopK) -> mixture.K) Codec.int
            and! importance = Codec.field "importance" _.Importance Codec.float
            and! load = Codec.field "load" _.Load Codec.float
            and! gradient = Codec.within _.Gradient MethodKind.gradient
            return { NoisyTopK.K = k; Importance = importance; Load = load; Gradient = gradient }
        }

    /// A place for the weights of the noise, beside what makes a mixture.
    let private noisy (site: MethodSite) (planned: PlannedLayer, modular: Modular) =
        match modular.Controller with
        | Custom _ ->
            site.Notes.Add(
                Fault.MethodUnfit,
                $"{site.Root}/{planned.Name}/controller",
                "a controller that ends in a linear map of its own, beside which `noisy_topk` puts that of its noise",
                "`Custom`",
                "use `Linear`, `Mlp`, `Conv` or `Task`"
            )
        | _ -> ()

    let private check (site: MethodSite) (mixture: NoisyTopK) =
        Mixtures.count site mixture.K
        site.Weight("importance", mixture.Importance, "0.1 is usual; 0 is without the loss")
        site.Weight("load", mixture.Load, "0.1 is usual; 0 is without the loss")
        site.Gradient mixture.Gradient

        for layer in site.Choosing do
            Mixtures.layer site "noisy_topk" mixture.K layer
            noisy site layer

    let kind: MethodKind<NoisyTopK> = {
        Word = "noisy_topk"
        Get =
            (function
            | Method.NoisyTopK mixture -> Some mixture
            | _ -> None)
        Make = Method.NoisyTopK
        Fields = fields
        Check = check
    }
