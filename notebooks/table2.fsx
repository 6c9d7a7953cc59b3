(**
# Table 2: the words on which modules are invoked

"For a few out of M = 15 modules (with K = 1), we show examples of the corresponding input word which they are invoked on (highlighted)
together with surrounding words in the sentence" (paper, section 3.2): modules for numerals, for the beginning of a sentence, for the definite article.

Nothing here is picked by hand. The run is em-15-1 of Table 1, seed 1, and its routing trace over the whole validation text. Of every module, the words
that are most distinctive for it (`Inspect.contexts` states the rule: log-odds with an informative prior, Monroe, Colaresi and
Quinn 2008), each with places in the text that are evenly spaced over all of them. The modules shown first are the three whose most distinctive word has
the highest score.

    ./modnet reproduce table2 --data DIR
*)
#load "language.fsx"

open ModNet
open ModNet.Figures
open Language

let layer = "modular_gru1"

let place (found: Occurrence) =
    let words = String.concat " "
    $"{words found.Before} [{found.Word}] {words found.After}"

let share (words: DistinctiveWord) =
    $"{words.Word} ({Label.number (float words.Count)} of {Label.number (float words.Total)})"

let ofModule (contexts: ModuleContexts) =
    Section.make $"Module {contexts.Module}: {Label.number (float contexts.Count)} words" [
        Content.Table(
            [ "word (here, of all)"; "score"; "places" ],
            [
                for words in contexts.Words do
                    [ share words; $"%.1f{words.Score}"; words.Occurrences |> List.map place |> String.concat "  ·  " ]
            ]
        )
    ]

let sections (run: StudyRun) =
    let contexts = Trace.load run.Folder |> Inspect.contexts layer 6 4

    let score (one: ModuleContexts) = one.Words |> List.tryHead |> Option.map _.Score |> Option.defaultValue 0.0

    let ranked = contexts |> List.sortByDescending score

    let column (one: ModuleContexts) = one.Words |> List.collect _.Occurrences |> List.map place

    let three = List.truncate 3 ranked

    let rows =
        let columns = three |> List.map column
        let height = columns |> List.map List.length |> List.fold max 0

        [ for i in 0 .. height - 1 -> columns |> List.map (List.tryItem i >> Option.defaultValue "") ]

    [
        Section.make $"As the paper has it, {run.Name}" [
            Content.Prose
                "The three modules whose words are most distinctive; the word on which the module is invoked is in brackets. The paper: numerals; the beginning of a new sentence; the definite article."
            Content.Table(three |> List.map (fun one -> $"module {one.Module}"), rows)
        ]
        yield! ranked |> List.filter (fun one -> one.Count > 0L) |> List.map ofModule
    ]

study "table2" {
    title "Table 2: words on which modules are invoked"
    data_folder "ptb"
    runs_of "table1"

    rows [ { em_15_1 with Seeds = [ 1 ]; Paper = [] } ]

    measure "modules used" (fun run -> run.Validation["modules_used"])

    report (fun runs -> runs |> List.filter (fun run -> run.Finished && run.Seed = 1) |> List.collect sections)
}
|> Study.main fsi.CommandLineArgs
