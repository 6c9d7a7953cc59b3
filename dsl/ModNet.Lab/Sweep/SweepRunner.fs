namespace ModNet

open System
open System.Diagnostics
open System.IO
open System.Reflection
open System.Runtime.InteropServices
open System.Threading
open ModNet.Runtime

/// Trains the runs of a sweep: one after the other in this process, or side by side in processes of their own, which run the same script. A process takes the
/// next run that is neither finished nor taken by another one.
[<RequireQualifiedAccess>]
module internal SweepRunner =

    /// Whether the run in the folder is the one that is wanted, and at its end.
    let private isOver (run: SweepRun) : bool =
        try
            // Nothing else is read again and again while a run goes on.
            let isFinished = RunFiles.summary run.Folder |> Option.exists (RunFiles.isTrue "finished")

            match (if isFinished then RunFiles.spec run.Folder else None) |> Option.map Experiment.of_json with
            | Some(Ok found) -> Essence.text found = Essence.text run.Experiment && RunLength.isOver run.Folder found
            | _ -> false
        with
        // Another process may be beginning the run.
        | :? IOException
        | :? UserException -> false

    let private settingsOf (settings: Settings) (run: SweepRun) (threads: int option) = {
        settings with
            Out = Some run.Folder
            Threads = threads
            // Earlier runs that are not wanted were set aside before the first one began.
            Resume = true
    }

    /// Trains every run that is not finished and that no other process is at, in order.
    let private work
        (plan: SweepPlan)
        (sound: (SweepRun * CheckedExperiment) list)
        (settings: Settings)
        (threads: int option)
        : RunsEnd =
        let turn (run: SweepRun, experiment: CheckedExperiment) _ : Turn =
            let train () =
                let place = List.findIndex (fun (other: SweepRun) -> other.Name = run.Name) plan.Runs
                printfn ""
                printfn $"run {place + 1} of {plan.Runs.Length}: {run.Name}"
                let line = ProgressLine($"{run.Name} · ", (fun _ -> ""))
                (Train.showing line (settingsOf settings run threads) experiment).Finished

            SharedRuns.turn run.Folder run.Name ignore (fun () -> isOver run) train

        // Training stops by itself; what is asked for between two runs must not be lost.
        Stopping.withToken (fun stop -> SharedRuns.carryOut (fun () -> stop.IsCancellationRequested) turn sound)

    /// What this process was started with, after its program; None where it cannot be started a second time, as in a notebook's kernel.
    let private words () : string list option =
        let own = "/proc/self/cmdline"

        let words =
            if File.Exists own then
                (File.ReadAllText own).TrimEnd('\000').Split '\000' |> List.ofArray |> List.tail
            else
                []

        let isInteractive =
            match Assembly.GetEntryAssembly() with
            | null -> true
            | entry ->
                List.contains (entry.GetName().Name) [ "fsi"; "dotnet-interactive"; "Microsoft.DotNet.Interactive.App" ]

        let isScript = words |> List.exists _.EndsWith(".fsx", StringComparison.OrdinalIgnoreCase)
        if File.Exists own && (isScript || not isInteractive) then Some words else None

    let private startWorker (words: string list) (plan: SweepPlan) (threads: int) : Process =
        let start =
            ProcessStartInfo(
                Environment.ProcessPath,
                words,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                RedirectStandardInput = true
            )

        for variable, value in
            [
                ParentProcess.Variable, string Environment.ProcessId
                Host.sweepVariable, plan.Name
                Host.sweepThreadsVariable, string threads
            ] do
            start.Environment[variable] <- value

        let worker = Process.Start start
        worker.StandardInput.Close()
        worker.OutputDataReceived.Add ignore
        worker.BeginOutputReadLine()

        worker.ErrorDataReceived.Add(fun said -> if not (String.IsNullOrEmpty said.Data) then eprintfn $"{said.Data}")

        worker.BeginErrorReadLine()
        worker

    let private pause = TimeSpan.FromMilliseconds 250.0

    /// Trains side by side in so many processes, with so many threads each.
    let private sideBySide (words: string list) (plan: SweepPlan) (jobs: int) (threads: int) : RunsEnd =
        let workers = [ for _ in 1..jobs -> startWorker words plan threads ]

        Stopping.withToken (fun stop ->
            // A signal that went to this process alone is for them, too. Each ends after its present step, with a checkpoint.
            use _told =
                stop.Register(fun () ->
                    for worker in workers do
                        if not worker.HasExited then ProcessSignals.Terminate worker.Id)

            let progress = SweepProgress(plan, isOver)

            try
                while workers |> List.exists (fun worker -> not worker.HasExited) do
                    progress.Show()
                    Thread.Sleep pause

                progress.Show()
            finally
                progress.Finish()

            for worker in workers do
                // Until the last line of its error output was said.
                worker.WaitForExit()

            let codes = workers |> List.map _.ExitCode
            workers |> List.iter _.Dispose()
            let known = [ CommandLine.Exit.ok; CommandLine.Exit.failure; CommandLine.Exit.stopped ]

            if stop.IsCancellationRequested then
                RunsEnd.Stopped
            else
                for code in codes |> List.filter (fun code -> not (List.contains code known)) do
                    eprintfn
                        $"sweep \"{plan.Name}\": one of its processes ended with exit code {code}; the run that it was at is not finished, and --resume goes on with it"

                if List.forall ((=) CommandLine.Exit.ok) codes then RunsEnd.Done
                elif List.contains CommandLine.Exit.stopped codes then RunsEnd.Stopped
                else RunsEnd.Failed)

    let private counted (number: int) (thing: string) = if number = 1 then $"1 {thing}" else $"{number} {thing}s"

    /// How many runs of so many are trained side by side, and with how many threads each.
    let share (settings: Settings) (cores: int) (runs: int) (onOneDevice: bool) : int * int =
        let jobs =
            match settings.Jobs, settings.Threads with
            | Some jobs, _ -> jobs
            | None, _ when onOneDevice -> 1
            | None, Some threads -> max 1 (cores / max 1 threads)
            | None, None -> cores

        let jobs = min jobs (max 1 runs)
        jobs, settings.Threads |> Option.defaultValue (max 1 (cores / jobs))

    /// Sets earlier runs aside that are not to be gone on with, or removes them.
    let private makeRoom (plan: SweepPlan) (settings: Settings) : unit =
        if not settings.Resume then
            for run in plan.Runs do
                match RunFolder.Clear(run.Folder, settings.Overwrite) with
                | null -> ()
                | aside ->
                    printfn
                        $"{run.Folder} held an earlier run, which is now {aside} (--resume would have gone on with it, and --overwrite replaced it)"

    /// Raises UserException where finished runs, which are gone on with and not trained again, learned from other data than those that are there now.
    let private demandSameData (sound: (SweepRun * CheckedExperiment) list) : unit =
        let isOfFiles (_, checked': CheckedExperiment) = (Sources.path checked'.Experiment.Data).IsSome

        let finished =
            sound
            |> List.filter (fun (run, _) -> isOver run)
            |> List.filter isOfFiles
            |> List.groupBy (fun (_, checked') -> checked'.Experiment.Data)

        for _, group in finished do
            use splits = (Source.load (snd group.Head)).Splits

            for run, _ in group do
                LearnedData.demand
                    run.Folder
                    splits.Identity
                    "put the data back, or leave --resume out: the earlier runs are then set aside"

    /// What a process does that was started for runs of this sweep: the exit code.
    let asWorker (plan: SweepPlan) (settings: Settings) (threads: int) : int =
        match work plan (SweepPlan.mustBeSound plan) settings (Some threads) with
        | RunsEnd.Done
        | RunsEnd.Shared -> CommandLine.Exit.ok
        | RunsEnd.Stopped -> CommandLine.Exit.stopped
        | RunsEnd.Failed -> CommandLine.Exit.failure

    /// Has an array of jobs train the runs that wait.
    let private submit (plan: SweepPlan) (settings: Settings) (waiting: SweepRun list) (request: SlurmRequest) : unit =
        let more = [ if not settings.Resume then "--resume" ] @ [ "--jobs"; "1" ]

        SlurmArray.submit {
            Name = plan.Name
            Home = plan.Home
            Runs = waiting.Length
            Threads = settings.Threads
            // Earlier runs were set aside, or removed, before the array began.
            Request = { request with Words = List.except [ "--overwrite" ] request.Words @ more }
        }

    /// Trains the runs that wait, and shows and writes the table.
    let private carryOut
        (plan: SweepPlan)
        (sound: (SweepRun * CheckedExperiment) list)
        (settings: Settings)
        (waiting: SweepRun list)
        : int =
        let onOneDevice = plan.Runs |> List.exists (fun run -> run.Experiment.Device <> Cpu)
        // By all runs and not by those that wait: threads can change the last bits, and a resumed run keeps its own.
        let jobs, threads = share settings Environment.ProcessorCount plan.Runs.Length onOneDevice
        let jobs = min jobs (max 1 waiting.Length)
        let words = if jobs > 1 then words () else None
        let jobs = if words.IsNone then 1 else jobs
        let finished = plan.Runs.Length - waiting.Length
        let those = if finished = 0 then "" else $", {finished} of them finished already"
        let each = counted threads "thread"
        let beside = if jobs = 1 then "" else $"; {jobs} side by side, with {each} each"
        let runs = counted plan.Runs.Length "run"
        printfn $"sweep {plan.Name}: {runs} in {plan.Home}{those}{beside}"
        printfn ""

        if not waiting.IsEmpty then
            SweepTable.settings plan |> List.iter (printfn "%s")
            printfn ""

        let ended =
            match words with
            | _ when waiting.IsEmpty -> RunsEnd.Done
            | Some words -> sideBySide words plan jobs threads
            | None -> work plan sound settings (Some threads)

        if not (Host.isArrayTask ()) then plan.Runs |> List.map _.Folder |> SharedRuns.forgetFailures
        if not waiting.IsEmpty then printfn ""
        SweepTable.lines plan |> List.iter (printfn "%s")
        SweepTable.write plan
        let file (name: string) = Path.Combine(plan.Home, name)
        printfn $"""table: {file "sweep.md"} and {file "sweep.csv"}; a page with curves: ./modnet compare {plan.Home}"""

        match ended with
        | RunsEnd.Done -> CommandLine.Exit.ok
        | RunsEnd.Shared ->
            printfn "What other processes are at is in the table when they are done."
            CommandLine.Exit.ok
        | RunsEnd.Failed -> CommandLine.Exit.failure
        | RunsEnd.Stopped ->
            let again = if settings.Resume then settings.Command else settings.Command + " --resume"
            printfn $"stopped; to go on: {again}"
            CommandLine.Exit.stopped

    /// Trains the sweep, or has an array of jobs do that; shows and writes its table: the exit code.
    let run (plan: SweepPlan) (settings: Settings) : int =
        Crew.demandAlone $"sweep {plan.Name}" "start it without mpirun; --slurm shares its runs out over a cluster"
        let sound = SweepPlan.mustBeSound plan
        Directory.CreateDirectory plan.Home |> ignore
        makeRoom plan settings
        demandSameData sound
        if not (Host.isOfArray ()) then plan.Runs |> List.map _.Folder |> SharedRuns.forgetFailures
        let waiting = plan.Runs |> List.filter (isOver >> not)

        match settings.Slurm with
        | Some request when not waiting.IsEmpty ->
            submit plan settings waiting request
            CommandLine.Exit.ok
        | _ -> carryOut plan sound settings waiting
