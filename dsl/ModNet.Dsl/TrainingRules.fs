namespace ModNet

open System

/// What is wrong with an experiment's training.
module internal TrainingRules =

    let private optimizer (notes: Notes) place optimizer =
        let rate remedy value =
            notes.PositiveReal(Fault.NonPositiveRate, place, "a rate", value, remedy)

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

    let rec private schedule (notes: Notes) place (steps: int) schedule' =
        match schedule' with
        | Constant
        | Cosine -> ()
        | Decay(every, factor) ->
            notes.Positive(place, "a decay every number of M-steps", every) |> ignore

            if not (factor > 0.0 && factor <= 1.0) then
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    "a factor in (0, 1] for `Decay`",
                    Numbers.ofFloat factor,
                    "say 0.5 to halve the rate each time"
                )
        | Warmup(warm, after) ->
            match notes.Positive(place, "a warmup's number of M-steps", warm) with
            | Some warm when steps >= 1 && warm >= steps ->
                notes.Add(
                    Fault.ScheduleOutOfRange,
                    place,
                    $"a warmup of fewer than {Numbers.grouped (int64 steps)} M-steps, which are all there are",
                    Numbers.grouped (int64 warm),
                    "warm up for fewer, or train for more"
                )
            | _ -> ()

            schedule notes place (steps - warm) after

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

        notes.Positive(place "m_steps", "a number of M-steps", em.MSteps) |> ignore

        let batch setting size =
            match notes.Positive(place setting, "a number of datapoints", size), points data with
            | Some size, Some(count, otherwise) when count >= 1 && size > count ->
                notes.Add(
                    Fault.BatchAboveData,
                    place setting,
                    $"at most {count}, the data's points",
                    string size,
                    $"make the batch smaller{otherwise}"
                )
            | _ -> ()

        batch "batch" em.Batch

        // Unless said, the E-batch is the batch, and its fault the same one.
        if em.EBatch <> em.Batch then
            batch "e_batch" em.EBatch

        notes.Positive(place "steps", "a number of M-steps", em.Steps) |> ignore
        optimizer notes (place "optimizer") em.Optimizer
        schedule notes (place "schedule") em.Steps em.Schedule

        if not (em.ControllerWeight >= 0.0 && Double.IsFinite em.ControllerWeight) then
            notes.Add(
                Fault.WeightOutOfRange,
                place "controller_weight",
                "a weight ≥ 0",
                Numbers.ofFloat em.ControllerWeight,
                "1 is Eq. 8; 0 leaves the controller as it began"
            )
