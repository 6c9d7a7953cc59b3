/// What a study keeps while other processes keep theirs beside it.
module ModNet.Tests.StudyStoreTests

open System.IO
open System.Threading.Tasks
open Expecto
open ModNet
open ModNet.Tests.ExampleStudy

[<Tests>]
let tests =
    testList "studies side by side" [
        testCase "while a study measures and draws, others may change the store" (fun () ->
            withHome (fun home scripts ->
                let mutable times = 0

                // What another process would do, which waits for its turn.
                let change () = (StudyStore.beside scripts).Locked(fun () -> times <- times + 1)

                let measured =
                    study "example" {
                        title "An example"
                        rows [ rowOf "two" 2 5 [ 1 ] ]

                        measure "squared error" (fun run ->
                            change ()
                            run.Test.SquaredError)

                        report (fun _ ->
                            change ()
                            [])
                    }

                let mutable code = -1
                Running.quietly (fun () -> code <- Study.run (options home) scripts measured)
                Expect.equal code 0 "exit code"
                Expect.isGreaterThan times 2 "it was measured and drawn"
                Expect.equal (keys (results scripts "example")) [ "two", 1, true ] "and kept"))

        testCase "what is published at the same time is all kept, in the results and in the page" (fun () ->
            withHome (fun home scripts ->
                let rows = [ for i in 1..4 -> rowOf $"row-{i}" 2 5 [ 1 ] ]

                // Each process knows the runs of its own folder.
                let own (row: string) = { options home with Only = Some [ row ]; Out = Path.Combine(home, row) }

                Running.quietly (fun () ->
                    for row in rows do
                        Study.run (own row.Id) scripts (studyOf rows) |> ignore)

                let page = Path.Combine(home, "docs", "results.md")
                let inOrder = results scripts "example", File.ReadAllText page

                for _ in 1..5 do
                    Directory.Delete(Path.Combine(scripts, "results"), true)

                    Parallel.ForEach(
                        rows,
                        fun (row: StudyRow) ->
                            StudyPublication.update (studyOf rows) (own row.Id) (StudyStore.beside scripts) |> ignore
                            ModNet.Cli.ResultsPage.update scripts
                    )
                    |> ignore

                    Expect.equal (results scripts "example") (fst inOrder) "results"

                    Expect.equal
                        (File.ReadAllText page |> Seq.filter ((=) '\n') |> Seq.length)
                        (2 + 4 + rows.Length)
                        "the page"))
    ]
