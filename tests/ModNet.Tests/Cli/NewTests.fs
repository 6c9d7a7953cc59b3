/// `./modnet new`, completion, and the version.
module ModNet.Tests.NewTests

open System.IO
open Expecto
open ModNet.Runtime
open ModNet.Tests.Clone

/// Runs the command line in a folder; scripts in a process of their own.
let private within (folder: string) (words: string list) =
    if words.Head = "new" then
        CommandHost.within folder words
    else
        run folder System.Environment.ProcessPath (cli :: words) []

/// The rows of a small CSV file: two measures, a colour, a day, some words of which no two are alike, a class and a number to predict.
let private flowers (separator: string) =
    [
        [ "length"; "width"; "colour"; "day"; "note"; "species"; "weight" ]
        for i in 1..60 do
            let isFirst = i % 2 = 0

            [
                $"{4 + i % 3}.{i % 7}"
                (if isFirst then "3.5" else "2.5")
                (if i % 3 = 0 then "red"
                 elif i % 8 = 1 then ""
                 else "blue")
                $"2024-03-{i % 28 + 1:D2}"
                $"note {i}"
                (if isFirst then "setosa" else "virginica")
                $"{i}.5"
            ]
    ]
    |> List.map (String.concat separator)
    |> String.concat "\n"

[<Tests>]
let tests =
    testList "new" [
        testInDirectory "a first script trains as it is"
        <| fun directory ->
            let code, said, errors = within directory [ "new"; "first" ]
            Expect.equal code 0 errors
            Expect.stringContains said "train first.fsx" "what comes next"
            let code, said, errors = within directory [ "train"; "first.fsx"; "--steps"; "30" ]
            Expect.equal code 0 errors
            Expect.stringContains said "modular1" "the table of layers"
            Expect.stringContains said "data  toy_regression: " "a line on the data"
            Expect.isTrue (File.Exists(Path.Combine(directory, "runs", "first", "report.html"))) "the report"

        testInDirectory
            "a script about a CSV file takes classes, categories, dates, missing values and the separator from it"
        <| fun directory ->
            write directory "flowers.csv" (flowers ";") |> ignore

            let code, _, errors = within directory [ "new"; "mine"; "--data"; "flowers.csv"; "--target"; "species" ]

            Expect.equal code 0 errors
            let script = File.ReadAllText(Path.Combine(directory, "mine.fsx"))

            for part in
                [
                    "classes 2"
                    "separator Semicolon"
                    "features [ \"length\"; \"width\"; \"colour\"; \"day\"; \"weight\" ]"
                    "categorical [ \"colour\" ]"
                    "dates [ \"day\" ]"
                    "missing Mean"
                    "features 7"
                    "from 5 columns of"
                    "softmax 2"
                ] do
                Expect.stringContains script part "as the file is"

            let code, said, errors = within directory [ "check"; "mine.fsx" ]
            Expect.equal code 0 errors

            Expect.stringContains
                said
                "csv: 36 training, 12 validation, 12 test datapoints; 2 classes (setosa, virginica)"
                "the data"

            Expect.stringContains said "S, samples in an E-step" "a setting that could have been left out"

        testInDirectory "a column of many numbers is predicted as numbers"
        <| fun directory ->
            write directory "flowers.csv" (flowers ",") |> ignore
            let code, _, errors = within directory [ "new"; "mine"; "--data"; "flowers.csv" ]
            Expect.equal code 0 errors
            let code, _, errors = within directory [ "train"; "mine.fsx"; "--steps"; "5" ]
            Expect.equal code 0 errors

        testInDirectory "what it cannot make anything of is refused, and nothing is written"
        <| fun directory ->
            write directory "flowers.csv" (flowers ",") |> ignore
            write directory "taken.fsx" "" |> ignore

            for words, part in
                [
                    [ "taken" ], "taken.fsx: expected a path where nothing lies"
                    [ "1st" ], "NAME: expected a letter"
                    [ "mine"; "--data"; "flower.csv" ], "though there is flowers.csv"
                    [ "mine"; "--data"; "flowers.csv"; "--target"; "specis" ], "did you mean species?"
                    [ "mine"; "--target"; "species" ], "--target: expected a CSV or Parquet file with --data"
                ] do
                let code, _, errors = within directory ("new" :: words)
                Expect.equal code 1 errors
                Expect.stringContains errors part "the message"

            Expect.isFalse (File.Exists(Path.Combine(directory, "mine.fsx"))) "nothing written"

        test "help of a command, and the version" {
            let code, said, _ = CommandHost.modnet [ "help"; "train" ]
            Expect.equal code 0 said

            Expect.equal
                said
                (let _, same, _ = CommandHost.modnet [ "train"; "--help" ] in same)
                "help VERB is VERB --help"

            let code, said, _ = CommandHost.modnet [ "--version" ]
            Expect.equal code 0 said
            Expect.stringContains said $"libtorch {Libtorch.Expected.ToString 3}" "what it stands on"
        }

        testInDirectory "bash completes commands, options, studies and scripts"
        <| fun directory ->
            let code, script, errors = CommandHost.modnet [ "completion"; "bash" ]
            Expect.equal code 0 errors
            let script = write directory "completion.sh" script
            write directory "mine.fsx" "" |> ignore

            let completed (words: string list) =
                let all = words |> List.map (sprintf "'%s'") |> String.concat " "
                let last = words.Length - 1

                let code, said, errors =
                    run directory "bash" [
                        "-c"
                        $"source {script}; COMP_WORDS=({all}); COMP_CWORD={last}; _modnet 2>/dev/null; printf '%%s\\n' \"${{COMPREPLY[@]}}\""
                    ] []

                Expect.equal code 0 errors
                said.Split('\n', System.StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

            Expect.equal (completed [ "./modnet"; "rep" ]) [ "reproduce" ] "a command"
            Expect.equal (completed [ "./modnet"; "train"; "mine.fsx"; "--patie" ]) [ "--patience" ] "an option"
            Expect.equal (completed [ "./modnet"; "reproduce"; "table1" ]) [ "table1" ] "a study"
            Expect.contains (completed [ "./modnet"; "train"; "mi" ]) "mine.fsx" "a script"

        test "zsh's completion names every command" {
            let code, script, errors = CommandHost.modnet [ "completion"; "zsh" ]
            Expect.equal code 0 errors

            for verb in [ "demo"; "new"; "train"; "reproduce"; "completion" ] do
                Expect.stringContains script $"'{verb}:" verb
        }
    ]
