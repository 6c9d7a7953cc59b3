namespace ModNet

open System.Collections.Concurrent
open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime

/// What a study's run is of: a run of other settings, or on other data, is another run.
type internal RunIdentity = {
    /// The identity of the experiment, whatever its seed (`Essence.identity`).
    Spec: string
    /// What the data are (`DataIdentity.Short`). None where they are not known, or lie in no files.
    Data: string option
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module internal RunIdentity =

    /// Whether the data lie in files. A spec has the checksum of arrays in itself, and drawn data follow from it and the seed.
    let private areFiles (data: Data) = (Sources.path data).IsSome

    // All rows of a study mostly have the same data, which take a while to read.
    let private known = ConcurrentDictionary<string * Data, string>()

    /// What of the data decides which datapoints are read: of a stream nothing that training makes of its tasks.
    let private asRead (data: Data) =
        match data with
        | Data.Stream stream -> Data.Stream(PlainStream.ofTasks stream.Tasks)
        | other -> other

    /// Images are the same for every network, and other data may not be.
    let private reader (experiment: Experiment) =
        let isImages (part: Data) =
            match part with
            | Data.Mnist _
            | Data.Cifar10 _ -> true
            | _ -> false

        if List.forall isImages experiment.Data.Parts then "" else experiment.Network.Name

    /// What the data of an experiment are, which are read for that; None where they lie in no files, or nobody has said where they are.
    let private dataOf (sound: CheckedExperiment) : string option =
        let data = sound.Experiment.Data

        if not (areFiles data) || Sources.path data = Some "" then
            None
        else
            let read _ =
                let source = Source.load sound
                use splits = source.Splits
                splits.Identity.Short

            Some(known.GetOrAdd((reader sound.Experiment, asRead data), read))

    /// What a run of the experiment would be of. Raises UserException where its data cannot be read.
    let wanted (declared: Experiment) (sound: CheckedExperiment) : RunIdentity = {
        Spec = Essence.identity declared
        Data = dataOf sound
    }

    /// Whether a run is of what is wanted. What is not known of the data does not count.
    let fits (wanted: RunIdentity) (found: RunIdentity) : bool =
        found.Spec = wanted.Spec && (wanted.Data.IsNone || found.Data.IsNone || found.Data = wanted.Data)

    /// The identity as the name of a folder or file has it.
    let text (identity: RunIdentity) : string =
        identity.Spec + (identity.Data |> Option.map (fun data -> $"-{data}") |> Option.defaultValue "")

    let private ofFile (node: JsonNode) =
        match node with
        | :? JsonObject as file ->
            match
                RunFiles.value<string> file["name"],
                RunFiles.value<int64> file["bytes"],
                RunFiles.value<string> file["sha256"]
            with
            | Some name, Some bytes, Some checksum -> Some(DataFile(name, bytes, checksum))
            | _ -> None
        | _ -> None

    /// What a summary says of the data. Earlier versions named the files, and no identity.
    let ofSummary (summary: JsonObject) : string option =
        match summary["data"] with
        | :? JsonObject as data ->
            match RunFiles.value<string> data["identity"], data["files"] with
            | Some identity, _ -> Some identity
            | None, (:? JsonArray as files) -> Some (DataIdentity(files |> Seq.choose ofFile |> Seq.toArray)).Short
            | _ -> None
        | _ -> None

    /// What the run in a folder is of. `data.json` tells of its data from the run's beginning, and the summary of a kept log in its place.
    let ofFolder (folder: string) (experiment: Experiment) : RunIdentity = {
        Spec = Essence.identity experiment
        Data =
            if not (areFiles experiment.Data) then
                None
            else
                match Preparation.Read(Path.Combine(folder, Preparation.FileName)) with
                | null -> RunFiles.summary folder |> Option.bind ofSummary
                | prepared -> Some prepared.Data.Short
    }
