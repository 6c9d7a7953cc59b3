/// Numbers at their ends: extreme logits, sizes of one, gradients of every layer, single against double precision.
module ModNet.Tests.ExtremesTests

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private steps batch = GradientSettings(batch, Optimizer = AdamKind 1e-2)

/// Every method, with S compositions drawn where it draws some.
let private methods batch samples k : (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(samples, 2, batch, batch, 1e-2), streams))
    "reinforce",
    (fun graph data streams -> new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = steps batch), streams))
    "noisy top-k",
    (fun graph data streams ->
        new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(k, 0.1, 0.1, Gradient = steps batch), streams))
    "loss-free top-k",
    (fun graph data streams ->
        new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(k, Gradient = steps batch), streams))
    "static", (fun graph data streams -> new StaticModules(graph, data, steps batch, streams))
    "exact", (fun graph data streams -> new ExactLikelihood(graph, data, steps batch, streams))
]

let private init () = Initialiser(generator 1)

let private sizes = {
    Seed = 3
    Batch = 4
    Modules = 3
    Choose = 1
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

/// A few steps, an evaluation and a trace: all finite.
let private works name (graph: Graph) (data: Dataset) (make: Graph -> Dataset -> RandomStreams -> TrainingMethod) =
    use streams = new RandomStreams(1L)
    use method = make graph data streams
    method.Begin()

    for _ in 1..4 do
        let seen = method.StepAndReport()
        Expect.isTrue (Double.IsFinite seen.Loss && Double.IsFinite seen.LogLikelihood) $"{name}: loss {seen.Loss}"

        if graph.HasSites then
            let a, b = seen.Statistics.SelectionEntropy, seen.Statistics.BatchSelectionEntropy
            Expect.isTrue (Double.IsFinite a && a >= 0.0) $"{name}: H_a {a}"
            Expect.isTrue (Double.IsFinite b && b >= 0.0) $"{name}: H_b {b}"

    let seen = Evaluation.Of(graph, [ data ], 3L, torch.CPU, method.Evaluating)
    Expect.isTrue (Double.IsFinite seen.LogLikelihood) $"{name}: evaluation"

    if graph.HasSites then
        let trace = RoutingTracer.Of(graph, data, [| 0L |], method, torch.CPU)
        Expect.equal trace.Count 1 $"{name}: trace"

    for p in graph.parameters () do
        Expect.all (numbers p) Double.IsFinite $"{name}: parameters"

let private atEnds (what: string) batch samples k (build: unit -> Graph * Dataset) =
    testCase what
    <| fun () ->
        for name, make in methods batch samples k do
            scoped
            <| fun () ->
                let graph, data = build ()
                works $"{what}, {name}" graph data make

/// A vocabulary of two, of one module or more.
let private bits modules choose =
    let init = init ()
    let controller = new LinearController(6, choose, modules, init)
    let pool = new LinearPool("words", modules, 6, 3, Activation.Identity, true, init)

    let graph =
        new Graph(
            [|
                new EmbedNode("embed1", 2, 3, init) :> Node
                new ModularGru("modular_gru1", 3, 3, controller, pool, Combine.Sum, Dispatch.Auto, init)
            |],
            new SoftmaxHead(3, 2, init)
        )

    let text = indices 5 2 3 3
    graph, new Dataset(text.narrow(1, 0L, 2L).clone(), text.narrow(1, 1L, 2L).clone())

/// Left and right slopes of a function in one element: they differ at a kink, where any gradient between them is right.
let private oneSided (f: unit -> float) (element: torch.Tensor) =
    let h = 1e-6
    let before = element.ToDouble()

    let at (value: float) =
        element.fill_ value |> ignore
        f ()

    let down, here, up = at (before - h), at before, at (before + h)
    element.fill_ before |> ignore
    (here - down) / h, (up - here) / h

[<Tests>]
let tests =
    testList "numbers at their ends" [
        testPropertyWithConfig (config 1401 60) "every gradient of any network is a slope of its joint likelihood"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            scoped
            <| fun () ->
                // A gradient that is stopped is none of the joint's.
                let network = rewriteModulars (fun modular -> { modular with StopGradient = false }) network

                use graph = compiled network
                graph.eval ()
                let batch = batch network
                let compositions = drawn graph batch

                let joint () =
                    let output = forward graph batch (given compositions)
                    let likelihood = (graph.Head.LogLikelihood(output.Features, batch.Targets)).sum()

                    if output.Tape.Choices > 0 then likelihood + output.Tape.LogProbability().sum() else likelihood

                if not (Seq.isEmpty (graph.parameters ())) then
                    (joint ()).backward()

                    let value () =
                        use _scope = torch.NewDisposeScope()
                        (joint ()).ToDouble()

                    let random = Random 5

                    for name, p in Slopes.parameters graph do
                        use _noGrad = torch.no_grad ()
                        let gradient = numbers (Slopes.gradient p)
                        let flat = p.view (-1L)

                        for _ in 1..2 do
                            let i = random.Next gradient.Length
                            let left, right = oneSided value (flat.narrow (0L, int64 i, 1L))
                            let slack = 1e-4 * (1.0 + abs gradient[i] + abs (value ()) * 1e-4)

                            Expect.isTrue
                                (gradient[i] >= min left right - slack && gradient[i] <= max left right + slack)
                                $"{name}[{i}]: gradient {gradient[i]}, slopes {left} and {right}")

        testScoped "likelihoods at extreme logits are finite, and right"
        <| fun () ->
            for type' in [ torch.ScalarType.Float32; torch.ScalarType.Float64 ] do
                let at (values: float list) = torch.tensor(Array.ofList values).to_type type'

                use logits = new CategoricalHead(3)
                let features = at([ 1e4; -1e4; 0.0 ]).view(1L, 3L)

                for target, expected in [ 0L, 0.0; 1L, -2e4; 2L, -1e4 ] do
                    let found = numbers (logits.LogLikelihood(features, torch.tensor [| target |]))
                    Expect.floatClose Accuracy.high found[0] expected $"log p of class {target}"

                use bernoulli = new BernoulliHead()

                let found =
                    numbers (bernoulli.LogLikelihood(at([ 1e4; -1e4 ]).view(2L, 1L), at([ 1.0; 1.0 ]).view(2L, 1L)))

                Expect.floatClose Accuracy.high found[0] 0.0 "a certain bit"
                Expect.floatClose Accuracy.high found[1] -1e4 "an impossible one"

        testCase
            "a choice at extreme logits is certain: its entropy is zero, and samples, mode and log p are those of one module"
        <| fun () ->
            scoped
            <| fun () ->
                let logits = torch.tensor([| 1e4f; -1e4f; 0.0f; -1e4f; 0.0f; 1e4f |]).view(2L, 1L, 3L)

                let chosen = ChoiceDistribution.FromLogits logits
                Expect.equal (integers (chosen.Mode())) [| 0; 2 |] "mode"
                Expect.equal (integers (chosen.Sample(generator 1))) [| 0; 2 |] "sample"
                Expect.equal (numbers (chosen.Entropy())) [| 0.0; 0.0 |] "entropy"

                Expect.equal
                    (numbers (chosen.LogProbability(torch.tensor([| 1L; 1L |]).view(2L, 1L))))
                    [| -2e4; -1e4 |]
                    "log p"

        atEnds "extreme controllers" 4L 3 2 (fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 8

            for name, p in Slopes.parameters graph do
                if name.Contains "controller" then
                    use _noGrad = torch.no_grad ()
                    p.mul_ (torch.tensor 1e6) |> ignore

            graph, data)

        atEnds "S = 1, and one datapoint in a batch" 1L 1 2 (fun () ->
            Fixtures.regression sizes Combine.Sum Dispatch.Auto 5)

        atEnds "a data set of one datapoint" 1L 3 2 (fun () -> Fixtures.regression sizes Combine.Sum Dispatch.Auto 1)

        atEnds "one module" 2L 2 1 (fun () ->
            Fixtures.regression { sizes with Modules = 1 } Combine.Sum Dispatch.Auto 5)

        atEnds "vectors of one number" 2L 2 2 (fun () ->
            Fixtures.regression { sizes with Inputs = 1; Outputs = 1 } Combine.Sum Dispatch.Auto 5)

        atEnds "modules that nobody can choose" 4L 3 3 (fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 8

            for name, p in Slopes.parameters graph do
                if name.EndsWith "controller.bias" then
                    use _noGrad = torch.no_grad ()
                    p.copy_ (torch.tensor([| 0.0; -1e5; -1e5 |]).reshape p.shape) |> ignore

            graph, data)

        atEnds "a vocabulary of two" 2L 2 2 (fun () -> bits 2 1)
        atEnds "a vocabulary of two, and one module" 2L 1 1 (fun () -> bits 1 1)

        testCase "K = M, in every dispatch and combination"
        <| fun () ->
            for dispatch in [ Dispatch.Auto; Dispatch.Loop; Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather ] do
                for combine in [ Combine.Sum; Combine.Concat ] do
                    for name, make in methods 4L 3 1 |> List.filter (fun (name, _) -> not (name.EndsWith "top-k")) do
                        scoped
                        <| fun () ->
                            let graph, data =
                                Fixtures.regression { sizes with Modules = 3; Choose = 3 } combine dispatch 6

                            works $"K = M, {dispatch}, {combine}, {name}" graph data make

        for name in [ "static"; "exact"; "full E-steps" ] do
            testScoped $"single precision follows double precision within 1e-3 over 100 steps: {name}"
            <| fun () ->
                let losses (type': torch.ScalarType) =
                    let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 16
                    graph.``to`` type' |> ignore
                    let data = new Dataset(data.Inputs.to_type type', data.Targets.to_type type')
                    use streams = new RandomStreams(1L)

                    if name = "full E-steps" then
                        use em = new ViterbiEm(graph, data, EmSettings(1, 1, 8L, 8L, 1e-2), streams)

                        [
                            for _ in 1..100 do
                                em.FullEStep(Fixtures.everything data) |> ignore
                                em.MStepAndReport().Loss
                        ]
                    else
                        let make = methods 8L 1 1 |> List.find (fst >> (=) name) |> snd
                        use method = make graph data streams
                        [ for _ in 1..100 -> method.StepAndReport().Loss ]

                let doubles, singles = losses torch.ScalarType.Float64, losses torch.ScalarType.Float32

                Expect.isLessThan (List.average doubles[80..]) (List.average doubles[..19]) "it learns"

                for step, (d, s) in List.indexed (List.zip doubles singles) do
                    Expect.isLessThan (abs (d - s)) (1e-3 * (1.0 + abs d)) $"step {step + 1}: {d} and {s}"

                Expect.notEqual doubles singles "they are two"
    ]
