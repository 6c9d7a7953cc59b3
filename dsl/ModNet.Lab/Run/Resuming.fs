namespace ModNet

open System.IO
open System.Text.Json.Nodes
open ModNet.Runtime

/// Decides whether an experiment may continue a run.
module internal Resuming =

    /// The number of shards of the run in a folder; None where it cannot be read, or has none.
    let shards (folder: string) : int option =
        try
            File.ReadAllText(Path.Combine(folder, "spec.json"))
            |> Experiment.of_json
            |> Result.toOption
            |> Option.bind _.Method.Gradient.Shards
        with :? IOException ->
            None

    // Weights, streams and a* can continue on any device.
    let private essence (experiment: Experiment) =
        let gradient = experiment.Method.Gradient

        // Where one task ends and the next begins is part of what a stream is.
        let steps = if StreamResults.isSequential experiment then gradient.Steps else 1

        let anyLength = { gradient with Steps = steps; Epochs = None; EarlyStopping = None }
        Essence.text { experiment with Method = experiment.Method.WithGradient anyLength; Device = Cpu }

    /// Whether the rate at a step depends on how many steps there are in all.
    let rec private dependsOnLength (schedule: ModNet.Schedule) =
        match schedule with
        | Cosine -> true
        | Warmup(_, after) -> dependsOnLength after
        | Constant
        | Decay _ -> false

    let private mostLines = 12

    let private differences (earlier: string) (now: string) =
        let experiment (text: string) =
            JsonNode.Parse(text, documentOptions = System.Text.Json.JsonDocumentOptions(MaxDepth = JsonReader.Depth))["experiment"]

        let lines = JsonDifference.between "$" (experiment earlier) (experiment now)

        let rest = if lines.Length > mostLines then [ $"and {lines.Length - mostLines} more" ] else []

        (List.truncate mostLines lines) @ rest |> List.map (fun line -> $"\n  {line}") |> String.concat ""

    /// Raises UserException, with a list of what differs, unless the experiment is the one that the folder's run was of, but for its
    /// length, its device and how often it looks. It is to learn from so many datapoints.
    let demandSame (folder: string) (experiment: Experiment) (datapoints: int64) : unit =
        let path = Path.Combine(folder, "spec.json")

        let remedy = "resume with the script and options that it was started with, or start anew without --resume"

        let before =
            try
                PlainText.Of(path, File.ReadAllBytes path)
            with :? IOException as missing ->
                Refusal.refuse path "the experiment of the run to resume" missing.Message remedy

        match Experiment.of_json before with
        | Error problem -> Refusal.refuse path "the experiment of the run to resume" $"{problem}" remedy
        | Ok run ->
            let earlier, now = essence run, essence experiment
            let steps, wanted = RunLength.steps run datapoints, RunLength.steps experiment datapoints

            if earlier <> now then
                Refusal.refuse
                    path
                    "the same experiment as the run to resume"
                    "another"
                    $"{remedy}; what differs:{differences earlier now}"

            if steps <> wanted && dependsOnLength experiment.Method.Gradient.Schedule then
                eprintfn
                    $"{path}: the learning rate followed a schedule over {Numbers.grouped steps} steps, and follows one over {Numbers.grouped wanted} from here on; a run of {Numbers.grouped wanted} steps from its start would have had other rates until here"
