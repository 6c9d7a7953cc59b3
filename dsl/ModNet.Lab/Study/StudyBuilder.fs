namespace ModNet

open System.ComponentModel

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

    /// What the study reproduces, for the heads of tables and reports; its name unless said.
    /// Example: `title "Table 1: test perplexity on Penn Treebank"`
    [<CustomOperation "title">]
    member _.Title(study: Study, text: string) = { study with Title = text }

    /// Its rows, in the order in which they are run and shown; none where a report is all.
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

    /// Whether the report reads the runs' logs and nothing else of them, no weights and no traces; false unless said. The logs of finished
    /// runs are kept beside the results: where a run's folder is not there its log does, and it is not run again.
    /// Example: `logs_suffice true`
    [<CustomOperation "logs_suffice">]
    member _.LogsSuffice(study: Study, suffice: bool) = { study with LogsSuffice = suffice }

    /// Where `--data` is a folder of data sets, the name of this study's in it.
    /// Example: `data_folder "ptb"`
    [<CustomOperation "data_folder">]
    member _.DataFolder(study: Study, name: string) = { study with DataFolder = Some name }

    /// The report's sections, of all runs that have begun; `run.Finished` tells which are done.
    /// Example: `report (fun runs -> [ for run in runs -> Section.make run.Name [] ])`
    [<CustomOperation "report">]
    member _.Report(study: Study, sections: StudyRun list -> Section list) = { study with Report = sections }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(study: Study) = study

[<AutoOpen>]
module Studies =

    /// A row of a study, by its id (small letters, digits, hyphens). Settings: `label`, `paper`, `paper_of`, `paper_says`, `seeds`, and `run`, which
    /// it must have.
    /// Example: `row "em-2-1" { label "EM"; seeds [ 1; 2 ]; run (fun _ -> experiment { net toy; data (toy_regression { }); train (em { }) }) }`
    let row (id: string) = RowBuilder id

    /// A figure or table of a paper, by its name: rows that are run with several seeds, measures, a report. Settings: `title`, `rows`,
    /// `measure`, `runs_of`, `logs_suffice`, `data_folder`, `report`. `Study.main` carries it out.
    /// Example: `study "fig3" { title "Figure 3"; measure "H_b" (fun run -> run.Test.BatchSelectionEntropy) }`
    let study (name: string) = StudyBuilder name
