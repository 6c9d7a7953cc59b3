namespace ModNet

open System.ComponentModel

/// What EM has of its own. Its E-batch, unless said, is its batch.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type EmDraft = internal {
    Samples: int
    MSteps: int
    OwnEBatch: int option
    ControllerWeight: float
    Start: Start
    Held: Held
    Assign: Assign
}

/// Sets the fields of the EM method, from those of a bundle; made by `em` and its like.
[<Sealed>]
type EmBuilder internal (bundle: EmDraft) =
    inherit MethodSettings<EmDraft>(bundle)

    /// S, how many compositions are drawn per datapoint in an E-step (Eq. 11), ≥ 1; 10 unless said. With `held Among` a* is one of
    /// them, and S ≥ 2.
    /// Example: `samples 10`
    [<CustomOperation "samples">]
    member _.Samples(draft: MethodDraft<EmDraft>, count: int) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with Samples = count }
    }

    /// The number of gradient steps (Eq. 8) between two E-steps, ≥ 1; 15 unless said (`em_libmodular`: 9).
    /// Example: `m_steps 15`
    [<CustomOperation "m_steps">]
    member _.MSteps(draft: MethodDraft<EmDraft>, count: int) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with MSteps = count }
    }

    /// Datapoints in an E-step's minibatch, ≥ 1; as many as `batch` unless said.
    /// Example: `e_batch 512`
    [<CustomOperation "e_batch">]
    member _.EBatch(draft: MethodDraft<EmDraft>, size: int) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with OwnEBatch = Some size }
    }

    /// Weighs log p(a* | x, φ) against log p(y | x, a*, θ) in the M-step's loss, ≥ 0; 1 (Eq. 8) unless said. E-steps take no notice of it.
    /// Example: `controller_weight 0.5`
    [<CustomOperation "controller_weight">]
    member _.ControllerWeight(draft: MethodDraft<EmDraft>, weight: float) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with ControllerWeight = weight }
    }

    /// What a* is before the first M-step: `AtRandom`, uniform over all compositions, or `Sweep`, that followed by an E-step for every
    /// datapoint; `AtRandom` unless said.
    /// Example: `start Sweep`
    [<CustomOperation "start">]
    member _.Start(draft: MethodDraft<EmDraft>, start: Start) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with Start = start }
    }

    /// Where a* is among an E-step's candidates: `Beside` S fresh samples (Eq. 11), or `Among` the S, of which S − 1 are fresh then;
    /// `Beside` unless said (`em_libmodular`: `Among`).
    /// Example: `held Among`
    [<CustomOperation "held">]
    member _.Held(draft: MethodDraft<EmDraft>, held: Held) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with Held = held }
    }

    /// Which datapoints share a*: none, `PerDatapoint`, unless said; or those of one task id, `PerTask`. An E-step then takes whole tasks, draws candidates from the controllers of
    /// a task's datapoints in turn, and keeps for all of them the one whose joint, summed over them, is best. The data have task ids, which the network need not read.
    /// Example: `assign PerTask`
    [<CustomOperation "assign">]
    member _.Assign(draft: MethodDraft<EmDraft>, assign: Assign) : MethodDraft<EmDraft> = {
        draft with
            Own = { draft.Own with Assign = assign }
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: MethodDraft<EmDraft>) =
        Method.Em {
            Samples = draft.Own.Samples
            MSteps = draft.Own.MSteps
            EBatch = Option.defaultValue draft.Gradient.Batch draft.Own.OwnEBatch
            ControllerWeight = draft.Own.ControllerWeight
            Start = draft.Own.Start
            Held = draft.Own.Held
            Assign = draft.Own.Assign
            Gradient = draft.Gradient
        }

/// The settings that a bundle of EM's begins with.
module internal EmBundles =

    /// The paper's appendix C.
    let paper: EmDraft = {
        Samples = 10
        MSteps = 15
        OwnEBatch = None
        ControllerWeight = 1.0
        Start = AtRandom
        Held = Beside
        Assign = PerDatapoint
    }

    /// What the reference library's examples do: of ten steps one is an E-step.
    let libmodular = { paper with MSteps = 9; Held = Among }

[<AutoOpen>]
module EmMethod =

    /// Generalised Viterbi EM (paper, Algorithm 1). Unless said, its settings are those of the paper's appendix C.
    /// Settings: `samples`, `m_steps`, `batch`, `e_batch`, `steps`, `epochs`, `optimizer`, `unselected`, `schedule`, `clip_norm`, `early_stopping`, `label_smoothing`, `average_weights`, `shards`, `loose_rounds`, `precision`, `controller_weight`, `start`, `held`, `assign`. Where one is said twice the last counts.
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

module internal EmKind =

    /// In the order in which files have them.
    let private fields =
        Codec.fields {
            let! samples = Codec.field "samples" (fun (em: Em) -> em.Samples) Codec.int
            and! mSteps = Codec.field "m_steps" _.MSteps Codec.int
            and! batch = Codec.field "batch" _.Gradient.Batch Codec.int
            and! eBatch = Codec.field "e_batch" _.EBatch Codec.int
            and! steps = Codec.field "steps" _.Gradient.Steps Codec.int
            and! optimizer = Codec.field "optimizer" _.Gradient.Optimizer Optimizers.codec
            and! unselected = Codec.field "unselected" _.Gradient.Unselected MethodKind.unselected
            and! schedule = Codec.field "schedule" _.Gradient.Schedule Schedules.codec
            and! controllerWeight = Codec.field "controller_weight" _.ControllerWeight Codec.float
            and! start = Codec.field "start" _.Start (Codec.words [ AtRandom, "at_random"; Sweep, "sweep" ])
            and! clipNorm = Codec.within _.Gradient MethodKind.clipNorm
            and! earlyStopping = Codec.within _.Gradient MethodKind.earlyStopping
            and! held = Codec.field "held" _.Held (Codec.words [ Beside, "beside"; Among, "among" ])

            and! assign =
                Codec.unlessPlain
                    "assign"
                    PerDatapoint
                    _.Assign
                    (Codec.words [ PerDatapoint, "per_datapoint"; PerTask, "per_task" ])

            and! later = Codec.within _.Gradient MethodKind.later

            return {
                Em.Samples = samples
                MSteps = mSteps
                EBatch = eBatch
                ControllerWeight = controllerWeight
                Start = start
                Held = held
                Assign = assign
                Gradient =
                    later {
                        MethodKind.plain with
                            Batch = batch
                            Steps = steps
                            Optimizer = optimizer
                            Unselected = unselected
                            Schedule = schedule
                            ClipNorm = clipNorm
                            EarlyStopping = earlyStopping
                    }
            }
        }

    let private check (site: MethodSite) (em: Em) =
        if em.Samples < 1 then
            site.Notes.Add(
                Fault.SBelowOne,
                site.Place "samples",
                "S ≥ 1",
                $"S = {em.Samples}",
                "draw at least one composition per E-step"
            )
        elif em.Samples = 1 && em.Held = Among then
            site.Notes.Add(
                Fault.SWithoutFresh,
                site.Place "samples",
                "S ≥ 2 where a* is one of them",
                "S = 1",
                "draw more, or say `held Beside`"
            )

        site.Notes.Positive(site.Place "m_steps", "a number of M-steps", em.MSteps) |> ignore
        site.Batch("batch", em.Gradient.Batch)

        // Unless said, the E-batch is the batch, and its fault the same one.
        if em.EBatch <> em.Gradient.Batch then site.Batch("e_batch", em.EBatch)

        if em.Assign = PerTask then
            let isInTurn =
                match site.Data with
                | Data.Stream stream -> not stream.Together
                | _ -> false

            if isInTurn then
                site.Notes.Add(
                    Fault.MethodUnfit,
                    site.Place "assign",
                    "`PerDatapoint` on a stream of tasks one after the other, which share modules by what each datapoint needs",
                    "`PerTask`",
                    "leave it out, or train on the tasks `together`"
                )
            elif (Sources.tasks site.Data).IsNone then
                site.Notes.Add(
                    Fault.NoTaskIds,
                    site.Place "assign",
                    "data with a task id for every datapoint, for `PerTask`",
                    "data without",
                    "give the data task ids (`task` of `csv`, `tasks` of `in_memory` and `generated`), or leave `assign` out"
                )

            for setting, value in
                [
                    "shards", em.Gradient.Shards |> Option.filter (fun shards -> shards > 1)
                    "loose_rounds", em.Gradient.LooseRounds
                ] do
                match value with
                | Some value ->
                    site.Notes.Add(
                        Fault.MethodUnfit,
                        site.Place setting,
                        "minibatches that are run whole, for `assign PerTask`, whose tasks may not be cut",
                        string<int> value,
                        "leave one of them out"
                    )
                | None -> ()

        site.Steps("M-steps", em.Gradient)
        site.Weight("controller_weight", em.ControllerWeight, "1 is Eq. 8; 0 leaves the controller as it began")

    let kind: MethodKind<Em> = {
        Word = "em"
        Get =
            (function
            | Method.Em em -> Some em
            | _ -> None)
        Make = Method.Em
        Fields = fields
        Check = check
    }
