namespace ModNet

open System
open System.CommandLine
open System.Diagnostics
open System.IO
open ModNet.Figures
open ModNet.Runtime

/// Carries a study out; the last line of a study's script calls `Study.main`.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Study =

    let private check (study: Study) (options: StudyOptions) : unit =
        StudyPlan.mustBeSound study

        for row in StudyPlan.rows study options do
            let summary = StudyPlan.experiment options.Scale row row.Seeds.Head |> Check.experiment |> Refusal.orRaise

            let seeds = row.Seeds |> List.map string |> String.concat ", "
            printfn $"{row.Id}: {row.Label}; seeds {seeds}"
            printfn $"{summary}"
            printfn ""

    /// In a notebook the report's figures are shown, too.
    let private show (sections: Section list) : unit =
        for section in sections do
            for content in section.Contents do
                match content with
                | Content.Chart figure -> Show.figure section.Heading figure
                | Content.Drawing svg -> Show.svg section.Heading svg
                | Content.Prose _
                | Content.Table _
                | Content.Searchable _
                | Content.Matrices _ -> ()

    /// Makes the report's pictures. The command line does it, which knows how to drive a browser and lies beside this library.
    let private pictures (report: string) : int =
        let program = Path.Combine(Path.GetDirectoryName typeof<StudyOptions>.Assembly.Location, "ModNet.Cli.dll")

        if not (File.Exists program) then
            Refusal.refuse "--png" "ModNet as ./modnet builds it" "the library alone" "run it in a clone"

        use drawing = Process.Start(ProcessStartInfo(Environment.ProcessPath, [ program; "pictures"; report ]))

        drawing.WaitForExit()
        drawing.ExitCode

    let private carryOut (options: StudyOptions) (store: StudyStore) (study: Study) runs : int =
        let mutable drawn = Ok []

        let publish () =
            let file, fresh = StudyPublication.update study options store
            drawn <- fresh
            printfn ""
            StudyTable.lines file |> List.iter (printfn "%s")
            file

        let ended =
            try
                StudyRunner.run study options store runs publish
            with :? OperationCanceledException as stopped ->
                // What the report trains of its own, such as an edited network, was stopped.
                printfn $"{stopped.Message}"
                printfn $"stopped; to go on: {options.Command}"
                RunsEnd.Stopped

        let report = Path.Combine(StudyPlan.home study options, "report.html")

        if Host.isArrayTask () then
            printfn "The report is made by the job that follows all tasks."
        else
            runs |> fst |> List.map _.Folder |> SharedRuns.forgetFailures
            printfn $"report: {report}"

        if ended = RunsEnd.Shared then printfn "What other processes are at is in the table when they are done."

        match drawn, ended with
        | _, RunsEnd.Stopped -> CommandLine.Exit.stopped
        | Error message, _ ->
            eprintfn $"{message}"
            CommandLine.Exit.failure
        | _, RunsEnd.Failed -> CommandLine.Exit.failure
        | Ok _, _ when Host.isArrayTask () -> CommandLine.Exit.ok
        | Ok sections, _ ->
            Show.whereAsked (fun () -> show sections)

            if options.Png then pictures report else CommandLine.Exit.ok

    /// Carries the study out, or has an array of jobs do that, and keeps its results in the folder `results` beneath `scripts`, the folder of its script. Gives the exit
    /// code: 0; 130 where it was stopped; 1 where a run failed, or the report's figures could not be drawn. Raises UserException for what a user can mend.
    let run (options: StudyOptions) (scripts: string) (study: Study) : int =
        Crew.demandAlone $"study {study.Name}" "start it without mpirun; --slurm shares its runs out over a cluster"
        StudyPlan.mustBeSound study

        // A missing browser is reported before hours of training, not after them.
        if options.Png && not (Host.isArrayTask ()) then Browser.find () |> ignore

        let store = StudyStore.beside scripts
        let planned, waiting = StudyRunner.planned study options store
        if not (Host.isOfArray ()) then planned |> List.map _.Folder |> SharedRuns.forgetFailures

        match options.Slurm with
        | Some request when not waiting.IsEmpty ->
            SlurmArray.submit {
                Name = study.Name + options.Scale.Suffix
                Home = StudyPlan.home study options
                Runs = waiting.Length
                Threads = options.Threads
                Request = request
            }

            CommandLine.Exit.ok
        | _ -> carryOut options store study (planned, waiting)

    let private serve (script: string) (verb: string) (words: string list) (study: Study) : int =
        let root = CommandLine.modnet [ StudyCommand.reproduce; StudyCommand.check ]
        let parsed = root.Parse(verb :: study.Name :: words)

        if parsed.Action :? Help.HelpAction then
            Host.declare ()
            parsed.Invoke()
        elif parsed.Errors.Count > 0 then
            CommandLine.complainOf $"{verb} {study.Name}" parsed parsed.Errors
        else
            let options = {
                StudyCommand.options parsed (String.concat " " ("./modnet" :: verb :: study.Name :: words)) with
                    Slurm = CommandLine.slurmRequest parsed (Some script)
            }

            try
                Host.serve (fun () ->
                    if verb = "check" then
                        check study options
                        CommandLine.Exit.ok
                    else
                        run options (Path.GetDirectoryName(Path.GetFullPath script)) study)
            with :? UserException as mistake ->
                Crew.complain mistake
                CommandLine.Exit.failure

    /// Does what the command line asks of a study, `reproduce` (or nothing) or `check`, and gives the exit code: 0; 1 for what cannot be done, 2
    /// for a mistake on the command line, 130 where it was stopped. For a script of several studies.
    /// Example: `[ study "fig3" { title "Figure 3" } ] |> List.map (Study.code fsi.CommandLineArgs) |> List.max |> exit`
    let code (arguments: string array) (study: Study) : int =
        match List.ofArray arguments with
        | script :: "train" :: _ ->
            CommandLine.complain "reproduce" $"{script} declares a study: ./modnet reproduce {study.Name}"
        | script :: ("check" | "reproduce" as verb) :: rest -> serve script verb rest study
        | script :: rest -> serve script "reproduce" rest study
        | [] -> serve "" "reproduce" [] study

    /// Does the same, and ends the process with the exit code.
    /// Example: `study "fig3" { title "Figure 3" } |> Study.main fsi.CommandLineArgs`
    let main (arguments: string array) (study: Study) : unit = exit (code arguments study)
