namespace ModNet.Figures

open System
open System.Collections.Generic
open System.IO
open System.Text.Json

/// One line of `metrics.jsonl`: what was logged at one step in one phase ("train", "validation", "test").
[<RequireQualifiedAccess>]
type MetricsLine = {
    Step: int64
    Phase: string
    /// Every numeric field by its name in the file; `null` and unknown kinds are left out.
    Values: IReadOnlyDictionary<string, float>
}

/// Reads the log of a run (`metrics.jsonl`, one JSON object per line).
[<RequireQualifiedAccess>]
module RunMetrics =
    let private parse (line: string) : MetricsLine option =
        try
            use document = JsonDocument.Parse line
            let root = document.RootElement
            let values = Dictionary<string, float>()
            let mutable phase = None

            for field in root.EnumerateObject() do
                match field.Value.ValueKind with
                | JsonValueKind.Number -> values[field.Name] <- field.Value.GetDouble()
                | JsonValueKind.String when field.Name = "phase" -> phase <- Some(field.Value.GetString())
                | _ -> ()

            match phase, values.TryGetValue "step" with
            | Some phase, (true, step) -> Some { MetricsLine.Step = int64 step; Phase = phase; Values = values }
            | _ -> None
        with
        | :? JsonException
        | :? InvalidOperationException -> None

    /// The lines of a log, by step, and how many could not be read. Where a run was resumed and a step was logged twice
    /// in a phase, the later one counts. A last line without an end is what a killed run leaves: it is not counted.
    let ofText (text: string) : MetricsLine list * int =
        let ended = text.EndsWith '\n'
        let rows = text.Split('\n', StringSplitOptions.TrimEntries)
        let latest = Dictionary<struct (int64 * string), MetricsLine>()
        let mutable unreadable = 0

        for i in 0 .. rows.Length - 1 do
            if rows[i] <> "" then
                match parse rows[i] with
                | Some line -> latest[struct (line.Step, line.Phase)] <- line
                | None when i = rows.Length - 1 && not ended -> ()
                | None -> unreadable <- unreadable + 1

        latest.Values |> Seq.sortBy _.Step |> Seq.toList, unreadable

    /// `metrics.jsonl` of a run folder; nothing where the run has not logged yet. Reads while the run goes on writing.
    let ofFolder (runFolder: string) : MetricsLine list * int =
        let path = Path.Combine(runFolder, "metrics.jsonl")

        if File.Exists path then
            use stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite ||| FileShare.Delete)

            use reader = new StreamReader(stream)
            ofText (reader.ReadToEnd())
        else
            [], 0

    /// Steps and values of one field in one phase, where it was logged.
    let column (phase: string) (field: string) (lines: MetricsLine list) : float[] * float[] =
        lines
        |> Seq.choose (fun line ->
            if line.Phase <> phase then
                None
            else
                match line.Values.TryGetValue field with
                | true, value -> Some(float line.Step, value)
                | _ -> None)
        |> Seq.toArray
        |> Array.unzip
