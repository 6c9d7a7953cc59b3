namespace ModNet

open System

/// A study's numbers beside the paper's, for terminal and report.
[<RequireQualifiedAccess>]
module StudyTable =

    /// Of which the paper says something, or the first one; and the others.
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

        // Of a quick version it would invite a comparison.
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
                if spoken then Spread.paper paper
                Spread.values (values measure)
                if differs then Spread.difference (values measure) paper
                for other in others do
                    Spread.values (values other)
                Spread.seeds (results |> List.map _.Seed)
                Spread.minutes (results |> List.map _.Seconds)
            ]

        headings, List.allPairs file.Rows compared |> List.map (fun (row, measure) -> line row measure)

    /// What has begun and is not finished, a line for each.
    let unfinished (file: StudyFile) : string list = [
        for row in file.Rows do
            for entry in StudyFile.entriesOf row file do
                if not entry.Finished then
                    $"unfinished: {row.Label}, seed {entry.Seed}: {entry.Steps:N0} of {entry.Planned:N0} steps"
    ]

    /// The title as every output has it.
    let title (file: StudyFile) = if file.Quick then $"{file.Title} – quick version" else file.Title

    /// What a quick version is, said beside every number of one.
    let quickly =
        "A quick version: far fewer steps than the paper's, to see that everything runs. Its numbers are not comparable with the paper's."

    /// The table as lines of text.
    let lines (file: StudyFile) : string list =
        let headings, rows = cells file
        let whole = headings :: rows

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
