module ModNet.Tests.DslBuilders

open Expecto
open ModNet
open ModNet.Tests.DslExamples

let private ofLayers layers : Network = { Name = "n"; Layers = layers }

let private linearOf width activation : LinearSpec = {
    Width = width
    Bias = true
    Activation = activation
}

[<Tests>]
let tests =
    testList "DSL builders" [
        testCase "a pool is its name, its count and its unit"
        <| fun () ->
            Expect.equal
                words
                {
                    Name = Some "words"
                    Modules = 15
                    Unit = Some(PoolUnit.Linear(linearOf 8 (Some Relu)))
                }
                "words"

        testCase "the language model is these layers"
        <| fun () ->
            Expect.equal
                lm.Layers
                [
                    Layer.Tokens 10_000
                    Layer.Embed 32
                    Layer.ModularGru {
                        Hidden = 8
                        Candidate = {
                            Pool = words
                            Choose = 1
                            Combine = Sum
                            Controller = Linear
                            Dispatch = Auto
                        }
                    }
                    Layer.Softmax 10_000
                ]
                "lm"

        testCase "settings may be said in any order"
        <| fun () ->
            let first =
                modular_gru {
                    hidden 8
                    from words
                    choose 3
                    combine Concat
                    dispatch Wide
                }

            let second =
                modular_gru {
                    dispatch Wide
                    combine Concat
                    choose 3
                    from words
                    hidden 8
                }

            Expect.equal first second "order"

        testCase "what is not said of a modular layer is K = 1, a sum, a linear controller, automatic dispatch"
        <| fun () ->
            Expect.equal
                (modular { from words })
                (modular {
                    from words
                    choose 1
                    combine Sum
                    controller Linear
                    dispatch Auto
                })
                "defaults"

        testCase "for and if hold layers"
        <| fun () ->
            let deep depth headed =
                network "n" {
                    features 4

                    for width in 1..depth do
                        linear width |> relu

                        if width = 2 then
                            activation Tanh

                    if headed then
                        bernoulli
                }

            let expected = [
                Layer.Features 4
                Layer.Linear(linearOf 1 (Some Relu))
                Layer.Linear(linearOf 2 (Some Relu))
                Layer.Activation Tanh
            ]

            Expect.equal (deep 2 false) (ofLayers expected) "without a head"
            Expect.equal (deep 2 true) (ofLayers (expected @ [ Layer.Bernoulli ])) "with a head"

        testCase "a network without layers is empty"
        <| fun () -> Expect.equal (network "n" { }) (ofLayers []) "empty"

        testCase "linear pipes into its variants"
        <| fun () ->
            Expect.equal (linear 3 |> tanh) (linearOf 3 (Some Tanh)) "tanh is F#'s own"
            Expect.equal (linear 3 |> sigmoid) (linearOf 3 (Some Sigmoid)) "sigmoid"
            Expect.equal (linear 3 |> no_bias |> relu).Bias false "no_bias"

        testCase "heads"
        <| fun () ->
            Expect.equal
                (network "n" {
                    gaussian (variance 0.5)
                    gaussian (learned_variance 2.0)
                    bernoulli
                })
                    .Layers
                [
                    Layer.Gaussian(Variance.Fixed 0.5)
                    Layer.Gaussian(Variance.Learned 2.0)
                    Layer.Bernoulli
                ]
                "heads"

        testCase "a sweep is a list comprehension"
        <| fun () ->
            let variants = [
                for m in [ 5; 15 ] do
                    for k in [ 1; 3 ] ->
                        network $"ptb-em-{m}-{k}" {
                            tokens 10_000
                            embed 32

                            modular_gru {
                                hidden 8
                                modules m
                                unit (linear 8)
                                choose k
                            }

                            softmax 10_000
                        }
            ]

            Expect.equal (List.distinct variants).Length 4 "four different networks"

        testCase "another vocabulary changes tokens and the softmax over them, nothing else"
        <| fun () ->
            let smaller = Network.with_vocabulary 77 lm

            Expect.equal smaller.Layers [ Layer.Tokens 77; Layer.Embed 32; lm.Layers[2]; Layer.Softmax 77 ] "both ends"

            let classifier =
                network "n" {
                    tokens 10
                    embed 4
                    softmax 3
                }

            Expect.equal
                (Network.with_vocabulary 77 classifier).Layers
                [ Layer.Tokens 77; Layer.Embed 4; Layer.Softmax 3 ]
                "three classes stay three"

            Expect.equal (Network.with_vocabulary 77 toy) toy "no tokens, no change"
    ]
