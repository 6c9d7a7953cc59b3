namespace ModNet.Cli

open System
open System.IO
open System.Text.RegularExpressions
open ModNet
open ModNet.Runtime

/// The tables of studies' results in docs/results.md and README.md. The table of all studies stands between two markers, and so does a table of
/// some measures of one study: `<!-- STUDY: MEASURE; MEASURE – ./modnet reproduce writes what follows -->` and `<!-- end of STUDY -->`.
[<RequireQualifiedAccess>]
module ResultsPage =

    let private opening = "<!-- results: ./modnet reproduce writes what follows -->"
    let private closing = "<!-- end of results -->"

    /// The last cell is a command.
    let private row (cells: string list) =
        let last = cells.Length - 1
        cells |> List.mapi (fun i text -> if i = last then $"`{text}`" else text) |> MarkdownTable.line

    let private measures =
        Regex
            @"(<!-- (?<study>[^:\n]+): (?<measures>[^\n]+) – \./modnet reproduce writes what follows -->\n)[\s\S]*?(<!-- end of \k<study> -->)"

    let private insertMeasures (files: StudyFile list) (page: string) : string =
        let table (found: Match) =
            match files |> List.tryFind (fun file -> file.Study = found.Groups["study"].Value && not file.Quick) with
            | None -> found.Value
            | Some file ->
                let headings, rows = StudyTable.beside (found.Groups["measures"].Value.Split "; " |> Array.toList) file

                let lines = "" :: MarkdownTable.lines headings rows @ [ ""; "" ]
                found.Groups[1].Value + String.concat "\n" lines + found.Groups[2].Value

        measures.Replace(page, table)

    let private insertResults (files: StudyFile list) (page: string) : string =
        let start = page.IndexOf(opening, StringComparison.Ordinal)
        let stop = if start < 0 then -1 else page.IndexOf(closing, start, StringComparison.Ordinal)

        if stop < 0 then
            page
        else
            let table =
                match files |> List.sortBy _.Study |> List.collect StudyTable.results with
                | [] -> [ "No results yet." ]
                | rows ->
                    MarkdownTable.line StudyTable.resultHeadings :: "|---|---|---|---|---|---|---|" :: List.map row rows

            let lines = [ ""; yield! table; "" ] |> String.concat "\n"
            page[.. start + opening.Length - 1] + "\n" + lines + "\n" + page[stop..]

    /// The page's text with the tables of these results; a page without markers stays as it was. Quick versions are left out.
    let insert (files: StudyFile list) (page: string) : string = page |> insertResults files |> insertMeasures files

    /// The pages with tables beside the scripts' folder: `docs/results.md` and `README.md`.
    let pages (scripts: string) : string list =
        [ Path.Combine("docs", "results.md"); "README.md" ]
        |> List.map (fun page -> Path.GetFullPath(Path.Combine(scripts, "..", page)))
        |> List.filter File.Exists

    /// Rewrites the pages beside the scripts' folder from the results that studies keep in that folder. Does nothing where there is no such page, or
    /// nothing is kept.
    /// Example: `ResultsPage.update "notebooks"`
    let update (scripts: string) : unit =
        if Directory.Exists(Path.Combine(scripts, "results")) then
            let store = StudyStore.beside scripts

            store.Locked(fun () ->
                for page in pages scripts do
                    let text = PlainText.Read page
                    let updated = insert (store.All()) text
                    if updated <> text then WholeFile.Write(page, updated))
