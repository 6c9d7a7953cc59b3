/// What happens while tests run, in this process or in another one that tells of it on its standard output.
module ModNet.Tests.Event

open System
open System.Text.Json

type Event =
    /// A process has nothing to do, and waits to be told of a list of tests.
    | Asked
    | Began of test: string
    | Passed of test: string * took: TimeSpan
    | Skipped of test: string * reason: string
    | Failed of test: string * what: string * took: TimeSpan
    | Counted of Tally.Count
    /// All tests were run, whatever came of them; nothing follows.
    | Ended

/// Begins an event in what another process writes; texts have no such character.
let private mark = '\u001E'

/// The event as one line.
let line (event: Event) : string =
    let ticks (took: TimeSpan) = string took.Ticks

    let parts =
        match event with
        | Asked -> [ "asked" ]
        | Began test -> [ "began"; test ]
        | Passed(test, took) -> [ "passed"; test; ticks took ]
        | Skipped(test, reason) -> [ "skipped"; test; reason ]
        | Failed(test, what, took) -> [ "failed"; test; what; ticks took ]
        | Counted(Tally.Mutations(loader, tried, right, refused, failed)) ->
            "mutations" :: loader :: List.map string [ tried; right; refused; failed ]
        | Counted(Tally.Note(what, count)) -> [ "note"; what; count ]
        | Ended -> [ "ended" ]

    $"{mark}{JsonSerializer.Serialize(Array.ofList parts)}"

/// What a test itself printed before the event on a line, and the event, if there is one.
let read (line: string) : string * Event option =
    match line.IndexOf mark with
    | -1 -> line, None
    | at ->
        let took (ticks: string) = TimeSpan(Int64.Parse ticks)

        let event =
            match JsonSerializer.Deserialize<string array>(line.Substring(at + 1)) with
            | [| "asked" |] -> Asked
            | [| "began"; test |] -> Began test
            | [| "passed"; test; ticks |] -> Passed(test, took ticks)
            | [| "skipped"; test; reason |] -> Skipped(test, reason)
            | [| "failed"; test; what; ticks |] -> Failed(test, what, took ticks)
            | [| "mutations"; loader; tried; right; refused; failed |] ->
                Counted(Tally.Mutations(loader, int tried, int right, int refused, int failed))
            | [| "note"; what; count |] -> Counted(Tally.Note(what, count))
            | [| "ended" |] -> Ended
            | parts -> failwith $"no event: %A{parts}"

        line.Substring(0, at), Some event
