namespace ModNet

open System
open System.Text.Json
open System.Text.Json.Nodes

/// The JSON of what a study keeps: results files, and the records of runs (`study.json`).
[<RequireQualifiedAccess>]
module StudyJson =

    let private version = 1

    // JSON has no numbers that are not finite: they are left out.
    let private numbers: Codec<Map<string, float>> =
        let all = Codec.map Codec.float

        { all with Write = Map.filter (fun _ value -> Double.IsFinite value) >> all.Write }

    let private paperValue: Codec<PaperValue> = {
        Write =
            function
            | PaperValue.Number number -> Codec.float.Write number
            | PaperValue.Words words -> Codec.string.Write words
        Read =
            fun place ->
                match place.Node with
                | :? JsonValue as node when node.GetValueKind() = JsonValueKind.Number ->
                    PaperValue.Number(Codec.float.Read place)
                | _ -> PaperValue.Words(Codec.string.Read place)
        Size = fun _ -> 0
    }

    let private row: Codec<StudyFileRow> =
        Codec.object (
            Codec.fields {
                let! id = Codec.field "row" (fun (row: StudyFileRow) -> row.Id) Codec.string
                and! label = Codec.field "label" _.Label Codec.string
                and! paper = Codec.field "paper" _.Paper (Codec.map paperValue)
                and! spec = Codec.field "spec" _.Spec Codec.string
                and! data = Codec.optional "data" _.Data Codec.string
                return { StudyFileRow.Id = id; Label = label; Paper = paper; Spec = spec; Data = data }
            }
        )

    /// The phases that were measured, each a property.
    let private phases: Fields<Map<string, Map<string, float>>, Map<string, Map<string, float>>> =
        let phase name = Codec.optional name (Map.tryFind name) numbers

        Codec.fields {
            let! test = phase "test"
            and! train = phase "train"
            and! validation = phase "validation"

            return
                [ "test", test; "train", train; "validation", validation ]
                |> List.choose (fun (name, values) -> values |> Option.map (fun values -> name, values))
                |> Map.ofList
        }

    let private entry: Codec<StudyEntry> =
        Codec.object (
            Codec.fields {
                let! row = Codec.field "row" (fun (entry: StudyEntry) -> entry.Row) Codec.string
                and! seed = Codec.field "seed" _.Seed Codec.int
                and! spec = Codec.field "spec" _.Spec Codec.string
                and! data = Codec.optional "data" _.Data Codec.string
                and! finished = Codec.field "finished" _.Finished Codec.bool
                and! steps = Codec.field "steps" _.Steps Codec.long
                and! planned = Codec.field "planned" _.Planned Codec.long
                and! values = Codec.field "values" _.Values numbers
                and! phases = Codec.within _.Phases phases
                and! facts = Codec.field "facts" _.Facts numbers
                and! command = Codec.field "command" _.Command Codec.string
                and! commit = Codec.field "commit" _.Commit (Codec.option Codec.string)
                and! dirty = Codec.field "dirty" _.Dirty Codec.bool
                and! processor = Codec.field "processor" _.Processor (Codec.option Codec.string)
                and! threads = Codec.field "threads" _.Threads (Codec.option Codec.int)
                and! libtorch = Codec.field "libtorch" _.Libtorch (Codec.option Codec.string)
                and! device = Codec.field "device" _.Device (Codec.option Codec.string)
                and! seconds = Codec.field "seconds" _.Seconds Codec.float
                and! date = Codec.field "date" _.Date Codec.string

                return {
                    StudyEntry.Row = row
                    Seed = seed
                    Spec = spec
                    Data = data
                    Finished = finished
                    Steps = steps
                    Planned = planned
                    Values = values
                    Phases = phases
                    Facts = facts
                    Command = command
                    Commit = commit
                    Dirty = dirty
                    Processor = processor
                    Threads = threads
                    Libtorch = libtorch
                    Device = device
                    Seconds = seconds
                    Date = date
                }
            }
        )

    let private file: Codec<StudyFile> =
        Codec.versioned
            version
            (Codec.fields {
                let! study = Codec.field "study" (fun (file: StudyFile) -> file.Study) Codec.string
                and! title = Codec.field "title" _.Title Codec.string
                and! quick = Codec.field "quick" _.Quick Codec.bool
                and! measures = Codec.field "measures" _.Measures (Codec.list Codec.string)
                and! needsData = Codec.field "needs_data" _.NeedsData Codec.bool
                and! rows = Codec.field "rows" _.Rows (Codec.list row)
                and! entries = Codec.field "runs" _.Entries (Codec.list entry)

                return {
                    StudyFile.Study = study
                    Title = title
                    Quick = quick
                    Measures = measures
                    NeedsData = needsData
                    Rows = rows
                    Entries = entries
                }
            })

    let private commit: Fields<Commit option, Commit option> =
        Codec.fields {
            let! hash =
                Codec.field "commit" (Option.map (fun (commit: Commit) -> commit.Hash)) (Codec.option Codec.string)

            and! dirty = Codec.field "dirty" (Option.exists _.Dirty) Codec.bool
            return hash |> Option.map (fun hash -> { Hash = hash; Dirty = dirty })
        }

    let private record: Codec<RunRecord> =
        Codec.object (
            Codec.fields {
                let! command = Codec.field "command" (fun (record: RunRecord) -> record.Command) Codec.string
                and! commit = Codec.within _.Commit commit
                and! processor = Codec.field "processor" _.Processor Codec.string
                and! began = Codec.field "began" _.Began Codec.string
                and! ended = Codec.field "ended" _.Ended (Codec.option Codec.string)

                return {
                    RunRecord.Command = command
                    Commit = commit
                    Processor = processor
                    Began = began
                    Ended = ended
                }
            }
        )

    let private readAs
        (codec: Codec<'Value>)
        (expected: string)
        (remedy: string)
        (path: string)
        (json: string)
        : 'Value =
        match Document.parse codec json with
        | Ok value -> value
        | Error problem -> Refusal.refuse path expected $"{problem}" remedy

    /// The file as JSON text.
    let write (results: StudyFile) : string = Document.text file results + "\n"

    /// The file that `write` wrote. Raises UserException, which names `path` and the JSON path in it, for any other text.
    let read (path: string) (json: string) : StudyFile =
        readAs
            file
            "results that `./modnet reproduce` wrote"
            "mend it, or move it away: what the run folders still have comes back"
            path
            json

    /// A run's record as JSON text.
    let writeRecord (told: RunRecord) : string = Document.text record told + "\n"

    /// The record that `writeRecord` wrote. Raises UserException, which names `path` and the JSON path in it, for any other text.
    let readRecord (path: string) (json: string) : RunRecord =
        readAs
            record
            "the record of a study's run"
            "remove it: results then tell nothing of this run's commit and machine"
            path
            json
