namespace ModNet.Cli

open System
open System.IO
open ModNet
open ModNet.Runtime

/// The page docs/results.md: the table of all studies' results stands between two markers in it.
[<RequireQualifiedAccess>]
module ResultsPage =

    let private opening = "<!-- results: ./modnet reproduce writes what follows -->"
    let private closing = "<!-- end of results -->"

    // A bar or a line's end in a text would end its cell.
    let private cell (text: string) = text.Replace("|", "\\|").ReplaceLineEndings " "

    let private line (cells: string list) =
        cells |> List.map cell |> String.concat " | " |> (fun cells -> $"| {cells} |")

    /// The last cell is a command.
    let private row (cells: string list) =
        let last = cells.Length - 1
        cells |> List.mapi (fun i text -> if i = last then $"`{text}`" else text) |> line

    /// The page's text with the table of these results; a page without markers stays as it was. Quick versions are left out.
    let insert (files: StudyFile list) (page: string) : string =
        let start = page.IndexOf(opening, StringComparison.Ordinal)
        let stop = if start < 0 then -1 else page.IndexOf(closing, start, StringComparison.Ordinal)

        if stop < 0 then
            page
        else
            let table =
                match files |> List.sortBy _.Study |> List.collect StudyTable.results with
                | [] -> [ "No results yet." ]
                | rows -> line StudyTable.resultHeadings :: "|---|---|---|---|---|---|---|" :: List.map row rows

            let lines = [ ""; yield! table; "" ] |> String.concat "\n"
            page[.. start + opening.Length - 1] + "\n" + lines + "\n" + page[stop..]

    /// Rewrites the page `docs/results.md` beside the scripts' folder from the results that studies keep in that folder. Does nothing where there
    /// is no such page, or nothing is kept.
    /// Example: `ResultsPage.update "notebooks"`
    let update (scripts: string) : unit =
        let page = Path.GetFullPath(Path.Combine(scripts, "..", "docs", "results.md"))

        if File.Exists page && Directory.Exists(Path.Combine(scripts, "results")) then
            let store = StudyStore.beside scripts

            store.Locked(fun () ->
                let text = PlainText.Read page
                let updated = insert (store.All()) text
                if updated <> text then WholeFile.Write(page, updated))
