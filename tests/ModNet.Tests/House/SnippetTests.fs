/// The F# in README.md and docs/*.md is F# that compiles.
module ModNet.Tests.SnippetTests

open System
open System.IO
open Expecto
open ModNet.Tests.Clone

/// A block of F# in a page: the page's name, the line that the block begins at, from 1, and its lines.
type private Snippet = { Page: string; Line: int; Lines: string list }

let private fence = "```"

let private snippets = [
    let docs = Directory.GetFiles(Path.Combine(root, "docs"), "*.md")

    for page in Path.Combine(root, "README.md") :: List.ofArray docs do
        let lines = File.ReadAllLines page |> List.ofArray

        for index, line in List.indexed lines do
            if line = $"{fence}fsharp" then
                {
                    Page = Path.GetFileName page
                    Line = index + 2
                    Lines = lines |> List.skip (index + 1) |> List.takeWhile (fun line -> line <> fence)
                }
]

/// What the snippets of a page take to be there.
let private before page =
    match page with
    | "figures.md" -> [ "let steps, losses, tests = [| 1.0 |], [| 0.5 |], [| 0.6 |]" ]
    | "language.md" -> [ "open Expecto" ]
    | "commands.md" -> [
        "let x, targets = Unchecked.defaultof<TorchSharp.torch.Tensor>, Unchecked.defaultof<TorchSharp.torch.Tensor>"
        "let lm = Unchecked.defaultof<TrainedNetwork>"
      ]
    | _ -> []

/// Beside what notebooks/modnet.fsx refers to: what the generators need, and what a test is written with.
let private references = [ "FsCheck"; "ModNet.Generators"; "Expecto"; "Expecto.FsCheck3" ]

/// What the compiler says of the snippet as the body of a function, which is not called.
let private reports (snippet: Snippet) =
    let isOpening (line: string) = line.StartsWith "open "
    let lines = before snippet.Page @ snippet.Lines

    // The session has ModNet loaded, and must not leave this for another folder's.
    let body = lines |> List.filter (fun line -> not (isOpening line || line.StartsWith '#'))

    [
        let name = Path.GetFileNameWithoutExtension(snippet.Page).Replace('-', '_')
        $"module Snippet_{name}_{snippet.Line} ="

        for opening in List.filter isOpening lines do
            $"    {opening}"

        "    let run () ="

        for line in body do
            $"        {line}"

        // A function's body ends in an expression.
        match body |> List.filter (fun line -> line <> "" && not (line.StartsWith ' ')) |> List.tryLast with
        | Some last when last.StartsWith "let " || last.StartsWith "use " -> "        ()"
        | _ -> ()

    ]
    |> String.concat "\n"
    |> FsiSession.run
    |> List.filter (fun line -> line.Contains "stdin(")

[<Tests>]
let tests =
    testList "snippets" [
        testCase "every block of F# in README.md and docs compiles"
        <| fun () ->
            Expect.isGreaterThan snippets.Length 5 "blocks are found"

            for reference in references do
                let path = Path.Combine(AppContext.BaseDirectory, reference + ".dll")
                Expect.equal (FsiSession.run $"#r @\"{path}\"") [] reference

            // A page that only loads packages and opens namespaces has nothing to compile.
            let isCode (line: string) = line <> "" && not (line.StartsWith '#' || line.StartsWith "open ")

            Expect.equal
                [
                    for snippet in snippets do
                        if List.exists isCode snippet.Lines then
                            for report in reports snippet -> $"{snippet.Page}, line {snippet.Line}: {report}"
                ]
                []
                "what does not compile"

        testCase "a block that is wrong is seen"
        <| fun () ->
            let wrong = {
                Page = "README.md"
                Line = 0
                Lines = [ "open ModNet"; "let words = pool \"words\" { modulse 15 }"; "words" ]
            }

            Expect.isNonEmpty (reports wrong) "a misspelt word"

        testInDirectory "the script in README.md is one that `./modnet check` takes"
        <| fun directory ->
            let script = snippets |> List.find (fun snippet -> snippet.Page = "README.md")
            let notebooks = Path.Combine(root, "notebooks", "modnet.fsx")

            let lines =
                script.Lines |> List.map (fun line -> line.Replace("#load \"modnet.fsx\"", $"#load @\"{notebooks}\""))

            let path = Path.Combine(directory, "mine.fsx")
            File.WriteAllLines(path, lines)
            let code, output, errors = modnet [ "check"; path ]
            Expect.equal (code, errors) (0, "") "it is taken"
            Expect.stringContains output "ptb-em-15-1" "the summary of its network"
    ]
