namespace ModNet

/// A row as a results file declares it.
type StudyFileRow = {
    Id: string
    Label: string
    /// By measure.
    Paper: Map<string, PaperValue>
    /// The identity of its experiment now; entries with another one are of earlier settings.
    Spec: string
}

/// What a results file holds: the study as its script last declared it, and all runs there ever were.
type StudyFile = {
    Study: string
    Title: string
    Quick: bool
    Measures: string list
    /// Its data are named by `--data`.
    NeedsData: bool
    Rows: StudyFileRow list
    Entries: StudyEntry list
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module StudyFile =

    /// The runs of a row under its present settings, by seed.
    let entriesOf (row: StudyFileRow) (file: StudyFile) : StudyEntry list =
        file.Entries |> List.filter (fun entry -> entry.Row = row.Id && entry.Spec = row.Spec) |> List.sortBy _.Seed

    /// Those that are finished.
    let results (row: StudyFileRow) (file: StudyFile) : StudyEntry list = entriesOf row file |> List.filter _.Finished

    /// The declaration of the newer one, the entries of both; where both speak of the same end of a run, as the newer one tells it.
    let merge (older: StudyFile) (newer: StudyFile) : StudyFile =
        let time (entry: StudyEntry) = StudyEntry.key entry, entry.Finished, entry.Steps, entry.Date

        let told = newer.Entries |> List.map time |> set

        {
            newer with
                Entries =
                    StudyEntry.merge
                        (older.Entries |> List.filter (fun entry -> not (told.Contains(time entry))))
                        newer.Entries
        }
