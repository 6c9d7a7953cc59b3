namespace ModNet

open System.IO
open System.Text.RegularExpressions
open ModNet.Runtime

/// A run that a study wants.
type internal PlannedRun = {
    Row: StudyRow
    Seed: int
    Experiment: CheckedExperiment
    Identity: RunIdentity
    Folder: string
    /// The settings that `Train` takes beside the experiment.
    Settings: Settings
}

/// Plans the runs of a study, and where they lie.
[<RequireQualifiedAccess>]
module internal StudyPlan =

    let private isId (text: string) = Regex.IsMatch(text, "^[a-z0-9]+(-[a-z0-9]+)*$")

    /// Raises UserException for mistakes in a study's script.
    let mustBeSound (study: Study) : unit =
        for name in study.Name :: (study.Rows |> List.map _.Id) do
            if not (isId name) then
                Refusal.refuse
                    study.Name
                    "names of small letters, digits and hyphens"
                    name
                    "the name is that of a folder, too: say another"

        for id, rows in study.Rows |> List.groupBy _.Id do
            if rows.Length > 1 then
                Refusal.refuse study.Name "rows with names of their own" $"{rows.Length} rows {id}" "rename one"

        for row in study.Rows do
            let place = $"{study.Name}/{row.Id}"

            if row.Seeds.IsEmpty then
                Refusal.refuse $"{place}/seeds" "at least one seed" "none" "say seeds [ 1 ], or leave them out"

            for measure, _ in row.Paper do
                match measure with
                | Some name when not (study.Measures |> List.exists (fun known -> known.Name = name)) ->
                    let known = study.Measures |> List.map _.Name |> String.concat ", "

                    Refusal.refuse
                        $"{place}/paper"
                        $"one of the study's measures ({known})"
                        name
                        "say it in the study with `measure`"
                | None when study.Measures.IsEmpty ->
                    Refusal.refuse $"{place}/paper" "a study with a measure" "none" "say what is measured: `measure`"
                | _ -> ()

    /// The folder of the study's runs.
    let root (study: Study) (options: StudyOptions) = Path.Combine(options.Out, study.RunsOf + options.Scale.Suffix)

    /// The study's own folder, where its report lies.
    let home (study: Study) (options: StudyOptions) = Path.Combine(options.Out, study.Name + options.Scale.Suffix)

    let private folderOf (study: Study) (row: StudyRow) = row.DataFolder |> Option.orElse study.DataFolder

    /// The path of a row's data: `--data`, or the row's folder in it where that is a folder of data sets.
    let private data (study: Study) (row: StudyRow) (options: StudyOptions) =
        options.Data
        |> Option.map (fun path ->
            match folderOf study row |> Option.map (fun name -> Path.Combine(path, name)) with
            | Some inner when Directory.Exists inner -> inner
            | _ -> path)

    /// The experiment that a row declares, with a seed.
    let experiment (scale: Scale) (row: StudyRow) (seed: int) : Experiment = {
        row.Experiment scale with
            Seed = seed
            Out = None
    }

    /// The command that makes one run and no other.
    let command (study: Study) (scale: Scale) (needsData: bool) (row: string) (seed: int) =
        let quick = scale.Pick("", " --quick")
        let data = if needsData then " --data DIR" else ""
        $"./modnet reproduce {study.Name} --rows {row} --seeds {seed}{quick}{data}"

    /// Whether `--data` has to name the experiment's data.
    let needsData (experiment: Experiment) = Sources.path experiment.Data = Some ""

    /// The rows that the options choose. Raises UserException for an unknown row.
    let rows (study: Study) (options: StudyOptions) : StudyRow list =
        match options.Only with
        | None -> study.Rows
        | Some ids ->
            let known = study.Rows |> List.map _.Id

            for id in ids do
                if not (List.contains id known) then
                    let names = String.concat ", " known

                    Refusal.refuse
                        "--rows"
                        $"rows of {study.Name} ({names})"
                        id
                        $"name some of them{CommandLine.hint known id}"

            study.Rows |> List.filter (fun row -> List.contains row.Id ids)

    /// Every run that the options choose: all rows with their first seed, then all with their second, and so on. Raises UserException where an
    /// experiment is not sound.
    let runs (study: Study) (options: StudyOptions) : PlannedRun list =
        let root = root study options

        rows study options
        |> List.collect (fun row ->
            defaultArg options.Seeds row.Seeds
            |> List.indexed
            |> List.map (fun (turn, seed) ->
                let folder = RunReader.folderOf root row.Id seed

                let settings = {
                    Settings.none with
                        Data = data study row options
                        Out = Some folder
                        Threads = options.Threads
                        Device = options.Device
                        Resume = true
                        Command = options.Command
                }

                let declared = experiment options.Scale row seed
                let sound = Settings.apply settings declared |> Check.experiment |> Refusal.orRaise

                turn,
                {
                    Row = row
                    Seed = seed
                    Experiment = sound
                    Identity = RunIdentity.wanted declared sound
                    Folder = folder
                    Settings = settings
                }))
        |> List.sortBy fst
        |> List.map snd

    /// Raises UserException where `--data` names data that no run reads. All studies together take one `--data`, which only some of them need; and whoever submitted an array,
    /// perhaps of all studies, was told.
    let mustUseData (options: StudyOptions) (runs: PlannedRun list) : unit =
        match options.Data with
        | Some path when not (Host.isAmongStudies () || Host.isOfArray ()) && not runs.IsEmpty ->
            if runs |> List.forall (fun run -> (Sources.path run.Experiment.Experiment.Data).IsNone) then
                Refusal.refuse
                    "--data"
                    "a study that reads data from files"
                    $"{path} for one that does not"
                    "leave it out"
        | _ -> ()

    /// Raises UserException where a run has to read data and no option names them.
    let mustHaveData (study: Study) (runs: PlannedRun list) : unit =
        if runs |> List.exists (fun run -> needsData run.Experiment.Experiment) then
            let names =
                runs
                |> List.filter (fun run -> needsData run.Experiment.Experiment)
                |> List.choose (fun run -> folderOf study run.Row)
                |> List.distinct

            let expected =
                if names.IsEmpty then
                    $"the data of {study.Name}"
                else
                    $"""the data of {study.Name} ({String.concat ", " names})"""

            Refusal.refuse "--data" expected "nothing" $"say where they are: ./modnet reproduce {study.Name} --data DIR"
