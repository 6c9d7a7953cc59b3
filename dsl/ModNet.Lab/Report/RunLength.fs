namespace ModNet

open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime

/// How many gradient steps a run has in all, and whether it has made them.
[<RequireQualifiedAccess>]
module internal RunLength =

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
        | None -> experiment.Steps
        | Some epochs -> int64 epochs * length experiment datapoints

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
        | None -> experiment.Steps
        | Some _ -> datapointsIn folder |> Option.map (steps experiment) |> Option.defaultValue 0L

    /// Whether the run in a folder, which is of this experiment, has come to its end: to its last step, or to an early stop.
    let isOver (folder: string) (experiment: Experiment) : bool =
        RunFiles.summary folder
        |> Option.exists (fun summary ->
            RunFiles.isTrue "finished" summary
            && (RunFiles.isTrue "stopped_early" summary
                || RunFiles.value<int64> summary["steps"] = Some(plannedIn folder experiment)))

    /// The wall time of the latest line in a run's log, in seconds.
    let logged (folder: string) : float = (MetricsLog.OfFolder folder).Lines |> Seq.map _.Seconds |> Seq.fold max 0.0

    /// The wall time of a run so far, in seconds: what its summary says, unless its log has gone on since then.
    let seconds (folder: string) : float =
        RunFiles.summary folder
        |> Option.bind (fun summary -> RunFiles.asNumber summary["seconds"])
        |> Option.defaultValue 0.0
        |> max (logged folder)
