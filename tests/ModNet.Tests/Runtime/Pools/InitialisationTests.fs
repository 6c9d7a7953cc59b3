module ModNet.Tests.InitialisationTests

open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

/// The largest magnitude of a tensor.
let private most (t: torch.Tensor) = t.abs().max().ToDouble()

[<Tests>]
let initialisation =
    testList "initialisation" [
        testScoped "weights begin within the bounds of a single module's fans"
        <| fun () ->
            let modules, inputs, outputs = 16, 30, 20

            let pool init =
                new LinearPool("p", modules, inputs, outputs, Activation.Relu, true, (doubles 1).For(init, modules))

            let within (pool: StackedPool) bound =
                let found = most pool.Weight
                Expect.isLessThanOrEqual found (bound + 1e-6) "bound"
                Expect.isGreaterThan found (0.99 * bound) "reached"

            let glorot = sqrt (6.0 / float (inputs + outputs))
            within (pool Init.Uniform) (1.0 / sqrt (float inputs))
            Expect.isGreaterThan (most (pool Init.Uniform).Bias) 0.1 "biases too"
            within (pool Init.Glorot) glorot
            within (pool Init.Stacked) (glorot / sqrt (float modules))
            let he = (pool Init.He).Weight
            Expect.isLessThan (abs (he.std().ToDouble() / sqrt (2.0 / float inputs) - 1.0)) 0.03 "deviation"

            for init in [ Init.Glorot; Init.He; Init.Stacked ] do
                Expect.equal (most (pool init).Bias) 0.0 $"{init}: biases"

            // 5 channels in, 7 out, kernels of 3 × 3.
            let conv init =
                new ConvPool(
                    "p",
                    modules,
                    5,
                    Convolution(7, 3, 1, 1),
                    Activation.Relu,
                    true,
                    (doubles 1).For(init, modules)
                )

            within (conv Init.Uniform) (1.0 / sqrt 45.0)
            within (conv Init.Glorot) (sqrt (6.0 / (45.0 + 63.0)))
            within (conv Init.Stacked) (sqrt (6.0 / (45.0 + 63.0) / float modules))

        testScoped "a module of a stack begins as a plain layer does, of the same initialiser"
        <| fun () ->
            for init in [ Init.Uniform; Init.Glorot; Init.He; Init.Stacked ] do
                let pool = new LinearPool("p", 1, 4, 3, Activation.Relu, true, (doubles 1).For init)

                let plain = new LinearNode("linear1", 4, 3, Activation.Relu, true, (doubles 1).For init)

                for (_, stacked), (name, own) in List.zip (Slopes.parameters pool) (Slopes.parameters plain) do
                    Expect.equal (numbers stacked) (numbers own) $"{init}: {name}"

        testScoped "what a network says of a pool's init holds, whatever the unit is made of"
        <| fun () ->
            let units: (string * Layer list) list = [
                "linear", [ Layer.Flatten; Layer.Linear(linear 4) ]
                "conv", [ Layer.Conv(conv 2 3) ]
                "chain", [ Layer.Conv(conv 2 3 |> relu); Layer.Flatten; Layer.Linear(linear 4) ]
                "branches", [ Layer.SumOf [ [ Layer.Conv(conv 2 3) ]; [ Layer.Conv(conv 2 3) ] ] ]
            ]

            // Uniform biases are not zero, others are.
            let greatestBias init' units =
                let layers =
                    network "n" {
                        image (1, 6, 6)

                        modular {
                            modules 3
                            unit (Chain units)
                            init init'
                        }

                        if not (List.contains Layer.Flatten units) then flatten

                        softmax 2
                    }

                Slopes.parameters (compile 1 layers)
                |> List.filter (fun (name, _) -> name.StartsWith "pools" && name.EndsWith "bias")
                |> List.map (snd >> most)
                |> List.max

            for name, unit' in units do
                Expect.isGreaterThan (greatestBias Uniform unit') 0.0 $"{name}: uniform"

                for init in [ Glorot; He; Stacked ] do
                    Expect.equal (greatestBias init unit') 0.0 $"{name}: {init}"
    ]
