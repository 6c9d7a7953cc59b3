/// docs/messages.md: an example of every kind of mistake that `check` finds, made of the pages in the folder `diagnostics`.
module ModNet.Tests.MessagePage

open System.IO
open Expecto
open Microsoft.FSharp.Reflection
open ModNet
open ModNet.Tests.DiagnosticCases

let private path = Path.Combine(Clone.root, "docs", "messages.md")

let private faults: Fault list = [
    for case in FSharpType.GetUnionCases typeof<Fault> -> FSharpValue.MakeUnion(case, [||]) :?> Fault
]

/// Whether a diagnostic's line has this fault.
let private isOf (fault: Fault) (line: string) = line.StartsWith $"{fault.Id} "

/// A case with the fault, one that shows nothing else where there is such a case.
let private example (fault: Fault) : (Case * string) option =
    pages
    |> List.collect _.Cases
    |> List.filter (fun case -> List.exists (isOf fault) case.Says)
    |> List.sortBy (fun case -> case.Says.Length)
    |> List.tryHead
    |> Option.map (fun case -> case, (List.find (isOf fault) case.Says).Substring(fault.Id.Length + 1))

/// Text as code in a table's cell; it may have backticks and bars itself.
let private code (text: string) =
    let fence = if text.Contains "``" then "```" else "``"
    let text = text.Replace("|", "\\|")
    $"{fence} {text} {fence}"

let private text =
    lazy
        (String.concat "\n" [
            "# Messages of `check`"
            ""
            "`check` reports every mistake at once: where it is, what was expected there, what was found instead, and the remedy. This page has one"
            "example for each kind of mistake, whose id programs can match on. A message's names and numbers are those of the example."
            ""
            "The tests make this page (`dotnet artifacts/bin/ModNet.Tests/release/ModNet.Tests.dll --write-messages`) from the scripts in"
            "[tests/ModNet.Tests/Language/diagnostics](../tests/ModNet.Tests/Language/diagnostics), which have the full text of these examples and"
            "many more. Mistakes that show only later, while a run reads its data or trains, are in [traps.md](traps.md)."
            ""
            "| id | for example | message |"
            "|---|---|---|"
            for fault in faults do
                match example fault with
                | Some(case, message) -> $"| `{fault.Id}` | {case.Title} | {code message} |"
                | None -> ()
            ""
        ])

/// Writes the page.
let write () = File.WriteAllText(path, text.Value)

[<Tests>]
let tests =
    testList "DSL diagnostics together" [
        testCase "every fault of a network is pinned"
        <| fun () ->
            Expect.equal
                [
                    for fault in faults do
                        if (example fault).IsNone then fault
                ]
                // What only compiling finds, and reading JSON.
                [ Fault.CustomShape; Fault.CustomParameters; Fault.BadJson ]
                "not pinned"

            Expect.equal (faults |> List.distinctBy _.Id |> List.length) faults.Length "ids are unique"

        testCase "the page of messages is what the cases say"
        <| fun () -> Expect.equal (File.ReadAllText path) text.Value "stale: write it anew, the page says how"
    ]
