namespace ModNet

open System.ComponentModel

/// Sets a CSV file's fields; made by `csv`.
[<Sealed>]
type CsvBuilder internal (path: string) =

    let standard: CsvData = {
        Path = path
        Targets = []
        Classes = None
        Features = None
        Task = None
        Header = true
        Separator = Comma
        Standardise = false
        HeldOut = 0.2
        Test = 0.2
        SplitSeed = 1
    }

    /// The one column to predict: numbers, or labels where `classes` is said.
    /// Example: `target "species"`
    [<CustomOperation "target">]
    member _.Target(draft: CsvData, column: string) = { draft with Targets = [ column ] }

    /// The columns to predict, y [targets] in this order: numbers.
    /// Example: `targets [ "length"; "width" ]`
    [<CustomOperation "targets">]
    member _.AllTargets(draft: CsvData, columns: string list) = { draft with Targets = columns }

    /// The target column holds this many different labels, numbers or words. They are numbered in order: numbers as numbers, words by
    /// their letters.
    /// Example: `classes 3`
    [<CustomOperation "classes">]
    member _.Classes(draft: CsvData, count: int) = { draft with Classes = Some count }

    /// The columns of numbers to predict from, x [features] in this order; unless said, all that are neither target nor task.
    /// Example: `features [ "x"; "y" ]`
    [<CustomOperation "features">]
    member _.Features(draft: CsvData, columns: string list) = { draft with Features = Some columns }

    /// The column of task ids, labels of any kind, numbered in order as classes are; none unless said.
    /// Example: `task "subject"`
    [<CustomOperation "task">]
    member _.Task(draft: CsvData, column: string) = { draft with Task = Some column }

    /// Whether the first row names the columns; true unless said. Without a header they are named 1, 2, ….
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
    member _.Zero() = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Yield(_: unit) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Delay(settings: unit -> CsvData) = settings ()

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: CsvData) = Data.Csv draft

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Csv, WrongChild.Code, IsError = true)>]
    member _.Yield(_: 'Other) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Csv, WrongChild.Code, IsError = true)>]
    member _.Combine(_: 'First, _: 'Second) = standard

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(WrongChild.Csv, WrongChild.Code, IsError = true)>]
    member _.For(_: 'First, _: 'Second) = standard
