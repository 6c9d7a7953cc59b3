namespace ModNet

open System.IO
open ModNet.Runtime

/// Brings everything that a study shows up to date with what its run folders hold: its kept results and its report.
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

    /// The sections that the script makes, or what is wrong with them: the rest of the report is not lost for that.
    let private sections (study: Study) (runs: StudyRun list) : Result<Section list, string> =
        try
            Ok(study.Report runs)
        with :? UserException as mistake ->
            Error mistake.Message

    /// The results, merged with those that the store keeps, and the report's sections, or why they could not be made.
    let update (study: Study) (options: StudyOptions) (store: StudyStore) : StudyFile * Result<Section list, string> =
        let name = study.Name + options.Scale.Suffix

        store.Locked(fun () ->
            let runs = begun study options
            let bare = declared study options.Scale []

            let command (run: StudyRun) = StudyPlan.command study options.Scale bare.NeedsData run.Row run.Seed

            let entries =
                runs |> List.map (fun (run, identity) -> RunReader.entry study.Measures (command run) (run, identity))

            let file = { bare with Entries = StudyEntry.merge [] entries }

            let merged =
                match store.Load name with
                | Some older -> StudyFile.merge older file
                | None -> file

            // Tables are made of runs; a study without any has nothing to keep.
            if not study.Rows.IsEmpty then
                for row in study.Rows do
                    store.KeepSpec(StudyPlan.experiment options.Scale row 0)

                // A study that borrows another one's runs leaves their logs to that one.
                if options.Scale = Scale.Full && study.RunsOf = study.Name then
                    for run, identity in runs do
                        if run.Finished then store.KeepLog(command run, run, identity)

                store.Save(name, merged)

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
