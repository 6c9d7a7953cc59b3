namespace ModNet

open System.ComponentModel

module internal MissingOfRow =

    [<Literal>]
    let Message = "A row needs `run`, a function from the scale (full or quick) to an experiment; it is missing here."

/// A row half said. Whether its run is said is in its type, so that the compiler refuses one without.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type RowDraft<'Run> = internal {
    DraftLabel: string option
    DraftPaper: (string option * PaperValue) list
    DraftSeeds: int list
    DraftRun: 'Run
}

/// Sets a row's fields; made by `row`.
[<Sealed>]
type RowBuilder internal (id: string) =
    inherit
        SettingsBlock<RowDraft<Missing>>({ DraftLabel = None; DraftPaper = []; DraftSeeds = [ 1 ]; DraftRun = Missing })

    let add measure value (draft: RowDraft<'Run>) = { draft with DraftPaper = draft.DraftPaper @ [ measure, value ] }

    /// What the row is called in tables and figures; its id unless said.
    /// Example: `label "EM, M = 15, K = 1"`
    [<CustomOperation "label">]
    member _.Label(draft: RowDraft<'Run>, text: string) = { draft with DraftLabel = Some text }

    /// The paper's number for the study's first measure.
    /// Example: `paper 229.651`
    [<CustomOperation "paper">]
    member _.Paper(draft: RowDraft<'Run>, number: float) = add None (PaperValue.Number number) draft

    /// The paper's number for the measure of this name.
    /// Example: `paper_of "measure" 229.651`
    [<CustomOperation "paper_of">]
    member _.PaperOf(draft: RowDraft<'Run>, measure: string, number: float) =
        add (Some measure) (PaperValue.Number number) draft

    /// What the paper says of the measure of this name, where it gives no number.
    /// Example: `paper_says "measure" "converges to zero"`
    [<CustomOperation "paper_says">]
    member _.PaperSays(draft: RowDraft<'Run>, measure: string, words: string) =
        add (Some measure) (PaperValue.Words words) draft

    /// The seeds, a run for each, at least one; 1 unless said. `--seeds` takes others.
    /// Example: `seeds [ 1; 2; 3 ]`
    [<CustomOperation "seeds">]
    member _.Seeds(draft: RowDraft<'Run>, seeds: int list) = { draft with DraftSeeds = seeds }

    /// The experiment, full or quick. Its seed and folder are the study's to say.
    /// Example: `run (fun scale -> experiment { net toy; data (toy_regression { }); train (em { steps (scale.Pick(3_000, 300)) }) })`
    [<CustomOperation "run">]
    member _.Experiment(draft: RowDraft<'Run>, experiment: Scale -> Experiment) = {
        DraftLabel = draft.DraftLabel
        DraftPaper = draft.DraftPaper
        DraftSeeds = draft.DraftSeeds
        DraftRun = experiment
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RowDraft<Scale -> Experiment>) : StudyRow = {
        Id = id
        Label = defaultArg draft.DraftLabel id
        Paper = draft.DraftPaper
        Seeds = draft.DraftSeeds
        Experiment = draft.DraftRun
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingOfRow.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: RowDraft<Missing>) : StudyRow = invalidOp MissingOfRow.Message
