namespace ModNet

open System.IO
open ModNet.Figures
open ModNet.Runtime

[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Report =

    /// The sections that every run has: a table of results, one of settings, and the curves of the metrics (`Metric.All`) that were logged. They are read from
    /// the run folder's `metrics.jsonl` and `summary.json`, and M from `spec.json` (a number called `modules`).
    /// Example: `let headings = Report.standard "runs/toy" |> List.map _.Heading`
    let standard (runFolder: string) : Section list =
        let log = MetricsLog.OfFolder runFolder

        [
            match RunFiles.summary runFolder |> Option.bind RunFiles.results with
            | Some table -> Section.make "Results" [ Content.Table table ]
            | None -> ()

            match RunFiles.settings runFolder with
            | Some table -> Section.make "Settings" [ Content.Table table ]
            | None -> ()

            match RunFiles.spec runFolder |> Option.map Experiment.of_json with
            | Some(Ok experiment) -> yield! StreamResults.sections experiment log.Lines
            | _ -> ()

            yield! Curves.sections (RunFiles.modules runFolder) log.Lines

            if log.Unreadable > 0 then
                Section.make "Remarks" [
                    Content.Prose $"{log.Unreadable} lines of metrics.jsonl could not be read and are left out."
                ]
        ]

    /// The report of a run folder: its summary, command, standard sections, spec and files. A run that is not finished
    /// has a report of what is there. Raises DirectoryNotFoundException where there is no such folder.
    /// Example: `Report.ofRun "runs/toy" |> Report.title "The toy" |> Report.write "toy.html"`
    let ofRun (runFolder: string) : Report =
        let folder = Path.GetFullPath runFolder

        if not (Directory.Exists folder) then
            raise (
                DirectoryNotFoundException
                    $"{runFolder}: expected a run folder (with metrics.jsonl), found none; give the folder that --out named."
            )

        let summary = RunFiles.summary folder

        {
            Report.Title = DirectoryInfo(folder).Name
            Summary = summary |> Option.map RunFiles.facts |> Option.defaultValue []
            Command = summary |> Option.bind RunFiles.command
            Sections = standard folder
            Spec = RunFiles.spec folder
            Files = RunFiles.files folder
        }

    /// The report under another title.
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
    let write (path: string) (report: Report) : unit = WholeFile.Write(path, html report)
