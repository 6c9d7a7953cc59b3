namespace ModNet

open System
open System.Globalization
open System.IO
open System.IO.Compression
open System.Text
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime

/// `study.json` in the folder of a run.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal RunRecord =

    let private fileOf (folder: string) = Path.Combine(folder, "study.json")

    /// Now, as records and results have it.
    let now () = DateTime.UtcNow.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture)

    /// The record of a run that begins here and now.
    let begin' (command: string) : RunRecord = {
        Command = command
        Commit = Commit.current ()
        Processor = Machine.Processor()
        Began = now ()
        Ended = None
    }

    let write (folder: string) (record: RunRecord) : unit =
        Directory.CreateDirectory folder |> ignore
        WholeFile.Write(fileOf folder, StudyJson.writeRecord record)

    /// None where no study wrote one. Raises UserException where the file is damaged.
    let read (folder: string) : RunRecord option =
        let path = fileOf folder
        if File.Exists path then Some(StudyJson.readRecord path (PlainText.Read path)) else None

/// What studies keep in a folder `results` beside their scripts:
/// `NAME.json`, a study's results; `specs/IDENTITY.json`, the experiments that results are of; and `logs/IDENTITY-SEED.jsonl.gz` (or
/// `IDENTITY-DATA-SEED.jsonl.gz`, where that name belongs to a run on other data), the logs of finished runs, a line with what `spec.json`, `summary.json` and `study.json` say and then the lines of `metrics.jsonl`. Run folders stay on
/// the machine that made them; with results and logs, tables and curves can be made anywhere.
/// Example: `StudyStore.beside("notebooks").All() |> List.map _.Title`
[<Sealed>]
type StudyStore(folder: string) =

    let specOf identity = Path.Combine(folder, "specs", $"{identity}.json")

    let logNamed (name: string) (seed: int) = Path.Combine(folder, "logs", $"{name}-{seed}.jsonl.gz")

    /// What names a spec's file: twelve hexadecimal digits, and no path to anywhere else.
    let isIdentity (identity: string) = identity.Length = 12 && Seq.forall Char.IsAsciiHexDigitLower identity

    /// The identity that this version gives the experiment of a kept spec: a later version may write specs otherwise, and identities change
    /// with that. The same identity where no spec is kept that can be read.
    let current (identity: string) : string =
        let path = specOf identity

        if isIdentity identity && File.Exists path then
            match Experiment.of_json (PlainText.Read path) with
            | Ok experiment -> Essence.identity experiment
            | Error _ -> identity
        else
            identity

    /// The log's text, or what is wrong with the file.
    let unpacked (path: string) : Result<string, string> =
        try
            use packed = new GzipReader(File.ReadAllBytes path)
            use content = new MemoryStream()
            packed.CopyTo content
            Ok(PlainText.Of(path, content.ToArray()))
        with
        | :? InvalidDataException as cause -> Error cause.Message
        | :? UserException -> Error "a packed file of what is no text"

    /// The line that a log begins with, or what is wrong with the file.
    let headOf (path: string) : Result<JsonObject, string> =
        unpacked path
        |> Result.bind (fun text ->
            match RunFiles.parsed (text.Split('\n', 2)[0]) with
            | Some head -> Ok head
            | None -> Error "something else")

    /// The file of a run's log: the plain name, unless that one has the log of a run on other data.
    let logOf (identity: RunIdentity) (seed: int) : string =
        let plain = logNamed identity.Spec seed

        let isOfOtherData =
            match identity.Data, File.Exists plain with
            | Some data, true ->
                match headOf plain with
                | Ok head ->
                    match head["summary"] with
                    | :? JsonObject as summary -> RunIdentity.ofSummary summary |> Option.exists ((<>) data)
                    | _ -> false
                | Error _ -> false
            | _ -> false

        if isOfOtherData then logNamed (RunIdentity.text identity) seed else plain

    let packed (text: string) : byte[] =
        use memory = new MemoryStream()

        do
            use packed = new GZipStream(memory, CompressionLevel.SmallestSize, leaveOpen = true)
            packed.Write(Encoding.UTF8.GetBytes text)

        memory.ToArray()

    /// A run's log with nothing in it that is true of one machine's folders only. None where the folder has no whole run.
    let logText (command: string) (run: string) : string option =
        let spec = RunFiles.spec run |> Option.bind (Experiment.of_json >> Result.toOption)

        match spec, RunFiles.summary run, RunRecord.read run with
        | Some experiment, Some summary, Some record ->
            summary["command"] <- JsonValue.Create command
            let head = JsonObject()
            head["spec"] <- JsonNode.Parse(Essence.text experiment)
            head["summary"] <- summary
            head["study"] <- JsonNode.Parse(StudyJson.writeRecord { record with Command = command })
            Some(head.ToJsonString() + "\n" + PlainText.Read(Path.Combine(run, "metrics.jsonl")))
        | _ -> None

    /// The store of the scripts in a folder.
    static member beside(scripts: string) = StudyStore(Path.Combine(scripts, "results"))

    /// Does the action while no other process changes the store.
    member _.Locked(action: unit -> 'Result) : 'Result =
        use _held = FileLock.OfChanges folder
        action ()

    /// The results in a file, with the specs by the identities that they have now; None where there is no file.
    static member read(path: string) : StudyFile option =
        let store = StudyStore(Path.GetDirectoryName(Path.GetFullPath path))
        store.Load(Path.GetFileNameWithoutExtension path)

    /// The results of a study by the file's name; None where nothing is kept. Raises UserException where the file is damaged.
    member _.Load(name: string) : StudyFile option =
        let path = Path.Combine(folder, $"{name}.json")

        if File.Exists path then
            let file = StudyJson.read path (PlainText.Read path)

            let specs =
                [ yield! file.Rows |> List.map _.Spec; yield! file.Entries |> List.map _.Spec ]
                |> List.distinct
                |> List.map (fun identity -> identity, current identity)
                |> Map.ofList

            Some {
                file with
                    Rows = file.Rows |> List.map (fun row -> { row with Spec = specs[row.Spec] })
                    Entries = file.Entries |> List.map (fun entry -> { entry with Spec = specs[entry.Spec] })
            }
        else
            None

    /// The results of all studies, quick versions among them; none where there is no such folder.
    member _.All() : StudyFile list =
        if Directory.Exists folder then
            Directory.GetFiles(folder, "*.json") |> Seq.choose StudyStore.read |> Seq.toList
        else
            []

    /// Keeps results under a name; a file that says the same already is left as it is.
    member internal _.Save(name: string, file: StudyFile) : unit =
        let path, text = Path.Combine(folder, $"{name}.json"), StudyJson.write file
        Directory.CreateDirectory folder |> ignore
        if not (File.Exists path) || File.ReadAllText path <> text then WholeFile.Write(path, text)

    /// Keeps an experiment's spec.
    member internal _.KeepSpec(experiment: Experiment) : unit =
        let path = specOf (Essence.identity experiment)

        if not (File.Exists path) then
            Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
            WholeFile.Write(path, Essence.ofRow experiment + "\n")

    /// Keeps a finished run's log; `command` makes the run.
    member internal _.KeepLog(command: string, run: StudyRun, identity: RunIdentity) : unit =
        let path = logOf identity run.Seed

        match logText command run.Folder with
        | Some text when not (File.Exists path && unpacked path = Ok text) ->
            Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
            WholeFile.Write(path, fun (file: Stream) -> file.Write(packed text))
        | _ -> ()

    /// Lays a kept log out as a run's folder that has no checkpoint. Does nothing where the folder is there, or no log is kept. Raises
    /// UserException where the log is damaged.
    member internal _.LayOut(identity: RunIdentity, seed: int, run: string) : unit =
        let path = logOf identity seed

        if File.Exists path && not (Directory.Exists run) then
            let damaged cause = Refusal.refuse path "the log of a run" cause "get the file again, or delete it"

            let text =
                match unpacked path with
                | Ok text -> text
                | Error cause -> damaged cause

            let head, metrics =
                match text.IndexOf '\n' with
                | -1 -> text, ""
                | found -> text[..found], text[found + 1 ..]

            match RunFiles.parsed head with
            | Some fields when [ "spec"; "summary"; "study" ] |> List.forall (fun name -> fields[name] :? JsonObject) ->
                Directory.CreateDirectory run |> ignore
                WholeFile.Write(Path.Combine(run, "metrics.jsonl"), metrics)

                // The summary, which says that the run is finished, comes last.
                for name in [ "study"; "spec"; "summary" ] do
                    WholeFile.Write(Path.Combine(run, $"{name}.json"), fields[name].ToJsonString() + "\n")
            | _ -> damaged "something else"
