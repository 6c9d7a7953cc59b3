/// An L1 penalty on activations, and the head without a map of its own, against what they are by definition.
module ModNet.Tests.PenaltyTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private weight = 0.3

/// linear 3 → 4 with tanh, a penalty perhaps, a modular layer 2 of 3, a penalty perhaps, a Gaussian head.
let private graph isPenalised =
    let init = doubles 3
    let linear = new LinearNode("linear1", 3, 4, Activation.Tanh, true, init)
    let pool = new LinearPool("pool", 3, 4, 2, Activation.Tanh, true, init)
    let controller = new LinearController(4, 1, 3, init)

    let modular = new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)

    let penalty name : Node list = if isPenalised then [ new ActivityL1Node(name, weight) ] else []

    let nodes: Node list = [ linear; yield! penalty "activity_l11"; modular; yield! penalty "activity_l12" ]

    new Graph(ResizeArray nodes, new GaussianHead(0.5, false, init))

let private data () = new Dataset(normal 5 [ 6; 3 ], normal 6 [ 6; 2 ])

/// Σ|x| over both layers' outputs, the mean over datapoints.
let private activity (graph: Graph) (inputs: torch.Tensor) (compositions: torch.Tensor) =
    let route = Route(GivenSelector compositions)
    let hidden = graph.Nodes[0].Forward(inputs, route)
    let output = graph.Nodes[1].Forward(hidden, route)

    (hidden.abs().sum() + output.abs().sum()) * (1.0 / 6.0).ToScalar()

let private gradients (graph: Graph) (loss: torch.Tensor) =
    graph.zero_grad ()
    loss.backward ()
    [ for name, p in Slopes.parameters graph -> name, numbers (Slopes.gradient p) ]

let private methods: (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 0.01), streams))
    "static", (fun graph data streams -> new StaticModules(graph, data, GradientSettings(6L, 0.01), streams))
    "reinforce",
    (fun graph data streams ->
        new Reinforce(graph, data, ReinforceSettings(Gradient = GradientSettings(6L, 0.01)), streams))
    "noisy top-k",
    (fun graph data streams ->
        new NoisyTopK(graph, data, NoisyTopKSettings(2, Gradient = GradientSettings(6L, 0.01)), streams))
    "loss-free top-k",
    (fun graph data streams ->
        new LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = GradientSettings(6L, 0.01)), streams))
]

[<Tests>]
let tests =
    testList "penalties" [
        testScoped "the penalty's gradient is that of the weighed sum of magnitudes"
        <| fun () ->
            use plain = graph false
            use penalised = graph true
            let compositions = indices 9 3 6 1
            let x = normal 5 [ 6; 3 ]
            let output = penalised.Forward(x, GivenSelector compositions)

            let own = activity plain x compositions * weight.ToScalar()

            Expect.floatClose Accuracy.high (output.Tape.Penalty.ToDouble()) (own.ToDouble()) "value"

            let expected = gradients plain own
            let found = gradients penalised output.Tape.Penalty

            for (name, e), (name', f) in List.zip expected found do
                Expect.equal name' name "parameter"

                for e, f in Array.zip e f do
                    Expect.floatClose Accuracy.high f e name

            Expect.exists
                expected
                (fun (name, e) -> name.StartsWith "linear1" && Array.exists ((<>) 0.0) e)
                "flows back"

        testScoped "what comes in goes out, and evaluation asks for nothing"
        <| fun () ->
            use plain = graph false
            use penalised = graph true
            let x = normal 5 [ 6; 3 ]
            let compositions = indices 9 3 6 1

            let features (graph: Graph) = graph.Forward(x, GivenSelector compositions)

            Expect.equal (numbers (features penalised).Features) (numbers (features plain).Features) "training"
            penalised.eval ()
            Expect.isNull (features penalised).Tape.Penalty "evaluation"
            Expect.isNull (features plain).Tape.Penalty "no such layer"

        for name, make in methods do
            testScoped $"{name} adds it to its loss, and keeps activations smaller"
            <| fun () ->
                let train isPenalised =
                    let graph = graph isPenalised
                    let streams = new RandomStreams 1L
                    let method = make graph (data ()) streams
                    let first = method.StepAndReport()

                    for _ in 1..60 do
                        method.Step()

                    graph.eval ()
                    let compositions = torch.zeros ([| 6L; 1L |], torch.ScalarType.Int64)
                    let left = graph.Forward((data ()).Inputs, GivenSelector compositions)
                    first.Loss, left.Features.abs().sum().ToDouble()

                let loss, size = train false
                let loss', size' = train true
                Expect.isGreaterThan loss' loss "loss"
                Expect.isLessThan size' size "activations"

        testScoped "exact training refuses it"
        <| fun () ->
            use streams = new RandomStreams 1L

            fails
                (fun () -> new ExactLikelihood(graph true, data (), GradientSettings(), streams) |> ignore)
                "activity_l11: expected no penalties under exact training"

        testCase "a weight that is none is refused"
        <| fun () ->
            for weight in [ 0.0; -1.0; nan; infinity ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> new ActivityL1Node("p", weight) |> ignore)
                    $"{weight}"

        testScoped "categorical is softmax with a map that changes nothing"
        <| fun () ->
            let head = new SoftmaxHead(4, 4, doubles 1)
            use _ = torch.no_grad ()

            for _, p in Slopes.parameters head do
                p.copy_ (if p.dim () = 2L then torch.eye (4L, dtype = torch.ScalarType.Float64) else torch.zeros_like p)
                |> ignore

            let logits = normal 2 [ 5; 4 ]
            let classes = (indices 3 4 5 1).squeeze 1L
            let bare = new CategoricalHead(4)

            let near a b = Expect.isLessThan (distance a b) 1e-12

            near (bare.LogLikelihood(logits, classes)) (head.LogLikelihood(logits, classes)) "log p"
            Expect.equal (integers (bare.Predict logits)) (integers (head.Predict logits)) "classes"
    ]
