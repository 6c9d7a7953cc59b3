namespace ModNet

/// What the paper says of a measure.
[<RequireQualifiedAccess>]
type PaperValue =
    | Number of float
    /// Where it gives a curve or a sentence.
    | Words of string

/// One row of a study: an experiment, run with several seeds.
type StudyRow = {
    /// Names the row on the command line and in folders: small letters, digits, hyphens.
    Id: string
    Label: string
    /// What the paper says, by measure; without a measure's name it is of the study's first.
    Paper: (string option * PaperValue) list
    /// Run unless `--seeds` says others.
    Seeds: int list
    Experiment: Scale -> Experiment
}

/// A number that a finished run gives, and its name; None where the run has none.
type StudyMeasure = { Name: string; Of: StudyRun -> float option }

/// A figure or table of a paper: its runs, what is measured, what is shown.
type Study = {
    /// Names the command, the folder and the results file.
    Name: string
    Title: string
    Rows: StudyRow list
    /// The first one is shown for the study in docs/results.md.
    Measures: StudyMeasure list
    /// Where the runs lie, beneath the output folder: another study's name where that has the same rows.
    RunsOf: string
    /// The report reads the runs' logs and nothing else of them, so that logs kept beside the results do where a run's folder is not there.
    LogsSuffice: bool
    /// Where `--data` is a folder of data sets, this one's name in it.
    DataFolder: string option
    /// Sections of the report, of all runs that have begun, in order of rows and seeds.
    Report: StudyRun list -> Section list
}
