/// The second process of the whole suite: what it tells is what the first one takes, and neither outlives the other unseen.
module ModNet.Tests.SecondTests

open System
open System.Collections.Generic
open System.IO
open Expecto
open ModNet.Tests.Clone
open ModNet.Tests.Event

let private some: Event list = [
    Asked
    Began "list/a “test” of\ttabs"
    Passed("list/a", TimeSpan.FromSeconds 1.25)
    Skipped("list/b", "no kernel\nhere")
    Failed("list/c", "two lines\n\u001Eand a mark\r\n", TimeSpan.FromTicks 1L)
    Counted(Tally.Mutations("CSV", 2000, 500, 1499, 1))
    Counted(Tally.Note("kills", "20 of 20 survived"))
    Ended
]

/// What a program that plays the second process tells, and what else it writes, up to its end.
let private told (program: string) : Event list * string list =
    let events, lines = List<Event>(), List<string>()
    use second = new Second.Process("bash", [ "-c"; program ], (fun () -> None), events.Add, lines.Add)
    second.Wait()
    List.ofSeq events, List.ofSeq lines

[<Tests>]
let tests =
    testList "the second process of tests" [
        test "every event is a line that reads back as it was, also after what a test printed" {
            for event in some do
                let line = line event
                Expect.isFalse (line.Contains '\n') "one line"
                Expect.equal (read line) ("", Some event) "as it was"
                Expect.equal (read $"printed {line}") ("printed ", Some event) "after something else"

            Expect.equal (read "only printed") ("only printed", None) "no event"
        }

        testInDirectory "what it tells and what its tests print come in order, in full, each in its way"
        <| fun directory ->
            let lines = [ "printed"; yield! List.map line some ]
            let path = write directory "lines" (String.concat "\n" lines)
            Expect.equal (told $"cat '{path}'") (some, [ "printed" ]) "all of it"

        testInDirectory "its early end is a failure that names its last test"
        <| fun directory ->
            let path = write directory "lines" (String.concat "\n" (List.map line (List.take 3 some)) + "\n")

            for last, death, code in [ "exit 0", "exit 0", 0; "kill -SEGV $$", "a signal", 139 ] do
                match told $"cat '{path}'; {last}" with
                | [ _; _; _; Failed(_, what, _) ], [] ->
                    Expect.stringContains what $"exit code {code} before it was done" death
                    Expect.stringContains what "the last test that it began: list/a “test” of" death
                | other -> failtest $"{death}: {other}"

        testInDirectory
            "whenever it asks, it is told of a list of tests, one after the other, and in the end that there is none left"
        <| fun directory ->
            let asked = write directory "asked" (line Asked)
            let left = Queue [ "b"; "a list of spaces" ]
            let next () = if left.Count = 0 then None else Some(left.Dequeue())
            let lines = List<string>()
            let program = $"for i in 1 2 3; do cat '{asked}'; echo; read -r told; echo \"told: $told\"; done"
            use second = new Second.Process("bash", [ "-c"; program ], next, ignore, lines.Add)
            second.Wait()
            Expect.equal (List.ofSeq lines) [ "told: b"; "told: a list of spaces"; "told: " ] "what it was told"

        test "a first process that goes away ends the second, which has its standard input from it" {
            let tests = Path.Combine(AppContext.BaseDirectory, "ModNet.Tests.dll")
            // Its standard input is closed from the beginning.
            let code, output, errors = run root Environment.ProcessPath [ tests; "--second" ] []
            Expect.equal code 130 $"{output}{errors}"
        }

        test "a second process that is no longer waited for is ended" {
            let events = List<Event>()
            let second = new Second.Process("sleep", [ "600" ], (fun () -> None), events.Add, ignore)
            let running = second.Id
            (second :> IDisposable).Dispose()
            Expect.isFalse (Directory.Exists $"/proc/{running}") "it is gone"
        }
    ]
