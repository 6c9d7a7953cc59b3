/// The table in docs/traps.md quotes the messages that the code prints.
module ModNet.Tests.TrapTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet.Tests.Clone

/// What goes wrong, and what is said of it, row by row.
let private traps =
    lazy
        (let text = File.ReadAllText(Path.Combine(root, "docs", "traps.md"))
         let table = text[text.IndexOf("| what goes wrong |", StringComparison.Ordinal) ..]

         let rows = table.Substring(0, table.IndexOf("\n\n", StringComparison.Ordinal)).Split '\n'

         [
             for row in rows[2..] do
                 match row.Trim('|', ' ').Split(" | ", 2) with
                 | [| wrong; said |] -> wrong, said
                 | _ -> failtest $"a row of two columns: {row}"
         ])

let private sources =
    lazy
        (String.concat "\n" [
            File.ReadAllText(Path.Combine(root, "modnet"))
            File.ReadAllText(Path.Combine(root, "tools", "debian"))

            for folder in [ "src"; "dsl" ] do
                for file in Directory.GetFiles(Path.Combine(root, folder), "*.*s", SearchOption.AllDirectories) do
                    if file.EndsWith ".cs" || file.EndsWith ".fs" then File.ReadAllText file
        ])

/// Names, numbers and what stands between parts of a message: those are examples', the rest is the code's own words.
let private between = @"…|–|[:;,`=<>≤\[\]]|\S*[/.]\S*|\S*\d\S*|\bexpected\b|\bgot\b"

let private ownWords (said: string) = [
    for quoted in Regex.Matches(said, "`([^`]+)`") do
        for part in Regex.Split(quoted.Groups[1].Value, between) do
            let part = part.Trim()

            if part.Split(' ').Length >= 3 then part
]

[<Tests>]
let tests =
    testList "the traps of docs/traps.md" [
        testCase "every message that is quoted is one of the code's"
        <| fun () ->
            let quoted = traps.Value |> List.filter (snd >> ownWords >> List.isEmpty >> not)
            Expect.isGreaterThan quoted.Length 20 "messages with words of their own"

            for wrong, said in quoted do
                Expect.isTrue
                    (ownWords said |> List.exists (fun words -> sources.Value.Contains words))
                    $"{wrong}: the code says nothing like {said}"
    ]
