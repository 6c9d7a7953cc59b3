namespace ModNet

open System

/// What is wrong with an experiment's training.
module internal TrainingRules =

    let private optimizer (notes: Notes) place optimizer =
        let rate remedy value = notes.PositiveReal(Fault.NonPositiveRate, place, "a rate", value, remedy)

        match optimizer with
        | Adam value -> rate "Adam's usual rate is 1e-3" value
        | AdamW(value, decay) ->
            rate "AdamW's usual rate is 1e-3" value

            if not (decay >= 0.0 && Double.IsFinite decay) then
                notes.Add(
                    Fault.DecayOutOfRange,
                    place,
                    "a decay ≥ 0",
                    Numbers.ofFloat decay,
                    "AdamW's usual decay is 0.01"
                )
        | Sgd(value, momentum) ->
            rate "SGD's usual rate is 0.1 or less" value

            if not (momentum >= 0.0 && momentum < 1.0) then
                notes.Add(
                    Fault.MomentumOutOfRange,
                    place,
                    "a momentum in [0, 1)",
                    Numbers.ofFloat momentum,
                    "the usual one is 0.9; 0 is none"
                )

    let rec private schedule (notes: Notes) word place (steps: int) schedule' =
        match schedule' with
        | Constant
        | Cosine -> ()
        | Decay(every, factor) ->
            notes.Positive(place, $"a decay every number of {word}", every) |> ignore

            if not (factor > 0.0 && factor <= 1.0) then
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    "a factor in (0, 1] for `Decay`",
                    Numbers.ofFloat factor,
                    "say 0.5 to halve the rate each time"
                )
        | Warmup(warm, after) ->
            match notes.Positive(place, $"a warmup's number of {word}", warm) with
            | Some warm when steps >= 1 && warm >= steps ->
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    $"a warmup of fewer than {Numbers.grouped (int64 steps)} {word}, which are all there are",
                    Numbers.grouped (int64 warm),
                    "warm up for fewer, or train for more"
                )
            | _ -> ()

            schedule notes word place (steps - warm) after

    /// Training points, where their number is known before the data are read, and what to do about too few.
    let private points data =
        match data with
        | Data.ToyRegression toy -> Some(toy.Points, ", or draw more points")
        | Data.Generated data -> Some(data.Points, ", or draw more points")
        | Data.InMemory data -> Some(data.Points - max 0 data.HeldOut - max 0 data.Test, "")
        | Data.Text _
        | Data.Csv _
        | Data.Mnist _
        | Data.Cifar10 _ -> None

    let private batch (notes: Notes) place data size =
        match notes.Positive(place, "a number of datapoints", size), points data with
        | Some size, Some(count, otherwise) when count >= 1 && size > count ->
            notes.Add(
                Fault.BatchAboveData,
                place,
                $"at most {count}, the data's points",
                string size,
                $"make the batch smaller{otherwise}"
            )
        | _ -> ()

    /// A weight of a part of the loss.
    let private weight (notes: Notes) place value remedy =
        if not (value >= 0.0 && Double.IsFinite value) then
            notes.Add(Fault.WeightOutOfRange, place, "a weight ≥ 0", Numbers.ofFloat value, remedy)

    let em (notes: Notes) root data (em: Em) =
        let place setting = $"{root}/train/{setting}"

        if em.Samples < 1 then
            notes.Add(
                Fault.SBelowOne,
                place "samples",
                "S ≥ 1",
                $"S = {em.Samples}",
                "draw at least one composition per E-step"
            )
        elif em.Samples = 1 && em.Held = Among then
            notes.Add(
                Fault.SWithoutFresh,
                place "samples",
                "S ≥ 2 where a* is one of them",
                "S = 1",
                "draw more, or say `held Beside`"
            )

        notes.Positive(place "m_steps", "a number of M-steps", em.MSteps) |> ignore
        batch notes (place "batch") data em.Batch

        // Unless said, the E-batch is the batch, and its fault the same one.
        if em.EBatch <> em.Batch then batch notes (place "e_batch") data em.EBatch

        notes.Positive(place "steps", "a number of M-steps", em.Steps) |> ignore
        optimizer notes (place "optimizer") em.Optimizer
        schedule notes "M-steps" (place "schedule") em.Steps em.Schedule
        weight notes (place "controller_weight") em.ControllerWeight "1 is Eq. 8; 0 leaves the controller as it began"

    /// What the methods other than EM have in common.
    let gradient (notes: Notes) root data (gradient: GradientSteps) =
        let place setting = $"{root}/train/{setting}"
        batch notes (place "batch") data gradient.Batch

        notes.Positive(place "steps", "a number of gradient steps", gradient.Steps) |> ignore

        optimizer notes (place "optimizer") gradient.Optimizer
        schedule notes "gradient steps" (place "schedule") gradient.Steps gradient.Schedule

    let reinforce (notes: Notes) root data (reinforce: Reinforce) =
        if not (reinforce.Decay >= 0.0 && reinforce.Decay < 1.0) then
            notes.Add(
                Fault.DecayOutOfRange,
                $"{root}/train/decay",
                "a decay in [0, 1)",
                Numbers.ofFloat reinforce.Decay,
                "0.99 averages over some hundred minibatches; 0 takes the one before"
            )

        gradient notes root data reinforce.Gradient

    let noisyTopK (notes: Notes) root data (mixture: NoisyTopK) =
        let place setting = $"{root}/train/{setting}"

        if mixture.K < 1 then
            notes.Add(Fault.KBelowOne, place "k", "k ≥ 1", $"k = {mixture.K}", "run at least one module")

        weight notes (place "importance") mixture.Importance "0.1 is usual; 0 is without the loss"
        weight notes (place "load") mixture.Load "0.1 is usual; 0 is without the loss"
        gradient notes root data mixture.Gradient
