namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open System.Text.Json.Nodes
open ModNet.Runtime

/// Who made a run of a study, and when: `study.json` in its folder. A run that was resumed tells of its last part.
type RunRecord = {
    Command: string
    Commit: Commit option
    Processor: string
    /// UTC, ISO 8601.
    Began: string
    Ended: string option
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal RunRecord =

    let private fileOf (folder: string) = Path.Combine(folder, "study.json")

    let now () = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", Globalization.CultureInfo.InvariantCulture)

    /// The record of a run that begins here and now.
    let begin' (command: string) : RunRecord = {
        Command = command
        Commit = Commit.current ()
        Processor = Machine.Processor()
        Began = now ()
        Ended = None
    }

    let write (folder: string) (record: RunRecord) : unit =
        let fields =
            JsonObject [
                KeyValuePair("command", JsonValue.Create record.Command :> JsonNode)
                KeyValuePair(
                    "commit",
                    record.Commit |> Option.map (fun commit -> JsonValue.Create commit.Hash :> JsonNode) |> Option.toObj
                )
                KeyValuePair("dirty", JsonValue.Create(record.Commit |> Option.exists _.Dirty))
                KeyValuePair("processor", JsonValue.Create record.Processor)
                KeyValuePair("began", JsonValue.Create record.Began)
                KeyValuePair(
                    "ended",
                    record.Ended |> Option.map (fun time -> JsonValue.Create time :> JsonNode) |> Option.toObj
                )
            ]

        Directory.CreateDirectory folder |> ignore
        WholeFile.Write(fileOf folder, fields.ToJsonString(JsonSerializerOptions(WriteIndented = true)) + "\n")

    /// What the action makes of the record as JSON; None where no study wrote one. Raises UserException where it is damaged.
    let private reading (folder: string) (action: JsonObject -> 'Result) : 'Result option =
        let path = fileOf folder

        if not (File.Exists path) then
            None
        else
            try
                Some(JsonNode.Parse(File.ReadAllText path).AsObject() |> action)
            with
            | :? JsonException
            | :? InvalidOperationException
            | :? NullReferenceException
            | :? ArgumentException
            | :? FormatException ->
                raise (
                    UserException(
                        path,
                        "the record of a study's run",
                        "a damaged file",
                        "remove it: results then tell nothing of this run's commit and machine"
                    )
                )

    /// The record as JSON; None where no study wrote one. Raises UserException where it is damaged.
    let fields (folder: string) : JsonObject option = reading folder id

    let private ofFields (fields: JsonObject) : RunRecord =
        let text (name: string) = fields[name] |> Option.ofObj |> Option.map _.GetValue<string>()

        {
            Command = (text "command").Value
            Commit = text "commit" |> Option.map (fun hash -> { Hash = hash; Dirty = fields["dirty"].GetValue<bool>() })
            Processor = (text "processor").Value
            Began = (text "began").Value
            Ended = text "ended"
        }

    /// None where no study wrote one. Raises UserException where it is damaged.
    let read (folder: string) : RunRecord option = reading folder ofFields
