namespace ModNet

open System.IO
open ModNet.Figures

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Report =
    let private lossCaption =
        "What the training minimises; for Viterbi EM the mean of −log p(y | x, a*) − log p(a* | x) (Eq. 8)."

    let private perplexityCaption =
        "exp of the mean negative log-likelihood per symbol, on a logarithmic axis. Lower is better; guessing "
        + "evenly would reach the size of the vocabulary."

    let private accuracyCaption =
        "The share of datapoints whose most probable class is the true one, or of bits that are."

    let private squaredErrorCaption = "The mean over datapoints and dimensions of (y − mean)², on a logarithmic axis."

    let private entropyCaption =
        "H_a (Eq. 15) is how undecided the controller is about one datapoint: it should fall towards 0. "
        + "H_b (Eq. 16) is how evenly a batch uses the modules: it should stay near log M. A low H_b is collapse. "
        + "exp H reads an entropy as a number of modules."

    let private usedCaption = "How many different modules were chosen."

    /// The sections that every run has: results, loss, perplexity, accuracy or squared error, entropies, modules used; each one where the
    /// run folder's `metrics.jsonl` and `summary.json` have data for it. M is read from `spec.json` (a number called
    /// `modules`).
    let standard (runFolder: string) : Section list =
        let lines, unreadable = RunMetrics.ofFolder runFolder
        let modules = RunFolder.modules runFolder

        let single heading caption panel = panel |> Option.map (Section.figure heading caption)

        let losses = List.choose id [ Curves.loss lines; Curves.logLikelihood lines ]

        List.choose id [
            RunFolder.summary runFolder
            |> Option.bind RunFolder.results
            |> Option.map (fun table -> Section.make "Results" [ Content.Table table ])
            if losses.IsEmpty then None else Some(Section.figure "Loss" lossCaption (Figure.beside losses))
            Curves.perplexity lines |> single "Perplexity" perplexityCaption
            Curves.accuracy lines |> single "Accuracy" accuracyCaption
            Curves.squaredError lines |> single "Squared error" squaredErrorCaption
            Curves.entropies modules lines |> single "Selection entropies" entropyCaption
            Curves.modulesUsed modules lines |> single "Modules used" usedCaption
            if unreadable = 0 then
                None
            else
                let remark = $"{unreadable} lines of metrics.jsonl could not be read and are left out."

                Some(Section.make "Remarks" [ Content.Prose remark ])
        ]

    /// The report of a run folder: its summary, command, standard sections, spec and files. A run that is not finished
    /// has a report of what is there. Raises DirectoryNotFoundException where there is no such folder.
    let ofRun (runFolder: string) : Report =
        let folder = Path.GetFullPath runFolder

        if not (Directory.Exists folder) then
            raise (
                DirectoryNotFoundException
                    $"{runFolder}: expected a run folder (with metrics.jsonl), found none; give the folder that --out named."
            )

        let summary = RunFolder.summary folder

        {
            Report.Title = DirectoryInfo(folder).Name
            Summary = summary |> Option.map RunFolder.facts |> Option.defaultValue []
            Command = summary |> Option.bind RunFolder.command
            Sections = standard folder
            Spec = RunFolder.spec folder
            Files = RunFolder.files folder
        }

    let title (title: string) (report: Report) : Report = { report with Title = title }

    /// More facts at the top.
    let facts (facts: (string * string) list) (report: Report) : Report = {
        report with
            Summary = report.Summary @ facts
    }

    /// Sections before those that the report has: what this run is about comes first.
    let first (sections: Section list) (report: Report) : Report = { report with Sections = sections @ report.Sections }

    /// Sections after those that the report has.
    let last (sections: Section list) (report: Report) : Report = { report with Sections = report.Sections @ sections }

    /// The report as one HTML page that opens offline: figures, script and style are inside.
    let html (report: Report) : string = Page.ofReport report

    /// Writes the page whole and renames it into place.
    let write (path: string) (report: Report) : unit = ModNet.Runtime.WholeFile.Write(path, html report)
