/// What the documentation names is there.
module ModNet.Tests.DocumentationTests

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet.Tests.Clone

let private pages = [
    yield! Directory.GetFiles(root, "*.md")
    yield! Directory.GetFiles(Path.Combine(root, "docs"), "*.md")
    yield! Directory.GetFiles(Path.Combine(root, "notebooks"), "*.md")
]

/// A page's links into the repository: the file, and the heading in it, or "".
let private links (page: string) : (string * string) list = [
    for link in Regex.Matches(File.ReadAllText page, @"\]\(([^)\s]+)\)") do
        let target = link.Groups[1].Value

        if not (Regex.IsMatch(target, "^[a-z]+:")) then
            let parts = target.Split('#', 2)

            let file =
                if parts[0] = "" then page else Path.GetFullPath(Path.Combine(Path.GetDirectoryName page, parts[0]))

            file, (if parts.Length > 1 then parts[1] else "")
]

/// The names of a page's headings, as GitHub makes them.
let private headings (page: string) : string list = [
    for heading in Regex.Matches(File.ReadAllText page, @"^#+ (.*)$", RegexOptions.Multiline) do
        Regex.Replace(heading.Groups[1].Value.ToLowerInvariant(), @"[^\w\- ]", "").Replace(' ', '-')
]

[<Tests>]
let tests =
    testList "documentation" [
        test "every link leads to a file and a heading that exist" {
            Expect.isGreaterThan (pages |> List.sumBy (links >> List.length)) 50 "links"

            let broken = [
                for page in pages do
                    for file, heading in links page do
                        if not (File.Exists file || Directory.Exists file) then $"{page}: {file}"
                        elif heading <> "" && not (List.contains heading (headings file)) then $"{page}: {file}#{heading}"
            ]

            Expect.isEmpty broken "links that lead nowhere"
        }

        test "README.md and docs/commands.md have a row for every command, and no other" {
            let code, help, _ = CommandHost.modnet [ "--help" ]
            Expect.equal code 0 help

            let verbs = [
                for line in
                    Regex.Matches(
                        help[help.IndexOf("Commands:", StringComparison.Ordinal) ..],
                        @"^  (\w+)",
                        RegexOptions.Multiline
                    ) do
                    line.Groups[1].Value
            ]

            Expect.isGreaterThan verbs.Length 10 help

            for page in [ "README.md"; Path.Combine("docs", "commands.md") ] do
                let rows = [
                    for row in
                        Regex.Matches(
                            File.ReadAllText(Path.Combine(root, page)),
                            @"^\| `\./modnet (\w+)",
                            RegexOptions.Multiline
                        ) do
                        row.Groups[1].Value
                ]

                Expect.equal (List.sort (List.distinct rows)) (List.sort verbs) page
        }

        test "./modnet has the same help while nothing is built" {
            let _, help, _ = CommandHost.modnet [ "--help" ]

            inDirectory
            <| fun directory ->
                let sources = Path.Combine("dsl", "ModNet.Cli")
                copyScript directory
                Directory.CreateDirectory(Path.Combine(directory, sources, "Verbs")) |> ignore

                for file in Directory.GetFiles(Path.Combine(root, sources), "*.fs", SearchOption.AllDirectories) do
                    let copy = Path.Combine(directory, Path.GetRelativePath(root, file))
                    if Directory.Exists(Path.GetDirectoryName copy) then File.Copy(file, copy)

                let code, usage, errors = run directory "bash" [ Path.Combine(directory, "modnet"); "--help" ] []
                Expect.equal code 0 errors
                let plain (text: string) = Regex.Replace(text, @"\s+", " ")
                let said = Regex.Matches(usage, @"^  (\w+) +(.*)$", RegexOptions.Multiline)
                Expect.isGreaterThan said.Count 10 usage

                for verb in said do
                    Expect.isMatch
                        (plain help)
                        $" {verb.Groups[1].Value} (<\\w+> |\\[<\\w+>(\\.\\.\\.)?\\] )?{Regex.Escape verb.Groups[2].Value}"
                        "the built command line's help"

                let listed = help[help.IndexOf("Commands:", StringComparison.Ordinal) ..]
                Expect.equal said.Count (Regex.Matches(listed, @"^  \w+", RegexOptions.Multiline).Count) "as many verbs"
        }
    ]
