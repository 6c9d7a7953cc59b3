/// What the compiler says of the language's words as scripts have them: wrong ones, right ones, and those of the documentation.
module ModNet.Tests.ScriptTests

open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Tests.FsiSession

let private declarations = Keywords.declarations @ CompileErrors.declarations

let private refused =
    lazy (List.zip CompileErrors.wrong (refusals declarations (List.map fst CompileErrors.wrong)))

let private inPlace = List.map Keywords.inPlace Keywords.examples

let private outcomes =
    lazy
        (for declaration in declarations do
            run declaration |> ignore

         let expressions = List.distinct (CompileErrors.right @ inPlace)
         Map(List.zip expressions (evaluate expressions)))

/// What was reported of expressions, or, where nothing was, which of them were not run.
let private amiss (expressions: string list) =
    let reported = [ for expression in expressions -> expression, outcomes.Value[expression].Report ]

    match List.filter (fun (_, report) -> report <> "") reported with
    | [] -> [
        for expression in expressions do
            if not outcomes.Value[expression].Ran then expression, "not run"
      ]
    | reported -> reported

[<Tests>]
let tests =
    testList "DSL scripts" [
        testCase "the compiler refuses what is wrong, in words"
        <| fun () ->
            for (expression, message), report in refused.Value do
                Expect.stringContains report message expression
                Expect.stringContains report ": error FS" expression

        testCase "the compiler takes whole networks and experiments on one line"
        <| fun () -> Expect.equal (amiss CompileErrors.right) [] "what does not compile, or does not run to its end"

        testCase "every example in the documentation compiles and runs"
        <| fun () ->
            Expect.isGreaterThan Keywords.examples.Length 150 "examples are found"
            Expect.equal (amiss inPlace) [] "what does not compile, or does not run to its end"

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
                Gen.sampleWithSeed (Rnd 406UL) 50 240 Networks.sound
                |> Seq.collect (fun network -> LayerTree.all network.Layers)
                |> Seq.filter isWhole
                |> Seq.distinct
                |> List.ofSeq

            let kinds = layers |> List.map Kind.ofLayer |> List.distinct

            for kind in
                [
                    "lstm"
                    "conv1d"
                    "self_attention"
                    "positions"
                    "learned_positions"
                    "conv_transpose"
                    "upsample"
                    "embed_columns"
                    "leaky_relu"
                    "elu"
                ] do
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
