namespace ModNet

open ModNet.Figures

/// What a run reached in one phase; None where that was not measured.
[<Sealed>]
type Reached internal (values: Map<string, float>) =
    /// A field by its name in `metrics.jsonl`.
    member _.Item(field: string) : float option = Map.tryFind field values
    /// exp of the mean negative log-likelihood per symbol.
    member reached.Perplexity = reached["perplexity"]
    /// A share, from 0 to 1.
    member reached.Accuracy = reached["accuracy"]
    member reached.SquaredError = reached["squared_error"]
    /// Per datapoint, in nats.
    member reached.LogLikelihood = reached["log_likelihood"]
    member reached.Loss = reached["loss"]
    /// H_a in nats (Eq. 15).
    member reached.SelectionEntropy = reached["selection_entropy"]
    /// H_b in nats (Eq. 16).
    member reached.BatchSelectionEntropy = reached["batch_selection_entropy"]

/// One run of a study, a row with a seed, as its folder has it.
type StudyRun = {
    /// The row's id.
    Row: string
    Label: string
    Seed: int
    Folder: string
    /// Steps in the checkpoint, or all of them.
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
} with

    member private run.Phase(name: string) = Reached(Map.tryFind name run.Phases |> Option.defaultValue Map.empty)

    /// The last minibatch.
    member run.Train = run.Phase "train"
    member run.Validation = run.Phase "validation"
    member run.Test = run.Phase "test"
    /// A number of `summary.json` that belongs to no phase.
    member run.Fact(name: string) : float option = Map.tryFind name run.Facts

    /// The log, by step; a run that goes on has as much as it wrote.
    member run.Metrics: MetricsLine list = fst (RunMetrics.ofFolder run.Folder)

    /// M, where all pools have as many modules.
    member run.Modules: int option = RunFolder.modules run.Folder

    /// What the kind of data has to say of the trained graph: the sections that the run's own report opens with.
    member run.Sections: Section list = Trained.sections run.Folder

    /// The label with the seed, and how far the run is where it is not finished.
    member run.Name =
        let progress = if run.Finished then "" else $", unfinished: {run.Steps:N0} of {run.Planned:N0} steps"

        $"{run.Label}, seed {run.Seed}{progress}"
