namespace ModNet

open System
open System.IO
open ModNet.Runtime

/// The table of all results in docs/results.md, between two markers. It is made from the results files.
[<RequireQualifiedAccess>]
module ResultsTable =

    let private opening = "<!-- results: ./modnet reproduce writes what follows -->"
    let private closing = "<!-- end of results -->"

    // What would end a cell.
    let private cell (text: string) = text.Replace("|", "\\|").ReplaceLineEndings " "

    /// The command that makes a row's runs with these seeds.
    let private command (file: StudyFile) (row: StudyFileRow) (seeds: int list) =
        let seeds = seeds |> List.map string |> String.concat ","
        let data = if file.NeedsData then " --data DIR" else ""
        $"`./modnet reproduce {file.Study} --rows {row.Id} --seeds {seeds}{data}`"

    let private rows (file: StudyFile) : string list = [
        match file.Measures with
        | [] -> ()
        | measure :: _ ->
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
                        Spread.paper paper
                        $"{Spread.values values} (seeds {Spread.seeds seeds})"
                        Spread.difference values paper
                        Spread.minutes (results |> List.map _.Seconds)
                        command file row seeds
                    ]
                    |> List.map cell
                    |> String.concat " | "
                    |> fun cells -> $"| {cells} |"
    ]

    let private headings = [
        "| what | measure | paper | ours | difference | minutes a run | command |"
        "|---|---|---|---|---|---|---|"
    ]

    /// The page's text with the table of these results; a page without markers stays as it was. Quick versions are left out of the table.
    let insert (files: StudyFile list) (page: string) : string =
        let start = page.IndexOf(opening, StringComparison.Ordinal)

        let stop = if start < 0 then -1 else page.IndexOf(closing, start, StringComparison.Ordinal)

        if stop < 0 then
            page
        else
            let rows = files |> List.filter (fun file -> not file.Quick) |> List.sortBy _.Study |> List.collect rows

            let table =
                match rows with
                | [] -> [ "No results yet." ]
                | rows -> headings @ rows

            let lines = [ ""; yield! table; "" ] |> String.concat "\n"
            page[.. start + opening.Length - 1] + "\n" + lines + "\n" + page[stop..]

    /// Rewrites the page `docs/results.md` beside the scripts' folder from the results in that folder. A page that is not there is not made.
    let update (scripts: string) : unit =
        let page = Path.Combine(scripts, "..", "docs", "results.md") |> Path.GetFullPath

        let results = Path.Combine(scripts, "results")

        if File.Exists page && Directory.Exists results then
            let text = File.ReadAllText page

            let files = Directory.GetFiles(results, "*.json") |> Seq.choose StudyFileJson.load |> Seq.toList

            let updated = insert files text

            if updated <> text then WholeFile.Write(page, updated)
