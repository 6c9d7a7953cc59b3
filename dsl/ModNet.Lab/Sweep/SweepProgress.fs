namespace ModNet

open System
open System.Diagnostics
open System.IO
open ModNet.Figures
open ModNet.Runtime

/// What a person sees while other processes train the runs of a sweep: a bar at the foot of a terminal, or a line every few seconds in a file; and
/// a line for every run that ends. All of it is read from the runs' folders.
type internal SweepProgress(plan: SweepPlan, isOver: SweepRun -> bool) =

    let live = LiveProgress.WhereThereIsATerminal()
    let quiet = TimeSpan.FromSeconds 5.0
    let since = Stopwatch.StartNew()
    let mutable silentFrom = -quiet

    // The bar moves in thousandths of a run.
    let whole = 1_000.0

    /// The runs that were over when this was last looked at.
    let mutable over: Set<string> = plan.Runs |> List.filter isOver |> List.map _.Name |> Set.ofList

    /// So many bytes at the end of a log hold some whole lines of it.
    let tail = 16_384L

    /// The last step that a run has logged, read from the end of its log.
    let lastStep (folder: string) : int64 =
        let path = Path.Combine(folder, "metrics.jsonl")

        if File.Exists path then
            use file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite ||| FileShare.Delete)
            file.Seek(max 0L (file.Length - tail), SeekOrigin.Begin) |> ignore
            use reader = new StreamReader(file)
            (MetricsLog.OfText(reader.ReadToEnd())).Lines |> Seq.fold (fun last line -> max last line.Step) 0L
        else
            0L

    let reached (run: SweepRun) : (int64 * int64) option =
        if RunFolder.IsAtWork run.Folder then
            Some(lastStep run.Folder, RunLength.plannedIn run.Folder run.Experiment)
        else
            None

    let share (steps: int64, planned: int64) = if planned = 0L then 0.0 else float steps / float planned

    let look () =
        let atWork = [
            for run in plan.Runs do
                if not (over.Contains run.Name) then
                    match reached run with
                    | Some steps -> run, steps
                    | None -> ()
        ]

        float over.Count + (atWork |> List.sumBy (snd >> share)), atWork

    let atStart = fst (look ())

    let write (line: string) =
        match live with
        | Some live -> live.Write(VisibleText.Word line)
        | None -> printfn $"{line}"

    /// Looks at the folders, and shows what is new in them.
    member _.Show() =
        for run in plan.Runs do
            if not (over.Contains run.Name) && isOver run then
                over <- over.Add run.Name

                let best =
                    match RunOverview.read run.Name run.Folder with
                    | Ok found when found.Best.IsSome -> $"; best validation: {found.BestText}"
                    | _ -> ""

                write
                    $"{over.Count} of {plan.Runs.Length} finished: {run.Name}, {Label.duration (RunLength.seconds run.Folder)}{best}"

        let now, atWork = look ()

        let left =
            if now <= atStart || over.Count = plan.Runs.Length then
                ""
            else
                let seconds = since.Elapsed.TotalSeconds * (float plan.Runs.Length - now) / (now - atStart)
                $" · {Label.duration seconds} left"

        let runs = [
            for run, (steps, planned) in atWork -> $" · {run.Name} {Numbers.grouped steps}/{Numbers.grouped planned}"
        ]

        let figures = $"{over.Count} of {plan.Runs.Length} finished{left}" + String.concat "" runs

        match live with
        | Some live -> live.Show(int64 (whole * now), int64 whole * int64 plan.Runs.Length, $"{plan.Name} · {figures}")
        | None ->
            if since.Elapsed - silentFrom > quiet then
                silentFrom <- since.Elapsed
                printfn $"{plan.Name} · {figures}"

    /// Takes away what renews itself.
    member _.Finish() = live |> Option.iter _.Finish()
