namespace ModNet

open System
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Runtime

/// Reads the folders of a study's runs.
[<RequireQualifiedAccess>]
module internal RunReader =

    /// `ROOT/ROW/seed-S`.
    let folderOf (root: string) (row: string) (seed: int) = Path.Combine(root, row, $"seed-{seed}")

    /// The seeds for which a row has a folder.
    let seedsOf (root: string) (row: string) : int list =
        let folder = Path.Combine(root, row)

        if Directory.Exists folder then
            Directory.GetDirectories(folder, "seed-*")
            |> Seq.choose (fun path ->
                match Int32.TryParse((Path.GetFileName path)["seed-".Length ..]) with
                | true, seed -> Some seed
                | _ -> None)
            |> Seq.sort
            |> Seq.toList
        else
            []

    let private experiment (folder: string) : Experiment option =
        RunFiles.spec folder |> Option.bind (Experiment.of_json >> Result.toOption)

    let private numbers (fields: JsonObject) : Map<string, float> =
        fields
        |> Seq.choose (fun field ->
            match field.Value with
            | :? JsonValue as value when value.GetValueKind() = JsonValueKind.Number ->
                Some(field.Key, value.GetValue<float>())
            | _ -> None)
        |> Map.ofSeq

    let private phases (summary: JsonObject) : Map<string, Map<string, float>> =
        RunFiles.last summary |> List.map (fun (phase, values) -> phase, numbers values) |> Map.ofList

    let private stateOf (folder: string) = Path.Combine(folder, "state.json")

    /// Whether the folder is a kept log that was laid out (`StudyStore.LayOut`), without weights and a checkpoint to go on from.
    let isLogAlone (folder: string) : bool = not (File.Exists(stateOf folder))

    let private found (row: StudyRow) (seed: int) (folder: string) : (StudyRun * RunIdentity) option =
        experiment folder
        |> Option.filter (fun found -> found.Seed = seed)
        |> Option.map (fun experiment ->
            let summary = RunFiles.summary folder |> Option.defaultWith (fun () -> JsonObject())

            let own = numbers summary
            let number (name: string) = Map.tryFind name own
            let planned = RunLength.plannedIn folder experiment

            let ended =
                number "steps"
                |> Option.filter (fun _ -> own.ContainsKey "seconds" && RunLength.isOver folder experiment)

            let finished = ended.IsSome

            let run = {
                Row = row.Id
                Label = row.Label
                Seed = seed
                Folder = folder
                Steps = ended |> Option.map int64 |> Option.defaultWith (fun () -> RunFiles.checkpointed folder)
                Planned = planned
                Finished = finished
                Seconds = if finished then own["seconds"] else RunLength.logged folder
                Facts =
                    own
                    |> Map.filter (fun name _ -> not (List.contains name [ "seed"; "steps"; "seconds"; "threads" ]))
                Phases = phases summary
                Declared = Carried.some row.Experiment
            }

            run, RunIdentity.ofFolder folder experiment)

    /// The run in a folder and what it is of; None where none has begun, or it cannot be read.
    let read (row: StudyRow) (seed: int) (folder: string) : (StudyRun * RunIdentity) option =
        try
            found row seed folder
        with
        // Another process may be moving the folder, or beginning the run.
        | :? IOException
        | :? JsonException -> None

    /// The entry of a run in its study's results file; `command` makes the run.
    let entry (measures: StudyMeasure list) (command: string) (run: StudyRun, identity: RunIdentity) : StudyEntry =
        let summary = RunFiles.summary run.Folder
        let record = RunRecord.read run.Folder

        let said (path: string list) =
            let step (node: JsonNode option) (name: string) =
                match node with
                | Some(:? JsonObject as fields) -> Option.ofObj fields[name]
                | _ -> None

            path |> List.fold step (summary |> Option.map (fun fields -> fields :> JsonNode))

        {
            Row = run.Row
            Seed = run.Seed
            Spec = identity.Spec
            Data = identity.Data
            Finished = run.Finished
            Steps = run.Steps
            Planned = run.Planned
            Values =
                if run.Finished then
                    measures
                    |> List.choose (fun measure -> measure.Of run |> Option.map (fun value -> measure.Name, value))
                    |> Map.ofList
                else
                    Map.empty
            Phases = run.Phases
            Facts = run.Facts
            Command = command
            Commit = record |> Option.bind _.Commit |> Option.map _.Hash
            Dirty = record |> Option.bind _.Commit |> Option.exists _.Dirty
            Processor = record |> Option.map _.Processor
            Threads = said [ "threads" ] |> Option.bind RunFiles.value<int>
            Libtorch = said [ "versions"; "libtorch" ] |> Option.bind RunFiles.value<string>
            Device = said [ "device" ] |> Option.bind RunFiles.value<string>
            Seconds = run.Seconds
            Date = record |> Option.map (fun record -> defaultArg record.Ended record.Began) |> Option.defaultValue ""
        }
