namespace ModNet

open System.Collections.Generic
open System.ComponentModel

module internal MissingOfRow =

    [<Literal>]
    let Message = "A row needs `run`, a function from the scale (full or quick) to an experiment; it is missing here."

/// A row whose declaration is not complete. Its type tells whether it has a run, so that the compiler refuses a row without one.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type RowDraft<'Run> = internal {
    DraftLabel: string option
    DraftPaper: (string option * PaperValue) list
    DraftSeeds: int list
    DraftData: string option
    DraftRun: 'Run
}

/// Sets a row's fields; made by `row`.
[<Sealed>]
type RowBuilder internal (id: string) =
    inherit
        SettingsBlock<RowDraft<Missing>>(
            { DraftLabel = None; DraftPaper = []; DraftSeeds = [ 1 ]; DraftData = None; DraftRun = Missing }
        )

    let add measure value (draft: RowDraft<'Run>) = { draft with DraftPaper = draft.DraftPaper @ [ measure, value ] }

    /// The row's name in tables and figures; its id by default.
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

    /// The seeds, at least one, with a run for each; `[ 1 ]` by default. `--seeds` replaces them.
    /// Example: `seeds [ 1; 2; 3 ]`
    [<CustomOperation "seeds">]
    member _.Seeds(draft: RowDraft<'Run>, seeds: int list) = { draft with DraftSeeds = seeds }

    /// The name of this row's data, where `--data` is a folder of data sets and the rows are of several; the study's by default.
    /// Example: `data_folder "ptb"`
    [<CustomOperation "data_folder">]
    member _.DataFolder(draft: RowDraft<'Run>, name: string) = { draft with DraftData = Some name }

    /// The experiment, full or quick. The study sets its seed and its folder.
    /// Example: `run (fun scale -> experiment { net toy; data (toy_regression { }); train (em { steps (scale.Pick(3_000, 300)) }) })`
    [<CustomOperation "run">]
    member _.Experiment(draft: RowDraft<'Run>, experiment: Scale -> Experiment) = {
        DraftLabel = draft.DraftLabel
        DraftPaper = draft.DraftPaper
        DraftSeeds = draft.DraftSeeds
        DraftData = draft.DraftData
        DraftRun = experiment
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: RowDraft<Scale -> Experiment>) : StudyRow = {
        Id = id
        Label = defaultArg draft.DraftLabel id
        Paper = draft.DraftPaper
        Seeds = draft.DraftSeeds
        DataFolder = draft.DraftData
        Experiment = draft.DraftRun
    }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingOfRow.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: RowDraft<Missing>) : StudyRow = invalidOp MissingOfRow.Message

/// Sets a study's fields; made by `study`.
[<Sealed>]
type StudyBuilder internal (name: string) =

    inherit
        SettingsBlock<Study>(
            {
                Name = name
                Title = name
                Rows = []
                Measures = []
                RunsOf = name
                LogsSuffice = false
                DataFolder = None
                Report = fun _ -> []
            }
        )

    /// What the study reproduces, for the heads of tables and reports; its name by default.
    /// Example: `title "Table 1: test perplexity on Penn Treebank"`
    [<CustomOperation "title">]
    member _.Title(study: Study, text: string) = { study with Title = text }

    /// The rows, in the order in which they are run and shown. A study without rows consists of its report.
    /// Example: `rows [ row "em-2-1" { run (fun _ -> experiment { net toy; data (toy_regression { }); train (em { }) }) } ]`
    [<CustomOperation "rows">]
    member _.Rows(study: Study, rows: StudyRow list) = { study with Rows = rows }

    /// A number that finished runs give. A study may have several; the first one stands beside the paper's in docs/results.md.
    /// Example: `measure "test perplexity" (fun run -> run.Test.Perplexity)`
    [<CustomOperation "measure">]
    member _.Measure(study: Study, name: string, number: StudyRun -> float option) = {
        study with
            Measures = study.Measures @ [ { Name = name; Of = number } ]
    }

    /// The study whose runs these are, where another one has the same rows.
    /// Example: `runs_of "table1"`
    [<CustomOperation "runs_of">]
    member _.RunsOf(study: Study, other: string) = { study with RunsOf = other }

    /// Whether the report reads the runs' logs only, no weights and no traces; false by default. The logs of finished runs are kept beside the
    /// results. If logs suffice, a run whose folder is not there is not run again: its kept log serves.
    /// Example: `logs_suffice true`
    [<CustomOperation "logs_suffice">]
    member _.LogsSuffice(study: Study, suffice: bool) = { study with LogsSuffice = suffice }

    /// The name of this study's data, where `--data` is a folder of data sets.
    /// Example: `data_folder "ptb"`
    [<CustomOperation "data_folder">]
    member _.DataFolder(study: Study, name: string) = { study with DataFolder = Some name }

    /// A function that makes the report's sections from all runs that have begun; `run.Finished` tells which are done.
    /// Example: `report (fun runs -> [ for run in runs -> Section.make run.Name [] ])`
    [<CustomOperation "report">]
    member _.Report(study: Study, sections: StudyRun list -> Section list) = { study with Report = sections }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(study: Study) = study

[<AutoOpen>]
module Studies =

    /// A row of a study, by its id (small letters, digits, hyphens). Settings: `label`, `paper`, `paper_of`, `paper_says`, `seeds`, `data_folder`, and `run`, which
    /// it must have.
    /// Example: `row "em-2-1" { label "EM"; seeds [ 1; 2 ]; run (fun _ -> experiment { net toy; data (toy_regression { }); train (em { }) }) }`
    let row (id: string) = RowBuilder id

    /// A function of runs that computes what it gives of a finished run once while the script runs. Tables and reports are made again after every run, and finished
    /// runs stay as they are.
    /// Example: `let parameters = remembered (fun run -> Trained.within run.Folder (fun trained -> Seq.length (trained.Graph.parameters ())))`
    let remembered (find: StudyRun -> 'Found) : StudyRun -> 'Found =
        let known = Dictionary<string, 'Found>()

        fun run ->
            match known.TryGetValue run.Folder with
            | true, found -> found
            | _ ->
                let found = find run
                if run.Finished then known[run.Folder] <- found
                found

    /// A figure or table of a paper, by its name: rows that are run with several seeds, measures, a report. Settings: `title`, `rows`,
    /// `measure`, `runs_of`, `logs_suffice`, `data_folder`, `report`. `Study.main` carries it out.
    /// Example: `study "fig3" { title "Figure 3"; measure "H_b" (fun run -> run.Test.BatchSelectionEntropy) }`
    let study (name: string) = StudyBuilder name
