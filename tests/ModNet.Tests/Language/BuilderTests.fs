/// What the words for layers, pools and modular layers make: plain data.
module ModNet.Tests.BuilderTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

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
                            Masked = []
                            Context = 0
                            Halts = false
                        }
                        Gated = true
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
                    Spread = false
                }
                "words"

            Expect.equal
                (pool "p" { init Stacked })
                { Name = Some "p"; Modules = 0; Units = []; Init = Stacked; Spread = false }
                "init"

            Expect.equal
                (pool "p" { spread })
                { Name = Some "p"; Modules = 0; Units = []; Init = Uniform; Spread = true }
                "spread"

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
                    masked [ 0; 2 ]
                }

            let second =
                modular_gru {
                    masked [ 0; 2 ]
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
                        Masked = [ 0; 2 ]
                        Context = 0
                        Halts = false
                    }
                    Gated = true
                })
                "fields"

        testCase "a pool of a layer's own may be said in any order"
        <| fun () ->
            let expected: Pool = {
                Name = None
                Modules = 3
                Units = [ [ Layer.Linear(linear 2) ] ]
                Init = He
                Spread = true
            }

            let first =
                modular {
                    modules 3
                    unit (linear 2)
                    init He
                    spread
                }

            let second =
                modular {
                    spread
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
                { Name = None; Modules = 0; Units = []; Init = Uniform; Spread = false }
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
