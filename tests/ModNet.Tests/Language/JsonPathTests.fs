/// A network of every layer kind, controller and closed choice: its JSON gives it back, and a mistake in it is told at its path.
module ModNet.Tests.JsonPathTests

open System
open Expecto
open Microsoft.FSharp.Reflection
open ModNet
open ModNet.Tests.ExampleNetworks

let private declared name input output : Custom = {
    Name = name
    Input = input
    Output = output
    Parameters = 123_456_789_012L
    MultiplyAdds = 234_567_890_123L
    Code = Carried.none
}

let private pooled (last: LinearSpec) start run form =
    modular {
        unit (
            mixed {
                linear 7

                chain {
                    conv 71 3 |> padding 1 |> stride 2 |> sigmoid
                    max_pool 72
                }

                last
            }
        )

        init start
        choose 5
        controller form
        dispatch run
    }

/// Sound or not: JSON does not ask. Numbers are told apart where paths are tested.
let private everything =
    network "every \"thing\" – ∑" {
        tokens 11
        features 12
        image (13, 14, 15)
        tasks 16
        embed 17
        linear 18 |> no_bias |> tanh
        conv 19 3 |> same |> relu
        avg_pool 2
        flatten
        activation Sigmoid
        dropout 0.1
        layer_norm
        batch_norm
        gru 20

        residual {
            linear 21

            repeat 22 {
                sum_of {
                    linear 23

                    chain {
                        layer_norm
                        linear 24
                    }
                }
            }

            coupling { linear 4 }
            uncoupling { linear 4 }
        }

        concat_of {
            chain { }

            block "stem" {
                declared "own" (Shape.Image(25, 26, 27)) (Shape.Sequence 28)
                declared "other" (Shape.Tokens 29) (Shape.Vector 30)
            }
        }

        pooled (linear 31) Uniform Auto (Mlp [ 32; 33 ])
        pooled (linear 34) Glorot Loop (Conv(35, 36))
        pooled (linear 37) He Grouped Task
        pooled (linear 38) Stacked Wide Given
        pooled (linear 43) Uniform Kernel (Mlp [ 44 ])

        modular_gru {
            from words
            hidden 39
            combine Concat
            duplicates Once
            stop_gradient
            controller (Custom(declared "logits" (Shape.Vector 40) (Shape.Vector 41)))
            dispatch Gather
        }

        softmax 42
        gaussian (variance 0.5)
        gaussian (learned_variance 0.25)
        bernoulli
        categorical
        activity_l1 0.375
        locality 0.4375
        activation (LeakyRelu 0.125)
        activation LogSoftmax
        linear 45 |> gelu
        linear 46 |> silu
        conv_transpose 47 4 |> stride 2 |> padding 1 |> no_bias |> elu 0.625
        conv1d 48 2 |> dilation 49 |> softplus
        conv1d 50 2 |> hardswish
        upsample 51
        embed_columns [ (52, 53, 54); (55, 56, 57) ]
        lstm 58
        linear 59 |> mish
        linear 60 |> activated_by Softmax
        pooled (linear 61) Uniform Auto (Factored [ 62; 63 ])

        self_attention {
            heads 64
            causal false
        }

        positions
        learned_positions 65
        last_step
        mean_steps
        as_image (66, 67, 68)
        slice 69 70

        modular {
            modules 71
            unit (linear 72)
            context 73
        }

        pooled (linear 74) Uniform Auto ByTask
        boundary Boundary.Closed
        boundary Boundary.LocalHead

        boundary (
            synthetic {
                hidden [ 75; 76 ]
                sees_target true
            }
        )
    }

let private text = Network.to_json everything

/// `ModularGru` as JSON has it: `modular_gru`.
let private inJson (name: string) =
    name
    |> Seq.mapi (fun index letter -> if index > 0 && Char.IsUpper letter then $"_{letter}" else string letter)
    |> String.concat ""
    |> _.ToLowerInvariant()

/// With this in the place of that number, the text is refused with this line.
let private refuses name (number: int) (instead: string) line =
    testCase name
    <| fun () ->
        let spoilt = text.Replace($": {number}", $": {instead}").Replace($" {number}\n", $" {instead}\n")

        Expect.notEqual spoilt text "the text is spoilt"
        let diagnostic = Expect.wantError (Network.of_json spoilt) name
        Expect.equal (string diagnostic) line name
        Expect.equal diagnostic.Fault Fault.BadJson "fault"

let rec private nested depth (inner: Layer) =
    if depth = 0 then inner else nested (depth - 1) (Layer.SumOf [ [ inner ]; [] ])

[<Tests>]
let tests =
    testList "DSL JSON of everything" [
        testCase "comes back exactly"
        <| fun () ->
            Expect.equal (Network.of_json text) (Ok everything) "read"
            Expect.equal (Network.of_json text |> Result.map Network.to_json) (Ok text) "and written again"

        testCase "has every case of every choice"
        <| fun () ->
            for choice in
                [
                    typeof<Layer>
                    typeof<Controller>
                    typeof<Activation>
                    typeof<Init>
                    typeof<Combine>
                    typeof<Duplicates>
                    typeof<Dispatch>
                    typeof<Variance>
                    typeof<Shape>
                ] do
                for case in FSharpType.GetUnionCases choice do
                    Expect.stringContains text $": \"{inJson case.Name}\"" $"{choice.Name}.{case.Name}"

        testCase "networks and the summaries of the language's examples come back"
        <| fun () ->
            for network in [ lm; toy; cifar 1; cifar 3; network "n" { } ] do
                Expect.equal (Network.of_json (Network.to_json network)) (Ok network) network.Name

        testCase "comes back from any depth that check allows"
        <| fun () ->
            let deep =
                network "deep" {
                    features 2

                    nested
                        100
                        (modular {
                            modules 2
                            unit (chain { nested 99 (Layer.Linear(linear 2)) })
                        })

                    bernoulli
                }

            Expect.isOk (check deep) "sound"
            Expect.equal (Network.of_json (Network.to_json deep)) (Ok deep) "read"

        refuses
            "in a residual"
            21
            "\"wide\""
            "$.network.layers[14].layers[0].width: expected an integer, got \"wide\" – mend this value"
        refuses
            "in a repetition"
            22
            "2.5"
            "$.network.layers[14].layers[1].times: expected an integer, got 2.5 – mend this value"
        refuses
            "in a branch"
            24
            "true"
            "$.network.layers[14].layers[1].layers[0].branches[1][1].width: expected an integer, got true – mend this value"
        refuses
            "in a custom layer's shape, in a block, in a branch"
            26
            "null"
            "$.network.layers[15].branches[1][0].layers[0].input.height: expected an integer, got null – mend this value"
        refuses
            "in a mixed unit"
            71
            "[]"
            "$.network.layers[16].pool.units[1][0].channels: expected an integer, got [] – mend this value"
        refuses
            "in an MLP controller"
            33
            "\"33\""
            "$.network.layers[16].controller.hidden[1]: expected an integer, got \"33\" – mend this value"
        refuses
            "in a convolutional controller"
            36
            "{}"
            "$.network.layers[17].controller.kernel: expected an integer, got {} – mend this value"
        refuses
            "in a custom controller of a modular GRU"
            41
            "\"\""
            "$.network.layers[21].candidate.controller.output.width: expected an integer, got \"\" – mend this value"
        refuses
            "a number beyond an integer"
            39
            "3000000000"
            "$.network.layers[21].hidden: expected an integer of at most 2147483647, got 3000000000 – mend this value"
    ]
