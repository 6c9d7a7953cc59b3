/// The test API itself: what should fail fails, and says why.
module ModNet.Tests.ExpectoTests

open Expecto
open Expecto.Bridge

let private outcomeOf test =
    Leaves.outcomes test |> List.head |> snd

let private messageOf code =
    match outcomeOf (testCase "inner" code) with
    | Failed message -> message
    | other -> failtestf "Expected a failure, got %A" other

let private fails name code =
    testCase $"{name} fails" (fun () -> Expect.stringContains (messageOf code) "m" "carries its message")

let private passes name code =
    testCase $"{name} passes" (fun () -> Expect.equal (outcomeOf (testCase "inner" code)) Passed "outcome")

[<Tests>]
let tests =
    testList "expecto" [
        testList "expect" [
            fails "equal" (fun () -> Expect.equal 1 2 "m")
            fails "equal of arrays" (fun () -> Expect.equal [| 1 |] [| 2 |] "m")
            passes "equal of equal arrays" (fun () -> Expect.equal [| 1 |] [| 1 |] "m")
            fails "notEqual" (fun () -> Expect.notEqual 1 1 "m")
            fails "isTrue" (fun () -> Expect.isTrue false "m")
            fails "isFalse" (fun () -> Expect.isFalse true "m")
            fails "floatClose" (fun () -> Expect.floatClose Accuracy.high 1.0 1.001 "m")
            passes "floatClose within low" (fun () -> Expect.floatClose Accuracy.low 1.0 1.0001 "m")
            fails "floatClose of NaN" (fun () -> Expect.floatClose Accuracy.low nan 1.0 "m")
            fails "isLessThan of NaN" (fun () -> Expect.isLessThan nan 1.0 "m")
            fails "isGreaterThan" (fun () -> Expect.isGreaterThan 1 1 "m")
            fails "throws" (fun () -> Expect.throws ignore "m")
            fails "throwsT of another type" (fun () ->
                Expect.throwsT<System.ArgumentException> (fun () -> failwith "x") "m")
            passes "throwsT" (fun () -> Expect.throwsT<System.ArgumentException> (fun () -> invalidArg "a" "b") "m")
            fails "isSome" (fun () -> Expect.isSome None "m")
            fails "isNone" (fun () -> Expect.isNone (Some 1) "m")
            fails "wantOk" (fun () -> Expect.wantOk (Error 1) "m" |> ignore)
            fails "isError" (fun () -> Expect.isError (Ok 1) "m")
            fails "isEmpty" (fun () -> Expect.isEmpty [ 1 ] "m")
            fails "hasLength" (fun () -> Expect.hasLength [ 1 ] 2 "m")
            fails "all" (fun () -> Expect.all [ 1; 2 ] ((=) 1) "m")
            fails "containsAll counts" (fun () -> Expect.containsAll [ 1; 2 ] [ 1; 1 ] "m")
            passes "containsAll in any order" (fun () -> Expect.containsAll [ 1; 2; 3 ] [ 3; 1 ] "m")
            fails "sequenceEqual, shorter" (fun () -> Expect.sequenceEqual [ 1 ] [ 1; 2 ] "m")
            fails "sequenceEqual, longer" (fun () -> Expect.sequenceEqual [ 1; 2 ] [ 1 ] "m")
            fails "sequenceEqual, different" (fun () -> Expect.sequenceEqual [ 1; 2 ] [ 1; 3 ] "m")
            fails "stringContains" (fun () -> Expect.stringContains "a" "b" "m")
            fails "isNotNull" (fun () -> Expect.isNotNull null "m")
            fails "isAscending" (fun () -> Expect.isAscending [ 2; 1 ] "m")
        ]

        testCase "an exception is an error, not a failure" (fun () ->
            match outcomeOf (testCase "inner" (fun () -> failwith "boom")) with
            | Errored e -> Expect.equal e.Message "boom" "message"
            | other -> failtestf "Expected an error, got %A" other)

        testCase "skiptest skips" (fun () ->
            Expect.equal (outcomeOf (testCase "inner" (fun () -> skiptest "later"))) (Skipped "later") "outcome")

        testCaseAsync "an async test runs" (async { do! Async.Sleep 1 })

        testCase "names are paths, and pending goes down" (fun () ->
            let tree =
                testList "a" [
                    testCase "b" ignore
                    ptestList "c" [ testCase "d" (fun () -> failtest "never run") ]
                ]

            Expect.equal (Leaves.outcomes tree) [ "a/b", Passed; "a/c/d", Skipped "pending" ] "outcomes")

        testCase "focus leaves the others pending" (fun () ->
            let tree =
                testList "a" [ testCase "b" (fun () -> failtest "never run"); ftestCase "c" ignore ]

            Expect.equal (Leaves.outcomes tree) [ "a/b", Skipped "pending"; "a/c", Passed ] "outcomes")

        testCase "two tests of one name fail" (fun () ->
            match Leaves.outcomes (testList "a" [ testCase "b" ignore; testCase "b" ignore ]) with
            | [ "a/b", Failed _ ] -> ()
            | other -> failtestf "Expected one failure, got %A" other)

        testProperty "a true property passes" (fun (xs: int list) -> List.rev (List.rev xs) = xs)

        testCase "a false property fails with the shrunk counterexample and a seed that repeats it" (fun () ->
            let property config =
                match outcomeOf (testPropertyWithConfig config "p" (fun (n: int) -> abs n < 10)) with
                | Failed message -> message
                | other -> failtestf "Expected a failure, got %A" other

            let first = property FsCheckConfig.defaultConfig
            Expect.isMatch first @"Shrunk \d+ times to:\n\t-?10\n" "shrunk to the smallest"

            let seed =
                System.Text.RegularExpressions.Regex.Match(first, @"Some \((\d+), (\d+)\)").Groups

            let replay = Some(int seed[1].Value, int seed[2].Value)

            Expect.equal
                (property {
                    FsCheckConfig.defaultConfig with
                        replay = replay
                })
                first
                "repeated")

        testCase "an expectation within a property gives its message" (fun () ->
            match outcomeOf (testProperty "p" (fun (n: int) -> Expect.equal n (n + 1) "off by one")) with
            | Failed message -> Expect.stringContains message "off by one" "message"
            | other -> failtestf "Expected a failure, got %A" other)
    ]
