namespace ModNet

open System.IO
open ModNet.Figures

/// `report.html` of a study.
[<RequireQualifiedAccess>]
module internal StudyReport =

    let private table (file: StudyFile) =
        Section.make "Results" [
            if file.Quick then Content.Prose StudyTable.quickly

            if not file.Rows.IsEmpty then Content.Table(StudyTable.cells file)

            if file.Rows |> List.exists (fun row -> (StudyFile.results row file).Length > 1) then
                Content.Prose
                    "Of several seeds: the mean (smallest–largest). The difference is the mean's from the paper's number."

            for line in StudyTable.unfinished file do
                Content.Prose line
        ]

    let private made (entry: StudyEntry) (label: string) = [
        $"{label}, seed {entry.Seed}"
        $"{Numbers.grouped entry.Steps} of {Numbers.grouped entry.Planned}"
        Label.duration entry.Seconds
        (match entry.Commit with
         | Some hash -> hash[..9] + (if entry.Dirty then " and changes" else "")
         | None -> "–")
        defaultArg entry.Processor "–"
        entry.Threads |> Option.map string |> Option.defaultValue "–"
        entry.Date.Replace("T", " ").TrimEnd('Z')
        entry.Command
    ]

    let private runs (file: StudyFile) =
        let headings = [ "run"; "steps"; "time"; "commit"; "processor"; "threads"; "date (UTC)"; "command" ]

        let rows = [
            for row in file.Rows do
                for entry in StudyFile.entriesOf row file do
                    made entry row.Label
        ]

        if rows.IsEmpty then [] else [ Section.make "The runs" [ Content.Table(headings, rows) ] ]

    /// Writes the report of the study's results into the folder `home`, with links to the reports of the runs whose folders are there.
    let write
        (home: string)
        (command: string)
        (sections: Section list)
        (runFolders: string list)
        (file: StudyFile)
        : unit =
        let report: Report = {
            Title = StudyTable.title file
            Summary = []
            Command = Some command
            Sections = [
                if not file.Rows.IsEmpty || file.Quick then table file
                yield! sections
                yield! runs file
            ]
            Spec = None
            Files = [
                for folder in runFolders do
                    let path = Path.Combine(folder, "report.html")

                    if File.Exists path then Path.GetRelativePath(home, path), FileInfo(path).Length
            ]
        }

        Directory.CreateDirectory home |> ignore
        Report.write (Path.Combine(home, "report.html")) report
