namespace ModNet

open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime
open TorchSharp

/// What `check` and `train` say of an experiment before anything is trained: the data, and the settings with those that the script leaves to ModNet.
module internal Declared =

    let private columns (rows: (string * string) list) : string =
        Columns.lines (fun _ -> true) [ for name, value in rows -> [ name; value ] ] |> String.concat "\n"

    /// Classes by their names are told up to this many.
    let private mostNames = 12

    let private named (count: int) (noun: string) (names: string seq) =
        let names = List.ofSeq names

        if names.Length > mostNames then
            $"{Numbers.grouped (int64 count)} {noun}"
        else
            $"{count} {noun} (" + String.concat ", " names + ")"

    /// The least and the greatest weight.
    let private weights (train: Dataset) : string list =
        match train.Side with
        | null -> []
        | side when isNull side.Weights -> []
        | side ->
            use _scope = torch.NewDisposeScope()
            let least, most = side.Weights.min().ToSingle(), side.Weights.max().ToSingle()
            [ $"weights from {Numbers.ofSingle least} to {Numbers.ofSingle most}" ]

    /// The data in a line: how many datapoints, which classes, how many words.
    let data (source: Source) : string =
        let splits = source.Splits
        let prepared = source.Preparation

        let counted =
            [
                "training", splits.Train.Count
                "validation", splits.Validation |> Seq.sumBy _.Count
                "test", splits.Test |> Seq.sumBy _.Count
            ]
            |> List.filter (fun (_, count) -> count > 0L)
            |> List.map (fun (part, count) -> $"{Numbers.grouped count} {part}")
            |> String.concat ", "

        [
            string source.Facts["kind"] + $": {counted} datapoints"
            if not (isNull prepared.Words) then
                let tokens = RunFiles.value<string> source.Facts["tokens"] |> Option.defaultValue "words"
                $"{Numbers.grouped (int64 prepared.Words.Count)} {tokens}"
            match source.Facts["left_out"] with
            | null -> ()
            | count -> $"{Numbers.grouped (count.GetValue<int64>())} rows with missing numbers left out"
            match source.Facts["weightless"] with
            | null -> ()
            | count -> $"{Numbers.grouped (count.GetValue<int64>())} of weight 0 left out"
            yield! weights splits.Train
            if not (isNull prepared.Classes) then named prepared.Classes.Count "classes" prepared.Classes
            if not (isNull prepared.Tasks) then named prepared.Tasks.Count "tasks" prepared.Tasks
        ]
        |> String.concat "; "

    let private every (steps: int) = $"every {Numbers.grouped (int64 steps)} steps"

    /// Every setting of the experiment by name, as it will be, whether the script says it or not.
    let private settings (experiment: Experiment) (folder: string) : (string * string) list =
        let json = Experiment.to_json experiment
        let declared = (JsonNode.Parse json)["experiment"]
        let method = declared["method"].AsObject()

        [
            yield! RunFiles.methodRows method
            "seed", string experiment.Seed
            "device", string experiment.Device
            "a line of metrics", every experiment.LogEvery
            "evaluation", every experiment.ValidateEvery
            "checkpoint", every (defaultArg experiment.CheckpointEvery experiment.ValidateEvery)
            "folder of the run", folder
        ]

    /// What `check` tells of the data, and of a length in epochs how many steps it comes to. It reads the data where they are. A path that the
    /// script names may belong to another machine, so there need be nothing at it.
    let private found (sound: CheckedExperiment) (isSaid: bool) : (string * string) list =
        match Sources.path sound.Experiment.Data with
        | Some path when path.Trim() = "" -> [ "data", "not read, because no path is said; say --data PATH" ]
        | Some path when not isSaid && not (File.Exists path || Directory.Exists path) -> [
            "data", $"not read: {NearWord.NothingAt path} ({path})"
          ]
        | _ ->
            let source = Source.load sound
            use _splits = source.Splits
            let resolved = Epochs.resolved sound source.Splits.Train.Count

            [
                "data", data source
                if sound.Experiment.Method.Gradient.Epochs.IsSome then
                    "steps in all", Numbers.grouped (int64 resolved.Method.Steps)
            ]

    /// What `check` prints: the layers, the data, the settings. Raises UserException where the data do not fit.
    let all (sound: CheckedExperiment) (folder: string) (dataAreSaid: bool) : string =
        $"{sound}\n\n" + columns (found sound dataAreSaid @ settings sound.Experiment folder)
