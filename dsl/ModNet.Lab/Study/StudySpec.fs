namespace ModNet

open ModNet.Figures
open ModNet.Runtime

/// How large a study's runs are: as large as the paper's, or minutes long. Every output labels the quick ones.
[<RequireQualifiedAccess>]
type Scale =
    | Full
    | Quick

    /// One value for the full version, another for the quick one.
    /// Example: `Scale.Quick.Pick(50_000, 1_000)`
    member scale.Pick(full: 'Value, quick: 'Value) : 'Value =
        match scale with
        | Full -> full
        | Quick -> quick

    /// What names of folders and files end in.
    member internal scale.Suffix = scale.Pick("", "-quick")

/// The last values of a run in one phase; None where a metric was not measured. The names are those of the table `Metric.All`.
/// Example: `fun (run: StudyRun) -> run.Test["squared_error"]`
[<Sealed>]
type Reached internal (values: Map<string, float>) =
    /// A field by its name in `metrics.jsonl`.
    member _.Item(field: string) : float option = Map.tryFind field values
    /// A metric of the table.
    member _.Of(metric: Metric) : float option = Map.tryFind metric.Name values
    /// exp of the mean negative log-likelihood per symbol.
    member reached.Perplexity = reached.Of Metric.Perplexity
    /// A share, from 0 to 1.
    member reached.Accuracy = reached.Of Metric.Accuracy
    /// The mean over datapoints and dimensions of (y − mean)².
    member reached.SquaredError = reached.Of Metric.SquaredError
    /// Per datapoint, in nats.
    member reached.LogLikelihood = reached.Of Metric.LogLikelihood
    /// What the training method minimises, per datapoint, in nats.
    member reached.Loss = reached.Of Metric.Loss
    /// H_a in nats (Eq. 15).
    member reached.SelectionEntropy = reached.Of Metric.SelectionEntropy
    /// H_b in nats (Eq. 16).
    member reached.BatchSelectionEntropy = reached.Of Metric.BatchSelectionEntropy

/// One run of a study (a row with a seed), as its folder has it.
type StudyRun = {
    /// The row's id.
    Row: string
    Label: string
    Seed: int
    Folder: string
    /// Steps in the checkpoint; where the run is finished, all of them, or fewer where it stopped early.
    Steps: int64
    /// Steps in all.
    Planned: int64
    Finished: bool
    /// Wall time so far, evaluation included.
    Seconds: float
    /// Numbers of `summary.json` that belong to no phase, such as the toy's `agreement`.
    Facts: Map<string, float>
    /// The last values of `train`, `validation` and `test`, by their names in `metrics.jsonl`.
    Phases: Map<string, Map<string, float>>
    /// The row's experiment, whose code and arrays the run's folder does not hold.
    Declared: Carried<Scale -> Experiment>
} with

    /// The experiment that was read from the run's folder, with the code and the arrays of its row.
    /// Example: `Trained.within_as run.WithCode run.Folder (fun trained -> Seq.length (trained.Graph.parameters ()))`
    member run.WithCode(experiment: Experiment) : Experiment =
        match run.Declared.Value with
        | Some declared ->
            [ Scale.Full; Scale.Quick ]
            |> List.fold (fun found scale -> Experiment.with_code_of (declared scale) found) experiment
        | None -> experiment

    member private run.Phase(name: string) = Reached(Map.tryFind name run.Phases |> Option.defaultValue Map.empty)

    /// What the last minibatch reached.
    member run.Train = run.Phase "train"
    /// What the last evaluation on the validation set reached.
    member run.Validation = run.Phase "validation"
    /// What the last evaluation on the test set reached.
    member run.Test = run.Phase "test"
    /// A number of `summary.json` that belongs to no phase.
    member run.Fact(name: string) : float option = Map.tryFind name run.Facts

    /// The log, by step; of a run that goes on, what it has written so far.
    member run.Metrics: MetricsLine list = (MetricsLog.OfFolder run.Folder).Lines |> List.ofSeq

    /// Steps and values of one field in one phase, where it was logged: two arrays of one length.
    /// Example: `let steps, losses = run.Column("train", "loss")`
    member run.Column(phase: string, field: string) : float[] * float[] =
        let struct (steps, values) = MetricsLog.Column(phase, field, run.Metrics)
        steps, values

    /// M, where all pools have as many modules.
    member run.Modules: int option = RunFiles.modules run.Folder

    /// The sections about its kind of data that the run's own report opens with.
    member run.Sections: Section list = Trained.sections run.WithCode run.Folder

    /// The label with the seed; of an unfinished run also how far it is.
    member run.Name =
        let progress =
            if run.Finished then
                ""
            else
                $", unfinished: {Numbers.grouped run.Steps} of {Numbers.grouped run.Planned} steps"

        $"{run.Label}, seed {run.Seed}{progress}"

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
    /// What the paper says, by measure. Where no measure is named, the study's first one is meant.
    Paper: (string option * PaperValue) list
    /// The seeds that are run, where `--seeds` names no others.
    Seeds: int list
    /// The name of this row's data, where `--data` is a folder of data sets and the study's other rows are of other data.
    DataFolder: string option
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
    /// The first one stands for the study in docs/results.md.
    Measures: StudyMeasure list
    /// The study in whose folder the runs lie: another one's name where that has the same rows.
    RunsOf: string
    /// Whether the report reads the runs' logs and nothing else of them. Then a log that is kept beside the results serves where a run's folder
    /// is not there.
    LogsSuffice: bool
    /// The name of this study's data, where `--data` is a folder of data sets; a row may have another.
    DataFolder: string option
    /// The report's sections, made of all runs that have begun, in order of rows and seeds.
    Report: StudyRun list -> Section list
}
