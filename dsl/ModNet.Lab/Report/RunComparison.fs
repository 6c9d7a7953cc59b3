namespace ModNet

open System
open System.Collections.Generic
open System.IO
open System.Text.Json.Nodes
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET

/// One page on which several runs stand beside each other: their last metrics, their curves over one another, and their settings.
[<RequireQualifiedAccess>]
module internal RunComparison =

    /// Marks what is not the same in all runs.
    let private unlike = "≠"

    let private absent = "–"

    type private Compared = { Name: string; Folder: string; Lines: MetricsLine list; Summary: JsonObject option }

    /// The last part of each path where these differ, else the paths.
    let private names (folders: string list) : string list =
        let last = folders |> List.map (fun folder -> DirectoryInfo(folder).Name)
        if (List.distinct last).Length = last.Length then last else folders

    /// Rows by name, of each run its value. The order is that of the first run which has a row; a name that stands in one run several times is
    /// told apart by its turn.
    let rows (runs: (string * string) list list) : (string * string option list) list =
        let numbered (rows: (string * string) list) =
            let turns = Dictionary<string, int>()

            [
                for name, value in rows do
                    turns[name] <- turns.GetValueOrDefault name + 1
                    (name, turns[name]), value
            ]

        let runs = runs |> List.map numbered
        let keys = runs |> List.collect (List.map fst) |> List.distinct
        let found = runs |> List.map dict

        [
            for key in keys ->
                fst key,
                [
                    for run in found ->
                        match run.TryGetValue key with
                        | true, value -> Some value
                        | _ -> None
                ]
        ]

    /// Whether a row's values are not the same in all runs.
    let differs (values: string option list) = (List.distinct values).Length > 1

    let private cells (values: string option list) = values |> List.map (Option.defaultValue absent)

    /// The last values of a run, by phase: as its summary has them, or the log while there is none.
    let private phases (run: Compared) : (string * JsonObject) list =
        match run.Summary with
        | Some summary -> [
            yield! RunFiles.last summary
            match RunFiles.best summary with
            | Some(step, measured) ->
                for phase, values in measured do
                    let values = values.DeepClone().AsObject()
                    values.Insert(0, "step", JsonValue.Create step)
                    $"best {phase}", values
            | None -> ()
          ]
        | None -> [
            for phase in Metric.EveryPhase do
                match run.Lines |> List.tryFindBack (fun line -> line.Phase = phase) with
                | Some line -> phase, JsonNode.Parse(line.ToJson()).AsObject()
                | None -> ()
          ]

    let private overview (runs: Compared list) : Section =
        let columns = [
            for run in runs ->
                match RunOverview.read run.Name run.Folder with
                | Ok found -> RunOverview.cells found
                | Error problem ->
                    let state = $"damaged – {problem}"
                    [ for heading in RunOverview.headings -> if heading = "state" then state else absent ]
        ]

        let rows = List.transpose (RunOverview.headings :: columns)
        Section.make "Runs" [ Content.Table("" :: [ for run in runs -> run.Name ], rows.Tail) ]

    let private results (runs: Compared list) : Section =
        let values = [
            for run in runs ->
                [
                    for phase, values in phases run do
                        for entry in values do
                            if entry.Key <> "phase" then
                                $"{phase}: {RunFiles.title entry.Key}", RunFiles.spoken entry.Key entry.Value
                ]
        ]

        let order (name: string, _) =
            [ "best validation"; "best test"; "validation"; "test"; "train" ]
            |> List.findIndex (fun phase -> name.StartsWith(phase + ":"))

        let rows = rows values |> List.sortBy order

        Section.make "Final metrics" [
            if rows.IsEmpty then
                Content.Prose "None of these runs has measured anything yet."
            else
                Content.Table(
                    "" :: [ for run in runs -> run.Name ],
                    [ for name, values in rows -> name :: cells values ]
                )
        ]

    let private curves (runs: Compared list) : Section list =
        // M, where it is the same in all of them.
        let modules =
            match runs |> List.map (fun run -> RunFiles.modules run.Folder) |> List.distinct with
            | [ one ] -> one
            | _ -> None

        // The runs that have a curve of a metric in a phase.
        let having (metric: Metric) (phase: string) =
            runs
            |> List.filter (fun run ->
                let struct (steps, _) = MetricsLog.Column(phase, metric.Name, run.Lines)
                steps.Length > 1)

        let chart (metric: Metric) (phase: string) : GenericChart =
            let axis = metric.Axis |> Option.ofObj |> Option.defaultValue metric.Heading
            let isLog = metric.Chart = MetricChart.LogLine
            let title = if isLog then $"{axis}, {phase} (log axis)" else $"{axis}, {phase}"

            let title =
                match having metric phase with
                | [ alone ] -> $"{title}: {alone.Name}"
                | _ -> title

            let drawn = runs |> List.map (fun run -> run.Name, run.Lines) |> Curves.compare metric.Name title phase

            match metric.Chart with
            | MetricChart.LogLine -> Panel.logY drawn
            | MetricChart.Modules -> Curves.upToModules modules drawn
            | _ -> drawn

        Metric.All
        |> Seq.filter (fun metric -> metric.Chart <> MetricChart.None)
        |> Seq.toList
        |> List.groupBy _.Section
        |> List.choose (fun (heading, metrics) ->
            let charts = [
                for metric in metrics do
                    for phase in [ "validation"; "train" ] do
                        if not (having metric phase).IsEmpty then chart metric phase
            ]

            let caption = metrics |> List.map _.Caption |> List.filter ((<>) "") |> String.concat " "

            match charts with
            | [] -> None
            | [ one ] -> Some(Section.figure heading caption one)
            | several -> Some(Section.figure heading caption (Figure.grid 2 several)))

    /// The experiment's settings beside those of the training method, which have names of their own.
    let private declared (run: Compared) : (string * string) list =
        match
            RunFiles.spec run.Folder |> Option.bind RunFiles.parsed |> Option.map (fun spec -> spec["experiment"])
        with
        | Some(:? JsonObject as experiment) -> [
            for entry in experiment do
                if entry.Key <> "method" then yield! RunFiles.leaves entry.Key entry.Value
          ]
        | _ -> []

    let private settings (runs: Compared list) : Section list =
        let headings = "setting" :: [ for run in runs -> run.Name ]

        let table (rows: (string * string option list) list) =
            Content.Table(
                headings,
                [
                    for name, values in List.sortBy (snd >> differs >> not) rows ->
                        (if differs values then $"{unlike} {name}" else name) :: cells values
                ]
            )

        let named =
            rows [
                for run in runs ->
                    match RunFiles.settings run.Folder with
                    | Some(_, rows) -> [
                        for row in rows do
                            row[0], row[1]
                      ]
                    | None -> []
            ]

        let unlikeRows = rows (List.map declared runs) |> List.filter (snd >> differs)

        [
            if not named.IsEmpty then
                Section.make "Settings" [
                    Content.Prose $"{unlike} marks what differs between the runs; it stands first."
                    table named
                ]

            Section.make "Differences of network, data and run" [
                if unlikeRows.IsEmpty then
                    Content.Prose "The specs of these runs differ in nothing but their training methods, if in these."
                else
                    Content.Prose "What the runs' specs say differently, by the way to it in spec.json."
                    table unlikeRows
            ]
        ]

    /// The folders of runs that the user means: of a folder that is none itself, such as that of a sweep, those in it.
    let private meant (folders: string list) : string list =
        folders
        |> List.collect (fun folder ->
            if Directory.Exists folder then
                match RunOverview.folders folder with
                | [] -> [ folder ]
                | found -> found
            else
                [ folder ])

    /// The page about the runs in these folders, and in the folders in these. Raises UserException, which names every folder that is none of a run.
    let page (folders: string list) : Report =
        let folders = meant folders

        let wrong =
            folders
            |> List.filter (fun folder ->
                not (
                    File.Exists(Path.Combine(folder, "spec.json"))
                    || File.Exists(Path.Combine(folder, "metrics.jsonl"))
                ))

        if not wrong.IsEmpty then
            Refusal.refuse
                (String.concat ", " wrong)
                "folders of runs"
                "no spec.json and no metrics.jsonl in them"
                "give the folders that --out named; ./modnet runs lists them"

        match folders with
        | [ one ] -> Refusal.refuse one "at least two runs" "one" "give the folder of another run, too"
        | _ -> ()

        let runs = [
            for name, folder in List.zip (names folders) folders ->
                {
                    Name = name
                    Folder = folder
                    Lines = List.ofSeq (MetricsLog.OfFolder folder).Lines
                    Summary = RunFiles.summary folder
                }
        ]

        {
            Report.Title = runs |> List.map _.Name |> String.concat " beside " |> Label.shortened 120
            Summary = []
            Command = None
            Sections = overview runs :: results runs :: curves runs @ settings runs
            Spec = None
            Files = []
        }
