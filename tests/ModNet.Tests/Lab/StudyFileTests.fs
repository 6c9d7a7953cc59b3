/// Results of studies as values: merging, JSON, tables.
module ModNet.Tests.StudyFileTests

open System.IO
open System.IO.Compression
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Cli
open ModNet.Runtime
open ModNet.Tests.Clone

let private finished row seed spec value : StudyEntry = {
    Row = row
    Seed = seed
    Spec = spec
    Data = None
    Finished = true
    Steps = 3L
    Planned = 3L
    Values = Map [ "measure", value ]
    Phases = Map [ "test", Map [ "perplexity", value ] ]
    Facts = Map [ "parameters", 14.0 ]
    Command = "./modnet reproduce example"
    Commit = Some "0123456789abcdef"
    Dirty = false
    Processor = Some "a processor"
    Threads = Some 2
    Libtorch = None
    Device = Some "cpu"
    Seconds = 90.0
    Date = "2026-01-01T00:00:00Z"
}

let private entry =
    gen {
        let! row = Gen.elements [ "a"; "b" ]
        let! seed = Gen.choose (1, 2)
        let! spec = Gen.elements [ "old"; "new" ]
        let! ended = Gen.elements [ true; false ]
        let! steps = Gen.choose (0, 3)
        let! day = Gen.choose (1, 3)
        let! value = Gen.choose (-400, 400) |> Gen.map (fun n -> float n / 7.0)
        let! commit = Gen.elements [ None; Some "0123456789abcdef" ]
        let! threads = Gen.elements [ None; Some 2 ]
        let! data = Gen.frequency [ 3, Gen.constant None; 1, Gen.constant (Some "0123456789ab") ]

        return {
            finished row seed spec value with
                Data = data
                Finished = ended
                Steps = int64 steps
                Values = if ended then Map [ "measure", value ] else Map.empty
                Commit = commit
                Dirty = (threads = None)
                Threads = threads
                Date = $"2026-01-0{day}T00:00:00Z"
        }
    }

type Arbitraries =
    static member Entry() : Arbitrary<StudyEntry> = Arb.fromGen entry

let private config = trying 100 typeof<Arbitraries> (20_261UL, 5UL)

let private file (entries: StudyEntry list) : StudyFile = {
    Study = "example"
    Title = "An example"
    Quick = false
    Measures = [ "measure" ]
    NeedsData = true
    Rows = [
        {
            Id = "a"
            Label = "the | first"
            Paper = Map [ "measure", PaperValue.Number 2.0 ]
            Spec = "new"
            Data = None
        }
        {
            Id = "b"
            Label = "the second"
            Paper = Map [ "measure", PaperValue.Words "small" ]
            Spec = "new"
            Data = None
        }
    ]
    Entries = entries
}

let private page =
    "before\n<!-- results: ./modnet reproduce writes what follows -->\nold\n<!-- end of results -->\nafter\n"

[<Tests>]
let tests =
    testList "study results" [
        testPropertyWithConfig config "merging takes no notice of order"
        <| fun (some: StudyEntry list) (others: StudyEntry list) (more: StudyEntry list) ->
            let left = StudyEntry.merge (StudyEntry.merge some others) more
            Expect.equal (StudyEntry.merge some (StudyEntry.merge more others)) left "grouped otherwise"
            Expect.equal (StudyEntry.merge (List.rev more) (StudyEntry.merge others some)) left "turned round"

        testPropertyWithConfig config "merging twice changes nothing"
        <| fun (some: StudyEntry list) (others: StudyEntry list) ->
            let once = StudyEntry.merge some others
            Expect.equal (StudyEntry.merge once others) once "with one part again"
            Expect.equal (StudyEntry.merge once once) once "with itself"

        testPropertyWithConfig config "merging loses no run, invents none, and prefers what is finished, longer, later"
        <| fun (some: StudyEntry list) (others: StudyEntry list) ->
            let merged = StudyEntry.merge some others
            let keys = List.map StudyEntry.key
            Expect.equal (set (keys merged)) (set (keys (some @ others))) "each run is there"
            Expect.equal (List.distinct (keys merged)) (keys merged) "once"

            for kept in merged do
                let rivals = some @ others |> List.filter (fun e -> StudyEntry.key e = StudyEntry.key kept)

                Expect.contains rivals kept "as it was"

                for rival in rivals do
                    let rank (e: StudyEntry) = e.Finished, e.Steps, e.Date
                    Expect.isTrue (rank kept >= rank rival) "none counts more"

        testCase "of one end of a run the newer file tells, even where it says less"
        <| fun () ->
            let told = finished "a" 1 "new" 1.0

            for other in [ 0.5; 2.0 ] do
                let again = { told with Values = Map [ "measure", other ] }

                let merged = StudyFile.merge (file [ told; finished "a" 2 "new" 3.0 ]) (file [ again ])

                Expect.equal (merged.Entries |> List.map _.Values["measure"]) [ other; 3.0 ] "its number"

        testPropertyWithConfig config "a results file comes back from its JSON"
        <| fun (entries: StudyEntry list) ->
            let file = file entries
            Expect.equal (StudyJson.read "here" (StudyJson.write file)) file "the same"

        testCase "the results in this repository come back from their JSON, and are written as they stand there"
        <| fun () ->
            let files = Directory.GetFiles(Path.Combine(Clone.root, "notebooks", "results"), "*.json")
            Expect.isNonEmpty files "results"

            for path in files do
                let text = File.ReadAllText path
                Expect.equal (StudyJson.write (StudyJson.read path text)) text path

        testCase "what is no results file is refused in one line, with its path and the path in it"
        <| fun () ->
            let whole = StudyJson.write (file [ finished "a" 1 "new" 1.0 ])

            for text, place in
                [
                    "{", "$: expected JSON"
                    "[]", "$: expected an object"
                    "{ \"version\": 1 }", "$: expected a property `study`"
                    "{ \"version\": 99, \"unheard\": 1 }", "$.version: expected 1, got 99"
                    whole.Replace("\"seed\": 1", "\"seed\": 0.5"), "$.runs[0].seed: expected an integer, got 0.5"
                    whole.Replace("\"perplexity\": 1", "\"perplexity\": \"x\""),
                    "$.runs[0].test.perplexity: expected a number, got \"x\""
                    whole.Replace("\"small\"", "[]"), "$.rows[1].paper.measure: expected a string, got []"
                ] do
                let message = complaint (fun () -> StudyJson.read "results/x.json" text |> ignore)

                Expect.stringStarts
                    message
                    $"results/x.json: expected results that `./modnet reproduce` wrote, got {place}"
                    text

                Expect.isFalse (message.Contains '\n') "one line"

        testCase "the record of a run comes back from its JSON; another text is refused with the path in it"
        <| fun () ->
            let record: RunRecord = {
                Command = "./modnet reproduce example"
                Commit = Some { Hash = "0123456789abcdef"; Dirty = true }
                Processor = "a processor"
                Began = "2026-01-01T00:00:00Z"
                Ended = Some "2026-01-01T00:01:00Z"
            }

            for record in [ record; { record with Commit = None; Ended = None } ] do
                Expect.equal (StudyJson.readRecord "here" (StudyJson.writeRecord record)) record "the same"

            complains
                (fun () -> StudyJson.readRecord "here" ((StudyJson.writeRecord record).Replace("true", "1")) |> ignore)
                [ "here: expected the record of a study's run, got $.dirty: expected true or false, got 1" ]

        testCase "a number that is not finite is left out of JSON"
        <| fun () ->
            let odd = { finished "a" 1 "new" 1.0 with Facts = Map [ "nan", nan; "good", 2.0 ] }

            let back = StudyJson.read "here" (StudyJson.write (file [ odd ]))
            Expect.equal back.Entries.Head.Facts (Map [ "good", 2.0 ]) "the finite one"

        testCase "the table has mean and spread of finished runs under the present settings, and lists the unfinished"
        <| fun () ->
            let half = { finished "b" 1 "new" 9.0 with Finished = false; Steps = 2L; Values = Map.empty }

            let file = file [ finished "a" 1 "new" 1.0; finished "a" 2 "new" 2.0; finished "a" 3 "old" 50.0; half ]

            let headings, cells = StudyTable.cells file
            Expect.equal headings [ ""; "paper"; "ours: measure"; "difference"; "seeds"; "minutes a run" ] "headings"

            Expect.equal
                cells
                [
                    [ "the | first"; "2.000"; "1.500 (1.000–2.000)"; "−0.500 (−25.0 %)"; "1, 2"; "1.5" ]
                    [ "the second"; "small"; "–"; "–"; "–"; "–" ]
                ]
                "cells"

            Expect.equal
                (StudyTable.unfinished file)
                [ "unfinished: the second, seed 1: 2 of 3 steps" ]
                "what goes on is no result"

        testCase "a quick version says so, and shows no difference"
        <| fun () ->
            let file = { file [ finished "a" 1 "new" 1.0 ] with Quick = true }

            let lines = StudyTable.lines file
            Expect.stringContains lines.Head "quick version" "title"
            Expect.isTrue (lines |> List.exists (fun line -> line.Contains "not comparable")) "a warning"
            Expect.isFalse (fst (StudyTable.cells file) |> List.contains "difference") "no difference"

        testCase "the table of results stands between its markers, made of full results alone"
        <| fun () ->
            let results = file [ finished "a" 1 "new" 1.0; finished "a" 2 "new" 2.0; finished "a" 3 "old" 5.0 ]

            let quick = { results with Quick = true; Title = "Quickly" }

            let text = ResultsPage.insert [ quick; results ] page

            Expect.stringStarts text "before\n<!-- results" "what stands before"
            Expect.stringEnds text "<!-- end of results -->\nafter\n" "what stands after"
            Expect.isFalse (text.Contains "old\n") "the old table is gone"
            Expect.isFalse (text.Contains "Quickly") "nothing of a quick version"

            Expect.stringContains
                text
                "| An example: the \\| first | measure | 2.000 | 1.500 (1.000–2.000) (seeds 1, 2) | −0.500 (−25.0 %) | 1.5 | `./modnet reproduce example --rows a --seeds 1,2 --data DIR` |"
                "the row"

            Expect.isFalse (text.Contains "the second") "no row without a result"
            Expect.equal (ResultsPage.insert [ quick; results ] text) text "once more changes nothing"

        testCase "measures of one study stand side by side between their markers"
        <| fun () ->
            let seen value other = { finished "a" 1 "new" value with Values = Map [ "measure", value; "other", other ] }

            let results = {
                file [ seen 1.0 7.0; { seen 3.0 9.0 with Seed = 2 } ] with
                    Measures = [ "measure"; "other" ]
            }

            let marked table =
                $"a\n<!-- example: measure; other – ./modnet reproduce writes what follows -->\n{table}<!-- end of example -->\nb\n"

            let text = ResultsPage.insert [ results ] (marked "old\n")

            let table =
                "\n|  | paper: measure | measure | other | seeds |\n| --- | --- | --- | --- | --- |\n"
                + "| the \\| first | 2.000 | 2.000 (1.000–3.000) | 8.000 (7.000–9.000) | 1, 2 |\n\n"

            Expect.equal text (marked table) "the table"
            Expect.equal (ResultsPage.insert [ results ] text) text "once more changes nothing"
            Expect.equal (ResultsPage.insert [ { results with Quick = true } ] text) text "nothing of a quick version"

            Expect.equal
                (ResultsPage.insert [ { results with Study = "another" } ] text)
                text
                "nothing of another study"

        testCase "README and docs/results.md have the tables that the stored results make"
        <| fun () ->
            let scripts = Path.Combine(root, "notebooks")
            let files = (StudyStore.beside scripts).All()

            for page in ResultsPage.pages scripts do
                let text = File.ReadAllText page
                Expect.equal (ResultsPage.insert files text) text page
                Expect.stringContains text "<!-- table1: test perplexity; test perplexity at the best validation" page

        testCase "of every stored result and log, H_a ≤ H_b ≤ log M, as Eqs. 15 and 16 have it"
        <| fun () ->
            let store = StudyStore.beside (Path.Combine(root, "notebooks"))
            let mutable seen = 0

            let holds what (values: System.Collections.Generic.IReadOnlyDictionary<string, float>) =
                match
                    values.TryGetValue Metric.SelectionEntropy.Name,
                    values.TryGetValue Metric.BatchSelectionEntropy.Name
                with
                | (true, a), (true, b) ->
                    seen <- seen + 1
                    // Single precision, summed over a minibatch.
                    Expect.isLessThanOrEqual a (b + 1e-5) $"{what}: H_a ≤ H_b"
                    Expect.isLessThanOrEqual b (log 20.0 + 1e-5) $"{what}: H_b ≤ log 20, the largest M of any study"
                | _ -> ()

            for file in store.All() do
                for entry in file.Entries do
                    for KeyValue(phase, values) in entry.Phases do
                        holds $"{file.Study}, {entry.Row}, {phase}" values

            Expect.isGreaterThan seen 50 "stored results"
            let inResults = seen

            for log in Directory.GetFiles(Path.Combine(root, "notebooks", "results", "logs"), "*.jsonl.gz") do
                use packed = new GZipStream(File.OpenRead log, CompressionMode.Decompress)
                use reader = new StreamReader(packed)
                // The first line tells of the run; the log follows.
                reader.ReadLine() |> ignore

                while not reader.EndOfStream do
                    let line = MetricsLine.Parse(reader.ReadLine())
                    holds $"{Path.GetFileName log}, step {line.Step}" line.Values

            Expect.isGreaterThan seen (inResults + 10_000) "lines of logs"

        testCase "a page without markers stays as it is"
        <| fun () ->
            for text in [ ""; "no markers\n"; page.Replace("<!-- end of results -->", "") ] do
                Expect.equal (ResultsPage.insert [ file [ finished "a" 1 "new" 1.0 ] ] text) text "untouched"
    ]
