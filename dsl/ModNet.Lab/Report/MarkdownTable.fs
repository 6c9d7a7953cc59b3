namespace ModNet

/// Tables in Markdown.
[<RequireQualifiedAccess>]
module internal MarkdownTable =

    // A bar or a line's end in a text would end its cell.
    let private cell (text: string) = text.Replace("|", "\\|").ReplaceLineEndings " "

    /// Cells beside each other.
    let line (cells: string list) : string =
        cells |> List.map cell |> String.concat " | " |> (fun cells -> $"| {cells} |")

    /// The line below so many headings.
    let rule (headings: string list) : string = headings |> List.map (fun _ -> "---") |> line

    /// The lines of a table.
    let lines (headings: string list) (rows: string list list) : string list =
        line headings :: rule headings :: List.map line rows
