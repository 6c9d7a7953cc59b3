namespace ModNet

/// Rows of cells as lines of text in aligned columns, two blanks between them.
module internal Columns =

    /// Columns that hold words stand to the left, the others, numbers, to the right.
    let lines (ofWords: int -> bool) (rows: string list list) : string list =
        let widths = rows |> List.transpose |> List.map (List.map String.length >> List.max)

        let cell index (width: int, text: string) = if ofWords index then text.PadRight width else text.PadLeft width

        rows |> List.map (fun row -> (List.zip widths row |> List.mapi cell |> String.concat "  ").TrimEnd())
