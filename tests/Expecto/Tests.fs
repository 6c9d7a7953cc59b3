/// Building trees of tests.
[<AutoOpen>]
module Expecto.Tests

open System

/// Fails this test.
let failtest message = raise (AssertException message)

/// Fails this test.
let failtestf format = Printf.ksprintf failtest format

/// Fails this test, without a stack trace.
let failtestNoStack message = raise (FailedException message)

/// Fails this test, without a stack trace.
let failtestNoStackf format = Printf.ksprintf failtestNoStack format

/// Skips this test.
let skiptest message = raise (IgnoreException message)

/// Skips this test.
let skiptestf format = Printf.ksprintf skiptest format

let testLabel name test = TestLabel(name, test, Normal)

let private list state name tests =
    TestLabel(name, TestList(tests, state), state)

let testList name tests = list Normal name tests
let ftestList name tests = list Focused name tests
let ptestList name tests = list Pending name tests

let private case state name code =
    TestLabel(name, TestCase(code, state), state)

let testCase name test = case Normal name (Sync test)
let ftestCase name test = case Focused name (Sync test)
let ptestCase name test = case Pending name (Sync test)

let testCaseAsync name test = case Normal name (Async test)
let ftestCaseAsync name test = case Focused name (Async test)
let ptestCaseAsync name test = case Pending name (Async test)

/// One case per pair, each given the fixture's set-up.
let testFixture (setup: ('a -> unit -> unit)) (tests: seq<string * 'a>) =
    tests |> Seq.map (fun (name, test) -> testCase name (setup test))

/// One case per pair, each given the parameter.
let testParam (parameter: 'a) (tests: seq<string * ('a -> unit -> unit)>) =
    tests |> Seq.map (fun (name, test) -> testCase name (test parameter))

let testSequenced test = Sequenced(Synchronous, test)
let testSequencedGroup name test = Sequenced(SynchronousGroup name, test)

/// `test "name" { … }`
type TestCaseBuilder(name: string, state: FocusState) =
    member _.TryFinally(body, compensation) =
        try
            body ()
        finally
            compensation ()

    member _.TryWith(body, handler) =
        try
            body ()
        with e ->
            handler e

    member _.Using(resource: #IDisposable, body) =
        use r = resource
        body r

    member _.For(items, body) =
        for item in items do
            body item

    member _.While(guard, body) =
        while guard () do
            body ()

    member _.Combine((), rest) = rest ()
    member _.Zero() = ()
    member _.Delay(body: unit -> unit) = body
    member _.Run body = case state name (Sync body)

let test name = TestCaseBuilder(name, Normal)
let ftest name = TestCaseBuilder(name, Focused)
let ptest name = TestCaseBuilder(name, Pending)
