namespace ModNet

open System
open System.Globalization
open ModNet.Figures
open ModNet.Runtime

/// Numbers of runs with several seeds, as tables show them.
[<RequireQualifiedAccess>]
module internal SeedText =

    /// A number with three decimals; a very small one with its power of ten.
    let number (value: float) : string =
        if value <> 0.0 && abs value < 0.001 then
            Label.number value
        else
            value.ToString("#,0.000", CultureInfo.InvariantCulture).Replace('-', '−')

    /// The mean; where there are several values, also the smallest and the largest.
    let values (values: float list) : string =
        match values with
        | [] -> "–"
        | [ one ] -> number one
        | several -> $"{number (List.average several)} ({number (List.min several)}–{number (List.max several)})"

    let paper (value: PaperValue option) : string =
        match value with
        | Some(PaperValue.Number value) -> number value
        | Some(PaperValue.Words words) -> words
        | None -> "–"

    /// The difference of the mean from the paper's number, also in percent of that number.
    let difference (values: float list) (paper: PaperValue option) : string =
        match values, paper with
        | _ :: _, Some(PaperValue.Number paper) ->
            let off = List.average values - paper
            let sign = if off > 0.0 then "+" else ""
            let by = off.ToString("#,0.000", CultureInfo.InvariantCulture).Replace('-', '−')

            let share =
                if paper = 0.0 then
                    ""
                else
                    let percent = (100.0 * off / abs paper).ToString("0.0", CultureInfo.InvariantCulture)

                    $" ({sign}{percent.Replace('-', '−')} %%)"

            $"{sign}{by}{share}"
        | _ -> "–"

    /// The mean number of minutes of a run.
    let minutes (seconds: float list) : string =
        match seconds with
        | [] -> "–"
        | seconds -> (List.average seconds / 60.0).ToString("0.0", CultureInfo.InvariantCulture)

    /// `1–3` or `1, 4`.
    let seeds (seeds: int list) : string =
        match seeds with
        | [] -> "–"
        | first :: _ :: _ :: _ when seeds = [ first .. List.last seeds ] -> $"{first}–{List.last seeds}"
        | several -> several |> List.map string |> String.concat ", "

/// A study's numbers beside the paper's, for terminal and report.
[<RequireQualifiedAccess>]
module StudyTable =

    /// The measures of which the paper says something (where it says nothing, the first one), and the others.
    let private compared (file: StudyFile) : string list * string list =
        let isSpoken measure = file.Rows |> List.exists (fun row -> row.Paper.ContainsKey measure)

        match List.partition isSpoken file.Measures with
        | [], first :: others -> [ first ], others
        | parts -> parts

    /// Headings, then for each row a line for each measure of which the paper says something; other measures have columns of
    /// their own. Only finished runs count.
    let cells (file: StudyFile) : string list * string list list =
        let compared, others = compared file
        let several = compared.Length > 1
        let spoken = file.Rows |> List.exists (fun row -> not row.Paper.IsEmpty)

        // A quick version's differences would invite a comparison.
        let differs = spoken && not file.Quick

        let headings = [
            ""
            if several then "measure"
            if spoken then "paper"
            match compared with
            | [ one ] when spoken -> $"ours: {one}"
            | [ one ] -> one
            | _ -> "ours"
            if differs then "difference"
            yield! others
            "seeds"
            "minutes a run"
        ]

        let line (row: StudyFileRow) (measure: string) =
            let results = StudyFile.results row file
            let paper = row.Paper.TryFind measure

            let values (measure: string) = results |> List.choose (fun entry -> entry.Values.TryFind measure)

            [
                row.Label
                if several then measure
                if spoken then SeedText.paper paper
                SeedText.values (values measure)
                if differs then SeedText.difference (values measure) paper
                for other in others do
                    SeedText.values (values other)
                SeedText.seeds (results |> List.map _.Seed)
                SeedText.minutes (results |> List.map _.Seconds)
            ]

        headings, List.allPairs file.Rows compared |> List.map (fun (row, measure) -> line row measure)

    /// A line for each run that has begun and is not finished.
    let unfinished (file: StudyFile) : string list = [
        for row in file.Rows do
            for entry in StudyFile.entriesOf row file do
                if not entry.Finished then
                    $"unfinished: {row.Label}, seed {entry.Seed}: {Numbers.grouped entry.Steps} of {Numbers.grouped entry.Planned} steps"
    ]

    /// The title as every output has it.
    let title (file: StudyFile) = if file.Quick then $"{file.Title} – quick version" else file.Title

    /// The sentence that stands beside every number of a quick version.
    let quickly =
        "A quick version: far fewer steps than the paper's, to see that everything runs. Its numbers are not comparable with the paper's."

    /// The headings of `results`.
    let resultHeadings = [ "what"; "measure"; "paper"; "ours"; "difference"; "minutes a run"; "command" ]

    /// The command that makes a row's runs with these seeds.
    let private command (file: StudyFile) (row: StudyFileRow) (seeds: int list) =
        let seeds = seeds |> List.map string |> String.concat ","
        let data = if file.NeedsData then " --data DIR" else ""
        $"./modnet reproduce {file.Study} --rows {row.Id} --seeds {seeds}{data}"

    /// The study's lines in a table of all studies' results: its first measure of every row that has a finished run. None of a quick version.
    let results (file: StudyFile) : string list list = [
        match file.Measures with
        | measure :: _ when not file.Quick ->
            for row in file.Rows do
                match StudyFile.results row file with
                | [] -> ()
                | results ->
                    let values = results |> List.choose (fun entry -> entry.Values.TryFind measure)
                    let paper = row.Paper.TryFind measure
                    let seeds = results |> List.map _.Seed

                    [
                        $"{file.Title}: {row.Label}"
                        measure
                        SeedText.paper paper
                        $"{SeedText.values values} (seeds {SeedText.seeds seeds})"
                        SeedText.difference values paper
                        SeedText.minutes (results |> List.map _.Seconds)
                        command file row seeds
                    ]
        | _ -> ()
    ]

    /// Headings and rows of some measures side by side, one row for each row of the study that has a finished run. The paper's number is that of
    /// the first measure. None of a quick version.
    let beside (measures: string list) (file: StudyFile) : string list * string list list =
        [
            ""
            yield! measures |> List.truncate 1 |> List.map (fun first -> $"paper: {first}")
            yield! measures
            "seeds"
        ],
        [
            for row in file.Rows do
                match StudyFile.results row file with
                | _ :: _ as results when not file.Quick -> [
                    row.Label
                    yield!
                        measures |> List.truncate 1 |> List.map (fun first -> SeedText.paper (row.Paper.TryFind first))
                    for measure in measures do
                        SeedText.values (results |> List.choose (fun entry -> entry.Values.TryFind measure))
                    SeedText.seeds (results |> List.map _.Seed)
                  ]
                | _ -> ()
        ]

    /// The table as lines of text.
    let lines (file: StudyFile) : string list =
        let headings, rows = cells file
        let whole = headings :: rows |> List.map (List.map VisibleText.Word)

        let widths = whole |> List.transpose |> List.map (List.map String.length >> List.max)

        let line (cells: string list) =
            List.map2 (fun (cell: string) (width: int) -> cell.PadRight width) cells widths
            |> String.concat "  "
            |> _.TrimEnd()

        [
            title file
            if file.Quick then quickly
            if not rows.IsEmpty then yield! List.map line whole
            yield! unfinished file
        ]
