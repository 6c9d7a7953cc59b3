/// What blocks and branches hold, and networks as values that functions make.
module ModNet.Tests.BlockBuilderTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private ofLayers layers : Network = { Name = "n"; Layers = layers }

let private linearOf width activation : LinearSpec = { Width = width; Bias = true; Activation = activation }

let private layersOf (Chain layers) = layers

[<Tests>]
let blocks =
    testList "DSL builders of blocks" [
        testCase "every block holds its layers in order"
        <| fun () ->
            let inside = [ Layer.Linear(linear 3); Layer.Activation Relu ]

            Expect.equal
                (network "n" {
                    chain {
                        linear 3
                        activation Relu
                    }

                    residual {
                        linear 3
                        activation Relu
                    }

                    repeat 4 {
                        linear 3
                        activation Relu
                    }

                    block "stem" {
                        linear 3
                        activation Relu
                    }
                })
                (ofLayers (inside @ [ Layer.Residual inside; Layer.Repeat(4, inside); Layer.Block("stem", inside) ]))
                "four blocks"

        testCase "a branch is a layer, a convolution, a custom layer or a chain"
        <| fun () ->
            let branches = [
                [ Layer.Linear(linear 3) ]
                [ Layer.Conv(conv 2 3) ]
                [ Layer.Custom scale ]
                [ Layer.Flatten ]
                []
                layersOf (mlp [ 4; 3 ])
            ]

            Expect.equal
                (sum_of {
                    linear 3
                    conv 2 3
                    scale
                    flatten
                    chain { }
                    mlp [ 4; 3 ]
                })
                (Layer.SumOf branches)
                "sum_of"

            Expect.equal
                (concat_of {
                    linear 3
                    conv 2 3
                    scale
                    flatten
                    chain { }
                    mlp [ 4; 3 ]
                })
                (Layer.ConcatOf branches)
                "concat_of"

        testCase "for and if hold layers in a network"
        <| fun () ->
            let deep depth headed =
                network "n" {
                    features 4

                    for width in 1..depth do
                        linear width |> relu

                        if width = 2 then activation Tanh

                    if headed then bernoulli
                }

            let expected = [
                Layer.Features 4
                Layer.Linear(linearOf 1 (Some Relu))
                Layer.Linear(linearOf 2 (Some Relu))
                Layer.Activation Tanh
            ]

            Expect.equal (deep 2 false) (ofLayers expected) "without a head"
            Expect.equal (deep 2 true) (ofLayers (expected @ [ Layer.Bernoulli ])) "with a head"

        testCase "for and if hold layers in every block"
        <| fun () ->
            let isEven n = n % 2 = 0

            let even = [ Layer.Linear(linear 2); Layer.LayerNorm; Layer.Linear(linear 4); Layer.LayerNorm ]

            let inChain =
                chain {
                    for n in 1..4 do
                        if isEven n then
                            linear n
                            layer_norm
                }

            let inResidual =
                residual {
                    for n in 1..4 do
                        if isEven n then
                            linear n
                            layer_norm
                }

            let inRepeat =
                repeat 2 {
                    for n in 1..4 do
                        if isEven n then
                            linear n
                            layer_norm
                }

            let inBlock =
                block "stem" {
                    for n in 1..4 do
                        if isEven n then
                            linear n
                            layer_norm
                }

            Expect.equal (layersOf inChain) even "chain"
            Expect.equal inResidual (Layer.Residual even) "residual"
            Expect.equal inRepeat (Layer.Repeat(2, even)) "repeat"
            Expect.equal inBlock (Layer.Block("stem", even)) "block"

        testCase "for and if hold branches and mixed units"
        <| fun () ->
            let branches = [ [ Layer.Linear(linear 1) ]; [ Layer.Linear(linear 2) ]; [ Layer.Flatten ] ]

            let inSum wide =
                sum_of {
                    for n in 1..2 do
                        linear n

                    if wide then flatten else layer_norm
                }

            let inConcat =
                concat_of {
                    for n in 1..2 do
                        linear n

                    flatten
                }

            let (Mixed inMixed) =
                mixed {
                    for n in 1..2 do
                        chain { linear n }

                    if true then flatten
                }

            Expect.equal (inSum true) (Layer.SumOf branches) "sum_of"
            Expect.equal (inSum false) (Layer.SumOf(branches[..1] @ [ [ Layer.LayerNorm ] ])) "else"
            Expect.equal inConcat (Layer.ConcatOf branches) "concat_of"
            Expect.equal inMixed branches "mixed"

        testCase "values may be named, and cases told apart, in a network"
        <| fun () ->
            let variant kind =
                network "n" {
                    features 4
                    let width = 3

                    match kind with
                    | "wide" -> linear (2 * width)
                    | "deep" ->
                        linear width
                        linear width
                    | _ -> layer_norm

                    bernoulli
                }

            let ends layers = ofLayers ([ Layer.Features 4 ] @ layers @ [ Layer.Bernoulli ])

            Expect.equal (variant "wide") (ends [ Layer.Linear(linear 6) ]) "wide"
            Expect.equal (variant "deep") (ends [ Layer.Linear(linear 3); Layer.Linear(linear 3) ]) "deep"
            Expect.equal (variant "") (ends [ Layer.LayerNorm ]) "else"

        testCase "nothing makes empty blocks"
        <| fun () ->
            Expect.equal (network "n" { }) (ofLayers []) "network"
            Expect.equal (chain { }) (Chain []) "chain"
            Expect.equal (residual { }) (Layer.Residual []) "residual"
            Expect.equal (coupling { }) (Layer.Coupling []) "coupling"
            Expect.equal (uncoupling { }) (Layer.Uncoupling []) "uncoupling"
            Expect.equal (repeat 2 { }) (Layer.Repeat(2, [])) "repeat"
            Expect.equal (block "b" { }) (Layer.Block("b", [])) "block"
            Expect.equal (sum_of { }) (Layer.SumOf []) "sum_of"
            Expect.equal (concat_of { }) (Layer.ConcatOf []) "concat_of"
            Expect.equal (mixed { }) (Mixed []) "mixed"
    ]

/// A network around a part of it.
let private around (part: Chain) =
    network "n" {
        features 4
        part
        part
        bernoulli
    }

[<Tests>]
let functions =
    testList "DSL functions and sweeps" [
        testCase "a function from K is a network for every K"
        <| fun () ->
            let ofK k =
                network "tools" {
                    features 8

                    modular {
                        from words
                        choose k
                    }

                    bernoulli
                }

            for k in 1..15 do
                Expect.isOk (check (ofK k)) $"K = {k}"

            Expect.isError (check (ofK 16)) "K = 16"
            Expect.isError (check (ofK 0)) "K = 0"
            Expect.notEqual (ofK 1) (ofK 2) "different"
            Expect.equal (ofK 2) (ofK 2) "the same"

        testCase "a sweep over M and K is a list comprehension"
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

            Expect.equal
                [ for variant in variants -> variant.Name ]
                [ "ptb-em-5-1"; "ptb-em-5-3"; "ptb-em-15-1"; "ptb-em-15-3" ]
                "names"

            Expect.equal (List.distinct variants).Length 4 "four different networks"
            Expect.equal (dict [ for variant in variants -> variant, variant.Name ]).[variants[2]] "ptb-em-15-1" "keys"

            for variant in variants do
                Expect.isOk (check variant) variant.Name

        testCase "a part of a network is a parameter"
        <| fun () ->
            Expect.equal
                (around (mlp [ 3; 4 ])).Layers
                [
                    Layer.Features 4
                    Layer.Linear(linear 3 |> relu)
                    Layer.Linear(linear 4)
                    Layer.Linear(linear 3 |> relu)
                    Layer.Linear(linear 4)
                    Layer.Bernoulli
                ]
                "an MLP twice"

            let one = chain { modular { from words } }
            Expect.equal (around one).Layers.Length 4 "a modular layer twice"

        testCase "a unit is a parameter"
        <| fun () ->
            let pools = [
                for each in [ chain { linear 8 }; mlp [ 16; 8 ] ] ->
                    pool "p" {
                        modules 3
                        unit each
                    }
            ]

            Expect.equal [ for pool in pools -> pool.Units.Head.Length ] [ 1; 2 ] "units"

        testCase "a network is changed by copying it"
        <| fun () ->
            let renamed = { toy with Name = "other" }
            Expect.equal renamed.Layers toy.Layers "layers"
            Expect.equal { renamed with Name = toy.Name } toy "and back"
    ]
