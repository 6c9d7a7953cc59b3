namespace ModNet

open System
open System.Diagnostics
open ModNet.Runtime

/// What a person sees while a run goes on. On a terminal one line renews itself; in a file a line is added every few seconds; every evaluation
/// adds a line that stays. `before` opens every line, and `after` follows the time that is left. The table `Metric.All` says which metrics
/// the line shows, and how.
type ProgressLine(before: string, after: Progress -> string) =

    let live = not Console.IsOutputRedirected
    let quiet = TimeSpan.FromSeconds 5.0
    let since = Stopwatch.StartNew()
    let mutable silentFrom = -quiet - quiet

    let duration (time: TimeSpan) = ModNet.Figures.Label.duration time.TotalSeconds

    let erase () = if live then Console.Write "\r\u001b[K"

    /// The progress line of a single run.
    new() = ProgressLine("", fun _ -> "")

    /// Shows a run's newest line.
    member _.Show(progress: Progress) =
        let line = progress.Line
        let text = Metric.All |> Seq.choose (fun metric -> Option.ofObj (metric.InProgress line)) |> String.concat " · "

        let epoch =
            match Option.ofNullable progress.Epoch with
            | Some(struct (number, all)) -> $" · epoch {Numbers.grouped number}/{Numbers.grouped all}"
            | None -> ""

        match line.Phase with
        | "train" ->
            let head =
                $"{before}step {Numbers.grouped line.Step}/{Numbers.grouped progress.Steps}{epoch} · %.1f{progress.StepsPerSecond} steps/s · {duration progress.Remaining} left{after progress}"

            if live then
                let width = max 20 (Console.WindowWidth - 1)
                let whole = VisibleText.Word $"{head} · {text}"
                erase ()
                Console.Write(whole.Substring(0, min width whole.Length))
            elif since.Elapsed - silentFrom > quiet || line.Step = progress.Steps then
                silentFrom <- since.Elapsed
                printfn $"{head} · {text}"
        | phase ->
            erase ()
            printfn $"{before}step {Numbers.grouped line.Step} · {phase} · {text}"

    /// Ends the line that renews itself.
    member _.Finish() = erase ()
