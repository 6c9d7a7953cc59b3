namespace ModNet

/// Learned vectors in the place of categories.
[<AutoOpen>]
module EmbedColumnsLayer =

    /// [F] → [F − c + Σ widths], right after `features`: c of its columns hold categories, as whole numbers from 0. Each column is said
    /// by its number, counted from 0, the number of its categories, and the width of the learned vectors that stand for
    /// them. The other columns come first, in their order; then the vectors, column by column as they are said here.
    /// Example: `embed_columns [ (0, 7, 3); (4, 12, 5) ]`
    let embed_columns (columns: (int * int * int) list) =
        Layer.EmbedColumns [
            for column, categories, width in columns ->
                { EmbeddedColumn.Column = column; Categories = categories; Width = width }
        ]

module internal EmbedColumns =

    let private column: Fields<EmbeddedColumn, EmbeddedColumn> =
        Codec.fields {
            let! column = Codec.field "column" (fun (column: EmbeddedColumn) -> column.Column) Codec.int
            and! categories = Codec.field "categories" _.Categories Codec.int
            and! width = Codec.field "width" _.Width Codec.int

            return { EmbeddedColumn.Column = column; Categories = categories; Width = width }
        }

    let private describe (columns: EmbeddedColumn list) =
        let said =
            columns
            |> List.map (fun column ->
                $"({column.Column}, {Numbers.inScript (int64 column.Categories)}, {column.Width})")
            |> String.concat "; "

        $"embed_columns [ {said} ]"

    let private infer (site: Site) (columns: EmbeddedColumn list) shape =
        let before = site.Notes.Count

        if columns.IsEmpty then
            site.Notes.Add(
                Fault.EmptyBlock,
                site.Place,
                "columns that hold categories",
                "none",
                "say which, or leave it out"
            )

        for index, column in List.indexed columns do
            let place = $"{site.Place}/{index + 1}"
            site.Notes.Positive($"{place}/categories", "a number of categories", column.Categories) |> ignore
            site.Notes.Positive($"{place}/width", "a width", column.Width) |> ignore

        let width = site.Rules.Vector(site.Place, "begin the network with `features`", shape)

        for index, column in List.indexed columns do
            let place = $"{site.Place}/{index + 1}/column"
            let earlier = columns |> List.take index |> List.tryFindIndex (fun other -> other.Column = column.Column)

            match width, earlier with
            | _, Some earlier ->
                site.Notes.Add(
                    Fault.ColumnTwice,
                    place,
                    "a column that is not yet embedded",
                    $"column {column.Column}, as {earlier + 1} has it",
                    "leave one of them out"
                )
            | Some width, None when column.Column < 0 || column.Column >= width ->
                site.Notes.Add(
                    Fault.ColumnOutOfRange,
                    place,
                    $"a column from 0 to {width - 1}",
                    string<int> column.Column,
                    "give the number of one of the input's columns, counted from 0"
                )
            | None, None when column.Column < 0 ->
                site.Notes.Add(
                    Fault.ColumnOutOfRange,
                    place,
                    "a column ≥ 0",
                    string<int> column.Column,
                    "give the number of one of the input's columns, counted from 0"
                )
            | _ -> ()

        match width with
        | Some width when site.Notes.Count = before ->
            let embedded = columns |> List.fold (fun sum column -> Counts.plus sum (int64 column.Width)) 0L

            site.Notes.Countable(
                site.Place,
                "a width of all columns together",
                Counts.plus (int64<int> width - int64 columns.Length) embedded
            )
            |> Option.map Shape.Vector
            |> Inferred.output
        | _ -> Inferred.output None

    /// Each table has a row for each category; one row of each is read.
    let private cost _ _ (columns: EmbeddedColumn list) =
        columns
        |> List.map (fun column -> {
            Parameters = Counts.times (int64 column.Categories) (int64 column.Width)
            Active = int64 column.Width
            MultiplyAdds = 0L
        })
        |> Cost.sum

    let kind = {
        LayerKind.body
            3
            "embed_columns"
            (function
            | Layer.EmbedColumns columns -> Some columns
            | _ -> None)
            Layer.EmbedColumns
            (fun _ -> Codec.one "columns" (Codec.list (Codec.object column))) with
            Role = Role.Opening
            Describe = describe
            Infer = infer
            Cost = cost
    }
