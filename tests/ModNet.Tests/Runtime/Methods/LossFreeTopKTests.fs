/// Loss-free top-k and its biases, against Wang et al. (2024) in plain arithmetic.
module ModNet.Tests.LossFreeTopKTests

open System
open System.IO
open System.Threading
open Expecto
open ModNet.Runtime
open TorchSharp

let private sizes: Sizes = {
    Seed = 21
    Batch = 7
    Modules = 5
    Choose = 1
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

let private rows = 7

let private affine (weight: float[][]) (bias: float[]) (x: float[]) =
    Array.map2 (fun w b -> b + Array.sum (Array.map2 (*) w x)) weight bias

let private softmax (logits: float[]) =
    let raised = logits |> Array.map exp
    raised |> Array.map (fun v -> v / Array.sum raised)

/// Of every row p(a | x), and what every module gives.
let private parts (graph: Graph) (x: float[][]) =
    let parameter name = Fixtures.parameter graph name
    let controller = matrix (parameter "modular1.controller.weight")
    let offset = numbers (parameter "modular1.controller.bias")
    let weight, shift = cube (parameter "pools.pool.weight"), matrix (parameter "pools.pool.bias")

    x |> Array.map (affine controller offset >> softmax),
    x |> Array.map (fun row -> Array.map2 (fun w b -> affine w b row |> Array.map tanh) weight shift)

/// The k modules of highest p + b.
let private chosen k (b: float[]) (p: float[]) =
    [| 0 .. p.Length - 1 |] |> Array.sortByDescending (fun i -> p[i] + b[i]) |> Array.truncate k

/// Σ p_i · output_i over the chosen modules, by the sum of their p.
let private mixture (p: float[]) (outputs: float[][]) (chosen: int[]) =
    let sum = chosen |> Array.sumBy (fun i -> p[i])
    chosen |> Array.map (fun i -> outputs[i] |> Array.map ((*) (p[i] / sum))) |> Array.reduce (Array.map2 (+))

/// log N(y | output, 0.3).
let private fit (output: float[]) (y: float[]) =
    Array.map2 (fun o t -> -0.5 * ((t - o) ** 2.0 / 0.3 + log (2.0 * Math.PI * 0.3))) output y |> Array.sum

let private settings k rate optimizer =
    LossFreeTopKSettings(k, rate, Gradient = GradientSettings(int64 rows, Optimizer = optimizer))

let private balance (graph: Graph) = numbers (Fixtures.parameter graph "modular1.controller.balance")

[<Tests>]
let tests =
    testList "loss-free top-k" [
        for k in 1..5 do
            testScoped $"choices, mixtures and biases are the formulas', step by step, k = {k}"
            <| fun () ->
                let rate = 0.04
                let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
                use streams = new RandomStreams 4L
                use method = new LossFreeTopK(graph, data, settings k rate (SgdKind(0.05, 0.0)), streams)
                let x, y = matrix data.Inputs, matrix data.Targets
                let mutable b = Array.zeroCreate sizes.Modules
                let loads = ResizeArray<float[]>()

                for step in 1..12 do
                    let p, outputs = parts graph x
                    let chosen = p |> Array.map (chosen k b)
                    let likelihood = Array.map2 fit (Array.map3 mixture p outputs chosen) y |> Array.average
                    let seen = method.StepAndReport()
                    Expect.floatClose Accuracy.high seen.LogLikelihood likelihood $"step {step}: log-likelihood"
                    Expect.floatClose Accuracy.high seen.Loss -likelihood $"step {step}: no loss beside it"

                    let load =
                        Array.init sizes.Modules (fun i ->
                            chosen |> Array.sumBy (fun them -> if Array.contains i them then 1.0 else 0.0))

                    loads.Add load
                    let mean = float (k * rows) / float sizes.Modules
                    b <- Array.map2 (fun b load -> b + rate * float (sign (mean - load))) b load
                    let found = balance graph
                    Expect.all (Array.zip b found) (fun (b, found) -> abs (b - found) < 1e-12) $"step {step}: biases"

                Expect.equal (Seq.length (Seq.distinct loads) > 1) (k < 5) "the biases change what is chosen"

        testScoped "the time steps of a layer count together"
        <| fun () ->
            let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 5
            use streams = new RandomStreams 4L

            let settings = LossFreeTopKSettings(1, 0.25, Gradient = GradientSettings(20L))
            use method = new LossFreeTopK(graph, data, settings, streams)
            let load = method.StepAndReport().Statistics.Load "modular_gru1"
            let expected = load |> Array.map (fun share -> 0.25 * float (sign (1.0 / 3.0 - share)))
            let found = numbers (Fixtures.parameter graph "modular_gru1.controller.balance")
            Expect.isTrue (Array.exists ((<>) 0.0) expected) "something to balance"
            Expect.equal found expected "biases"

        testScoped "biases are no parameters, and a rate of 0 leaves them at zero"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
            use streams = new RandomStreams 4L
            use method = new LossFreeTopK(graph, data, settings 2 0.0 (AdamKind 0.01), streams)

            for _ in 1..5 do
                method.Step()

            let names = Slopes.parameters graph |> List.map fst
            Expect.isFalse (names |> List.exists (fun name -> name.Contains "balance")) "none to learn"
            Expect.equal (balance graph) (Array.zeroCreate sizes.Modules) "plain top-k"

        testScoped "evaluation chooses by the biases, weighs without them, and leaves them as they are"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
            use streams = new RandomStreams 4L
            use method = new LossFreeTopK(graph, data, settings 2 0.1 (AdamKind 0.01), streams)
            let own = [| 0.0; 2.0; 0.0; 0.0; 1.0 |]
            use _ = torch.no_grad ()
            (Fixtures.parameter graph "modular1.controller.balance").copy_(torch.tensor own) |> ignore
            let p, outputs = parts graph (matrix data.Inputs)
            let expected = Array.map2 (fun p outputs -> mixture p outputs [| 1; 4 |]) p outputs
            let found = Evaluation.Of(graph, [ data ], 3L, torch.CPU, method.Evaluating)
            let likelihood = Array.map2 fit expected (matrix data.Targets) |> Array.average
            Expect.floatClose Accuracy.high found.LogLikelihood likelihood "modules 1 and 4 of every row"
            Expect.equal (found.Statistics.Load "modular1") [| 0.0; 0.5; 0.0; 0.0; 0.5 |] "its load"
            Expect.equal (balance graph) own "as they were"

        testInDirectory "a checkpoint has the biases, and weights are loaded with them"
        <| fun directory ->
            scoped
            <| fun () ->
                let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
                use streams = new RandomStreams 4L
                use method = new LossFreeTopK(graph, data, settings 2 0.1 (AdamKind 0.01), streams)
                use folder = RunFolder.Create directory
                let splits = new DataSplits(data, [||], [||])
                let plan = TrainingPlan(7L, 1L, 7L, 7L)
                let trainer = Trainer(graph, method, splits, plan, folder, streams, torch.CPU)
                trainer.Run(ignore, CancellationToken.None) |> ignore
                let again, _ = Fixtures.regression { sizes with Seed = 22 } Combine.Sum Dispatch.Auto rows
                LossFreeTopK.AddBalance again
                Checkpoint.LoadWeights(Path.Combine(directory, "checkpoint.safetensors"), again)
                Expect.isTrue (Array.exists ((<>) 0.0) (balance graph)) "they have moved"
                Expect.equal (balance again) (balance graph) "the same"

        testScoped "layers that are no mixtures are refused"
        <| fun () ->
            for sizes, k, parts in
                [
                    { sizes with Choose = 2 }, 2, [ "modular1/choose"; "loss-free top-k"; "K = 2" ]
                    sizes, 6, [ "modular1"; "1 ≤ k ≤ M = 5 under loss-free top-k"; "k = 6" ]
                ] do
                let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
                use streams = new RandomStreams 4L
                use method = new LossFreeTopK(graph, data, settings k 0.1 (AdamKind 0.01), streams)
                complains method.Step parts

        testScoped "modules are balanced where plain top-k leaves most of them idle"
        <| fun () ->
            let effective rate =
                let many = { sizes with Modules = 16 }
                let graph, _ = Fixtures.regression many Combine.Sum Dispatch.Auto 1
                use streams = new RandomStreams 5L
                // Features far from zero: a controller that has not learned gives nearly the same choice to every row.
                let data = new Dataset(normal 31 [ 256; 3 ] + (6.0).ToScalar(), (normal 32 [ 256; 2 ]).tanh())
                let gradient = GradientSettings(64L, Optimizer = AdamKind 0.003)
                use method = new LossFreeTopK(graph, data, LossFreeTopKSettings(2, rate, Gradient = gradient), streams)

                for _ in 1..600 do
                    method.Step()

                let found = Evaluation.Of(graph, [ data ], 64L, torch.CPU, method.Evaluating).Statistics
                found.ModulesUsed, found.EffectiveModules

            let (used, plain), (all, balanced) = effective 0.0, effective 0.001
            let said = $"plain: {used} used, {plain} effective; balanced: {all} used, {balanced} effective"
            Expect.equal used 2.0 said
            Expect.isLessThan plain 2.1 said
            Expect.isGreaterThan all 12.0 said
            Expect.isGreaterThan balanced 9.0 said
    ]
