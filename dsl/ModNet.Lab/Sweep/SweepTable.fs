namespace ModNet

open System
open System.Globalization
open System.IO
open ModNet.Figures
open ModNet.Runtime

/// What the runs of a sweep have come to, beside each other.
[<RequireQualifiedAccess>]
module internal SweepTable =

    let private absent = "–"

    /// A run with what its folder says of it; None where it has not begun. Of a folder that is damaged, the reason.
    let private looked (run: SweepRun) : SweepRun * Result<RunOverview, string> option =
        run,
        if File.Exists(Path.Combine(run.Folder, "spec.json")) then
            Some(RunOverview.read run.Name run.Folder)
        else
            None

    let private state (found: Result<RunOverview, string> option) : string =
        match found with
        | None -> "not begun"
        | Some(Ok run) -> string run.State
        | Some(Error problem) -> $"damaged – {problem}"

    /// What is told of how well a run does: its best validation and the step of that; where its data have no validation set, what was last measured of
    /// the test set.
    let private measured (overview: RunOverview) : (string * string) list =
        match overview.Best with
        | Some(step, line) -> [ "best validation", RunOverview.Measured line; "at step", Numbers.grouped step ]
        | None ->
            (MetricsLog.OfFolder overview.Folder).Lines
            |> Seq.tryFindBack (fun line -> line.Phase = "test")
            |> Option.map (fun line -> "last test", RunOverview.Measured line)
            |> Option.toList

    /// The columns beside the settings, by name, and of each what it says of a run.
    let private columns (found: Result<RunOverview, string> option) : (string * string) list = [
        match found with
        | Some(Ok overview) ->
            "steps", $"{Numbers.grouped overview.Steps}/{Numbers.grouped overview.Planned}"
            yield! measured overview
            "time", Label.duration (RunLength.seconds overview.Folder)
        | _ -> ()

        "state", state found
    ]

    let private order = [ "steps"; "best validation"; "at step"; "last test"; "time"; "state" ]

    /// The run with the most probable validation set, where all have the same data.
    let private best (runs: (SweepRun * Result<RunOverview, string> option) list) : string option =
        let data = runs |> List.map (fun (run, _) -> run.Experiment.Data) |> List.distinct

        let measured = [
            for run, found in runs do
                match found with
                | Some(Ok { Best = Some(_, line) }) when line[Metric.LogLikelihood].HasValue ->
                    run.Name, line[Metric.LogLikelihood].Value
                | _ -> ()
        ]

        if data.Length > 1 || measured.Length < 2 then
            None
        else
            let name, highest = List.maxBy snd measured
            Some $"best by validation: {name}, with the highest log likelihood of the validation set (%.4f{highest})"

    let private cells (plan: SweepPlan) =
        let runs = plan.Runs |> List.map looked
        let told = runs |> List.map (fun (run, found) -> run, Map.ofList (columns found))

        let headings =
            order |> List.filter (fun heading -> told |> List.exists (fun (_, cells) -> cells.ContainsKey heading))

        let rows = [
            for run, cells in told ->
                run.Name :: run.Settings
                @ [ for heading in headings -> cells.TryFind heading |> Option.defaultValue absent ]
        ]

        ("run" :: plan.Settings @ headings) :: rows, best runs

    /// The settings in which the runs differ, as lines of text.
    let settings (plan: SweepPlan) : string list =
        ("run" :: plan.Settings) :: [ for run in plan.Runs -> run.Name :: run.Settings ]
        |> List.map (List.map VisibleText.Word)
        |> Columns.lines (fun _ -> true)

    /// The table as lines of text.
    let lines (plan: SweepPlan) : string list =
        let rows, best = cells plan
        let isNumber column = List.contains rows.Head[column] [ "steps"; "at step" ]

        [
            yield! rows |> List.map (List.map VisibleText.Word) |> Columns.lines (isNumber >> not)
            yield! Option.toList best
        ]

    let private markdown (plan: SweepPlan) : string =
        let rows, best = cells plan

        [
            $"# {plan.Name}"
            ""
            yield! MarkdownTable.lines rows.Head rows.Tail

            match best with
            | Some best ->
                ""
                best
            | None -> ()
        ]
        |> List.map (fun line -> line + "\n")
        |> String.concat ""

    let private number (value: float) = value.ToString("R", CultureInfo.InvariantCulture)

    /// The same for programs: a column for each metric of the best validation, numbers unrounded, and empty cells for what is not there.
    let private csv (plan: SweepPlan) : string =
        let runs = plan.Runs |> List.map looked

        let overview found =
            match found with
            | Some(Ok overview) -> Some(overview: RunOverview)
            | _ -> None

        let values (overview: RunOverview) =
            overview.Best |> Option.map (snd >> _.Values >> Seq.map (fun pair -> pair.Key, pair.Value) >> Map.ofSeq)

        let metrics =
            runs
            |> List.choose (snd >> overview >> Option.bind values)
            |> List.collect (Map.toList >> List.map fst)
            |> List.distinct

        let headings =
            [ "run" ]
            @ plan.Settings
            @ [ "steps"; "planned"; "best_step" ]
            @ [ for metric in metrics -> $"best_validation_{metric}" ]
            @ [ "seconds"; "state"; "folder" ]

        let line (run: SweepRun, found) = [
            let overview = overview found
            run.Name
            yield! run.Settings
            overview |> Option.map (fun it -> string it.Steps) |> Option.defaultValue ""
            overview |> Option.map (fun it -> string it.Planned) |> Option.defaultValue ""
            overview |> Option.bind _.Best |> Option.map (fst >> string) |> Option.defaultValue ""

            for metric in metrics do
                overview
                |> Option.bind values
                |> Option.bind (Map.tryFind metric)
                |> Option.map number
                |> Option.defaultValue ""

            overview |> Option.map (fun it -> number (RunLength.seconds it.Folder)) |> Option.defaultValue ""
            state found
            run.Folder
        ]

        headings :: List.map line runs
        |> List.map (fun cells -> String.Join(',', List.map CsvCell.quoted cells) + "\n")
        |> String.concat ""

    /// Writes the table into the sweep's folder, as `sweep.md` for people and as `sweep.csv` for programs.
    let write (plan: SweepPlan) : unit =
        WholeFile.Write(Path.Combine(plan.Home, "sweep.md"), markdown plan)
        WholeFile.Write(Path.Combine(plan.Home, "sweep.csv"), csv plan)
