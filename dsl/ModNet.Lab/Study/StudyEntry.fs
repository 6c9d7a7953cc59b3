namespace ModNet

open System

/// What is kept of one run of a study in its results file.
type StudyEntry = {
    Row: string
    Seed: int
    /// The experiment's identity: entries of changed experiments stand beside each other.
    Spec: string
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
    /// The code had changes that are not in the commit.
    Dirty: bool
    Processor: string option
    Threads: int option
    Libtorch: string option
    Device: string option
    /// Wall time, evaluation included.
    Seconds: float
    /// When it ended, or began if it has not: UTC, ISO 8601.
    Date: string
}

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module StudyEntry =

    let key (entry: StudyEntry) = entry.Row, entry.Seed, entry.Spec

    /// Finished ones count more, then those that have more steps, then later ones.
    let private rank (entry: StudyEntry) = entry.Finished, entry.Steps, entry.Date, entry

    /// All entries of both, of each run the one that counts more. No order of merging changes the outcome.
    let merge (some: StudyEntry list) (others: StudyEntry list) : StudyEntry list =
        some @ others |> List.groupBy key |> List.map (snd >> List.maxBy rank) |> List.sortBy key
