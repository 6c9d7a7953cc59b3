/// Predictions without libtorch's tensors are those of the graph.
module ModNet.Tests.PredictorTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open ModNet.Tests.TrainedRuns
open TorchSharp

/// The graph in double precision is the oracle of numbers in single precision.
let private close (actual: float32[]) (expected: torch.Tensor) message =
    let expected = numbers (expected.reshape -1L)
    Expect.hasLength actual expected.Length message

    for a, e in Array.zip actual expected do
        if Double.IsFinite e then Expect.isLessThan (abs (float a - e)) (1e-4 * (1.0 + abs e)) message

let private ask (predictor: Predictor) (x: float32[]) threads =
    let rows = x.Length / predictor.Inputs
    let y = Array.zeroCreate<float32>(rows * predictor.Outputs)
    let modules = Array.zeroCreate<int64>(rows * predictor.Choices)
    predictor.Run(ReadOnlySpan x, Span y, Span modules, threads)
    y, modules

let private floats (x: torch.Tensor) = numbers (x.reshape -1L) |> Array.map float32

/// What the head says of features, as a predictor gives it.
let private said (graph: Graph) (features: torch.Tensor) =
    match graph.Head.LogProbabilities features with
    | null -> features
    | log -> log.exp ()

let private predictor (graph: Graph) (selector: Selector) (x: torch.Tensor) =
    try
        Ok(Predictor.Of(graph, selector, x.shape[1..]))
    with :? UserException as refusal ->
        Error refusal

/// Layers that a network cannot have if a predictor is to take it.
let private needsTensors (graph: Graph) (x: torch.Tensor) =
    let rec inside (node: Node) =
        match node with
        | :? ContainerNode as container -> Seq.collect inside container.Inside
        | node -> Seq.singleton node

    let all = graph.Nodes |> Seq.collect inside |> Seq.toList

    let plain (node: Node) =
        match node with
        | :? LinearNode
        | :? ActivationNode
        | :? LayerNormNode
        | :? BatchNormNode
        | :? DropoutNode
        | :? FlattenNode -> true
        | :? PenaltyNode -> true
        | :? ModularLayer as layer ->
            (Seq.exactlyOne layer.Pools :? LinearPool)
            && (match Seq.exactlyOne layer.Controllers with
                | :? LinearController
                | :? MlpController -> true
                | _ -> false)
        | _ -> false

    x.dim () = 3L || x.dtype = torch.ScalarType.Int64 || not (List.forall plain all)

[<Tests>]
let tests =
    testList "predictor" [
        testCase "of generated networks is the graph, or names the layer that it does not take"
        <| fun () ->
            let mutable taken = 0

            let property (network: Network) =
                running network (fun graph batch ->
                    match predictor graph (ModeSelector()) batch.Inputs with
                    | Error refusal ->
                        Expect.stringContains refusal.Message "without libtorch's tensors" "what it takes"
                        let ofImages = batch.Inputs.dim () = 4L && refusal.Message.Contains "of images"
                        Expect.isTrue (ofImages || needsTensors graph batch.Inputs) $"{refusal.Message}"
                    | Ok predictor ->
                        taken <- taken + 1
                        let x = floats batch.Inputs
                        let y, modules = ask predictor x 2
                        Expect.equal (ask predictor x 1) (y, modules) "the same bits by one thread"
                        let one, _ = ask predictor x[.. predictor.Inputs - 1] 1
                        close one (torch.tensor (Array.map float y[.. one.Length - 1])) "a row by itself"

                        let chosen =
                            if predictor.Choices = 0 then
                                None
                            else
                                Some(torch.tensor(modules).view(-1L, int64 predictor.Choices))

                        let output = forward graph batch (given chosen)
                        close y (said graph output.Features) "the head's word, by the same choices"

                        for entry in output.Tape.Entries do
                            let log = entry.Distribution.LogProbabilities

                            let gap =
                                log.amax ([| -1L |])
                                - log.gather(2L, entry.Selection.Indices.unsqueeze -1L).squeeze -1L

                            Expect.isLessThan (gap.max().ToDouble()) 1e-4 "each choice is the most probable one")

            Check.One(
                Config.QuickThrowOnFailure
                    .WithArbitrary([ typeof<Arbitraries> ])
                    .WithMaxTest(400)
                    .WithReplay(661UL, 1UL),
                property
            )

            Expect.isGreaterThan taken 20 "networks that it takes"

        for activation in
            [
                Activation.Identity
                Activation.Relu
                Activation.Tanh
                Activation.Sigmoid
                Activation.Gelu
                Activation.Silu
                Activation.Softplus
                Activation.Hardswish
                Activation.Mish
                Activation.Softmax
                Activation.LogSoftmax
                Activation.LeakyRelu 0.1
                Activation.Elu 0.7
            ] do
            testScoped $"{activation} of spans is that of tensors"
            <| fun () ->
                let x =
                    torch.cat (
                        [| normal 3 [ 40; 5 ] * 4.0; torch.tensor([| -50.0; -1e-3; 0.0; 1e-3; 50.0 |]).view(1L, 5L) |],
                        0L
                    )

                let values = floats x
                activation.Apply(Span values, 5)
                close values (activation.Apply x) "values"

        testScoped "takes many rows in parts, on several threads, and lengths that fit alone"
        <| fun () ->
            let init = Initialiser(generator 3)
            let pool = new LinearPool("pool", 8, 32, 32, Activation.Relu, true, init)

            let layer =
                new ModularLayer("modular1", new LinearController(32, 2, 8, init), pool, Combine.Sum, Dispatch.Auto)

            use graph = new Graph([| layer :> Node |], new SoftmaxHead(32, 5, init))
            let predictor = Predictor.Of(graph, ModeSelector(), [| 32L |])
            let x = (normal 5 [ 2500; 32 ]).to_type torch.ScalarType.Float32
            let y, modules = ask predictor (floats x) 2
            use prediction = Prediction.Of(graph, x, ModeSelector())
            close y prediction.Probabilities "probabilities"

            let expected = [|
                for site in prediction.Choices do
                    yield! Array.concat site.Modules
            |]

            Expect.equal modules expected "modules"

            Expect.throwsT<ArgumentException>
                (fun () -> predictor.Run(ReadOnlySpan(Array.zeroCreate<float32> 33), Span(Array.zeroCreate<float32> 5)))
                "no whole rows"

            Expect.throwsT<ArgumentException>
                (fun () -> predictor.Run(ReadOnlySpan(Array.zeroCreate<float32> 32), Span(Array.zeroCreate<float32> 4)))
                "too few outputs"

            Expect.throwsT<UserException>
                (fun () -> ask predictor (Array.create 32 nanf) 1 |> ignore)
                "numbers that are not finite"

        for method' in methods do
            testCase $"of a run by {method'.GetType().Name} takes x as the data have it, or refuses the method's choice"
            <| fun () ->
                leaving method'
                <| fun folder ->
                    use trained = Trained.load folder

                    let answer =
                        try
                            Ok(trained.Predictor())
                        with :? UserException as refusal ->
                            Error refusal.Message

                    match answer with
                    | Error message -> Expect.stringContains message "TopKSelector" "the choice that it does not take"
                    | Ok predictor ->
                        scoped
                        <| fun () ->
                            let x = (normal 9 [ 7; 4 ]).to_type torch.ScalarType.Float32
                            let y, _ = ask predictor (floats x) 1
                            close y (trained.PredictProbabilities x) "probabilities"
    ]
