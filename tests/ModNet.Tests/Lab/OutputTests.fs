/// What is printed and written: numbers in one culture only, and nothing that a terminal would obey.
module ModNet.Tests.OutputTests

open System
open System.Globalization
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.ExampleStudy
open ModNet.Tests.RoutedExamples
open ModNet.Tests.Running

/// A culture in which no sign of a number is as elsewhere, so that each number that is written in it is seen. The signs of real cultures, such as de-DE's comma and
/// full stop, stand in other numbers, too.
let private strange =
    let culture = CultureInfo.InvariantCulture.Clone() :?> CultureInfo
    let numbers = culture.NumberFormat
    numbers.NumberDecimalSeparator <- "¤"
    numbers.PercentDecimalSeparator <- "¤"
    numbers.NumberGroupSeparator <- "¦"
    numbers.PercentGroupSeparator <- "¦"
    numbers.NegativeSign <- "¬"
    numbers.PositiveSign <- "¶"
    numbers.PercentSymbol <- "¥"
    culture

let private signs = Regex "[¤¦¬¶¥]"

let private within (culture: CultureInfo) (action: unit -> 'Result) : 'Result =
    let before = CultureInfo.CurrentCulture
    CultureInfo.CurrentCulture <- culture

    try
        action ()
    finally
        CultureInfo.CurrentCulture <- before

/// What the action prints.
let private printed (action: unit -> unit) : string =
    let before = Console.Out
    use writer = new StringWriter(CultureInfo.InvariantCulture)
    Console.SetOut writer

    try
        action ()
    finally
        Console.SetOut before

    string writer

let private message (action: unit -> unit) =
    try
        action ()
        failtest "Expected a refusal."
    with :? UserException as refused ->
        refused.Message

/// Long enough for a comma between thousands.
let private run (folder: string) = { experimentOf 2 1_000 with Out = Some folder; LogEvery = 100; ValidateEvery = 500 }

let private trained (folder: string) = printed (fun () -> Running.train Settings.none (run folder) |> ignore)

/// Lines of a log without the time.
let private timeless (folder: string) =
    Regex.Replace(File.ReadAllText(Path.Combine(folder, "metrics.jsonl")), "\"seconds\":[^,}]*", "")

let private cultures = [
    testCase "the strange culture is one: F# and C# write numbers in it where nothing else is said" (fun () ->
        within strange (fun () -> Expect.equal $"{-1234.5:N1}" "¬1¦234¤5" "a number"))

    testInDirectory "progress, last lines, report and files of a run are the same in every culture"
    <| fun folder ->
        let ours, theirs = Path.Combine(folder, "ours"), Path.Combine(folder, "theirs")
        let usual = trained ours
        let said = within strange (fun () -> trained theirs)
        Expect.isFalse (signs.IsMatch said) said
        Expect.stringContains said "step 1,000/1,000 · " "the progress line"
        Expect.stringContains said "1,000 steps in " "the last line"
        // How many progress lines there are depends on the clock.
        let lines (text: string) =
            text.Split '\n' |> Array.filter (fun line -> not (line.Contains "steps/s")) |> Array.length

        Expect.equal (lines said) (lines usual) "as many lines"

        for path in Directory.GetFiles(theirs, "*.*") do
            if not (path.EndsWith ".safetensors") then Expect.isFalse (signs.IsMatch(File.ReadAllText path)) $"{path}"

        Expect.equal (timeless theirs) (timeless ours) "the log"

        let spec (folder: string) = File.ReadAllText(Path.Combine(folder, "spec.json")).Replace(folder, "")
        Expect.equal (spec theirs) (spec ours) "the spec"

        let page () = Report.ofRun ours |> Report.html
        Expect.equal (within strange page) (page ()) "the report of one folder"

    testCase "what inspect prints and its page are the same in every culture" (fun () ->
        for trace in [ traceOf 4 60 1 [ 3, 1; 2, 2 ] false; traceOf 5 9 6 [ 3, 1 ] true ] do
            let options: RoutingReport.Options = { Layer = None; Top = 3 }

            let all () =
                InspectText.ofTrace options trace
                @ InspectText.ofDatapoint trace.Datapoints[0] options trace
                @ [ RoutingReport.page "trace" options trace |> Report.html ]

            Expect.equal (within strange all) (all ()) "inspect")

    testInDirectory "messages with numbers are the same in every culture"
    <| fun folder ->
        let table = Path.Combine(folder, "d.csv")
        File.WriteAllLines(table, [ "a,b,y"; "1,1e300,0" ])

        let ofTable rows () =
            File.WriteAllLines(table, "a,b,y" :: rows)

            CsvFile.Load(table, CsvLayout(Targets = [| "y" |], Classes = Nullable 2), 0.25, 0.125, false, 1L) |> ignore

        for rows in [ [ "1,1e300,0" ]; [ "1,2,0" ] ] do
            let said () = message (ofTable rows)
            Expect.equal (within strange said) (said ()) "a table"

    testCase "a study's table and its report's rows are the same in every culture" (fun () ->
        let all () = [
            SeedText.number -1234.5
            SeedText.difference [ 1.0; 2.0 ] (Some(PaperValue.Number 3.5))
            SeedText.minutes [ 90.0 ]
            Label.number -1234.5
            Label.duration 9.5
        ]

        Expect.equal (within strange all) (all ()) "texts")
]

let private escape = "\u001b[31mred"

let private visible = [
    testPropertyWithConfig
        FsCheckConfig.defaultConfig
        "no control character is left in a word, and only line ends and tabs in lines"
    <| fun (text: string) ->
        let text = if isNull text then "" else text + "\u001b\u009b\u202e\u0007\r\n\t"
        Expect.isFalse (VisibleText.Word text |> Seq.exists Char.IsControl) "a word"

        Expect.isFalse
            (VisibleText.Lines text |> Seq.exists (fun c -> Char.IsControl c && c <> '\n' && c <> '\t'))
            "lines"

        Expect.equal (VisibleText.Word(VisibleText.Word text)) (VisibleText.Word text) "what is shown stays as it is"

    testCase "control characters have their pictures, and other text stays as it is" (fun () ->
        Expect.equal (VisibleText.Word escape) "␛[31mred" "escape"
        Expect.equal (VisibleText.Word "a\tb\r\n\u007f") "a␉b␍␊␡" "line ends in a word"
        Expect.equal (VisibleText.Lines "a\tb\nc\r") "a\tb\nc␍" "line ends in lines"
        Expect.equal (VisibleText.Word "\u009b31m\u202eltr") "\\u009B31m\\u202Eltr" "without a picture"
        Expect.equal (VisibleText.Lines "x₁ → 😀 – é") "x₁ → 😀 – é" "words of all languages")

    testCase "a message about data shows what they hold" (fun () ->
        let said = UserException(escape, escape, escape, "mend it").Message
        Expect.equal said "␛[31mred: expected ␛[31mred, got ␛[31mred – mend it" "parts"
        Expect.equal (UserException($"{escape}\nnext").Message) "␛[31mred\nnext" "a message of several lines")

    testCase "inspect shows words, classes and names of layers in columns that stay aligned" (fun () ->
        let vocabulary = RoutingLabels([| escape; "<eos>"; "c\u009bat"; "dog"; "of" |], null, null)
        let kinds = RoutingLabels(null, [| escape; "one"; "two" |], [| "left"; escape |])
        let words = traceWith vocabulary 5 9 6 [ 3, 1 ] true
        let classes = traceWith kinds 4 60 1 [ 3, 1; 2, 2 ] false

        for trace in [ words; classes ] do
            let options: RoutingReport.Options = { Layer = None; Top = 3 }

            let lines = InspectText.ofTrace options trace @ InspectText.ofDatapoint trace.Datapoints[0] options trace

            Expect.isFalse (lines |> List.exists (Seq.exists Char.IsControl)) "no control character"
            Expect.isTrue (lines |> List.exists _.Contains("␛[31mred")) "but the words are there")

    testCase "what the lab prints goes by the same way" (fun () ->
        let said =
            printed (fun () ->
                Terminal.printfn $"run {escape}"

                ProgressLine(escape, fun _ -> "")
                    .Show(Progress(MetricsLine(1L, "test", readOnlyDict []), 1L, 1.0, TimeSpan.Zero))

                Show.section (Section.make escape [ Content.Table([ "word" ], [ [ escape ] ]) ]))

        Expect.isFalse (said.Contains '\u001b') said
        Expect.equal (Regex.Matches(said, "␛\\[31mred").Count) 4 said)

    testCase "nothing in lab and command line writes to the terminal by another way" (fun () ->
        // These write what is ours: how a line is renewed, frames around pictures in a notebook.
        let known = [ "ProgressLine.fs"; "Terminal.fs"; "Show.fs"; "Instrument.fs" ]

        for project in [ "ModNet.Lab"; "ModNet.Cli" ] do
            for path in
                Directory.GetFiles(Path.Combine(Clone.root, "dsl", project), "*.fs", SearchOption.AllDirectories) do
                let source = File.ReadAllText path

                if not (List.contains (Path.GetFileName path) known) then
                    Expect.isFalse
                        (Regex.IsMatch(
                            source,
                            """Console\.(Write|Out|Error)\b|(?<!")\bstd(out|err)\b|\b(e?printf|fprintfn?) """
                        ))
                        path

                if Regex.IsMatch(source, @"\be?printfn\b") then
                    Expect.isTrue (Regex.IsMatch(source, @"^(namespace|open) ModNet$", RegexOptions.Multiline)) path)
]

[<Tests>]
let tests = testSequenced <| testList "output" [ testList "culture" cultures; testList "terminal" visible ]
