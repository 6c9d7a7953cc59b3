namespace ModNet

open System
open System.ComponentModel

/// Sets the fields of a table, CSV or Parquet; made by `csv`.
[<Sealed>]
type CsvBuilder internal (path: string) =
    inherit
        SettingsBlock<CsvData>(
            {
                Path = path
                Targets = []
                Classes = None
                Features = None
                Categorical = []
                Coded = []
                Dates = []
                Missing = None
                UnseenLevels = None
                Task = None
                Weight = None
                Header = true
                Separator = Comma
                Standardise = false
                HeldOut = 0.2
                Test = 0.2
                SplitSeed = 1
            }
        )

    /// The one column to predict: numbers, or labels where `classes` is said.
    /// Example: `target "species"`
    [<CustomOperation "target">]
    member _.Target(draft: CsvData, column: string) = { draft with Targets = [ column ] }

    /// The columns to predict, y [targets] in this order: numbers.
    /// Example: `targets [ "length"; "width" ]`
    [<CustomOperation "targets">]
    member _.AllTargets(draft: CsvData, columns: string list) = { draft with Targets = columns }

    /// The target column holds this many different labels, numbers or words. They are numbered in order: numbers as numbers, words by
    /// their letters. A number has to be written in one way, not as 1 here and 1.0 there.
    /// Example: `classes 3`
    [<CustomOperation "classes">]
    member _.Classes(draft: CsvData, count: int) = { draft with Classes = Some count }

    /// The columns to predict from, x [features] in this order; unless said, all that are neither target nor task nor weight.
    /// Example: `features [ "x"; "y" ]`
    [<CustomOperation "features">]
    member _.Features(draft: CsvData, columns: string list) = { draft with Features = Some columns }

    /// The features that hold categories, words or numbers. Each of them becomes a column for each level that the file has, in the order of
    /// labels: 1 for the level that is there, 0 for the others. They stand where the feature stands, and `standardise` leaves them as they are.
    /// Example: `categorical [ "colour" ]`
    [<CustomOperation "categorical">]
    member _.Categorical(draft: CsvData, columns: string list) = { draft with Categorical = columns }

    /// The features that hold categories which the network reads as codes, from 0, for `embed_columns`. `standardise` leaves them as they are.
    /// Example: `coded [ "month" ]`
    [<CustomOperation "coded">]
    member _.Coded(draft: CsvData, columns: string list) = { draft with Coded = columns }

    /// The features that hold dates of ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00Z. They become the days since the beginning of 1970,
    /// with the part of the day as a fraction.
    /// Example: `dates [ "sold" ]`
    [<CustomOperation "dates">]
    member _.Dates(draft: CsvData, columns: string list) = { draft with Dates = columns }

    /// What becomes of missing values among the features, which are empty: `Mean` puts the mean over the training rows for a number, `Drop`
    /// leaves rows without a number out. With either, a missing category is a level of its own. Unless said, a missing value is refused.
    /// Example: `missing Mean`
    [<CustomOperation "missing">]
    member _.Missing(draft: CsvData, values: MissingValues) = { draft with Missing = Some values }

    /// What a prediction makes of a level that a `categorical` column of the file did not have. With `Zeros` each of the column's levels is 0, as if there were none;
    /// the network has not learned from such rows. Unless said, such a level is refused. A `coded` column has no code for it and refuses it always.
    /// Example: `unseen_levels Zeros`
    [<CustomOperation "unseen_levels">]
    member _.UnseenLevels(draft: CsvData, levels: UnseenLevels) = { draft with UnseenLevels = Some levels }

    /// The column of task ids, labels of any kind, numbered in order as classes are; none unless said.
    /// Example: `task "subject"`
    [<CustomOperation "task">]
    member _.Task(draft: CsvData, column: string) = { draft with Task = Some column }

    /// The column of weights, numbers ≥ 0: how much a row counts in losses and metrics; all alike unless said. A row of weight 2 counts as two
    /// rows, and a row of weight 0 is left out. `predict` needs no weights.
    /// Example: `weight "inhabitants"`
    [<CustomOperation "weight">]
    member _.Weight(draft: CsvData, column: string) = { draft with Weight = Some column }

    /// Whether columns go by their names, which the first row of a CSV file holds; true unless said. Without a header they are named 1, 2, ….
    /// Example: `header false`
    [<CustomOperation "header">]
    member _.Header(draft: CsvData, there: bool) = { draft with Header = there }

    /// What stands between two values, `Comma`, `Semicolon` or `Tab`; `Comma` unless said.
    /// Example: `separator Semicolon`
    [<CustomOperation "separator">]
    member _.Separator(draft: CsvData, separator: Separator) = { draft with Separator = separator }

    /// Whether every feature is shifted and scaled to mean 0 and deviation 1 over the training rows; false unless said.
    /// Example: `standardise true`
    [<CustomOperation "standardise">]
    member _.Standardise(draft: CsvData, yes: bool) = { draft with Standardise = yes }

    /// The share of rows held out for validation, in [0, 1); 0.2 unless said.
    /// Example: `held_out 0.1`
    [<CustomOperation "held_out">]
    member _.HeldOut(draft: CsvData, share: float) = { draft with HeldOut = share }

    /// The share of rows held out for the test, in [0, 1); 0.2 unless said.
    /// Example: `test 0.1`
    [<CustomOperation "test">]
    member _.Test(draft: CsvData, share: float) = { draft with Test = share }

    /// What the held-out rows are drawn by, whatever the experiment's seed; 1 unless said.
    /// Example: `split_seed 2`
    [<CustomOperation "split_seed">]
    member _.SplitSeed(draft: CsvData, seed: int) = { draft with SplitSeed = seed }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: CsvData) = Data.Csv draft

[<AutoOpen>]
module CsvSource =

    /// Rows of a CSV file (RFC 4180), or of a Parquet file where the path ends in `.parquet`: x [features] of numbers, categories and dates, and y [targets] of numbers or, with `classes`, a class. `target` or
    /// `targets` must be said. A blank path is left to `--data`. All settings mean the same of both; a Parquet file, whose columns have types and names,
    /// needs no `header` and no `separator`, its nulls are missing values, and its booleans are the words `true` and `false`.
    /// Settings: `target`, `targets`, `classes`, `features`, `categorical`, `coded`, `dates`, `missing`, `unseen_levels`, `task`, `weight`, `header`, `separator`,
    /// `standardise`, `held_out`, `test`, `split_seed`.
    /// Example: `csv "iris.csv" { target "species"; classes 3; held_out 0.2; test 0.2 }`
    let csv (path: string) = CsvBuilder path

module internal CsvKind =

    let private fields =
        Codec.fields {
            let! path = Codec.field "path" (fun (csv: CsvData) -> csv.Path) Codec.string
            and! targets = Codec.field "targets" _.Targets (Codec.list Codec.string)
            and! classes = Codec.field "classes" _.Classes (Codec.option Codec.int)
            and! features = Codec.field "features" _.Features (Codec.option (Codec.list Codec.string))
            and! categorical = Codec.unlessPlain "categorical" [] _.Categorical (Codec.list Codec.string)
            and! coded = Codec.unlessPlain "coded" [] _.Coded (Codec.list Codec.string)
            and! dates = Codec.unlessPlain "dates" [] _.Dates (Codec.list Codec.string)
            and! missing = Codec.optional "missing" _.Missing (Codec.words [ Mean, "mean"; Drop, "drop" ])
            and! unseenLevels = Codec.optional "unseen_levels" _.UnseenLevels (Codec.words [ Zeros, "zeros" ])
            and! task = Codec.field "task" _.Task (Codec.option Codec.string)
            and! weight = Codec.optional "weight" _.Weight Codec.string
            and! header = Codec.field "header" _.Header Codec.bool

            and! separator =
                Codec.field "separator" _.Separator (Codec.words [ Comma, "comma"; Semicolon, "semicolon"; Tab, "tab" ])

            and! standardise = Codec.field "standardise" _.Standardise Codec.bool
            and! heldOut = Codec.field "held_out" _.HeldOut Codec.float
            and! test = Codec.field "test" _.Test Codec.float
            and! splitSeed = Codec.field "split_seed" _.SplitSeed Codec.int

            return {
                CsvData.Path = path
                Targets = targets
                Classes = classes
                Features = features
                Categorical = categorical
                Coded = coded
                Dates = dates
                Missing = missing
                UnseenLevels = unseenLevels
                Task = task
                Weight = weight
                Header = header
                Separator = separator
                Standardise = standardise
                HeldOut = heldOut
                Test = test
                SplitSeed = splitSeed
            }
        }

    /// What is said of a column that `embed_columns` reads and `standardise` would change: expected, got, remedy.
    let standardised (column: string) =
        "`coded` columns where `embed_columns` reads categories, because `standardise` leaves only those their codes",
        column,
        "name each of them in `coded`, or leave `standardise` out"

    /// Categories stay as they are where they are `coded`. Where a column is among others that are split into levels, the file has to tell.
    let private embedded (rules: DataRules) (csv: CsvData) =
        let read =
            rules.Plan.Layers
            |> List.collect (fun layer ->
                match layer.Layer with
                | Layer.EmbedColumns columns -> columns
                | _ -> [])

        let add column =
            let expected, got, remedy = standardised column
            rules.Notes.Add(Fault.CategoriesStandardised, rules.Place "standardise", expected, got, remedy)

        if csv.Standardise && csv.Categorical.IsEmpty then
            match csv.Features with
            | Some features ->
                for column in read do
                    match List.tryItem column.Column features with
                    | Some name when not (List.contains name csv.Coded) -> add $"`{name}`, column {column.Column}"
                    | _ -> ()
            | None ->
                if read.Length > csv.Coded.Length then
                    add $"{read.Length} such columns, of which at most {csv.Coded.Length} can be coded"

    let private check (rules: DataRules) (csv: CsvData) =
        match csv.Targets, csv.Classes with
        | [], _ ->
            rules.Notes.Add(
                Fault.NoTarget,
                rules.Place "target",
                "the column to predict",
                "none",
                "say `target \"COLUMN\"`, or `targets` with several"
            )
        | _ :: _ :: _, Some _ ->
            rules.Notes.Add(
                Fault.NoTarget,
                rules.Place "classes",
                "one target column of labels",
                $"{csv.Targets.Length} columns",
                "name one with `target`, or leave `classes` out"
            )
        | _ -> ()

        csv.Classes
        |> Option.iter (fun count ->
            rules.Notes.Positive(rules.Place "classes", "a number of classes", count) |> ignore)

        if csv.Features = Some [] then
            rules.Notes.Add(
                Fault.NonPositiveSize,
                rules.Place "features",
                "at least one column",
                "none",
                "name one, or leave `features` out to take all others"
            )

        let others = csv.Targets @ Option.toList csv.Task @ Option.toList csv.Weight
        let columns = Option.defaultValue [] csv.Features @ others

        for column, times in List.countBy id columns do
            if times > 1 then
                rules.Notes.Add(
                    Fault.ColumnTwice,
                    rules.Here,
                    "every column to be one of target, feature, task and weight",
                    $"`{column}` {times} times",
                    "name it once"
                )

        let kinds = [ "categorical", csv.Categorical; "coded", csv.Coded; "dates", csv.Dates ]

        for column, times in kinds |> List.collect snd |> List.countBy id do
            if times > 1 then
                rules.Notes.Add(
                    Fault.ColumnTwice,
                    $"{rules.Root}/data",
                    "every feature to be at most one of categorical, coded and a date",
                    $"`{column}` {times} times",
                    "name it once"
                )

        for setting, columns in kinds do
            for column in List.distinct columns do
                let isFeature =
                    match csv.Features with
                    | Some features -> List.contains column features
                    | None -> not (List.contains column others)

                if not isFeature then
                    let what =
                        if List.contains column others then
                            $"`{column}`, which is target, task or weight"
                        else
                            $"`{column}`, which is none"

                    rules.Notes.Add(
                        Fault.ColumnOutOfRange,
                        rules.Place setting,
                        "columns that are features",
                        what,
                        $"leave it out of `{setting}`, or make it a feature"
                    )

        if csv.UnseenLevels.IsSome && csv.Categorical.IsEmpty then
            rules.Notes.Add(
                Fault.ColumnOutOfRange,
                rules.Place "unseen_levels",
                "a categorical column, whose levels may be unseen",
                "none",
                "name one in `categorical`, or leave `unseen_levels` out"
            )

        for setting, share in [ "held_out", csv.HeldOut; "test", csv.Test ] do
            if not (share >= 0.0 && share < 1.0) then
                rules.OutOfRange(
                    setting,
                    "a share of the rows in [0, 1)",
                    (Numbers.ofFloat share),
                    "say 0.2 for a fifth"
                )

        if csv.HeldOut + csv.Test >= 1.0 && csv.HeldOut < 1.0 && csv.Test < 1.0 then
            rules.OutOfRange(
                "test",
                "shares whose sum is below 1, so that rows are left to train on",
                (Numbers.ofFloat (csv.HeldOut + csv.Test)),
                "hold fewer out"
            )

        let target =
            match csv.Classes with
            | Some count -> Target.Classes count
            | None -> Target.Values csv.Targets.Length

        // How many levels a column has is known once the file is read.
        let features =
            if csv.Categorical.IsEmpty then
                csv.Features |> Option.map (fun columns -> Shape.Vector columns.Length)
            else
                None

        let file =
            if csv.Path.EndsWith(".parquet", StringComparison.OrdinalIgnoreCase) then "a Parquet file" else "a CSV file"

        rules.Fits(file, features, target)
        embedded rules csv

    let kind = {
        DataKind.make
            "csv"
            (function
            | Data.Csv csv -> Some csv
            | _ -> None)
            Data.Csv
            fields
            check with
            Path = fun csv -> Some csv.Path
            At = fun path csv -> { csv with Path = path }
            Prepares =
                fun csv ->
                    csv.Standardise || csv.Missing = Some Mean || not (csv.Categorical.IsEmpty && csv.Coded.IsEmpty)
            WithoutValidation = fun csv -> if csv.HeldOut = 0.0 then DataKind.holdOut 0 else None
            Tasks = fun csv -> csv.Task |> Option.map (fun _ -> None)
            Values = fun csv -> if csv.Classes.IsNone then csv.Targets else []
    }
