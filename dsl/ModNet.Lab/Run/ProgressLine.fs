namespace ModNet

open System
open System.Diagnostics
open ModNet.Runtime

/// What a person sees while a run goes on: one line that renews itself on a terminal, a line now and then in a file, and a
/// line that stays for every evaluation. `before` opens every line, `after` follows the time that is left.
type ProgressLine(before: string, after: Progress -> string) =

    let live = not Console.IsOutputRedirected
    let quiet = TimeSpan.FromSeconds 5.0
    let since = Stopwatch.StartNew()
    let mutable silentFrom = -quiet - quiet

    let number (format: string) (label: string) (value: Nullable<float>) =
        if value.HasValue then [ $"{label} {value.Value.ToString(format)}" ] else []

    let figures (line: MetricsLine) = [
        yield! number "0.0000" "loss" line.Loss
        if not line.Perplexity.HasValue then yield! number "0.0000" "log p" line.LogLikelihood
        yield! number "0.00" "perplexity" line.Perplexity
        yield! number "0.00 %" "accuracy" line.Accuracy
        yield! number "0.####" "squared error" line.SquaredError
        yield! number "0.000" "H_a" line.SelectionEntropy

        if line.BatchSelectionEntropy.HasValue then
            let entropy = line.BatchSelectionEntropy.Value
            $"H_b {entropy:F3} (≈ {exp entropy:F1} modules)"

        if line.ModulesUsed.HasValue then $"{line.ModulesUsed.Value} modules used"
    ]

    let duration (time: TimeSpan) = ModNet.Figures.Label.duration time.TotalSeconds

    let erase () = if live then Console.Write "\r\u001b[K"

    /// Of a run that stands alone.
    new() = ProgressLine("", fun _ -> "")

    /// Shows a run's newest line.
    member _.Show(progress: Progress) =
        let line = progress.Line
        let text = String.concat " · " (figures line)

        match line.Phase with
        | "train" ->
            let head =
                $"{before}step {line.Step:N0}/{progress.Steps:N0} · {progress.StepsPerSecond:F1} steps/s · {duration progress.Remaining} left{after progress}"

            if live then
                let width = max 20 (Console.WindowWidth - 1)
                let whole = $"{head} · {text}"
                erase ()
                Console.Write(whole.Substring(0, min width whole.Length))
            elif since.Elapsed - silentFrom > quiet || line.Step = progress.Steps then
                silentFrom <- since.Elapsed
                Console.WriteLine $"{head} · {text}"
        | phase ->
            erase ()
            Console.WriteLine $"{before}step {line.Step:N0} · {phase} · {text}"

    /// Leaves the renewed line behind.
    member _.Finish() = erase ()
