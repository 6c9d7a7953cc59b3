/// What a study keeps while other processes keep theirs beside it.
module ModNet.Tests.StudyStoreTests

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
    ]
