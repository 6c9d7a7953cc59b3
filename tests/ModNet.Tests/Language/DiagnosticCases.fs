/// Scripts with a mistake, and what `check` says of them, word for word: the pages in the folder `diagnostics`.
///
/// A page is Markdown. Its title is the name of a list of tests; a block of F# before the first case has definitions that all of its
/// cases may use. A case is a heading, its test's name, and a block of F#: a network or an experiment, and, as comments at the
/// block's end, each diagnostic's id and text in order, or `sound`.
module ModNet.Tests.DiagnosticCases

open System
open System.IO
open System.Text.Json
open Expecto

/// Lines of a page, and which line of it the first one is.
type Block = { At: int; Lines: string list }

type Case = { Title: string; Script: Block; Says: string list }

type Page = { File: string; Title: string; Definitions: Block; Cases: Case list }

let private folder = Path.Combine(Clone.root, "tests", "ModNet.Tests", "Language", "diagnostics")

/// The block of F# among numbered lines.
let private block (lines: (int * string) list) =
    match lines |> List.skipWhile (fun (_, line) -> line <> "```fsharp") with
    | [] -> { At = 0; Lines = [] }
    | (fence, _) :: rest -> {
        At = fence + 1
        Lines = rest |> List.map snd |> List.takeWhile (fun line -> line <> "```")
      }

let private case (title: string) (lines: (int * string) list) : Case =
    let all = block lines
    let isComment (line: string) = line.StartsWith "// "
    let says = all.Lines |> List.rev |> List.takeWhile isComment |> List.rev

    {
        Title = title
        Script = { all with Lines = List.take (all.Lines.Length - says.Length) all.Lines }
        Says = [ for line in says -> line.Substring 3 ]
    }

let private page (path: string) : Page =
    let lines = File.ReadAllLines path |> List.ofArray |> List.mapi (fun i line -> i + 1, line)
    let isHeading (_, line: string) = line.StartsWith "## "

    let rec cases lines = [
        match lines with
        | [] -> ()
        | (_, heading: string) :: rest ->
            case (heading.Substring 3) (List.takeWhile (isHeading >> not) rest)
            yield! cases (List.skipWhile (isHeading >> not) rest)
    ]

    {
        File = path
        Title = (snd lines.Head).Substring 2
        Definitions = block (List.takeWhile (isHeading >> not) lines)
        Cases = cases (List.skipWhile (isHeading >> not) lines)
    }

/// All pages, in the order of their files' names.
let pages =
    Directory.GetFiles(folder, "*.md")
    |> Array.sortWith (fun a b -> String.CompareOrdinal(a, b))
    |> Array.map page
    |> List.ofArray

/// A block within a function or module; the compiler names the place in the page where it has something to say.
let private quoted (page: Page) (indent: int) (block: Block) = [
    $"# {block.At} \"{page.File}\""

    for line in block.Lines do
        String(' ', indent) + line
]

/// A page as one interaction, for to compile is what takes the time; it writes what `check` says, case by case, to a file.
let private interaction (page: Page) (results: string) =
    String.concat "\n" [
        "let diagnosed (result: Result<Summary, Diagnostic list>) ="
        "    match result with"
        "    | Ok _ -> [| \"sound\" |]"
        "    | Error diagnostics -> [| for d in diagnostics -> d.Fault.Id + \" \" + string d |]"
        "let checking (case: unit -> obj) ="
        "    try"
        "        match case () with"
        "        | :? Network as network -> diagnosed (Check.network network)"
        "        | :? Experiment as experiment -> diagnosed (Check.experiment experiment |> Result.map _.Summary)"
        "        | other -> [| $\"neither a network nor an experiment: {other}\" |]"
        "    with error -> [| string error |]"
        "module Page ="
        yield! quoted page 4 page.Definitions

        for number, case in List.indexed page.Cases do
            $"    let case{number} () ="
            yield! quoted page 8 case.Script

        "let cases: (unit -> obj) list = ["
        for number in 0 .. page.Cases.Length - 1 do
            $"    fun () -> box (Page.case{number} ())"
        "]"
        "let told = [| for case in cases -> checking case |]"
        $"System.IO.File.WriteAllText(@\"{results}\", System.Text.Json.JsonSerializer.Serialize told)"
        // What comes after this is not of the page.
        "# 1 \"stdin\""
    ]

/// What `check` says of the scripts of a page, or what the compiler does where one of them is no F#.
let private said (page: Page) : Result<string list array, string> =
    let results = Path.GetTempFileName()

    try
        let errors = FsiSession.run (interaction page results)

        match File.ReadAllText results with
        | "" -> Error(String.concat "\n" errors)
        | text -> Ok(JsonSerializer.Deserialize<string array array> text |> Array.map List.ofArray)
    finally
        File.Delete results

[<Tests>]
let tests =
    let ofPage (page: Page) =
        let said = lazy (said page)

        testList page.Title [
            for number, case in List.indexed page.Cases do
                testCase case.Title
                <| fun () ->
                    Expect.isNonEmpty case.Says $"{page.File}: the end of a case says what `check` does"
                    let said = Expect.wantOk said.Value page.File
                    Expect.equal said[number] case.Says $"{page.File}, line {case.Script.At}"
        ]

    TestList(List.map ofPage pages, Normal)
