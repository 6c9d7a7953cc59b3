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
    /// Settings: `k`, `importance`, `load`, `batch`, `steps`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`. Where one is said twice the last counts.
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

    /// Every layer is one mixture of k of its modules.
    let private layers (site: MethodSite) (mixture: NoisyTopK) =
        for planned, modular in site.Choosing do
            let place setting = $"{site.Root}/{planned.Name}/{setting}"

            if modular.Choose > 1 then
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place "choose",
                    "K = 1 for `noisy_topk`, whose k says how many modules run",
                    $"K = {modular.Choose}",
                    "say `choose 1`"
                )

            if modular.Pool.Modules >= 1 && mixture.K > modular.Pool.Modules then
                site.Notes.Add(
                    Fault.KAboveM,
                    $"{site.Root}/train/k",
                    $"k ≤ M = {modular.Pool.Modules} of {planned.Name}",
                    $"k = {mixture.K}",
                    "run fewer modules, or give the pool more"
                )

            if mixture.K > 1 && modular.Combine = Concat then
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place "combine",
                    "`Sum` for `noisy_topk`, which weighs outputs and adds them",
                    "`Concat`",
                    "say `combine Sum`, or train by another method"
                )

            match modular.Controller with
            | Custom _ ->
                site.Notes.Add(
                    Fault.MethodUnfit,
                    place "controller",
                    "a controller that ends in a linear map of its own, beside which `noisy_topk` puts that of its noise",
                    "`Custom`",
                    "use `Linear`, `Mlp`, `Conv` or `Task`"
                )
            | _ -> ()

    let private check (site: MethodSite) (mixture: NoisyTopK) =
        if mixture.K < 1 then
            site.Notes.Add(Fault.KBelowOne, site.Place "k", "k ≥ 1", $"k = {mixture.K}", "run at least one module")

        site.Weight("importance", mixture.Importance, "0.1 is usual; 0 is without the loss")
        site.Weight("load", mixture.Load, "0.1 is usual; 0 is without the loss")
        site.Gradient mixture.Gradient
        layers site mixture

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
