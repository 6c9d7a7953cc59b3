/// What the words of a network make: plain data.
module ModNet.Tests.DslBuilders

open Expecto
open ModNet
open ModNet.Tests.DslExamples

let private ofLayers layers : Network = { Name = "n"; Layers = layers }

let private linearOf width activation : LinearSpec = { Width = width; Bias = true; Activation = activation }

let private layersOf (Chain layers) = layers

let private poolOf layer =
    match layer with
    | Layer.Modular modular -> modular.Pool
    | _ -> failtest "not a modular layer"

/// A layer by itself, through `network`.
let private only (layers: Network) = List.exactlyOne layers.Layers

[<Tests>]
let layers =
    testList "DSL builders of layers" [
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
                            Duplicates = Every
                            StopGradient = false
                            Dispatch = Auto
                        }
                    }
                    Layer.Softmax 10_000
                ]
                "lm"

        testCase "linear pipes into its variants"
        <| fun () ->
            Expect.equal (linear 3 |> tanh) (linearOf 3 (Some Tanh)) "tanh is F#'s own"
            Expect.equal (linear 3 |> sigmoid) (linearOf 3 (Some Sigmoid)) "sigmoid"
            Expect.equal (linear 3 |> no_bias |> relu).Bias false "no_bias"

        testCase "conv pipes into its variants"
        <| fun () ->
            let plain = conv 8 5

            Expect.equal
                plain
                { Channels = 8; Kernel = 5; Stride = 1; Padding = 0; Bias = true; Activation = None }
                "conv"

            Expect.equal (plain |> stride 2 |> padding 1) { plain with Stride = 2; Padding = 1 } "stride and padding"
            Expect.equal (plain |> same) { plain with Padding = 2 } "same"
            Expect.equal (conv 8 4 |> same).Padding 2 "same of an even kernel"
            Expect.equal (plain |> relu).Activation (Some Relu) "relu"
            Expect.equal (plain |> tanh).Activation (Some Tanh) "tanh"

            Expect.equal (plain |> sigmoid |> no_bias) { plain with Activation = Some Sigmoid; Bias = false } "no_bias"

        testCase "pooling moves by its window"
        <| fun () ->
            Expect.equal (max_pool 3) (Layer.MaxPool { Window = 3; Stride = 3 }) "max"
            Expect.equal (avg_pool 2) (Layer.AvgPool { Window = 2; Stride = 2 }) "avg"

        testCase "an MLP has ReLU between its maps, not after them"
        <| fun () ->
            Expect.equal
                (layersOf (mlp [ 5; 4; 3 ]))
                [
                    Layer.Linear(linearOf 5 (Some Relu))
                    Layer.Linear(linearOf 4 (Some Relu))
                    Layer.Linear(linearOf 3 None)
                ]
                "three"

            Expect.equal (layersOf (mlp [ 5 ])) [ Layer.Linear(linearOf 5 None) ] "one"
            Expect.equal (layersOf (mlp [])) [] "none"

        testCase "inputs, heads and what has no settings"
        <| fun () ->
            Expect.equal
                (network "n" {
                    image (3, 32, 16)
                    tasks 4
                    flatten
                    activation Sigmoid
                    dropout 0.25
                    layer_norm
                    batch_norm
                    gru 7
                    gaussian (variance 0.5)
                    gaussian (learned_variance 2.0)
                    bernoulli
                })
                    .Layers
                [
                    Layer.Image(3, 32, 16)
                    Layer.Tasks 4
                    Layer.Flatten
                    Layer.Activation Sigmoid
                    Layer.Dropout 0.25
                    Layer.LayerNorm
                    Layer.BatchNorm
                    Layer.Gru 7
                    Layer.Gaussian(Variance.Fixed 0.5)
                    Layer.Gaussian(Variance.Learned 2.0)
                    Layer.Bernoulli
                ]
                "layers"

        testCase "a custom layer is its declaration; its weights are counted"
        <| fun () ->
            let spec =
                custom "bend" {
                    weight "scale" [ 4 ]
                    gives (Shape.Vector 3)
                    weight "map" [ 3; 4 ]
                    multiply_adds 12L
                    reads (Shape.Vector 4)
                    from_function (fun weights x -> (x * weights["scale"]).matmul(weights["map"].t()))
                }

            Expect.equal
                spec
                {
                    Name = "bend"
                    Input = Shape.Vector 4
                    Output = Shape.Vector 3
                    Parameters = 16L
                    MultiplyAdds = 12L
                    Code = Carried.none
                }
                "spec"

            Expect.equal (only (network "n" { spec })) (Layer.Custom spec) "layer"

        testCase "weights that cannot be are refused as they are said"
        <| fun () ->
            let refused (make: unit -> Custom) =
                try
                    make () |> ignore
                    ""
                with :? Runtime.UserException as mistake ->
                    mistake.Message

            let sized size () =
                custom "c" {
                    reads (Shape.Vector 2)
                    gives (Shape.Vector 2)
                    weight "w" [ 4; size ]
                    from_function (fun _ x -> x)
                }

            Expect.equal
                (refused (sized 0))
                "custom `c`, weight `w`: expected sizes ≥ 1, got [4; 0] – give it positive numbers"
                "no size"

            Expect.equal (refused (sized 3)) "" "a size"

            Expect.equal
                (refused (fun () ->
                    custom "c" {
                        reads (Shape.Vector 2)
                        gives (Shape.Vector 2)
                        weight "w" [ 4 ]
                        weight "v" [ 4 ]
                        weight "w" [ 2 ]
                        from_function (fun _ x -> x)
                    }))
                "custom `c`: expected weights of different names, got two of name `w` – rename one"
                "two of one name"

            Expect.equal
                (refused (fun () ->
                    custom "c" {
                        reads (Shape.Vector 2)
                        gives (Shape.Vector 2)
                        weight "w" [ 4 ]
                        from_module (fun () -> TorchSharp.torch.nn.Linear(2L, 2L))
                    }))
                "custom `c`: expected weights with `from_function` only, got `weight` and `from_module` – leave one of them out: a module has its own parameters"
                "a module's weights"

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

[<Tests>]
let pools =
    testList "DSL builders of pools and modular layers" [
        testCase "a pool is its name, its count, its unit and how it begins"
        <| fun () ->
            Expect.equal
                words
                {
                    Name = Some "words"
                    Modules = 15
                    Units = [ [ Layer.Linear(linearOf 8 (Some Relu)) ] ]
                    Init = Uniform
                }
                "words"

            Expect.equal (pool "p" { init Stacked }) { Name = Some "p"; Modules = 0; Units = []; Init = Stacked } "init"

        testCase "a unit is a layer of any kind, a chain, an MLP or a custom module"
        <| fun () ->
            let unitOf (pool: Pool) = List.exactlyOne pool.Units

            Expect.equal (unitOf (pool "p" { unit (linear 2) })) [ Layer.Linear(linear 2) ] "linear"
            Expect.equal (unitOf (pool "p" { unit (conv 2 3) })) [ Layer.Conv(conv 2 3) ] "conv"
            Expect.equal (unitOf (pool "p" { unit layer_norm })) [ Layer.LayerNorm ] "layer"
            Expect.equal (unitOf (pool "p" { unit (mlp [ 3; 2 ]) })) (layersOf (mlp [ 3; 2 ])) "MLP"
            Expect.equal (unitOf (pool "p" { unit scale })) [ Layer.Custom scale ] "custom"

            let chained =
                pool "p" {
                    unit (
                        chain {
                            linear 3
                            layer_norm
                        }
                    )
                }

            Expect.equal (unitOf chained) [ Layer.Linear(linear 3); Layer.LayerNorm ] "chain"

        testCase "a unit of a layer's own pool is one of any kind, too"
        <| fun () ->
            let unitOf layer = List.exactlyOne (poolOf layer).Units

            Expect.equal (unitOf (modular { unit (linear 2) })) [ Layer.Linear(linear 2) ] "linear"
            Expect.equal (unitOf (modular { unit (conv 2 3) })) [ Layer.Conv(conv 2 3) ] "conv"
            Expect.equal (unitOf (modular { unit layer_norm })) [ Layer.LayerNorm ] "layer"
            Expect.equal (unitOf (modular { unit (mlp [ 3; 2 ]) })) (layersOf (mlp [ 3; 2 ])) "MLP"
            Expect.equal (unitOf (modular { unit scale })) [ Layer.Custom scale ] "custom"

        testCase "mixed units are counted"
        <| fun () ->
            let units =
                mixed {
                    linear 2
                    conv 2 3
                    scale
                    mlp [ 3; 2 ]
                    layer_norm
                }

            let expected = [
                [ Layer.Linear(linear 2) ]
                [ Layer.Conv(conv 2 3) ]
                [ Layer.Custom scale ]
                layersOf (mlp [ 3; 2 ])
                [ Layer.LayerNorm ]
            ]

            let shared = pool "p" { unit units }
            Expect.equal (shared.Modules, shared.Units) (5, expected) "shared"
            let own = poolOf (modular { unit units })
            Expect.equal (own.Modules, own.Units) (5, expected) "own"

        testCase "settings may be said in any order"
        <| fun () ->
            let first =
                modular_gru {
                    hidden 8
                    from words
                    choose 3
                    combine Concat
                    controller (Mlp [ 4 ])
                    duplicates Once
                    stop_gradient
                    dispatch Wide
                }

            let second =
                modular_gru {
                    dispatch Wide
                    stop_gradient
                    duplicates Once
                    controller (Mlp [ 4 ])
                    combine Concat
                    choose 3
                    from words
                    hidden 8
                }

            Expect.equal first second "order"

            Expect.equal
                first
                (Layer.ModularGru {
                    Hidden = 8
                    Candidate = {
                        Pool = words
                        Choose = 3
                        Combine = Concat
                        Controller = Mlp [ 4 ]
                        Duplicates = Once
                        StopGradient = true
                        Dispatch = Wide
                    }
                })
                "fields"

        testCase "a pool of a layer's own may be said in any order"
        <| fun () ->
            let expected: Pool = { Name = None; Modules = 3; Units = [ [ Layer.Linear(linear 2) ] ]; Init = He }

            let first =
                modular {
                    modules 3
                    unit (linear 2)
                    init He
                }

            let second =
                modular {
                    init He
                    choose 1
                    unit (linear 2)
                    modules 3
                }

            Expect.equal (poolOf first) expected "one way"
            Expect.equal second first "the other"

        testCase "what is not said of a modular layer is K = 1, a sum, a linear controller, and so on"
        <| fun () ->
            Expect.equal
                (modular { from words })
                (modular {
                    from words
                    choose 1
                    combine Sum
                    controller Linear
                    duplicates Every
                    dispatch Auto
                })
                "defaults"

            Expect.equal
                (modular { choose 2 } |> poolOf)
                { Name = None; Modules = 0; Units = []; Init = Uniform }
                "no pool"

        testCase "where a setting is said twice the last counts"
        <| fun () ->
            let twice =
                modular {
                    modules 3
                    unit (linear 2)
                    modules 4
                    unit (linear 5)
                }

            Expect.equal
                twice
                (modular {
                    modules 4
                    unit (linear 5)
                })
                "modules and unit"
    ]

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
