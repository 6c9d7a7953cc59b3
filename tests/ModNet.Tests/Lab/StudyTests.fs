/// Studies carried out in this process: what is run, skipped, resumed, kept.
module ModNet.Tests.StudyTests

open System
open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Cli
open ModNet.Runtime
open ModNet.Tests.Running
open ModNet.Tests.ExampleStudy

[<Tests>]
let tests =
    testSequenced
    <| testList "studies" [
        testCase "a whole one leaves runs, results, a table in docs/results.md and a report; once more runs nothing"
        <| fun () ->
            withHome
            <| fun home scripts ->
                Expect.equal (Study.run (options home) scripts two) 0 "exit code"
                let file = results scripts "example"
                Expect.equal (keys file) [ "three", 1, true; "two", 1, true; "two", 2, true ] "runs"

                for entry in file.Entries do
                    let folder = runFolder home entry.Row entry.Seed
                    let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))

                    let reached = summary["test"]["squared_error"]
                    Expect.equal entry.Values["squared error"] (reached.GetValue<float>()) "the number is the run's"
                    let agreement = summary["agreement"]
                    Expect.equal entry.Values["agreement"] (agreement.GetValue<float>()) "and so is a fact"
                    Expect.equal entry.Threads (Some 1) "threads"

                    Expect.equal
                        entry.Command
                        $"./modnet reproduce example --rows {entry.Row} --seeds {entry.Seed}"
                        "the run's own command"

                ResultsPage.update scripts
                let page = File.ReadAllText(Path.Combine(home, "docs", "results.md"))
                Expect.stringContains page "| An example: 2 modules | squared error | 0.250 |" "the table"
                let report = File.ReadAllText(Path.Combine(home, "runs", "example", "report.html"))
                Expect.stringContains report "<h2>2 modules, seed 2</h2>" "the script's sections"

                let before = DateTime.UtcNow
                Expect.equal (Study.run (options home) scripts two) 0 "again"

                for folder in [ runFolder home "two" 1; runFolder home "three" 1 ] do
                    Expect.isLessThan
                        (File.GetLastWriteTimeUtc(Path.Combine(folder, "checkpoint.safetensors")))
                        before
                        "a finished run is not run again"

        testCase "a part is merged into the table, and entries stay when their folders are gone"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let part only seeds = { options home with Only = Some only; Seeds = Some seeds }

                Study.run (part [ "three" ] [ 4 ]) scripts two |> ignore
                Expect.equal (keys (results scripts "example")) [ "three", 4, true ] "the part"
                let first = (results scripts "example").Entries.Head
                Directory.Delete(Path.Combine(home, "runs"), true)
                Study.run (part [ "two" ] [ 1; 7 ]) scripts two |> ignore
                let file = results scripts "example"
                Expect.equal (keys file) [ "three", 4, true; "two", 1, true; "two", 7, true ] "both parts"
                Expect.contains file.Entries first "as it was"

        testCase "an interrupted run goes on and ends as if it had not been interrupted"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let only = { options home with Only = Some [ "two" ]; Seeds = Some [ 3 ] }

                Study.run only scripts two |> ignore
                let folder = runFolder home "two" 3
                let whole = metrics folder

                // As a kill leaves it after step 10: its checkpoint, the spec of the whole run, no summary.
                Directory.Delete(folder, true)

                let settings = {
                    Settings.none with
                        Steps = Some 10
                        Seed = Some 3
                        Out = Some folder
                        Threads = Some 1
                }

                let declared = experimentOf 2 20
                Running.train settings (Settings.apply settings declared) |> ignore
                File.Delete(Path.Combine(folder, "summary.json"))
                let spec = { declared with Seed = 3 } |> Experiment.to_json
                File.WriteAllText(Path.Combine(folder, "spec.json"), spec)
                let cut = metrics folder
                Expect.isLessThan cut.Length whole.Length "there is less of it"

                Study.run { only with Seeds = Some [ 1 ] } scripts two |> ignore

                // The finished one of before counts more; without it the part is listed as a part.
                File.Delete(Path.Combine(scripts, "results", "example.json"))
                Study.run { only with Seeds = Some [ 1 ] } scripts two |> ignore
                let part = (results scripts "example").Entries |> List.find (fun e -> e.Seed = 3)
                Expect.equal (part.Finished, part.Steps, part.Planned) (false, 10L, 20L) "so far"
                Expect.isEmpty part.Values "no result"
                Expect.isGreaterThan part.Seconds 0.0 "the time so far"

                Study.run only scripts two |> ignore
                Expect.equal (metrics folder) whole "every number but the time"
                let done' = (results scripts "example").Entries |> List.find (fun e -> e.Seed = 3)
                Expect.isTrue done'.Finished "finished"

        testCase "changed settings start anew, and the run of the old ones is kept"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let only = { options home with Only = Some [ "two" ]; Seeds = Some [ 1 ] }

                Study.run only scripts two |> ignore
                let old = metrics (runFolder home "two" 1)
                let changed = studyOf [ rowOf "two" 2 30 [ 1; 2 ] ]
                Study.run only scripts changed |> ignore
                let file = results scripts "example"
                Expect.equal (file.Entries |> List.map _.Planned |> List.sort) [ 20L; 30L ] "both are kept"
                let shown = file.Rows |> List.collect (fun row -> StudyFile.results row file)
                Expect.equal (shown |> List.map _.Planned) [ 30L ] "the table has the new one"

                let aside =
                    Directory.GetDirectories(Path.Combine(home, "runs", "example", "two"))
                    |> Array.filter (fun path -> Path.GetFileName path <> "seed-1")

                Expect.equal (aside |> Array.map metrics) [| old |] "the old one lies beside it"

        testCase "a later version that writes specs otherwise still knows the results"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let only = { options home with Only = Some [ "two" ]; Seeds = Some [ 1 ] }

                Study.run only scripts two |> ignore
                let path = Path.Combine(scripts, "results", "example.json")
                let identity = (results scripts "example").Entries.Head.Spec
                let specs = Path.Combine(scripts, "results", "specs")

                // As an earlier version would have it: the same experiment by another identity, and no run folder.
                File.Move(Path.Combine(specs, $"{identity}.json"), Path.Combine(specs, "0123456789ab.json"))
                File.WriteAllText(path, (File.ReadAllText path).Replace(identity, "0123456789ab"))
                Directory.Delete(Path.Combine(home, "runs"), true)
                Study.run { only with Only = Some [ "three" ] } scripts two |> ignore
                let file = results scripts "example"
                let shown = file.Rows |> List.collect (fun row -> StudyFile.results row file)
                Expect.equal (shown |> List.map _.Row) [ "two"; "three" ] "both in the table"

        testCase "how often a run is looked at, where data lie, and the seed are no part of what it is"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let only = { options home with Only = Some [ "two" ]; Seeds = Some [ 1 ] }

                Study.run only scripts two |> ignore
                let looked = Path.Combine(runFolder home "two" 1, "checkpoint.safetensors")
                let before = File.GetLastWriteTimeUtc looked

                let often = {
                    rowOf "two" 2 20 [ 5 ] with
                        Experiment = fun _ -> { experimentOf 2 20 with LogEvery = 1; CheckpointEvery = None }
                }

                Study.run only scripts (studyOf [ often ]) |> ignore
                Expect.equal (File.GetLastWriteTimeUtc looked) before "finished already"

        testCase "a quick version has its own folder, results and label, and is left out of the table of results"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let quick = { options home with Scale = Scale.Quick; Only = Some [ "three" ] }

                let page = File.ReadAllText(Path.Combine(home, "docs", "results.md"))
                Study.run quick scripts two |> ignore
                Expect.isFalse (File.Exists(Path.Combine(scripts, "results", "example.json"))) "no full results"
                let file = results scripts "example-quick"
                Expect.isTrue file.Quick "labelled"
                Expect.equal (file.Entries |> List.map _.Steps) [ 5L ] "quick"
                Expect.stringContains file.Entries.Head.Command " --quick" "the command"

                let report = File.ReadAllText(Path.Combine(home, "runs", "example-quick", "report.html"))

                Expect.stringContains report "quick version" "the report"
                ResultsPage.update scripts
                let after = File.ReadAllText(Path.Combine(home, "docs", "results.md"))
                Expect.stringContains after "No results yet." "the table has none of it"
                Expect.notEqual after page "the table was written"

        testCase "a study without rows is its report"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let bare = study "bare" { report (fun runs -> [ Section.make $"{runs.Length} runs" [] ]) }

                Expect.equal (Study.run (options home) scripts bare) 0 "exit code"
                let report = File.ReadAllText(Path.Combine(home, "runs", "bare", "report.html"))
                Expect.stringContains report "<h2>0 runs</h2>" "its section"
                Expect.isFalse (Directory.Exists(Path.Combine(scripts, "results"))) "nothing to keep"

        testCase "a figure that cannot be drawn costs no result"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let undrawn = {
                    studyOf [ rowOf "two" 2 5 [ 1 ] ] with
                        Report = fun _ -> raise (UserException("figure", "a trace", "none", "train again"))
                }

                Expect.equal (Study.run (options home) scripts undrawn) 1 "exit code"
                Expect.equal (keys (results scripts "example")) [ "two", 1, true ] "the result"
                let report = File.ReadAllText(Path.Combine(home, "runs", "example", "report.html"))
                Expect.stringContains report "figure: expected a trace, got none – train again" "why"

        testCase "a study reads another one's runs, and runs what is missing"
        <| fun () ->
            withHome
            <| fun home scripts ->
                Study.run { options home with Only = Some [ "three" ] } scripts two |> ignore

                let written = Path.Combine(runFolder home "three" 1, "checkpoint.safetensors")
                let before = File.GetLastWriteTimeUtc written

                let other = { two with Name = "other"; RunsOf = "example" }

                Study.run (options home) scripts other |> ignore
                Expect.equal (File.GetLastWriteTimeUtc written) before "read"
                Expect.isTrue (Directory.Exists(runFolder home "two" 2)) "run, in the other's folder"
                Expect.equal (keys (results scripts "other")).Length 3 "its own results"

        testCase "two at once: a run that another process is at is left to it"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let path = Path.Combine(home, "runs", "example", "three", ".seed-1.lock")
                Directory.CreateDirectory(Path.GetDirectoryName path) |> ignore

                do
                    use _other = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None)

                    Expect.equal (Study.run (options home) scripts two) 0 "exit code"
                    Expect.isFalse (Directory.Exists(runFolder home "three" 1)) "left alone"
                    Expect.equal (keys (results scripts "example")) [ "two", 1, true; "two", 2, true ] "the others"

                Study.run (options home) scripts two |> ignore
                Expect.equal (keys (results scripts "example")).Length 3 "now all"

        testCase "mistakes of a script are said before anything is run"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let run' study () = Study.run (options home) scripts study |> ignore

                let sound = rowOf "two" 2 20 [ 1 ]

                for study, expected in
                    [
                        studyOf [ sound; sound ], "example: expected rows with names of their own"
                        studyOf [ { sound with Id = "A row" } ], "example: expected names of small letters"
                        studyOf [ { sound with Seeds = [] } ], "example/two/seeds: expected at least one seed"
                        studyOf [ { sound with Paper = [ Some "speed", PaperValue.Number 1.0 ] } ],
                        "example/two/paper: expected one of the study's measures (squared error, agreement), got speed"
                        study "example" { rows [ sound ] }, "example/two/paper: expected a study with a measure"
                    ] do
                    complains (run' study) [ expected ]

                Expect.isFalse (Directory.Exists(Path.Combine(home, "runs"))) "nothing was run"

        testCase "a row that is not there, and data that nobody named"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let unknown = { options home with Only = Some [ "tow" ] }

                complains (fun () -> Study.run unknown scripts two |> ignore) [
                    "--rows: expected rows of example (two, three), got tow – name some of them – did you mean two?"
                ]

                let reads =
                    row "reads" {
                        run (fun _ ->
                            experiment {
                                net ExampleNetworks.lm
                                data (text "" { window 5 })
                                train (em { })
                            })
                    }

                let texts = { studyOf [ reads ] with DataFolder = Some "ptb" }

                complains (fun () -> Study.run (options home) scripts texts |> ignore) [
                    "--data: expected the data of example (ptb), got nothing – say where they are: ./modnet reproduce example --data DIR"
                ]

        testCase "each run is shown for its own data, and comes back with them"
        <| fun () ->
            withHome
            <| fun home scripts ->
                let table name first =
                    let path = Path.Combine(home, name)
                    File.WriteAllLines(path, "x,y" :: [ for i in 1..20 -> $"{(i * first) % 7},{i}" ])
                    path

                let one, other = table "d.csv" 1, table "o.csv" 2

                let reads =
                    row "reads" {
                        run (fun _ ->
                            experiment {
                                net (
                                    network "line" {
                                        features 1
                                        linear 1
                                        gaussian (variance 100.0)
                                    }
                                )

                                data (csv "" { target "y" })

                                train (
                                    static_modules {
                                        steps 3
                                        batch 4
                                    }
                                )
                            })
                    }

                let study' =
                    study "example" {
                        title "An example"
                        rows [ reads ]
                        measure "loss" (fun run -> run.Train.Loss)
                    }

                let at path =
                    quietly (fun () -> Study.run { options home with Data = path } scripts study' |> ignore)
                    let file = results scripts "example"
                    let shown = StudyFile.results file.Rows.Head file |> List.map _.Values["loss"]
                    shown, file.Entries.Length

                let first, entries = at (Some one)
                Expect.equal entries 1 "one run"
                let second, entries = at (Some other)
                Expect.equal entries 2 "other data, another run"
                Expect.notEqual second first "and another number"
                Expect.equal second.Length 1 "which alone is shown"
                let written = File.GetLastWriteTimeUtc(Path.Combine(runFolder home "reads" 1, "summary.json"))
                Expect.equal (at None) (second, 2) "without --data those that were last run"

                Expect.equal
                    (File.GetLastWriteTimeUtc(Path.Combine(runFolder home "reads" 1, "summary.json")))
                    written
                    "which are not run again"

                Expect.equal (at (Some one)) (first, 2) "the first data again"
                Expect.equal (at (Some other)) (second, 2) "and the others"
    ]
