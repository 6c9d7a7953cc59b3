namespace ModNet

open System
open System.Collections.Concurrent
open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime

/// Lengths of training that are said in epochs, as gradient steps.
[<RequireQualifiedAccess>]
module internal Epochs =

    /// The number of gradient steps that go once through so many training datapoints.
    let length (experiment: Experiment) (datapoints: int64) : int64 =
        let consecutive =
            match experiment.Data with
            | Data.Text text -> text.CarryState
            | _ -> false

        Minibatches.PerPass(datapoints, int64 experiment.Method.Gradient.Batch, consecutive)

    /// The number of gradient steps in all.
    let steps (experiment: Experiment) (datapoints: int64) : int64 =
        match experiment.Method.Gradient.Epochs with
        | None -> int64 experiment.Method.Steps
        | Some epochs -> int64 epochs * length experiment datapoints

    /// The experiment with its length in steps, checked again where it was said in epochs. Raises UserException where the steps are too many, or
    /// too few for its schedule.
    let resolved (sound: CheckedExperiment) (datapoints: int64) : Experiment =
        let experiment = sound.Experiment

        match experiment.Method.Gradient.Epochs with
        | None -> experiment
        | Some epochs ->
            let steps, each = steps experiment datapoints, length experiment datapoints
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
            Some(int64 experiment.Method.Steps)
        else
            try
                Some(steps experiment (counts.GetOrAdd(experiment.Data, read)))
            with :? UserException ->
                None

    /// The number of training datapoints of the run in a folder: `data.json` tells it from the run's beginning, and the summary of a kept log in
    /// its place.
    let private datapointsIn (folder: string) : int64 option =
        match Preparation.Read(Path.Combine(folder, Preparation.FileName)) with
        | null -> None
        | prepared -> Option.ofNullable prepared.TrainingDatapoints
        |> Option.orElseWith (fun () ->
            match RunFiles.summary folder |> Option.bind (fun summary -> Option.ofObj summary["data"]) with
            | Some(:? JsonObject as data) -> RunFiles.value<int64> data["train"]
            | _ -> None)

    /// The number of gradient steps in all of the run in a folder, which is of this experiment; 0 where its length was said in epochs and its
    /// files do not tell how many datapoints there are.
    let plannedIn (folder: string) (experiment: Experiment) : int64 =
        match experiment.Method.Gradient.Epochs with
        | None -> int64 experiment.Method.Steps
        | Some _ -> datapointsIn folder |> Option.map (steps experiment) |> Option.defaultValue 0L
