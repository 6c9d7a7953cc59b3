namespace ModNet

open System
open System.IO
open ModNet.Figures
open ModNet.Runtime

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

    /// Where logs suffice, the kept log of a run in place of its folder.
    let private layOut (study: Study) (options: StudyOptions) (store: StudyStore) (run: PlannedRun) : unit =
        if study.LogsSuffice && options.Scale = Scale.Full then store.LayOut(run.Identity, run.Seed, run.Folder)

    /// All runs that the options choose, and those of them that are not finished, with the logs that the store keeps in place of runs where logs suffice. Raises
    /// UserException where one cannot be done with these options.
    let planned (study: Study) (options: StudyOptions) (store: StudyStore) : PlannedRun list * PlannedRun list =
        let planned = StudyPlan.runs study options
        StudyPlan.mustUseData options planned
        planned |> List.iter (layOut study options store)
        let waiting = planned |> List.filter (isFinished study >> not)
        StudyPlan.mustHaveData study waiting
        planned, waiting

    /// Does every run that waits. `publish` is called before the first run and after every run.
    let run
        (study: Study)
        (options: StudyOptions)
        (store: StudyStore)
        (planned: PlannedRun list, waiting: PlannedRun list)
        (publish: unit -> StudyFile)
        : RunsEnd =
        let quick = options.Scale.Pick("", "quick version, ")

        if not planned.IsEmpty then
            printfn
                $"{study.Name}: {quick}{planned.Length} runs, {planned.Length - waiting.Length} of them finished already"

        let mutable file = publish ()

        let turn (run: PlannedRun) (after: PlannedRun list) : Turn =
            let name = $"{run.Row.Id}, seed {run.Seed}"

            let mutable wasTaken = false

            let makeReady () =
                wasTaken <- true
                moveAside run
                bringBack run
                layOut study options store run

            let rest (progress: Progress) =
                if after.IsEmpty then
                    ""
                else
                    let all = progress.Remaining.TotalSeconds + remaining after file progress
                    $", {Label.duration all} in all"

            let train () =
                let place = List.findIndex (fun (other: PlannedRun) -> other.Folder = run.Folder) planned
                printfn ""
                printfn $"run {place + 1} of {planned.Length}: {quick}{run.Row.Label}, seed {run.Seed}"
                (train run (ProgressLine($"{quick}{name} · ", rest))).Finished

            let ended = SharedRuns.turn run.Folder name makeReady (fun () -> isFinished study run) train

            if wasTaken && ended <> Turn.Failed then file <- publish ()
            ended

        let ended = SharedRuns.carryOut (fun () -> false) turn waiting
        if ended = RunsEnd.Stopped then printfn $"stopped; to go on: {options.Command}"
        ended
