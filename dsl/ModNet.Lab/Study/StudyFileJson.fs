namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Text.Encodings.Web
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Runtime

/// A results file as JSON.
[<RequireQualifiedAccess>]
module StudyFileJson =

    let private version = 1

    let private object (fields: (string * JsonNode) list) = JsonObject(fields |> List.map KeyValuePair)

    let private text (value: string) : JsonNode = JsonValue.Create value

    let private some (create: 'Value -> JsonNode) (value: 'Value option) : JsonNode =
        value |> Option.map create |> Option.toObj

    let private list (create: 'Item -> JsonNode) (items: 'Item list) : JsonNode =
        JsonArray(items |> List.map create |> List.toArray)

    // JSON has no word for what is not finite: such a number is left out.
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

    /// What `write` wrote. Raises UserException, which speaks of `path`, for any other text.
    let read (path: string) (json: string) : StudyFile =
        let refuse got =
            raise (
                UserException(
                    path,
                    "results that `./modnet reproduce` wrote",
                    got,
                    "mend it, or move it away: what the run folders still have comes back"
                )
            )

        try
            // A property said twice would leave it open which one counts.
            let strict = JsonDocumentOptions(AllowDuplicateProperties = false)

            let node = JsonNode.Parse(json, documentOptions = strict)

            match value<int> node "version" with
            | found when found <> version -> refuse $"version {found}"
            | _ -> ()

            {
                Study = value node "study"
                Title = value node "title"
                Quick = value node "quick"
                Measures = items _.GetValue<string>() node "measures"
                NeedsData = value node "needs_data"
                Rows = items readRow node "rows"
                Entries = items readEntry node "runs"
            }
        with
        | :? JsonException as cause -> refuse cause.Message
        | :? NullReferenceException
        | :? InvalidOperationException
        | :? FormatException -> refuse "other fields"

    /// The file at a path, its specs by the identities that they have now; None where there is none.
    let load (path: string) : StudyFile option =
        if File.Exists path then
            let file = read path (File.ReadAllText path)
            let results = Path.GetDirectoryName(Path.GetFullPath path)

            let specs =
                [ yield! file.Rows |> List.map _.Spec; yield! file.Entries |> List.map _.Spec ]
                |> List.distinct
                |> List.map (fun identity -> identity, StudySpecs.current results identity)
                |> Map.ofList

            Some {
                file with
                    Rows = file.Rows |> List.map (fun row -> { row with Spec = specs[row.Spec] })
                    Entries = file.Entries |> List.map (fun entry -> { entry with Spec = specs[entry.Spec] })
            }
        else
            None
