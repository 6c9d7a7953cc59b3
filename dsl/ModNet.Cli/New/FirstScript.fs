namespace ModNet.Cli

open System
open System.Globalization
open System.IO
open ModNet
open ModNet.Runtime

/// A first script: about data that it draws itself, or about the user's, at which it looks to fill in columns, classes and words.
[<RequireQualifiedAccess>]
module FirstScript =

    /// A column of whole numbers with more different values than this is taken for numbers, not for classes.
    let private mostClasses = 20

    /// The largest batch that is proposed.
    let private mostBatch = 128L

    let private batch (rows: int64) : string =
        Seq.initInfinite (fun i -> mostBatch >>> i) |> Seq.find (fun size -> size <= max 1L (rows / 4L)) |> string

    /// A text as it stands between quotes in F#.
    let private spelt (text: string) = text.Replace("\\", "\\\\").Replace("\"", "\\\"")

    let private isClass (column: CsvColumnSketch) =
        not (isNull column.Values)
        && column.Values.Count > 1
        && (not column.IsNumeric || (column.IsWhole && column.Values.Count <= mostClasses))

    let private csv (path: string) (wanted: string option) : string * (string * string) list =
        let sketch = CsvSketch.Of path
        let names = [ for column in sketch.Columns -> column.Name ]

        let target =
            match wanted with
            | None -> Seq.last sketch.Columns
            | Some name ->
                match sketch.Columns |> Seq.tryFind (fun column -> column.Name = name) with
                | Some column -> column
                | None ->
                    let hint = CommandLine.hint names name
                    let all = String.concat ", " names
                    raise (UserException("--target", $"a column of {path}", name, $"name one of {all}{hint}"))

        let others = [
            for column in sketch.Columns do
                if column.Name <> target.Name then column
        ]

        let isCategory (column: CsvColumnSketch) = not (column.IsNumeric || column.IsDate) && isClass column

        let features = others |> List.filter (fun column -> column.IsNumeric || column.IsDate || isCategory column)

        let categories, dates = features |> List.filter isCategory, features |> List.filter _.IsDate

        // A missing category is a level of its own.
        let levels (column: CsvColumnSketch) = column.Values.Count + (if column.HasMissing then 1 else 0)

        if features.IsEmpty then
            raise (
                UserException(
                    path,
                    $"columns of numbers, dates or categories beside {target.Name}",
                    "none",
                    "give a file with such columns, or another one with --target"
                )
            )

        if not (target.IsNumeric || isClass target) then
            raise (
                UserException(
                    $"{path}, column {target.Name}",
                    $"numbers, or at most {CsvSketch.MostValues} different labels",
                    "more",
                    "name another column with --target"
                )
            )

        let settings = [
            if isClass target then $"classes {target.Values.Count}"

            for word, columns, isNeeded in
                [
                    "features", features, features.Length < others.Length
                    "categorical", categories, not categories.IsEmpty
                    "dates", dates, not dates.IsEmpty
                ] do
                if isNeeded then
                    let listed = columns |> Seq.map (fun column -> $"\"{spelt column.Name}\"") |> String.concat "; "
                    $"{word} [ {listed} ]"

            if features |> List.exists _.HasMissing then "missing Mean"

            match sketch.Separator with
            | ';' -> "separator Semicolon"
            | '\t' -> "separator Tab"
            | _ -> ()
        ]

        "csv.fsx",
        [
            "target", spelt target.Name
            "columns", string features.Length
            "count", string (features.Length - categories.Length + List.sumBy levels categories)
            "rows", sketch.Rows.ToString("N0", CultureInfo.InvariantCulture)
            "head",
            (if isClass target then
                 $"softmax {target.Values.Count}"
             else
                 "linear 1\n        gaussian (learned_variance 1.0)")
            "settings", settings |> Seq.map (fun line -> String.replicate 12 " " + line) |> String.concat "\n"
            "batch", batch (sketch.Rows * 3L / 5L)
        ]

    let private words (path: string) : string * (string * string) list =
        let corpus = TextCorpus.Of(TextFiles.Read path, Nullable())

        "text.fsx",
        [
            "vocabulary", Numbers.inScript (int64 corpus.Vocabulary.Size)
            "batch", batch (corpus.Windows(35, false).Train.Count)
        ]

    let private has (folder: string) (pattern: string) =
        Directory.Exists folder && Directory.EnumerateFiles(folder, pattern) |> Seq.isEmpty |> not

    let private ofData (path: string) (target: string option) : string * (string * string) list =
        let ending = Path.GetExtension(path).ToLowerInvariant()

        if List.contains ending [ ".csv"; ".tsv"; ".parquet" ] then
            csv path target
        elif target.IsSome then
            raise (UserException("--target", "a CSV or Parquet file with --data", path, "leave --target out"))
        elif has path "*idx3-ubyte*" then
            "images.fsx", [ "word", "mnist"; "size", "(1, 28, 28)" ]
        elif has path "data_batch_*.bin" || path.EndsWith(".tar.gz", StringComparison.OrdinalIgnoreCase) then
            "images.fsx", [ "word", "cifar10"; "size", "(3, 32, 32)" ]
        elif not (File.Exists path || Directory.Exists path) then
            raise (
                UserException(
                    path,
                    "a CSV or Parquet file, a text, or a folder with MNIST, CIFAR-10 or a text in it",
                    NearWord.NothingAt path,
                    "give an existing path with --data"
                )
            )
        else
            words path

    /// The text of a script that is to lie at `path`, about the data and, for a CSV or Parquet file, its target column (the last one, unless
    /// said). Raises UserException for data that it cannot make anything of.
    let write (path: string) (data: string option) (target: string option) : string =
        let folder = Path.GetDirectoryName(Path.GetFullPath path)
        let load = Path.Combine(CloneFolder.notebooks, "modnet.fsx")

        // A script within the clone stays right where the clone moves.
        let load =
            if (folder + "/").StartsWith(CloneFolder.root + "/", StringComparison.Ordinal) then
                Path.GetRelativePath(folder, load)
            else
                load

        let template, values =
            match data, target with
            | Some data, _ -> ofData data target
            | None, None -> "first.fsx", []
            | None, Some _ ->
                raise (
                    UserException(
                        "--target",
                        "a CSV or Parquet file with --data",
                        "no data",
                        "say --data FILE.csv as well"
                    )
                )

        Template.fill
            template
            (values
             @ [
                 "name", Path.GetFileNameWithoutExtension path
                 "script", path
                 "load", load
                 "modnet", CloneFolder.command
                 "data", defaultArg data ""
             ])
        // A setting that is not needed leaves an empty line.
        |> fun text -> text.Replace("\n\n            standardise", "\n            standardise")
