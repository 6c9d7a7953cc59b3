namespace ModNet

open System.IO
open ModNet.Runtime

/// Brings everything that a study shows up to date with what its run folders hold: its kept results and its report.
[<RequireQualifiedAccess>]
module internal StudyPublication =

    /// The study as its script declares it now, without runs. `dataOf` says what the data are that a row is run on.
    let private declared (study: Study) (scale: Scale) (dataOf: string -> string option) : StudyFile =
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
                    Data = dataOf row.Id
                })
            Entries = []
        }

    /// What the data of each row are: those of the command, else those that its kept results are shown for, else those of a run that was found.
    let private dataOf
        (study: Study)
        (options: StudyOptions)
        (older: StudyFile option)
        (runs: (StudyRun * RunIdentity) list)
        : string -> string option =
        let planned = StudyPlan.runs study options

        fun row ->
            let named = planned |> List.tryPick (fun run -> if run.Row.Id = row then run.Identity.Data else None)

            let kept () =
                older
                |> Option.bind (fun file ->
                    file.Rows |> List.tryPick (fun known -> if known.Id = row then known.Data else None))

            let found () = runs |> List.tryPick (fun (run, identity) -> if run.Row = row then identity.Data else None)

            named |> Option.orElseWith kept |> Option.orElseWith found

    /// Every run of the study that has begun under its present settings, whichever the options choose.
    let private begun (study: Study) (options: StudyOptions) =
        let root = StudyPlan.root study options

        study.Rows
        |> List.collect (fun row ->
            let identity = StudyPlan.experiment options.Scale row 0 |> Essence.identity

            RunReader.seedsOf root row.Id
            |> List.choose (fun seed -> RunReader.read row seed (RunReader.folderOf root row.Id seed))
            |> List.filter (fun (_, found) -> found.Spec = identity))

    /// The sections that the script makes, or what is wrong with them: the rest of the report is not lost for that.
    let private sections (study: Study) (runs: StudyRun list) : Result<Section list, string> =
        try
            Ok(study.Report runs)
        with :? UserException as mistake ->
            Error mistake.Message

    /// The results of these runs, merged with those that the store keeps, which keeps them.
    let private keep
        (study: Study)
        (options: StudyOptions)
        (store: StudyStore)
        (runs: (StudyRun * RunIdentity) list)
        (bare: StudyFile)
        : StudyFile =
        let name = study.Name + options.Scale.Suffix
        let command (run: StudyRun) = StudyPlan.command study options.Scale bare.NeedsData run.Row run.Seed

        // What the script measures may take a while, so other processes may use the store while it does.
        let entries =
            runs |> List.map (fun (run, identity) -> RunReader.entry study.Measures (command run) (run, identity))

        let file = { bare with Entries = StudyEntry.merge [] entries }

        // Tables are made of runs; a study without any has nothing to keep.
        if study.Rows.IsEmpty then
            file
        else
            store.Locked(fun () ->
                let merged =
                    match store.Load name with
                    | Some older -> StudyFile.merge older file
                    | None -> file

                for row in study.Rows do
                    store.KeepSpec(StudyPlan.experiment options.Scale row 0)

                // A study that borrows another one's runs leaves their logs to that one.
                if options.Scale = Scale.Full && study.RunsOf = study.Name then
                    for run, identity in runs do
                        if run.Finished then store.KeepLog(command run, run, identity)

                store.Save(name, merged)
                merged)

    /// The results as they are now, and the report's sections, or why they could not be made. A task of an array makes no report: what a report draws and trains of its own
    /// is done once, by the job that follows the tasks.
    let update (study: Study) (options: StudyOptions) (store: StudyStore) : StudyFile * Result<Section list, string> =
        let home = StudyPlan.home study options

        // One process after the other, so that the last report tells of all runs, and two do not train the same for it.
        use _alone = if Host.isArrayTask () then null else FileLock.Take(Path.Combine(home, ".report.lock"))

        let all = begun study options
        let older = store.Load(study.Name + options.Scale.Suffix)
        let bare = declared study options.Scale (dataOf study options older all)

        let runs =
            all
            |> List.filter (fun (run, identity) ->
                bare.Rows |> List.exists (fun row -> row.Id = run.Row && row.Data = identity.Data))

        if Host.isArrayTask () then
            keep study options store runs bare, Ok []
        else
            let drawn = sections study (runs |> List.map fst)
            let merged = keep study options store runs bare

            StudyReport.write
                home
                options.Command
                (match drawn with
                 | Ok sections -> sections
                 | Error message -> [ Section.make "Not drawn" [ Content.Prose message ] ])
                (runs |> List.map (fun (run, _) -> run.Folder))
                merged

            merged, drawn
