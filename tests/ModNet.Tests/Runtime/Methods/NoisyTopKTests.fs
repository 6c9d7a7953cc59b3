/// Noisy top-k and its balance losses, against Shazeer et al. (2017) in plain arithmetic.
module ModNet.Tests.NoisyTopKTests

open System
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

/// Everything that the formulas are made of: per row clean logits x·W_g, noise drawn, its deviation, and what every module gives.
type private Parts = { Clean: float[][]; Noise: float[][]; Scale: float[][]; Outputs: float[][][] }

let private softplus v = log (1.0 + exp v)

let private affine (weight: float[][]) (bias: float[]) (x: float[]) =
    Array.map2 (fun w b -> b + Array.sum (Array.map2 (*) w x)) weight bias

let private parts (graph: Graph) (x: torch.Tensor) (noise: torch.Tensor) =
    let parameter name = Fixtures.parameter graph name
    let x = matrix x
    let controller = matrix (parameter "modular1.controller.weight")
    let bias = numbers (parameter "modular1.controller.bias")
    let scale = matrix (parameter "modular1.controller.noise")
    let weight = cube (parameter "pools.pool.weight")
    let shift = matrix (parameter "pools.pool.bias")

    {
        Clean = x |> Array.map (affine controller bias)
        Noise = matrix noise
        Scale = x |> Array.map (affine scale (Array.zeroCreate 5) >> Array.map softplus)
        Outputs = [| for row in x -> [| for m in 0..4 -> affine weight[m] shift[m] row |> Array.map tanh |] |]
    }

/// H(x), Eq. 4.
let private noisy (p: Parts) = Array.map3 (Array.map3 (fun c n s -> c + n * s)) p.Clean p.Noise p.Scale

/// G(x), Eqs. 3 and 5: zero but for the k highest.
let private gates k (h: float[][]) = [|
    for h in h ->
        let least = (Array.sortDescending h)[k - 1]
        let raised = h |> Array.map (fun v -> if v >= least then exp v else 0.0)
        raised |> Array.map (fun v -> v / Array.sum raised)
|]

/// Φ, by Simpson's rule.
let private normalDistribution z =
    let density t = exp (-t * t / 2.0) / sqrt (2.0 * Math.PI)

    let n = 2000
    let h = z / float n

    let inside = Seq.sum (seq { for i in 1 .. n - 1 -> (if i % 2 = 1 then 4.0 else 2.0) * density (float i * h) })

    0.5 + h / 3.0 * (density 0.0 + density z + inside)

/// P(x, i), Eq. 9.
let private loads k (p: Parts) = [|
    for clean, h, scale in Array.zip3 p.Clean (noisy p) p.Scale ->
        [|
            for i in 0..4 ->
                let others = h |> Array.indexed |> Array.filter (fun (j, _) -> j <> i) |> Array.map snd

                normalDistribution ((clean[i] - (Array.sortDescending others)[k - 1]) / scale[i])
        |]
|]

/// CV², of sums over rows.
let private variation (perRow: float[][]) =
    let sums = perRow |> Array.reduce (Array.map2 (+))
    let mean = Array.average sums
    (sums |> Array.averageBy (fun s -> (s - mean) ** 2.0)) / mean ** 2.0

let private outputs (gates: float[][]) (p: Parts) = [|
    for g, given in Array.zip gates p.Outputs ->
        Array.map2 (fun g -> Array.map ((*) g)) g given |> Array.reduce (Array.map2 (+))
|]

/// −mean log N(y | output, 0.3).
let private negative (outputs: float[][]) (targets: float[][]) =
    Array.map2
        (fun o t -> Array.map2 (fun o t -> 0.5 * ((t - o) ** 2.0 / 0.3 + log (2.0 * Math.PI * 0.3))) o t |> Array.sum)
        outputs
        targets
    |> Array.average

let private settings k importance load =
    let still = GradientSettings(int64 rows, Optimizer = SgdKind(0.0, 0.0))
    NoisyTopKSettings(k, importance, load, Gradient = still)

/// W_noise begins at zero: other values take part in more.
let private shakeNoise (graph: Graph) =
    use _ = torch.no_grad ()

    for name, p in Slopes.parameters graph do
        if name.EndsWith "controller.noise" then p.normal_ (0.0, 1.0, generator 8) |> ignore

let private setting (settings: NoisyTopKSettings) body =
    scoped
    <| fun () ->
        let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
        use streams = new RandomStreams 4L
        use method = new NoisyTopK(graph, data, settings, streams)
        shakeNoise graph
        // The same draws, made again.
        use again = new RandomStreams 4L
        use batches = new MinibatchSampler(int64 rows, int64 rows, again.MBatches)
        let batch = data.Get(batches.Next())

        let noise = torch.empty([| int64 rows; 5L |], torch.ScalarType.Float64).normal_(0.0, 1.0, again.Noise)

        body graph data method batch (parts graph batch.Inputs noise)

[<Tests>]
let tests =
    testList "noisy top-k" [
        for k in 1..5 do
            testCase $"loss and balance losses are the formulas', k = {k}"
            <| fun () ->
                setting (settings k 0.3 0.7)
                <| fun graph _ method batch p ->
                    let g = gates k (noisy p)
                    let importance = variation g
                    let load = if k = 5 then 0.0 else variation (loads k p)
                    let fit = negative (outputs g p) (matrix batch.Targets)
                    let seen = method.StepAndReport()
                    Expect.floatClose Accuracy.high -seen.LogLikelihood fit "−log-likelihood"
                    Expect.floatClose Accuracy.medium seen.Loss (fit + 0.3 * importance + 0.7 * load) "loss"

                    // The distribution that is spoken of is the gate.
                    let entropy = g |> Array.averageBy (Array.sumBy (fun p -> if p > 0.0 then -p * log p else 0.0))

                    Expect.floatClose Accuracy.high seen.Statistics.SelectionEntropy entropy "H_a"

        testCase "each balance loss has its own weight, and none costs nothing"
        <| fun () ->
            for importance, load in [ 0.0, 0.0; 2.0, 0.0; 0.0, 3.0 ] do
                setting (settings 2 importance load)
                <| fun _ _ method batch p ->
                    let g = gates 2 (noisy p)
                    let fit = negative (outputs g p) (matrix batch.Targets)
                    let expected = fit + importance * variation g + load * variation (loads 2 p)
                    Expect.floatClose Accuracy.medium (method.StepAndReport()).Loss expected $"{importance}, {load}"

        for precision, depth in
            [
                torch.ScalarType.Float32, -50.0
                torch.ScalarType.Float32, -200.0
                torch.ScalarType.Float64, -400.0
                torch.ScalarType.Float64, -2000.0
            ] do
            testScoped $"a noise of softplus({depth}) makes choices certain, and no gradient that is none: {precision}"
            <| fun () ->
                let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto rows
                graph.``to`` precision |> ignore
                let inputs = torch.ones_like(data.Inputs).to_type precision
                use streams = new RandomStreams 4L

                use method =
                    new NoisyTopK(
                        graph,
                        new Dataset(inputs, data.Targets.to_type precision),
                        settings 2 0.3 0.7,
                        streams
                    )

                for name, p in Slopes.parameters graph do
                    if name.EndsWith "controller.noise" then
                        use _ = torch.no_grad ()
                        p.fill_ ((depth / float inputs.shape[1]).ToScalar()) |> ignore

                // It refuses gradients that are none.
                let seen = method.StepAndReport()
                // Of five modules the same two run for every row: the variation of (1, 1, 0, 0, 0), for gates and loads.
                let gates = (seen.Loss + seen.LogLikelihood - 0.7 * 1.5) / 0.3
                Expect.isTrue (gates >= 1.5 - 1e-5 && gates < 4.0) $"CV² of the gates: {gates}"

        testCase "in evaluation there is no noise"
        <| fun () ->
            setting (settings 3 0.0 0.0)
            <| fun graph data method _ _ ->
                let p = parts graph data.Inputs (torch.zeros ([| int64 rows; 5L |], torch.ScalarType.Float64))

                let expected = outputs (gates 3 p.Clean) p
                let seen = Evaluation.Of(graph, [ data ], 4L, torch.CPU, method.Evaluating)

                Expect.floatClose Accuracy.high seen.LogLikelihood -(negative expected (matrix data.Targets)) "fit"

                let actual =
                    graph.InEvaluation(fun () -> matrix (graph.Forward(data.Inputs, method.Evaluating).Features))

                for e, a in Array.zip (Array.concat expected) (Array.concat actual) do
                    Expect.floatClose Accuracy.high a e "output"

        for name, make in
            [
                "one layer", (fun () -> Fixtures.regression sizes Combine.Sum Dispatch.Auto 4)
                "a layer over time", (fun () -> Fixtures.language 3 4 1 Dispatch.Auto 3 2)
            ] do
            testScoped $"every gradient is a slope, the noise held: {name}"
            <| fun () ->
                let graph, data = make ()
                use streams = new RandomStreams 4L
                use _method = new NoisyTopK(graph, data, NoisyTopKSettings 2, streams)
                shakeNoise graph

                let loss () =
                    use noise = generator 12
                    let gates = NoisyTopKSelector(2, noise, true)
                    let output = graph.Forward(data.Inputs, gates)

                    graph.Head.LogLikelihood(output.Features, data.Targets).mean() * (-1.0).ToScalar()
                    + gates.Balance.ImportanceLoss() * 0.3.ToScalar()
                    + gates.Balance.LoadLoss() * 0.7.ToScalar()

                Slopes.agree (Slopes.parameters graph) loss

        testCase "a step's gradient is that loss's"
        <| fun () ->
            setting (settings 2 0.3 0.7)
            <| fun graph _ method batch _ ->
                method.Step()
                let actual = [ for name, p in Slopes.parameters graph -> name, numbers (Slopes.gradient p) ]

                for _, p in Slopes.parameters graph do
                    p.grad <- null

                use again = new RandomStreams 4L
                let gates = NoisyTopKSelector(2, again.Noise, true)
                let output = graph.Forward(batch.Inputs, gates)
                let fit = graph.Head.LogLikelihood(output.Features, batch.Targets).mean()

                (gates.Balance.ImportanceLoss() * 0.3.ToScalar() + gates.Balance.LoadLoss() * 0.7.ToScalar() - fit)
                    .backward()

                for (name, a), (_, p) in List.zip actual (Slopes.parameters graph) do
                    for a, e in Array.zip a (numbers (Slopes.gradient p)) do
                        Expect.isLessThan (abs (a - e)) 1e-12 name

        testScoped "balance is of a layer over all its time steps, and adds up over layers"
        <| fun () ->
            let gates = [ normal 1 [ 3; 4 ]; normal 2 [ 3; 4 ]; normal 3 [ 3; 4 ] ] |> List.map _.exp()

            let balance = GateBalance()

            for layer, g in List.zip [ "a"; "b"; "a" ] gates do
                balance.Add(layer, g, g * 2.0.ToScalar())

            let expected = variation (Array.append (matrix gates[0]) (matrix gates[2])) + variation (matrix gates[1])

            Expect.floatClose Accuracy.high (balance.ImportanceLoss().ToDouble()) expected "importance"
            Expect.floatClose Accuracy.high (balance.LoadLoss().ToDouble()) expected "load: no scale"

        testScoped "what it cannot gate is refused with a remedy"
        <| fun () ->
            let refused (s: Sizes) combine k message =
                let graph, data = Fixtures.regression s combine Dispatch.Auto rows
                use streams = new RandomStreams 4L
                use method = new NoisyTopK(graph, data, settings k 0.0 0.0, streams)

                Expect.equal (complaint (fun () -> method.Step())) message "the message"

            refused
                { sizes with Choose = 2 }
                Combine.Sum
                2
                "modular1/choose: expected K = 1 under noisy top-k, whose own k says how many modules run, got K = 2 – choose 1"

            refused
                sizes
                Combine.Sum
                6
                "modular1: expected 1 ≤ k ≤ M = 5 under noisy top-k, got k = 6 – run fewer modules, or give the pool more"

            refused
                sizes
                Combine.Concat
                2
                "modular1/combine: expected Sum where 2 modules run instead of K = 1, got Concat – combine by Sum, or train by another method"

            let init = doubles 1
            let pool = Fixtures.pool sizes
            let own = new LinearNode("own", 3, 5, Activation.Identity, true, init)

            let controller = {
                new torch.nn.Module<torch.Tensor, torch.Tensor>("own") with
                    member _.forward x = own.Forward(x, Route(ModeSelector()))
            }

            let layer =
                new ModularLayer("modular1", new CustomController(controller, 1, 5), pool, Combine.Sum, Dispatch.Auto)

            let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
            let data = new Dataset(normal 1 [ 7; 3 ], normal 2 [ 7; 2 ])
            use streams = new RandomStreams 1L

            Expect.throwsC (fun () -> new NoisyTopK(graph, data, settings 2 0.0 0.0, streams) |> ignore) (fun e ->
                Expect.equal
                    e.Message
                    "modular1/controller: expected a controller that ends in a linear map of its own, for noisy top-k, got CustomController – use Linear, Mlp, Conv or Task"
                    "")
    ]
