namespace ModNet

open System.IO
open System.IO.Compression
open System.Text
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime

/// Logs of finished runs beside the results files, `logs/IDENTITY-SEED.jsonl.gz`: a line with what `spec.json`, `summary.json` and
/// `study.json` say, then the lines of `metrics.jsonl`. Run folders stay on the machine that made them; with their logs, curves can be
/// drawn anywhere.
[<RequireQualifiedAccess>]
module internal KeptLogs =

    let private fileOf (results: string) (identity: string) (seed: int) =
        Path.Combine(results, "logs", $"{identity}-{seed}.jsonl.gz")

    /// What is wrong with the file where it cannot be read.
    let private read (path: string) : Result<string, string> =
        try
            use packed = new GZipStream(File.OpenRead path, CompressionMode.Decompress)
            use reader = new StreamReader(packed)
            Ok(reader.ReadToEnd())
        with :? InvalidDataException as cause ->
            Error cause.Message

    let private write (path: string) (text: string) : unit =
        use memory = new MemoryStream()

        do
            use packed = new GZipStream(memory, CompressionLevel.SmallestSize, leaveOpen = true)

            packed.Write(Encoding.UTF8.GetBytes text)

        Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore
        WholeFile.Write(path, fun (file: Stream) -> file.Write(memory.ToArray()))

    let private command (words: string) : JsonNode = JsonValue.Create words

    /// The log as text, with nothing in it that is true of one machine's folders only. None where the folder has no whole run.
    let private text (words: string) (folder: string) : string option =
        let spec = RunFolder.spec folder |> Option.bind (Experiment.of_json >> Result.toOption)

        match spec, RunFolder.summary folder, RunRecord.fields folder with
        | Some experiment, Some summary, Some record ->
            summary["command"] <- command words
            record["command"] <- command words
            let head = JsonObject()
            head["spec"] <- JsonNode.Parse(Essence.text experiment)
            head["summary"] <- summary
            head["study"] <- record
            let metrics = File.ReadAllText(Path.Combine(folder, "metrics.jsonl"))
            Some(head.ToJsonString() + "\n" + metrics)
        | _ -> None

    /// Keeps a finished run's log; `words` is the command that makes the run.
    let keep (results: string) (words: string) (run: StudyRun, identity: string) : unit =
        let path = fileOf results identity run.Seed

        match text words run.Folder with
        | Some text when not (File.Exists path && read path = Ok text) -> write path text
        | _ -> ()

    /// Lays a kept log out as a run folder that has no checkpoint. Nothing is done where the folder is there, or no log.
    let unpack (results: string) (identity: string) (seed: int) (folder: string) : unit =
        let path = fileOf results identity seed

        if File.Exists path && not (Directory.Exists folder) then
            let damaged (cause: string) =
                raise (UserException(path, "the log of a run", cause, "get the file again, or delete it"))

            let text =
                match read path with
                | Ok text -> text
                | Error cause -> damaged cause

            let head, metrics =
                match text.IndexOf '\n' with
                | -1 -> text, ""
                | found -> text[..found], text[found + 1 ..]

            match RunFolder.parsed head with
            | Some fields when [ "spec"; "summary"; "study" ] |> List.forall (fun name -> fields[name] :? JsonObject) ->
                Directory.CreateDirectory folder |> ignore

                WholeFile.Write(Path.Combine(folder, "metrics.jsonl"), metrics)

                // The summary, which says that the run is finished, comes last.
                for name in [ "study"; "spec"; "summary" ] do
                    WholeFile.Write(Path.Combine(folder, $"{name}.json"), fields[name].ToJsonString() + "\n")
            | _ -> damaged "something else"
