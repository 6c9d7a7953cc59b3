namespace ModNet

open System
open System.Diagnostics
open ModNet.Runtime

/// What a person sees while a run goes on. A terminal has a bar with the current figures at its foot; in a file a line is added every few
/// seconds. Every evaluation adds a line that stays. `before` opens every line, and `after` follows the time that is left. The table `Metric.All`
/// says which metrics are shown, and how.
type ProgressLine(before: string, after: Progress -> string) =

    let live = LiveProgress.WhereThereIsATerminal()

    let quiet = TimeSpan.FromSeconds 5.0
    let since = Stopwatch.StartNew()
    let mutable silentFrom = -quiet - quiet

    let duration (time: TimeSpan) = ModNet.Figures.Label.duration time.TotalSeconds

    let write (line: string) =
        match live with
        | Some live -> live.Write line
        | None -> printfn $"{line}"

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

            match live with
            | Some live -> live.Show(line.Step, progress.Steps, VisibleText.Word $"{head} · {text}")
            | None ->
                if since.Elapsed - silentFrom > quiet || line.Step = progress.Steps then
                    silentFrom <- since.Elapsed
                    printfn $"{head} · {text}"
        | phase -> write $"{before}step {Numbers.grouped line.Step} · {phase} · {text}"

    /// Takes away what renews itself.
    member _.Finish() = live |> Option.iter _.Finish()
