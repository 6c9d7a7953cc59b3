namespace ModNet

open System
open System.Collections.Generic
open System.Globalization
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime

/// How far a run has come.
[<RequireQualifiedAccess>]
type internal RunState =
    /// A process is at work in its folder.
    | Running
    | Finished
    | StoppedEarly
    /// It has steps left, and nobody is at work on them: `--resume` goes on.
    | Interrupted
    /// It was changed since it was trained, and not trained on: `train FOLDER` goes on.
    | Edited

    override state.ToString() =
        match state with
        | Running -> "running"
        | Finished -> "finished"
        | StoppedEarly -> "stopped early"
        | Interrupted -> "interrupted"
        | Edited -> "edited"

/// A run as a list of runs shows it.
type internal RunOverview = {
    Folder: string
    /// The way to the folder from where the list began.
    Name: string
    Network: string
    Data: string
    Method: string
    Seed: int
    Steps: int64
    Planned: int64
    /// The step with the best validation, and what was measured of it there.
    Best: (int64 * MetricsLine) option
    /// When something was last logged or written, UTC.
    When: DateTime
    State: RunState
} with

    /// What was measured of held-out data, as a person reads it: the metrics that are told of such, else its log p.
    static member Measured(line: MetricsLine) : string =
        let told = [
            for metric in Metric.All do
                if List.ofSeq metric.EndPhases = [ "validation"; "test" ] then
                    match metric.AtEnd line with
                    | null -> ()
                    | text -> $"{metric.Title} {text}"
        ]

        let measured =
            match told, Option.ofNullable line[Metric.LogLikelihood] with
            | [], Some likelihood -> [ $"log p {Label.number likelihood}" ]
            | told, _ -> told

        String.concat ", " measured

    /// What was measured of the validation set at its best, and at which step that was.
    member run.BestText: string =
        match run.Best with
        | None -> "–"
        | Some(step, line) -> $"{RunOverview.Measured line} (step {Numbers.grouped step})"

/// Finds runs, and says of each what its folder holds.
module internal RunOverview =

    let private exists (folder: string) (name: string) = File.Exists(Path.Combine(folder, name))

    /// Whether a folder is that of a run: `export` writes a spec, too.
    let private isRun (folder: string) =
        (exists folder "spec.json" || exists folder "metrics.jsonl" || Checkpoint.IsIn folder)
        && not (ExportedWeights.IsIn folder)

    let private inside = EnumerationOptions(IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint)

    /// The folders of runs in a folder, or that folder itself, whatever lies between.
    let rec folders (folder: string) : string list =
        if isRun folder then
            [ folder ]
        else
            Directory.GetDirectories(folder, "*", inside)
            |> Array.sortWith (fun one other -> String.CompareOrdinal(one, other))
            |> Seq.filter (fun path -> not (Path.GetFileName(path).StartsWith '.'))
            |> Seq.collect folders
            |> Seq.toList

    let private lastWritten (folder: string) =
        [ "metrics.jsonl"; "summary.json"; "state.json"; "spec.json" ]
        |> List.map (fun name -> Path.Combine(folder, name))
        |> List.filter File.Exists
        |> List.map File.GetLastWriteTimeUtc
        |> List.max

    let private ofValues (step: int64) (values: JsonObject) : MetricsLine =
        let numbers = Dictionary<string, float>()

        for field in values do
            match RunFiles.asNumber field.Value with
            | Some number -> numbers[field.Key] <- number
            | None -> ()

        MetricsLine(step, "validation", numbers)

    let private best (summary: JsonObject option) (lines: MetricsLine seq) : (int64 * MetricsLine) option =
        let kept =
            summary
            |> Option.bind RunFiles.best
            |> Option.bind (fun (step, phases) ->
                phases
                |> List.tryFind (fst >> (=) "validation")
                |> Option.map (fun (_, values) -> int64 step, ofValues (int64 step) values))

        match kept with
        | Some _ -> kept
        | None ->
            // As a run chooses its best checkpoint: the first of the greatest log p, and the untrained network does not count.
            lines
            |> Seq.filter (fun line ->
                line.Phase = "validation" && line.Step > 0L && line[Metric.LogLikelihood].HasValue)
            |> Seq.fold
                (fun best line ->
                    match best with
                    | Some(_, other: MetricsLine) when
                        not (line[Metric.LogLikelihood].Value > other[Metric.LogLikelihood].Value)
                        ->
                        best
                    | _ -> Some(line.Step, line))
                None

    let private words (spec: JsonObject) (part: string) (path: string option) =
        let experiment = spec["experiment"]

        let kind =
            match experiment with
            | :? JsonObject as experiment ->
                match experiment[part] with
                | :? JsonObject as found -> RunFiles.value<string> found["kind"]
                | _ -> None
            | _ -> None

        let file =
            path
            |> Option.map (fun path -> Path.GetFileName(Path.TrimEndingDirectorySeparator path))
            |> Option.filter (fun name -> name <> "")

        [ kind |> Option.map RunFiles.name; file ] |> List.choose id |> String.concat " "

    /// The run in a folder, or what is damaged in it.
    let read (name: string) (folder: string) : Result<RunOverview, string> =
        try
            let problems = [
                if not (exists folder "spec.json") then "spec.json is missing"

                for file in [ "summary.json"; "state.json" ] do
                    if exists folder file && (PlainText.Read(Path.Combine(folder, file)) |> RunFiles.parsed).IsNone then
                        $"{file} is no JSON object"

                match (MetricsLog.OfFolder folder).Unreadable with
                | 0 -> ()
                | count -> $"{count} lines of metrics.jsonl cannot be read"
            ]

            match problems, RunFiles.spec folder with
            | [], Some text ->
                match Experiment.of_json text with
                | Error problem -> Error $"spec.json: {problem}"
                | Ok experiment ->
                    let spec = RunFiles.parsed text |> Option.defaultWith (fun () -> JsonObject())
                    let summary = RunFiles.summary folder
                    let lines = (MetricsLog.OfFolder folder).Lines
                    let planned = RunLength.plannedIn folder experiment
                    let isTrue name = summary |> Option.exists (RunFiles.isTrue name)

                    let summed =
                        summary
                        |> Option.bind (fun summary -> RunFiles.value<int64> summary["steps"])
                        |> Option.defaultValue 0L

                    let isEarly = isTrue "finished" && isTrue "stopped_early"
                    let isAtWork = RunFolder.IsAtWork folder

                    let trained = lines |> Seq.filter (fun line -> line.Phase = "train") |> Seq.map _.Step
                    let logged = Seq.append [ 0L; RunFiles.checkpointed folder ] trained |> Seq.max

                    Ok {
                        Folder = folder
                        Name = name
                        Network = experiment.Network.Name
                        Data = words spec "data" (Sources.path experiment.Data)
                        Method = words spec "method" None
                        Seed = experiment.Seed
                        Steps = if isEarly && not isAtWork then summed else max summed logged
                        Planned = planned
                        Best = best summary lines
                        When = lastWritten folder
                        State =
                            if isAtWork then RunState.Running
                            elif isEarly then RunState.StoppedEarly
                            elif isTrue "finished" && summed >= planned then RunState.Finished
                            elif File.Exists(Path.Combine(folder, "edit.json")) && summary.IsNone then RunState.Edited
                            else RunState.Interrupted
                    }
            | problems, _ -> Error(String.concat "; " problems)
        with
        | :? UserException as damaged -> Error damaged.Message
        // Another process may be moving the folder, or beginning the run.
        | :? IOException as refused -> Error refused.Message
        | :? UnauthorizedAccessException as refused -> Error refused.Message

    /// Every run in a folder, by name, with what its folder holds, or what is damaged there in one line. Raises UserException where there is no
    /// such folder.
    let list (folder: string) : (string * Result<RunOverview, string>) list =
        if not (Directory.Exists folder) then
            Refusal.refuse folder "a folder with runs" "none at that path" "give the folder that runs were written to"

        let oneLine (text: string) = text.Split('\n', StringSplitOptions.TrimEntries) |> String.concat "; "

        folders folder
        |> List.map (fun path ->
            let name =
                match Path.GetRelativePath(folder, path) with
                | "." -> DirectoryInfo(path).Name
                | name -> name

            name, read name path |> Result.mapError oneLine)

    let private time (time: DateTime) = time.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture)

    /// The headings of a table of runs.
    let headings = [
        "run"
        "network"
        "data"
        "method"
        "seed"
        "steps"
        "best validation"
        "last written (UTC)"
        "state"
    ]

    /// A row of a table of runs.
    let cells (run: RunOverview) : string list = [
        run.Name
        run.Network
        run.Data
        run.Method
        string run.Seed
        $"{Numbers.grouped run.Steps}/{Numbers.grouped run.Planned}"
        run.BestText
        time run.When
        string run.State
    ]

    /// The runs as a table, and a line for every folder that is damaged.
    let lines (runs: (string * Result<RunOverview, string>) list) : string list =
        let rows = runs |> List.choose (snd >> Result.toOption) |> List.map cells

        [
            if not rows.IsEmpty then yield! Columns.lines (fun column -> column < 4 || column > 5) (headings :: rows)

            for name, found in runs do
                match found with
                | Error problem -> $"{name}: damaged – {problem}"
                | Ok _ -> ()
        ]

    let private node (value: 'Value) : JsonNode = JsonValue.Create value

    let private number (value: float) : JsonNode = if Double.IsFinite value then node value else null

    /// The same as a JSON array, an object for each folder.
    let json (runs: (string * Result<RunOverview, string>) list) : string =
        let fields (values: (string * JsonNode) list) = values |> List.map KeyValuePair |> JsonObject :> JsonNode

        let entries = [|
            for name, found in runs do
                match found with
                | Error problem -> fields [ "name", node name; "damaged", node problem ]
                | Ok run ->
                    fields [
                        "name", node run.Name
                        "folder", node run.Folder
                        "network", node run.Network
                        "data", node run.Data
                        "method", node run.Method
                        "seed", node run.Seed
                        "steps", node run.Steps
                        "planned", node run.Planned
                        "best",
                        (match run.Best with
                         | None -> null
                         | Some(step, line) ->
                             fields [
                                 "step", node step
                                 for KeyValue(metric, value) in line.Values do
                                     metric, number value
                             ])
                        "last_written", node (run.When.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))
                        "state", node (string run.State)
                    ]
        |]

        let relaxed = Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
        JsonArray(entries).ToJsonString(JsonSerializerOptions(WriteIndented = true, Encoder = relaxed))
