namespace ModNet

open System
open System.Collections.Concurrent
open ModNet.Runtime

/// Lengths of training that are said in epochs, as gradient steps.
[<RequireQualifiedAccess>]
module internal Epochs =

    /// The experiment with its length in steps, checked again where it was said in epochs. Raises UserException where the steps are too many, or
    /// too few for its schedule.
    let resolved (sound: CheckedExperiment) (datapoints: int64) : Experiment =
        let experiment = sound.Experiment

        match experiment.Method.Gradient.Epochs with
        | None -> experiment
        | Some epochs ->
            let steps, each = RunLength.steps experiment datapoints, RunLength.length experiment datapoints
            let most = int64 Int32.MaxValue

            if steps > most then
                Refusal.refuse
                    $"{experiment.Network.Name}/train/epochs"
                    $"at most {Numbers.grouped (most / each)} epochs of {Numbers.grouped each} gradient steps"
                    (Numbers.grouped (int64 epochs))
                    "train for fewer"

            let inSteps = Check.experiment { experiment with Method = experiment.Method.WithSteps(int steps) }
            (Refusal.orRaise inSteps).Experiment

    let private counts = ConcurrentDictionary<Data, int64>()

    /// The number of gradient steps in all of an experiment whose data may have to be read for that; None where they cannot be read.
    let planned (sound: CheckedExperiment) : int64 option =
        let experiment = sound.Experiment

        let read data =
            match Sources.points data with
            | Some(count, _) -> int64 count
            | None ->
                use splits = (Source.load sound).Splits
                splits.Train.Count

        if experiment.Method.Gradient.Epochs.IsNone then
            Some experiment.Steps
        else
            try
                Some(RunLength.steps experiment (counts.GetOrAdd(experiment.Data, read)))
            with :? UserException ->
                None
