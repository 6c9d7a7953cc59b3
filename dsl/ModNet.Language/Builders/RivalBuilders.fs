namespace ModNet

open System.ComponentModel

/// A method other than EM half said: what is its own, and how its gradient steps are taken.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type RivalDraft<'Own> = internal { Own: 'Own; Gradient: GradientSteps }

/// The settings that all methods but EM have in common.
[<AbstractClass>]
type RivalSettings<'Own> internal (own: 'Own) =

    let empty: RivalDraft<'Own> = {
        Own = own
        Gradient = { Batch = 128; Steps = 50_000; Optimizer = Adam 1e-3; Unselected = Drift; Schedule = Constant }
    }

    /// Datapoints in a minibatch, ≥ 1; 128 unless said.
    /// Example: `batch 128`
    [<CustomOperation "batch">]
    member _.Batch(draft: RivalDraft<'Own>, size: int) : RivalDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Batch = size }
    }

    /// The number of gradient steps in all, ≥ 1; 50,000 unless said.
    /// Example: `steps 3_000`
    [<CustomOperation "steps">]
    member _.Steps(draft: RivalDraft<'Own>, count: int) : RivalDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Steps = count }
    }

    /// What takes the gradient steps on θ and φ: `Adam rate`, `AdamW (rate, decay)` or `Sgd (rate, momentum)`; `Adam 1e-3` unless
    /// said. Rates are > 0, decay ≥ 0, 0 ≤ momentum < 1.
    /// Example: `optimizer (AdamW (1e-3, 0.01))`
    [<CustomOperation "optimizer">]
    member _.Optimizer(draft: RivalDraft<'Own>, optimizer: Optimizer) : RivalDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Optimizer = optimizer }
    }

    /// What a step does to the modules of a pool that nothing in its minibatch chose: `Drift` lets the optimiser make of a gradient of
    /// zero what it does (moments decay, weights go on moving for a while, `AdamW` shrinks them); with `Rest` each module is trained as by
    /// an optimiser of its own, that only takes the steps in which the module is in use, and a step's cost follows the modules in use, not
    /// M. `Drift` unless said.
    /// Example: `unselected Rest`
    [<CustomOperation "unselected">]
    member _.Unselected(draft: RivalDraft<'Own>, unselected: Unselected) : RivalDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Unselected = unselected }
    }

    /// What the rate is multiplied by in step t = 0, 1, … of T: `Constant`: 1; `Cosine`: ½ (1 + cos(π t / T));
    /// `Decay (every, factor)`: factor^⌊t / every⌋; `Warmup (steps, after)`: (t + 1) / steps while t < steps, then `after` over the steps
    /// that are left. `Constant` unless said.
    /// Example: `schedule (Warmup (500, Cosine))`
    [<CustomOperation "schedule">]
    member _.Schedule(draft: RivalDraft<'Own>, schedule: Schedule) : RivalDraft<'Own> = {
        draft with
            Gradient = { draft.Gradient with Schedule = schedule }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> RivalDraft<'Own>) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Rivals, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Rivals, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = empty

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Rivals, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = empty

/// Sets the fields of REINFORCE; made by `reinforce`.
[<Sealed>]
type ReinforceBuilder internal () =
    inherit RivalSettings<float>(0.99)

    /// d, how much of the control variate a minibatch leaves as it was, in [0, 1): c ← d · c + (1 − d) · mean log p(y | x, a); 0.99
    /// unless said.
    /// Example: `decay 0.9`
    [<CustomOperation "decay">]
    member _.Decay(draft: RivalDraft<float>, decay: float) : RivalDraft<float> = { draft with Own = decay }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RivalDraft<float>) = Method.Reinforce { Decay = draft.Own; Gradient = draft.Gradient }

/// What noisy top-k has of its own.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type TopKDraft = internal { K: int; Importance: float; Load: float }

/// Sets the fields of noisy top-k; made by `noisy_topk`.
[<Sealed>]
type NoisyTopKBuilder internal () =
    inherit RivalSettings<TopKDraft>({ K = 4; Importance = 0.0; Load = 0.0 })

    /// k, how many modules run for every row, 1 ≤ k ≤ M, whatever the layers' `choose`, which is 1; 4, as in the paper's Table 1, unless
    /// said.
    /// Example: `k 4`
    [<CustomOperation "k">]
    member _.K(draft: RivalDraft<TopKDraft>, count: int) : RivalDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with K = count }
    }

    /// Weighs the importance loss Σ_layers CV(Σ_x G(x))², CV the deviation over modules by the mean, ≥ 0; 0, which is without, unless said.
    /// Shazeer et al. have 0.1 in their language models.
    /// Example: `importance 0.1`
    [<CustomOperation "importance">]
    member _.Importance(draft: RivalDraft<TopKDraft>, weight: float) : RivalDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with Importance = weight }
    }

    /// Weighs the load loss Σ_layers CV(Σ_x P(x))², P(x)_i the probability that module i is among the k were its noise drawn anew, ≥ 0; 0,
    /// which is without, unless said. Shazeer et al. have 0.1 in their language models.
    /// Example: `load 0.1`
    [<CustomOperation "load">]
    member _.Load(draft: RivalDraft<TopKDraft>, weight: float) : RivalDraft<TopKDraft> = {
        draft with
            Own = { draft.Own with Load = weight }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RivalDraft<TopKDraft>) =
        Method.NoisyTopK {
            K = draft.Own.K
            Importance = draft.Own.Importance
            Load = draft.Own.Load
            Gradient = draft.Gradient
        }

/// Sets the fields of training with static modules; made by `static_modules`.
[<Sealed>]
type StaticModulesBuilder internal () =
    inherit RivalSettings<unit>()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RivalDraft<unit>) = Method.StaticModules draft.Gradient

/// Sets the fields of exact training; made by `exact`.
[<Sealed>]
type ExactBuilder internal () =
    inherit RivalSettings<unit>()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RivalDraft<unit>) = Method.Exact draft.Gradient

[<AutoOpen>]
module Rivals =

    /// REINFORCE on Σ_a p(a | x, φ) log p(y | x, a, θ) (paper, Eqs. 12–14), unregularised: one composition a per datapoint is drawn, and
    /// (log p(y | x, a) − c) weighs ∇ log p(a | x), c an exponential moving average of log p(y | x, a).
    /// Settings: `decay`, `batch`, `steps`, `optimizer`, `unselected`, `schedule`. Where one is said twice the last counts.
    /// Example: `reinforce { decay 0.99; batch 128; steps 50_000 }`
    let reinforce = ReinforceBuilder()

    /// The noisy top-k mixture of experts (Shazeer et al. 2017): the k modules of highest H(x) = x·W_g + N(0, 1) · softplus(x·W_noise) run,
    /// weighted by a softmax over them; without noise in evaluation. Every layer that chooses must `choose 1` and sum; its controller is x·W_g.
    /// Settings: `k`, `importance`, `load`, `batch`, `steps`, `optimizer`, `unselected`, `schedule`. Where one is said twice the last counts.
    /// Example: `noisy_topk { k 4; importance 0.1; load 0.1; steps 50_000 }`
    let noisy_topk = NoisyTopKBuilder()

    /// The baseline without choice (paper, Table 1): at every layer modules 0 to K − 1, for every datapoint; controllers stay as they
    /// began. (`static` itself is a reserved word of F#.)
    /// Settings: `batch`, `steps`, `optimizer`, `unselected`, `schedule`. Where one is said twice the last counts.
    /// Example: `static_modules { steps 50_000 }`
    let static_modules = StaticModulesBuilder()

    /// The marginal likelihood log Σ_a p(y | x, a, θ) p(a | x, φ) itself, by enumeration (paper, Eqs. 4 and 5): for networks that have at
    /// most 65,536 compositions a over all their sites.
    /// Settings: `batch`, `steps`, `optimizer`, `unselected`, `schedule`. Where one is said twice the last counts.
    /// Example: `exact { batch 64; steps 3_000 }`
    let exact = ExactBuilder()
