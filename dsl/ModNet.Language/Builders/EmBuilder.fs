namespace ModNet

open System.ComponentModel

/// EM half said: its E-batch, unless said, is its batch.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type EmDraft = internal { Em: Em; OwnEBatch: int option }

/// Sets the fields of the EM method, from those of a bundle; made by `em` and its like.
[<Sealed>]
type EmBuilder internal (bundle: Em) =

    let bundle = { Em = bundle; OwnEBatch = None }

    /// S, how many compositions are drawn per datapoint in an E-step (Eq. 11), ≥ 1; 10 unless said. With `held Among` a* is one of
    /// them, and S ≥ 2.
    /// Example: `samples 10`
    [<CustomOperation "samples">]
    member _.Samples(draft: EmDraft, count: int) = { draft with Em = { draft.Em with Samples = count } }

    /// The number of gradient steps (Eq. 8) between two E-steps, ≥ 1; 15 unless said (`em_libmodular`: 9).
    /// Example: `m_steps 15`
    [<CustomOperation "m_steps">]
    member _.MSteps(draft: EmDraft, count: int) = { draft with Em = { draft.Em with MSteps = count } }

    /// Datapoints in a minibatch, ≥ 1; 128 unless said.
    /// Example: `batch 128`
    [<CustomOperation "batch">]
    member _.Batch(draft: EmDraft, size: int) = { draft with Em = { draft.Em with Batch = size } }

    /// Datapoints in an E-step's minibatch, ≥ 1; as many as `batch` unless said.
    /// Example: `e_batch 512`
    [<CustomOperation "e_batch">]
    member _.EBatch(draft: EmDraft, size: int) = { draft with OwnEBatch = Some size }

    /// The number of M-steps in all, ≥ 1; 50,000 unless said.
    /// Example: `steps 3_000`
    [<CustomOperation "steps">]
    member _.Steps(draft: EmDraft, count: int) = { draft with Em = { draft.Em with Steps = count } }

    /// What takes the gradient steps on θ and φ: `Adam rate`, `AdamW (rate, decay)` or `Sgd (rate, momentum)`; `Adam 1e-3` unless
    /// said. Rates are > 0, decay ≥ 0, 0 ≤ momentum < 1.
    /// Example: `optimizer (AdamW (1e-3, 0.01))`
    [<CustomOperation "optimizer">]
    member _.Optimizer(draft: EmDraft, optimizer: Optimizer) = {
        draft with
            Em = { draft.Em with Optimizer = optimizer }
    }

    /// What a step does to the modules of a pool that nothing in its minibatch chose: `Drift` lets the optimiser make of a gradient of
    /// zero what it does (moments decay, weights go on moving for a while, `AdamW` shrinks them); with `Rest` each module is trained as by
    /// an optimiser of its own, that only takes the steps in which the module is in use, and a step's cost follows the modules in use, not
    /// M. `Drift` unless said.
    /// Example: `unselected Rest`
    [<CustomOperation "unselected">]
    member _.Unselected(draft: EmDraft, unselected: Unselected) = {
        draft with
            Em = { draft.Em with Unselected = unselected }
    }

    /// What the rate is multiplied by in M-step t = 0, 1, … of T: `Constant`: 1; `Cosine`: ½ (1 + cos(π t / T));
    /// `Decay (every, factor)`: factor^⌊t / every⌋; `Warmup (steps, after)`: (t + 1) / steps while t < steps, then `after` over the steps
    /// that are left. `Constant` unless said.
    /// Example: `schedule (Warmup (500, Cosine))`
    [<CustomOperation "schedule">]
    member _.Schedule(draft: EmDraft, schedule: Schedule) = { draft with Em = { draft.Em with Schedule = schedule } }

    /// Weighs log p(a* | x, φ) against log p(y | x, a*, θ) in the M-step's loss, ≥ 0; 1 (Eq. 8) unless said. E-steps take no notice of it.
    /// Example: `controller_weight 0.5`
    [<CustomOperation "controller_weight">]
    member _.ControllerWeight(draft: EmDraft, weight: float) = {
        draft with
            Em = { draft.Em with ControllerWeight = weight }
    }

    /// What a* is before the first M-step: `AtRandom`, uniform over all compositions, or `Sweep`, that followed by an E-step for every
    /// datapoint; `AtRandom` unless said.
    /// Example: `start Sweep`
    [<CustomOperation "start">]
    member _.Start(draft: EmDraft, start: Start) = { draft with Em = { draft.Em with Start = start } }

    /// Where a* is among an E-step's candidates: `Beside` S fresh samples (Eq. 11), or `Among` the S, of which S − 1 are fresh then;
    /// `Beside` unless said (`em_libmodular`: `Among`).
    /// Example: `held Among`
    [<CustomOperation "held">]
    member _.Held(draft: EmDraft, held: Held) = { draft with Em = { draft.Em with Held = held } }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Zero() = bundle

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = bundle

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> EmDraft) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: EmDraft) =
        Method.Em { draft.Em with EBatch = Option.defaultValue draft.Em.Batch draft.OwnEBatch }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Em, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = bundle

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Em, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = bundle

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Em, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = bundle

/// The settings that a bundle of EM's begins with.
module internal EmBundles =

    /// The paper's appendix C.
    let paper = {
        Samples = 10
        MSteps = 15
        Batch = 128
        EBatch = 128
        Steps = 50_000
        Optimizer = Adam 1e-3
        Unselected = Drift
        Schedule = Constant
        ControllerWeight = 1.0
        Start = AtRandom
        Held = Beside
    }

    /// What the reference library's examples do: of ten steps one is an E-step.
    let libmodular = { paper with MSteps = 9; Held = Among }

[<AutoOpen>]
module Methods =

    /// Generalised Viterbi EM (paper, Algorithm 1). Unless said, its settings are those of the paper's appendix C.
    /// Settings: `samples`, `m_steps`, `batch`, `e_batch`, `steps`, `optimizer`, `unselected`, `schedule`, `controller_weight`, `start`, `held`. Where one is said twice the last counts.
    /// Example: `em { samples 10; m_steps 15; batch 128; steps 50_000; optimizer (Adam 1e-3) }`
    let em = EmBuilder EmBundles.paper

    /// `em` by its other name: a bundle of settings, those of the paper's appendix C (S = 10, 15 M-steps to an E-step).
    /// Example: `em_paper { steps 3_000 }`
    let em_paper = em

    /// `em` with the settings of the paper's reference library in its examples: 9 M-steps to an E-step, and a* is one of the S = 10 candidates.
    /// What else differs there is said of layers: `duplicates Once`, `init Stacked`, and the activation after the sum
    /// instead of inside the module (`unit (linear 8)`, then `relu`).
    /// Example: `em_libmodular { steps 3_000 }`
    let em_libmodular = EmBuilder EmBundles.libmodular
