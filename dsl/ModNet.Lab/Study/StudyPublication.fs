namespace ModNet

open System.IO
open ModNet.Runtime

/// Brings everything that a study shows up to date with what its run folders hold: the results file, the table in docs/results.md, the report.
[<RequireQualifiedAccess>]
module internal StudyPublication =

    let private declared (study: Study) (scale: Scale) (entries: StudyEntry list) : StudyFile =
        let experiments = study.Rows |> List.map (fun row -> row, StudyPlan.experiment scale row row.Seeds.Head)

        {
            Study = study.Name
            Title = study.Title
            Quick = (scale = Scale.Quick)
            Measures = study.Measures |> List.map _.Name
            NeedsData = experiments |> List.exists (snd >> StudyPlan.needsData)
            Rows =
                experiments
                |> List.map (fun (row, experiment) -> {
                    Id = row.Id
                    Label = row.Label
                    Paper =
                        row.Paper
                        |> List.map (fun (measure, value) ->
                            (measure |> Option.defaultWith (fun () -> study.Measures.Head.Name)), value)
                        |> Map.ofList
                    Spec = Essence.identity experiment
                })
            Entries = entries
        }

    /// Every run of the study that has begun under its present settings, whichever the options choose.
    let private begun (study: Study) (options: StudyOptions) =
        let root = StudyPlan.root study options

        study.Rows
        |> List.collect (fun row ->
            let identity = StudyPlan.experiment options.Scale row 0 |> Essence.identity

            RunReader.seedsOf root row.Id
            |> List.choose (fun seed -> RunReader.read row seed (RunReader.folderOf root row.Id seed))
            |> List.filter (fun (_, found) -> found = identity))

    /// The script's sections; or what is wrong with them, which is no reason to lose the rest.
    let private sections (study: Study) (runs: StudyRun list) : Result<Section list, string> =
        try
            Ok(study.Report runs)
        with :? UserException as mistake ->
            Error mistake.Message

    /// Where results files lie, of the scripts in a folder.
    let results (scripts: string) = Path.Combine(scripts, "results")

    /// The merged results, and the report's sections or why they could not be made. `scripts` is the folder of the study's script.
    let update (study: Study) (options: StudyOptions) (scripts: string) : StudyFile * Result<Section list, string> =
        let results = results scripts
        let path = Path.Combine(results, study.Name + options.Scale.Suffix + ".json")

        FileLock.within results (fun () ->
            let runs = begun study options
            let bare = declared study options.Scale []

            let command (run: StudyRun) = StudyPlan.command study options.Scale bare.NeedsData run.Row run.Seed

            let entries =
                runs |> List.map (fun (run, identity) -> RunReader.entry study.Measures (command run) (run, identity))

            let file = { bare with Entries = StudyEntry.merge [] entries }

            let merged =
                match StudyFileJson.load path with
                | Some older -> StudyFile.merge older file
                | None -> file

            // Tables are made of runs; a study without any has nothing to keep.
            if not study.Rows.IsEmpty then
                let text = StudyFileJson.write merged
                Directory.CreateDirectory results |> ignore

                for row in study.Rows do
                    StudySpecs.keep results (StudyPlan.experiment options.Scale row 0)

                // Those of a study that borrows its runs are told by the one that they belong to.
                if options.Scale = Scale.Full && study.RunsOf = study.Name then
                    for run, identity in runs do
                        if run.Finished then KeptLogs.keep results (command run) (run, identity)

                if not (File.Exists path) || File.ReadAllText path <> text then WholeFile.Write(path, text)

                ResultsTable.update scripts

            let drawn = sections study (runs |> List.map fst)

            StudyReport.write
                (StudyPlan.home study options)
                options.Command
                (match drawn with
                 | Ok sections -> sections
                 | Error message -> [ Section.make "Not drawn" [ Content.Prose message ] ])
                (runs |> List.map (fun (run, _) -> run.Folder))
                merged

            merged, drawn)
