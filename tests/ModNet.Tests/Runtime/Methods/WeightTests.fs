/// Weights of datapoints: a datapoint of weight w is w datapoints, in every method's loss and in what is measured of held-out data.
module ModNet.Tests.WeightTests

open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private points, width, modules = 6, 4, 4

let private weightsOf (weights: float seq) = torch.tensor (Array.ofSeq weights)

let private weighted (weights: float seq) (data: Dataset) =
    new Dataset(data.Inputs.clone (), data.Targets.clone (), SideInputs(null, null, weightsOf weights))

/// The places of datapoints, each as often as its weight says.
let private copies (weights: int list) = [|
    for place, weight in List.indexed weights do
        yield! Array.replicate weight (int64<int> place)
|]

let private repeated (weights: int list) (data: Dataset) = data.Part(torch.tensor (copies weights))

/// Every kind of head, with y for it.
let private heads: (string * (Initialiser -> Head) * (int -> torch.Tensor)) list = [
    "softmax", (fun init -> new SoftmaxHead(width, 5, init)), (fun count -> (indices 11 5 count 1).view -1L)
    "categorical", (fun _ -> new CategoricalHead(width)), (fun count -> (indices 11 width count 1).view -1L)
    "gaussian", (fun init -> new GaussianHead(0.7, true, init)), (fun count -> normal 12 [ count; width ])
    "bernoulli",
    (fun _ -> new BernoulliHead()),
    (fun count -> (indices 13 2 count width).to_type torch.ScalarType.Float64)
]

/// A modular layer, a penalty on what it gives where there is to be one, and a head. The first column of x is 1.
let private problem isPenalised (makeHead: Initialiser -> Head) (targets: int -> torch.Tensor) =
    let init = doubles 2
    let pool = new LinearPool("pool", modules, 3, width, Activation.Tanh, true, init)
    let controller = new LinearController(3, 1, modules, init)

    let nodes: Node list = [
        new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)
        if isPenalised then new ActivityL1Node("activity_l11", 0.2)
    ]

    let inputs = normal 10 [ points; 3 ]
    inputs.select(1L, 0L).fill_(1.0.ToScalar()) |> ignore
    new Graph(ResizeArray nodes, makeHead init), new Dataset(inputs, targets points)

let private classifier () =
    let _, head, targets = heads.Head
    problem false head targets

/// Steps that leave parameters where they are, and gradients to be looked at, over all datapoints at once.
let private still smoothing (data: Dataset) =
    GradientSettings(data.Count, Optimizer = SgdKind(0.0, 0.0), LabelSmoothing = smoothing)

/// Each method as one that has no chance in it, from the datapoints that its own are copies of.
let private methods: (string * (float -> Graph -> Dataset -> int64[] -> RandomStreams -> TrainingMethod)) list = [
    "em",
    (fun smoothing graph data originals streams ->
        let settings =
            EmSettings(
                3,
                2,
                data.Count,
                data.Count,
                Optimizer = SgdKind(0.0, 0.0),
                LabelSmoothing = smoothing,
                ControllerWeight = 0.7
            )

        let em = new ViterbiEm(graph, data, settings, streams)

        for row, original in Array.indexed originals do
            let composition = [| original % int64<int> modules |]
            em.Assignments.Set(int64<int> row, composition)

        em)
    "noisy top-k",
    (fun smoothing graph data _ streams ->
        let settings = NoisyTopKSettings(2, 0.3, 0.4, Gradient = still smoothing data)
        let method = new NoisyTopK(graph, data, settings, streams)

        // The noise's deviation is softplus(−60), as the first column of x is 1.
        for name, parameter in Slopes.parameters graph do
            if name.EndsWith "controller.noise" then
                use _ = torch.no_grad ()
                parameter.select(1L, 0L).fill_((-60.0).ToScalar()) |> ignore

        method)
    "loss-free top-k",
    (fun smoothing graph data _ streams ->
        new LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = still smoothing data), streams))
    "static", (fun smoothing graph data _ streams -> new StaticModules(graph, data, still smoothing data, streams))
    "exact", (fun _ graph data _ streams -> new ExactLikelihood(graph, data, still 0.0 data, streams))
]

/// What a step saw, every gradient, and what it left.
let private seen (graph: Graph) (method: TrainingMethod) : float[] =
    let step =
        match method with
        | :? ViterbiEm as em -> em.MStepAndReport()
        | other -> other.StepAndReport()

    [|
        step.Loss
        step.LogLikelihood
        yield! Option.toList (Option.ofNullable step.Score.Accuracy)
        yield! Option.toList (Option.ofNullable step.Score.SquaredError)

        for _, parameter in Slopes.parameters graph do
            yield! numbers (Slopes.gradient parameter)

        for struct (_, buffer) in graph.named_buffers () do
            yield! numbers buffer
    |]

let private same (found: float[]) (expected: float[]) =
    Expect.hasLength found expected.Length "as many numbers"

    for found, expected in Array.zip found expected do
        Expect.isLessThan (abs (found - expected)) (1e-9 * (1.0 + abs expected)) "the same"

let private counts = Gen.listOfLength points (Gen.choose (1, 4)) |> Arb.fromGen

let private property number name (body: int list -> unit) =
    testPropertyWithConfig
        { FsCheckConfig.defaultConfig with maxTest = 12; replay = Some(number, 1UL, None) }
        name
        (Prop.forAll counts (fun weights -> scoped (fun () -> body weights)))

[<Tests>]
let tests =
    testList "weights of datapoints" [
        for methodName, make in methods do
            for headName, head, targets in heads do
                property 8701UL $"{methodName}, {headName}: a step by weights is a step on repeated datapoints"
                <| fun weights ->
                    let isOverClasses = headName = "softmax" || headName = "categorical"
                    let smoothing = if isOverClasses then 0.2 else 0.0

                    let after (change: Dataset -> Dataset) originals =
                        let graph, data = problem (methodName <> "exact") head targets
                        use streams = new RandomStreams 5L
                        use method = make smoothing graph (change data) originals streams
                        seen graph method

                    let found = after (weighted (List.map float weights)) [| 0L .. int64<int> points - 1L |]
                    same found (after (repeated weights) (copies weights))

        testScoped "reinforce: a step's gradient is the surrogate's by weights, and so is c"
        <| fun () ->
            let graph, data = classifier ()
            let data = weighted [ 0.2; 3.0; 1.0; 0.01; 7.5; 2.0 ] data
            use streams = new RandomStreams 6L
            let count = int64<int> points
            use method = new Reinforce(graph, data, ReinforceSettings(0.75, Gradient = still 0.0 data), streams)

            // The same draws, made again.
            use again = new RandomStreams 6L
            use batches = new MinibatchSampler(count, count, again.MBatches)

            let draw (batch: Batch) =
                let output = graph.Forward(batch.Inputs, SampledSelector again.Sampling)
                graph.Head.LogLikelihood(output.Features, batch.Targets), output.Tape.LogProbability()

            let mutable average = nan

            for step in 1..3 do
                let found = method.StepAndReport()
                let gradients = [ for name, p in Slopes.parameters graph -> name, numbers (Slopes.gradient p) ]
                let batch = data.Get(batches.Next())
                let weights = numbers batch.Weights
                let share = weightsOf [ for weight in weights -> weight / Array.sum weights ]

                if step = 1 then average <- (fst (draw batch) * share).sum().ToDouble()

                let logLikelihood, logP = draw batch
                let credit = logLikelihood.detach () - average.ToScalar()
                let expected = gradientsOf graph ((-(logLikelihood + credit * logP) * share).sum())

                for (name, e), (_, f) in List.zip expected gradients do
                    for e, f in Array.zip e f do
                        Expect.isLessThan (abs (e - f)) 1e-9 $"step {step}: {name}"

                let mean = (logLikelihood * share).sum().ToDouble()
                average <- 0.75 * average + 0.25 * mean
                Expect.floatClose Accuracy.high found.Loss -mean "loss"
                Expect.floatClose Accuracy.high method.Average.Value average "c"

        testScoped "an E-step keeps the same compositions whatever the weights, and scores them the same"
        <| fun () ->
            let everything = [| 0L .. int64<int> points - 1L |]

            let after (change: Dataset -> Dataset) =
                let graph, data = classifier ()
                use streams = new RandomStreams 5L
                use em = new ViterbiEm(graph, change data, EmSettings(2, 1, 6L, 6L), streams)
                let partial = em.EStep everything
                let kept = integers (em.Held everything)
                let full = em.FullEStep everything
                partial, kept, full, integers (em.Held everything)

            let _, first, _, _ as plain = after id
            let _, _, _, last = plain
            Expect.notEqual first last "there is a choice"
            Expect.equal (after (weighted [ 1e-6; 1e6; 0.5; 2.0; 100.0; 0.001 ])) plain "with weights"

        for headName, head, targets in heads do
            property 8702UL $"{headName}: what is measured of held-out data is by weights, the choice of modules is not"
            <| fun weights ->
                let graph, data = problem false head targets

                let measured (parts: Dataset list) =
                    let found = Evaluation.Of(graph, parts, 4L, torch.CPU)

                    [|
                        found.LogLikelihood
                        found.Perplexity
                        yield! Option.toList (Option.ofNullable found.Score.Accuracy)
                        yield! Option.toList (Option.ofNullable found.Score.SquaredError)
                    |],
                    found.Statistics

                let whole = weighted (List.map float weights) data
                let found, statistics = measured [ whole.Part(torch.arange 2L); whole.Part(torch.arange (2L, 6L)) ]
                same found (fst (measured [ repeated weights data ]))
                let _, plain = measured [ data ]
                Expect.floatClose Accuracy.high statistics.SelectionEntropy plain.SelectionEntropy "H_a"
                Expect.equal statistics.EffectiveModules plain.EffectiveModules "effective modules"

        for dtype, within in [ torch.ScalarType.Float64, 1e-12; torch.ScalarType.Float32, 5e-6 ] do
            testScoped $"the softmax head's mean by weights, and its gradients, are those of the formula ({dtype})"
            <| fun () ->
                let rows, steps, classes = 5, 3, 6
                use head = new SoftmaxHead(width, classes, Initialiser(generator 3, dtype))
                let own = (normal 4 [ rows; steps; width ]).to_type(dtype).requires_grad_()
                let targets = indices 5 classes rows steps
                let weights = [ 0.5; 3.0; 1e-3; 2.0; 40.0 ]
                let leaf (t: torch.Tensor) = t.detach().clone().to_type(torch.ScalarType.Float64).requires_grad_()
                let state = head.state_dict ()
                let slow = [ leaf own; leaf state["weight"]; leaf state["bias"] ]
                let logits = slow[0].matmul(slow[1].t()) + slow[2]

                let each =
                    torch.nn.functional.log_softmax(logits, -1L).gather(-1L, targets.unsqueeze -1L).squeeze(-1L).sum(1L)

                let expected = (each * weightsOf weights).sum() / (List.sum weights).ToScalar()
                expected.backward ()

                let struct (mean, apart) = head.MeanAndEach(own, targets, weightsOf weights)
                mean.backward ()
                let exact (t: torch.Tensor) = t.to_type torch.ScalarType.Float64
                Expect.isLessThan (distance (exact (mean.detach ())) (expected.detach ())) (within * 20.0) "value"
                Expect.isLessThan (distance (exact apart) (each.detach ())) (within * 20.0) "of each datapoint"

                for name, own, slow in
                    List.zip3 [ "features"; "weight"; "bias" ] [ own; state["weight"]; state["bias"] ] slow do
                    Expect.isLessThan (distance (exact (Slopes.gradient own)) (Slopes.gradient slow)) within name

        testScoped "weights have no unit, and may be of any size that a float32 has"
        <| fun () ->
            let loss (scale: float) dtype =
                let graph, data = classifier ()
                graph.``to`` (dtype: torch.ScalarType) |> ignore
                let weights = [ for weight in [ 1.0; 3.0; 0.5; 2.0; 1.5; 7.0 ] -> weight * scale ]

                let data =
                    new Dataset(
                        data.Inputs.to_type dtype,
                        data.Targets.clone (),
                        SideInputs(null, null, weightsOf weights)
                    )

                use streams = new RandomStreams 5L
                use method = new LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = still 0.1 data), streams)
                seen graph method

            for dtype in [ torch.ScalarType.Float32; torch.ScalarType.Float64 ] do
                for scale in [ 2.0 ** 120.0; 2.0 ** -140.0 ] do
                    Expect.equal (loss scale dtype) (loss 1.0 dtype) $"{scale}, {dtype}"

        testScoped "weights that a dataset cannot have are refused"
        <| fun () ->
            let refused (weights: torch.Tensor) consecutive message =
                fails
                    (fun () ->
                        new Dataset(
                            normal 1 [ 3; 2 ],
                            normal 2 [ 3; 2 ],
                            SideInputs(null, null, weights),
                            consecutive = consecutive
                        )
                        |> ignore)
                    message

            refused (weightsOf [ 1.0; 1.0 ]) false "expected weights [N] float64 with N = 3, got [2] Float64"
            refused (torch.ones (3L, dtype = torch.ScalarType.Float32)) false "got [3] Float32"

            for wrong in [ 0.0; -1.0; nan; infinity ] do
                refused (weightsOf [ 1.0; wrong; 1.0 ]) false "expected weights above 0 and finite"

            refused (weightsOf [ 1.0; 1.0; 1.0 ]) true "expected no weights, because consecutive windows are one text"

        testScoped "weights tell data from others"
        <| fun () ->
            let _, data = classifier ()
            let identity (data: Dataset) = (new DataSplits(data, [||], [||])).Identity.Short
            let some = identity (weighted [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ] data)
            Expect.notEqual some (identity data) "without"
            Expect.notEqual some (identity (weighted [ 1.0; 2.0; 3.0; 4.0; 5.0; 7.0 ] data)) "others"
            Expect.equal some (identity (weighted [ 1.0; 2.0; 3.0; 4.0; 5.0; 6.0 ] data)) "the same"
    ]
