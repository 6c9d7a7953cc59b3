namespace ModNet

open System
open System.IO
open ModNet.Figures
open ModNet.Runtime

/// How carrying out a study ended.
[<RequireQualifiedAccess>]
type StudyEnd =
    | Done
    /// Ctrl-C or SIGTERM stopped it; all work is kept.
    | Stopped
    /// Other processes are at some of the runs.
    | Shared
    /// Some runs could not be done, and messages told why; all others were done.
    | Failed

/// Carries a study out. It skips finished runs, leaves a run that another process is at to that process, and goes on with interrupted runs.
[<RequireQualifiedAccess>]
module internal StudyRunner =

    let private isFinished (study: Study) (run: PlannedRun) =
        match RunReader.read run.Row run.Seed run.Folder with
        | Some(found, identity) ->
            found.Finished
            && RunIdentity.fits run.Identity identity
            && (study.LogsSuffice || not (RunReader.isLogAlone run.Folder))
        | None -> false

    /// Where the folder holds a run of other settings or on other data, gives that folder another name.
    let private moveAside (run: PlannedRun) : unit =
        match RunReader.read run.Row run.Seed run.Folder with
        | Some(_, identity) when not (RunIdentity.fits run.Identity identity) ->
            let rec free n =
                let path = $"{run.Folder}.{RunIdentity.text identity}" + (if n = 1 then "" else $".{n}")
                if Directory.Exists path then free (n + 1) else path

            let aside = free 1
            Directory.Move(run.Folder, aside)
            let other = if identity.Spec = run.Identity.Spec then "on other data" else "of other settings"
            printfn $"{run.Folder} held a run {other}; it is now {aside}"
        | _ -> ()

    /// Where a run that is wanted again was given another name, gives that one its own name back.
    let private bringBack (run: PlannedRun) : unit =
        let aside = $"{run.Folder}.{RunIdentity.text run.Identity}"

        if Directory.Exists aside && not (Directory.Exists run.Folder) then
            Directory.Move(aside, run.Folder)
            printfn $"{aside} is {run.Folder} again"

    /// Seconds that the runs after this one will take: at the rate of earlier runs of their rows, else at this run's rate.
    let private remaining (after: PlannedRun list) (file: StudyFile) (progress: Progress) : float =
        let own = progress.Remaining.TotalSeconds / float (max 1L (progress.Steps - progress.Line.Step))

        after
        |> List.sumBy (fun run ->
            let known =
                file.Entries
                |> List.filter (fun entry ->
                    entry.Finished && entry.Row = run.Row.Id && entry.Spec = run.Identity.Spec)
                |> List.map (fun entry -> entry.Seconds / float (max 1L entry.Steps))

            let perStep = if known.IsEmpty then own else List.average known
            // Where its data cannot be read, the run says so when its turn comes.
            let steps = Epochs.planned run.Experiment |> Option.defaultValue progress.Steps
            perStep * float steps)

    let private train (run: PlannedRun) (line: ProgressLine) : TrainingOutcome =
        let record = RunRecord.begin' run.Settings.Command
        RunRecord.write run.Folder record
        let outcome = Train.showing line run.Settings run.Experiment

        RunRecord.write run.Folder { record with Ended = Some(RunRecord.now ()) }

        outcome

    /// What became of a run when its turn came.
    [<RequireQualifiedAccess>]
    type private Turn =
        | Finished
        | Stopped
        | Elsewhere
        | Failed

    let private lockOf (run: PlannedRun) =
        let folder = Path.GetFullPath run.Folder
        Path.Combine(Path.GetDirectoryName folder, $".{Path.GetFileName folder}.lock")

    /// Does every run that is not finished, with the logs that the store keeps in place of runs where logs suffice. `publish` is called before the
    /// first run and after every run.
    let run (study: Study) (options: StudyOptions) (store: StudyStore) (publish: unit -> StudyFile) : StudyEnd =
        let planned = StudyPlan.runs study options
        StudyPlan.mustUseData options planned

        let layOut (run: PlannedRun) =
            if study.LogsSuffice && options.Scale = Scale.Full then store.LayOut(run.Identity, run.Seed, run.Folder)

        planned |> List.iter layOut
        let waiting = planned |> List.filter (isFinished study >> not)
        StudyPlan.mustHaveData study waiting
        let quick = options.Scale.Pick("", "quick version, ")

        if not planned.IsEmpty then
            printfn
                $"{study.Name}: {quick}{planned.Length} runs, {planned.Length - waiting.Length} of them finished already"

        let attempt (turn: int) (file: StudyFile) (run: PlannedRun) (after: PlannedRun list) : Turn =
            let name = $"{run.Row.Id}, seed {run.Seed}"

            match FileLock.TryTake(lockOf run) with
            | null ->
                printfn $"{name}: {FileLock.HolderOf(lockOf run)} is at it"
                Turn.Elsewhere
            | held ->
                use _held = held

                moveAside run
                bringBack run
                layOut run

                // It may have been brought back, or another process may have finished it since this one looked.
                if isFinished study run then
                    Turn.Finished
                else
                    printfn ""
                    printfn $"run {turn} of {planned.Length}: {quick}{run.Row.Label}, seed {run.Seed}"

                    let rest (progress: Progress) =
                        if after.IsEmpty then
                            ""
                        else
                            let all = progress.Remaining.TotalSeconds + remaining after file progress
                            $", {Label.duration all} in all"

                    try
                        let outcome = train run (ProgressLine($"{quick}{name} · ", rest))

                        if not outcome.Finished then Turn.Stopped else Turn.Finished
                    with :? UserException as mistake ->
                        // The other runs go on; they may take hours, and do not need this one.
                        eprintfn $"{name}: {mistake.Message}"
                        Turn.Failed

        let rec go (turn: int) (ended: StudyEnd) (file: StudyFile) (waiting: PlannedRun list) =
            match waiting with
            | [] -> ended
            | run :: after ->
                match attempt turn file run after with
                | Turn.Elsewhere when ended = StudyEnd.Failed -> go (turn + 1) ended file after
                | Turn.Elsewhere -> go (turn + 1) StudyEnd.Shared file after
                | Turn.Failed -> go (turn + 1) StudyEnd.Failed file after
                | Turn.Finished -> go (turn + 1) ended (publish ()) after
                | Turn.Stopped ->
                    publish () |> ignore
                    printfn $"stopped; to go on: {options.Command}"
                    StudyEnd.Stopped

        go (planned.Length - waiting.Length + 1) StudyEnd.Done (publish ()) waiting
