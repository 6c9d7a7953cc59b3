/// Smoothed labels, against plain arithmetic and against autograd of the formula as it is written.
module ModNet.Tests.SmoothingTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private classes, width, rows, steps = 6, 4, 5, 3

/// Σ_c q_c log p(c) of one output, where q spreads a share of the label evenly over all classes.
let private plain share (logits: float[]) (target: int) =
    let most = Array.max logits
    let sum = most + log (logits |> Array.sumBy (fun l -> exp (l - most)))
    let even = share / float logits.Length
    logits |> Array.mapi (fun c l -> (even + (if c = target then 1.0 - share else 0.0)) * (l - sum)) |> Array.sum

/// The same of tensors, averaged over datapoints: features [B, T, H], targets [B, T].
let private asWritten (share: float) (features: torch.Tensor) (weight: torch.Tensor) (bias: torch.Tensor) targets =
    let logProbabilities = torch.nn.functional.log_softmax (features.matmul (weight.t ()) + bias, -1L)

    let labels =
        torch.nn.functional.one_hot(targets, int64 classes).to_type torch.ScalarType.Float64
        * (1.0 - share).ToScalar()
        + (share / float classes).ToScalar()

    (labels * logProbabilities).sum([| 2L; 1L |]).mean()

let private features dtype = (normal 4 [ rows; steps; width ]).to_type dtype
let private targets () = indices 5 classes rows steps

let private leaf (t: torch.Tensor) = t.detach().clone().to_type(torch.ScalarType.Float64).requires_grad_()

/// A classifier with choices, in double precision, and its data.
let private classifier () =
    let init = doubles 2
    let pool = new LinearPool("pool", 4, 3, 3, Activation.Tanh, true, init)

    let graph =
        new Graph(
            [|
                new ModularLayer("modular1", new LinearController(3, 1, 4, init), pool, Combine.Sum, Dispatch.Auto)
                :> Node
            |],
            new SoftmaxHead(3, classes, init)
        )

    graph, new Dataset(normal 10 [ 8; 3 ], (indices 11 classes 8 1).view -1L)

let private still share = GradientSettings(8L, Optimizer = SgdKind(0.0, 0.0), LabelSmoothing = share)

let private methods: (string * (float -> Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em",
    (fun share graph data streams ->
        let settings = EmSettings(3, 2, 8L, 8L, Optimizer = SgdKind(0.0, 0.0), LabelSmoothing = share)
        new ViterbiEm(graph, data, settings, streams))
    "reinforce",
    (fun share graph data streams -> new Reinforce(graph, data, ReinforceSettings(Gradient = still share), streams))
    "noisy top-k",
    (fun share graph data streams -> new NoisyTopK(graph, data, NoisyTopKSettings(2, Gradient = still share), streams))
    "loss-free top-k",
    (fun share graph data streams ->
        new LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = still share), streams))
    "static", (fun share graph data streams -> new StaticModules(graph, data, still share, streams))
]

[<Tests>]
let tests =
    testList "smoothed labels" [
        for share in [ 0.0; 0.1; 0.7 ] do
            testScoped $"a head over classes gives Σ q log p, share {share}"
            <| fun () ->
                use head = new SoftmaxHead(width, classes, doubles 3)
                use logitsHead = new CategoricalHead(classes)
                let features, targets = features torch.ScalarType.Float64, targets ()
                let weight, bias = matrix (head.state_dict().["weight"]), numbers (head.state_dict().["bias"])

                let logitsOf (x: float[]) = Array.map2 (fun w b -> b + Array.sum (Array.map2 (*) w x)) weight bias

                let logits = cube features |> Array.map (Array.map logitsOf)
                let labels = matrix targets |> Array.map (Array.map int)

                let found =
                    head.LogLikelihood(features, targets) + head.TowardsUniform(features, targets) * share.ToScalar()

                for logits, labels, found in Array.zip3 logits labels (numbers found) do
                    Expect.floatClose
                        Accuracy.high
                        found
                        (Array.map2 (plain share) logits labels |> Array.sum)
                        "softmax"

                let first = torch.tensor (Array2D.init rows classes (fun b c -> logits[b].[0].[c]))
                let label = targets.select (1L, 0L)

                let found =
                    logitsHead.LogLikelihood(first, label) + logitsHead.TowardsUniform(first, label) * share.ToScalar()

                for b, found in Array.indexed (numbers found) do
                    Expect.floatClose Accuracy.high found (plain share logits[b].[0] labels[b].[0]) "categorical"

        for dtype, within in [ torch.ScalarType.Float64, 1e-12; torch.ScalarType.Float32, 2e-6 ] do
            testScoped $"its gradient is that of the formula as it is written ({dtype})"
            <| fun () ->
                for share in [ 0.1; 0.7 ] do
                    use head = new SoftmaxHead(width, classes, Initialiser(generator 3, dtype))
                    let own, targets = (features dtype).requires_grad_(), targets ()
                    let weight, bias = head.state_dict().["weight"], head.state_dict().["bias"]
                    let slow = [ leaf own; leaf weight; leaf bias ]
                    (asWritten share slow[0] slow[1] slow[2] targets).backward()

                    let mean =
                        head.MeanLogLikelihood(own, targets)
                        + head.TowardsUniform(own, targets).mean() * share.ToScalar()

                    mean.backward ()

                    for name, own, slow in List.zip3 [ "features"; "weight"; "bias" ] [ own; weight; bias ] slow do
                        let found = (Slopes.gradient own).to_type torch.ScalarType.Float64
                        Expect.isLessThan (distance found (Slopes.gradient slow)) within $"{share}: {name}"

        for name, make in methods do
            testScoped $"{name}: the loss has the smoothed labels, the log-likelihood does not"
            <| fun () ->
                let seen share =
                    let graph, data = classifier ()
                    use streams = new RandomStreams 3L
                    use method = make share graph data streams
                    method.StepAndReport()

                let without, some, more = seen 0.0, seen 0.2, seen 0.6
                Expect.equal some.LogLikelihood without.LogLikelihood "reported as it is"
                Expect.isGreaterThan (abs (some.Loss - without.Loss)) 1e-3 "another loss"
                Expect.floatClose Accuracy.high (more.Loss - without.Loss) (3.0 * (some.Loss - without.Loss)) "linear"

        testScoped "the loss of a step is the mean over its minibatch"
        <| fun () ->
            let graph, data = classifier ()
            use streams = new RandomStreams 3L
            use method = new StaticModules(graph, data, still 0.3, streams)
            let features = graph.Forward(data.Inputs, FirstSelector()).Features
            let weight, bias = graph.state_dict().["head.weight"], graph.state_dict().["head.bias"]
            let logits = matrix (features.matmul (weight.t ()) + bias)
            let expected = Array.map2 (plain 0.3) logits (integers data.Targets) |> Array.average
            Expect.floatClose Accuracy.high (method.StepAndReport().Loss) -expected "Σ q log p"

        testScoped "what chooses modules goes by the likelihood itself: E-steps, and REINFORCE's credit"
        <| fun () ->
            let eStep share =
                let graph, data = classifier ()
                use streams = new RandomStreams 3L
                use em = new ViterbiEm(graph, data, EmSettings(5, 2, 8L, 8L, LabelSmoothing = share), streams)
                [ for _ in 1..3 -> em.EStep(Fixtures.everything data) ]

            Expect.equal (eStep 0.9) (eStep 0.0) "the same assignments, and the same scores"

            let average share =
                let graph, data = classifier ()
                use streams = new RandomStreams 3L
                use method = new Reinforce(graph, data, ReinforceSettings(Gradient = still share), streams)
                method.Step()
                method.Average

            Expect.equal (average 0.9) (average 0.0) "the control variate"

        testScoped "heads without classes and exact training refuse them"
        <| fun () ->
            use streams = new RandomStreams 3L
            let graph, data = classifier ()

            complains (fun () -> (new ExactLikelihood(graph, data, still 0.1, streams)).Dispose()) [
                "train/label_smoothing"
                "exact"
            ]

            let init = doubles 1

            let plain =
                new Graph(
                    [| new LinearNode("linear1", 3, 2, Activation.Identity, true, init) :> Node |],
                    new GaussianHead(0.3, false, init)
                )

            let numbers = new Dataset(normal 1 [ 8; 3 ], normal 2 [ 8; 2 ])
            use method = new StaticModules(plain, numbers, still 0.1, streams)
            complains method.Step [ "train/label_smoothing"; "`softmax` or `categorical`"; "`gaussian`" ]
    ]
