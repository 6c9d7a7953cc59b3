namespace ModNet

/// Who made a run of a study, and when: `study.json` in the run's folder. A run that was resumed tells of its last part.
type RunRecord = {
    Command: string
    Commit: Commit option
    Processor: string
    /// UTC, ISO 8601.
    Began: string
    Ended: string option
}

/// What is kept of one run of a study in its results file.
type StudyEntry = {
    Row: string
    Seed: int
    /// The experiment's identity: entries of changed experiments stand beside each other.
    Spec: string
    /// What the data were (`DataIdentity.Short`): entries of other data stand beside each other, too. None for data that are drawn.
    Data: string option
    Finished: bool
    Steps: int64
    Planned: int64
    /// What was measured, by the measures' names; empty unless finished.
    Values: Map<string, float>
    /// The last values of train, validation and test.
    Phases: Map<string, Map<string, float>>
    Facts: Map<string, float>
    /// The command that makes this run and no other.
    Command: string
    /// The commit of the code that ran last, None where there is no repository.
    Commit: string option
    /// Whether the code had changes that are not in the commit.
    Dirty: bool
    Processor: string option
    Threads: int option
    Libtorch: string option
    Device: string option
    /// Wall time, evaluation included.
    Seconds: float
    /// When it ended, or when it began if it has not ended: UTC, ISO 8601.
    Date: string
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module StudyEntry =

    let key (entry: StudyEntry) = entry.Row, entry.Seed, entry.Spec, entry.Data

    /// Finished ones count more, then those that have more steps, then later ones.
    let private rank (entry: StudyEntry) = entry.Finished, entry.Steps, entry.Date, entry

    /// All entries of both, of each run the one that counts more. No order of merging changes the outcome.
    let merge (some: StudyEntry list) (others: StudyEntry list) : StudyEntry list =
        some @ others |> List.groupBy key |> List.map (snd >> List.maxBy rank) |> List.sortBy key

/// A row as a results file declares it.
type StudyFileRow = {
    Id: string
    Label: string
    /// By measure.
    Paper: Map<string, PaperValue>
    /// The identity of its experiment now; entries with another one are of earlier settings.
    Spec: string
    /// What the data were that it was last run on; entries with others are of other data.
    Data: string option
}

/// What a results file holds: the study as its script last declared it, and all runs there ever were.
type StudyFile = {
    Study: string
    Title: string
    Quick: bool
    Measures: string list
    /// Whether `--data` has to name its data.
    NeedsData: bool
    Rows: StudyFileRow list
    Entries: StudyEntry list
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module StudyFile =

    /// The runs of a row under its present settings and on its present data, by seed.
    let entriesOf (row: StudyFileRow) (file: StudyFile) : StudyEntry list =
        file.Entries
        |> List.filter (fun entry -> entry.Row = row.Id && entry.Spec = row.Spec && entry.Data = row.Data)
        |> List.sortBy _.Seed

    /// The finished runs of a row under its present settings, by seed.
    let results (row: StudyFileRow) (file: StudyFile) : StudyEntry list = entriesOf row file |> List.filter _.Finished

    /// The declaration of the newer file with the entries of both. Where both have an entry for the same end of a run, the newer file's counts.
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
