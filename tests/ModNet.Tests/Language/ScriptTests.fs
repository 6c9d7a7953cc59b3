/// What the compiler says of the language's words as scripts have them: wrong ones, right ones, and those of the documentation.
module ModNet.Tests.ScriptTests

open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Tests.FsiSession

let private outcomes =
    lazy
        (for declaration in Keywords.declarations @ CompileErrors.declarations do
            run declaration |> ignore

         Map [
             for expression in
                 List.map fst CompileErrors.wrong @ CompileErrors.right @ List.map Keywords.inPlace Keywords.examples do
                 expression, evaluate expression
         ])

let private compilesAndRuns name expression =
    let outcome = outcomes.Value[expression]
    Expect.equal outcome.Report "" $"{name}: {expression}"
    Expect.isTrue outcome.Ran $"{name}: {expression} runs to its end"

[<Tests>]
let tests =
    testList "DSL scripts" [
        testCase "the compiler refuses what is wrong, in words"
        <| fun () ->
            for expression, message in CompileErrors.wrong do
                Expect.stringContains outcomes.Value[expression].Report message expression
                Expect.isFalse outcomes.Value[expression].Ran $"{expression} is not run"

        testCase "the compiler takes whole networks and experiments on one line"
        <| fun () ->
            for expression in CompileErrors.right do
                compilesAndRuns "right" expression

        testCase "every example in the documentation compiles and runs"
        <| fun () ->
            Expect.isGreaterThan Keywords.examples.Length 150 "examples are found"

            Expect.equal
                [
                    for example in Keywords.examples do
                        let outcome = outcomes.Value[Keywords.inPlace example]

                        if outcome.Report <> "" || not outcome.Ran then
                            $"{example.Owner}.{example.Member}: {Keywords.inPlace example}: {outcome.Report}"
                ]
                []
                "what does not compile, or does not run to its end"

        testCase "a layer by itself reads in tables and messages as in a script"
        <| fun () ->
            // What holds others, or code, is told in short.
            let isWhole (layer: Layer) =
                match layer with
                | Layer.Custom _
                | Layer.Modular _
                | Layer.ModularGru _
                | Layer.Residual _
                | Layer.Coupling _
                | Layer.Uncoupling _
                | Layer.SumOf _
                | Layer.ConcatOf _
                | Layer.Repeat _
                | Layer.Block _ -> false
                // Scripts have no word for a stride of windows that is not their size.
                | Layer.MaxPool pooling
                | Layer.AvgPool pooling -> pooling.Stride = pooling.Window
                | _ -> true

            let layers =
                Gen.sampleWithSeed (Rnd 406UL) 50 120 Networks.sound
                |> Seq.collect (fun network -> LayerTree.all network.Layers)
                |> Seq.filter isWhole
                |> Seq.distinct
                |> List.ofSeq

            let kinds = layers |> List.map Kind.ofLayer |> List.distinct

            for kind in [ "lstm"; "conv1d"; "conv_transpose"; "upsample"; "embed_columns"; "leaky_relu"; "elu" ] do
                Expect.contains kinds kind "kinds that are tried"

            let oneLine (network: Network) = (Network.to_json network).ReplaceLineEndings " "
            let said = layers |> List.map (Kind.describe >> (+) "    ") |> String.concat "\n"

            Expect.equal
                (run
                    $"let layers = network \"n\" {{\n{said}\n}}\nSystem.Console.Error.WriteLine((Network.to_json layers).ReplaceLineEndings \" \")")
                [ oneLine { Name = "n"; Layers = layers } ]
                "the same layers"

        testCase "every word has an example"
        <| fun () ->
            let shown = set [ for example in Keywords.examples -> $"{example.Owner}.{example.Member}" ]

            Expect.equal
                [
                    for word in Keywords.all do
                        if not (shown.Contains $"{word.Owner}.{word.Member}") then $"{word.Owner}: {word.Word}"
                ]
                []
                "words without an example"

        testCase "the words that are looked for are those of the language"
        <| fun () ->
            let words = set [ for word in Keywords.all -> word.Word ]

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
