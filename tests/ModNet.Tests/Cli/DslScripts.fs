/// What the compiler says of the language's words as scripts have them: wrong ones, right ones, and those of the documentation.
module ModNet.Tests.DslScripts

open Expecto
open ModNet.Tests.FsiSession

let private outcomes =
    lazy
        (let expressions = [
            yield! List.map fst DslCompileErrors.wrong
            yield! DslCompileErrors.right
            yield! List.map DslKeywords.inPlace DslKeywords.examples
         ]

         let declarations = DslKeywords.declarations @ DslCompileErrors.declarations
         List.zip expressions (evaluate declarations expressions) |> Map.ofList)

let private compilesAndRuns name expression =
    let outcome = outcomes.Value[expression]
    Expect.equal outcome.Report "" $"{name}: {expression}"
    Expect.isTrue outcome.Ran $"{name}: {expression} runs to its end"

[<Tests>]
let tests =
    testList "DSL scripts" [
        testCase "the compiler refuses what is wrong, in words"
        <| fun () ->
            for expression, message in DslCompileErrors.wrong do
                Expect.stringContains outcomes.Value[expression].Report message expression
                Expect.isFalse outcomes.Value[expression].Ran $"{expression} is not run"

        testCase "the compiler takes whole networks and experiments on one line"
        <| fun () ->
            for expression in DslCompileErrors.right do
                compilesAndRuns "right" expression

        testCase "every example in the documentation compiles and runs"
        <| fun () ->
            for example in DslKeywords.examples do
                compilesAndRuns $"{example.Owner}.{example.Member}" (DslKeywords.inPlace example)

        testCase "every word has an example"
        <| fun () ->
            let shown = set [ for example in DslKeywords.examples -> $"{example.Owner}.{example.Member}" ]

            Expect.equal
                [
                    for word in DslKeywords.all do
                        if not (shown.Contains $"{word.Owner}.{word.Member}") then $"{word.Owner}: {word.Word}"
                ]
                []
                "words without an example"

        testCase "the words that are looked for are those of the language"
        <| fun () ->
            let words = set [ for word in DslKeywords.all -> word.Word ]

            for word in
                [
                    "network"
                    "linear"
                    "relu"
                    "same"
                    "pool"
                    "unit"
                    "from"
                    "stop_gradient"
                    "hidden"
                    "weight"
                    "em"
                    "check"
                ] do
                Expect.isTrue (words.Contains word) word
    ]
