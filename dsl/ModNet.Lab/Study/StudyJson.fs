namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Runtime

/// The JSON of what a study keeps: results files, and the records of runs (`study.json`).
[<RequireQualifiedAccess>]
module StudyJson =

    let private version = 1

    let private object (fields: (string * JsonNode) list) = JsonObject(fields |> List.map KeyValuePair)

    let private text (value: string) : JsonNode = JsonValue.Create value

    let private some (create: 'Value -> JsonNode) (value: 'Value option) : JsonNode =
        value |> Option.map create |> Option.toObj

    let private list (create: 'Item -> JsonNode) (items: 'Item list) : JsonNode =
        JsonArray(items |> List.map create |> List.toArray)

    // JSON has no numbers that are not finite: they are left out.
    let private numbers (values: Map<string, float>) : JsonNode =
        object [
            for KeyValue(name, value) in values do
                if Double.IsFinite value then name, JsonValue.Create value :> JsonNode
        ]

    let private row (row: StudyFileRow) : JsonNode =
        let paper =
            object [
                for KeyValue(measure, value) in row.Paper do
                    match value with
                    | PaperValue.Number number -> measure, JsonValue.Create number :> JsonNode
                    | PaperValue.Words words -> measure, text words
            ]

        object [ "row", text row.Id; "label", text row.Label; "paper", paper; "spec", text row.Spec ]

    let private entry (entry: StudyEntry) : JsonNode =
        object [
            "row", text entry.Row
            "seed", JsonValue.Create entry.Seed
            "spec", text entry.Spec
            "finished", JsonValue.Create entry.Finished
            "steps", JsonValue.Create entry.Steps
            "planned", JsonValue.Create entry.Planned
            "values", numbers entry.Values
            for KeyValue(phase, values) in entry.Phases do
                phase, numbers values
            "facts", numbers entry.Facts
            "command", text entry.Command
            "commit", some text entry.Commit
            "dirty", JsonValue.Create entry.Dirty
            "processor", some text entry.Processor
            "threads", some (fun (n: int) -> JsonValue.Create n :> JsonNode) entry.Threads
            "libtorch", some text entry.Libtorch
            "device", some text entry.Device
            "seconds", JsonValue.Create entry.Seconds
            "date", text entry.Date
        ]

    let private indented =
        JsonSerializerOptions(WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping)

    /// The file as JSON text.
    let write (file: StudyFile) : string =
        let json =
            object [
                "version", JsonValue.Create version
                "study", text file.Study
                "title", text file.Title
                "quick", JsonValue.Create file.Quick
                "measures", list text file.Measures
                "needs_data", JsonValue.Create file.NeedsData
                "rows", list row file.Rows
                "runs", list entry file.Entries
            ]

        json.ToJsonString indented + "\n"

    let private value<'Value> (node: JsonNode) (field: string) : 'Value = node[field].GetValue<'Value>()

    let private optional<'Value> (node: JsonNode) (field: string) : 'Value option =
        match node[field] with
        | null -> None
        | found -> Some(found.GetValue<'Value>())

    let private items (read: JsonNode -> 'Item) (node: JsonNode) (field: string) : 'Item list =
        node[field].AsArray() |> Seq.map read |> Seq.toList

    let private readNumbers (node: JsonNode) : Map<string, float> =
        node.AsObject() |> Seq.map (fun pair -> pair.Key, pair.Value.GetValue<float>()) |> Map.ofSeq

    let private readRow (node: JsonNode) : StudyFileRow = {
        Id = value node "row"
        Label = value node "label"
        Paper =
            node["paper"].AsObject()
            |> Seq.map (fun pair ->
                let said =
                    match pair.Value.GetValueKind() with
                    | JsonValueKind.Number -> PaperValue.Number(pair.Value.GetValue<float>())
                    | _ -> PaperValue.Words(pair.Value.GetValue<string>())

                pair.Key, said)
            |> Map.ofSeq
        Spec = value node "spec"
    }

    let private phases = [ "train"; "validation"; "test" ]

    let private readEntry (node: JsonNode) : StudyEntry = {
        Row = value node "row"
        Seed = value node "seed"
        Spec = value node "spec"
        Finished = value node "finished"
        Steps = value node "steps"
        Planned = value node "planned"
        Values = readNumbers node["values"]
        Phases =
            Map.ofList [
                for phase in phases do
                    match node[phase] with
                    | null -> ()
                    | values -> phase, readNumbers values
            ]
        Facts = readNumbers node["facts"]
        Command = value node "command"
        Commit = optional node "commit"
        Dirty = value node "dirty"
        Processor = optional node "processor"
        Threads = optional node "threads"
        Libtorch = optional node "libtorch"
        Device = optional node "device"
        Seconds = value node "seconds"
        Date = value node "date"
    }

    /// What the action makes of a JSON text that `write` or `writeRecord` wrote; a UserException about the file at `path` for any other text.
    let private reading (path: string) expected remedy (json: string) (action: JsonNode -> 'Value) : 'Value =
        let refuse got = Refusal.refuse path expected got remedy

        try
            // If a property stood there twice, nobody could tell which one counts.
            JsonNode.Parse(json, documentOptions = JsonDocumentOptions(AllowDuplicateProperties = false)) |> action
        with
        | :? JsonException as cause -> refuse cause.Message
        | :? NullReferenceException
        | :? InvalidOperationException
        | :? ArgumentException
        | :? FormatException -> refuse "other fields"

    let private results = "results that `./modnet reproduce` wrote"
    let private moveAway = "mend it, or move it away: what the run folders still have comes back"

    /// The file that `write` wrote. Raises UserException, which names `path`, for any other text.
    let read (path: string) (json: string) : StudyFile =
        reading path results moveAway json (fun node ->
            match value<int> node "version" with
            | found when found <> version -> Refusal.refuse path results $"version {found}" moveAway
            | _ -> ()

            {
                Study = value node "study"
                Title = value node "title"
                Quick = value node "quick"
                Measures = items _.GetValue<string>() node "measures"
                NeedsData = value node "needs_data"
                Rows = items readRow node "rows"
                Entries = items readEntry node "runs"
            })

    /// A run's record as JSON text.
    let writeRecord (record: RunRecord) : string =
        let json =
            object [
                "command", text record.Command
                "commit", record.Commit |> some (fun commit -> text commit.Hash)
                "dirty", JsonValue.Create(record.Commit |> Option.exists _.Dirty)
                "processor", text record.Processor
                "began", text record.Began
                "ended", some text record.Ended
            ]

        json.ToJsonString indented + "\n"

    /// The record that `writeRecord` wrote. Raises UserException, which names `path`, for any other text.
    let readRecord (path: string) (json: string) : RunRecord =
        reading
            path
            "the record of a study's run"
            "remove it: results then tell nothing of this run's commit and machine"
            json
            (fun node -> {
                Command = value node "command"
                Commit = optional node "commit" |> Option.map (fun hash -> { Hash = hash; Dirty = value node "dirty" })
                Processor = value node "processor"
                Began = value node "began"
                Ended = optional node "ended"
            })
