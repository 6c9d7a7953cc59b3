/// REINFORCE, exact training and static modules, each against what it ought to be.
module ModNet.Tests.RivalTests

open Expecto
open ModNet.Runtime
open TorchSharp

/// Gradients are left to be looked at, and parameters where they are.
let private still batch = GradientSettings(batch, Optimizer = SgdKind(0.0, 0.0))

let private gradients (graph: Graph) = [ for name, p in Slopes.parameters graph -> name, numbers (Slopes.gradient p) ]

let private clear (graph: Graph) =
    for _, p in Slopes.parameters graph do
        p.grad <- null

/// What `backward` leaves on fresh gradients.
let private gradientsOf (graph: Graph) (backward: unit -> unit) =
    clear graph
    backward ()
    gradients graph

let private same (expected: (string * float[]) list) (actual: (string * float[]) list) what =
    for (name, e), (_, a) in List.zip expected actual do
        for e, a in Array.zip e a do
            Expect.isLessThan (abs (e - a)) (1e-9 + 1e-9 * abs e) $"{what}: {name}"

/// log p(y|x, a) and log p(a|x) of all datapoints under one composition, with gradient.
let private under (graph: Graph) (data: Dataset) (composition: torch.Tensor) =
    let rows = composition.unsqueeze(0L).expand(data.Count, -1L)
    let output = graph.Forward(data.Inputs, GivenSelector rows)
    graph.Head.LogLikelihood(output.Features, data.Targets), output.Tape.LogProbability()

/// Networks small enough to enumerate: sites in a row, whose later controllers see what earlier modules did; and two positions.
let private enumerable = [
    "a recurrent network", (fun () -> Fixtures.language 3 2 1 Dispatch.Auto 5 3), [| 2; 2; 2 |]
    "two positions",
    (fun () ->
        let sizes: Sizes = {
            Seed = 5
            Batch = 4
            Modules = 3
            Choose = 2
            Inputs = 3
            Outputs = 2
            Bias = true
            Activation = Activation.Tanh
        }

        Fixtures.regression sizes Combine.Sum Dispatch.Auto 6),
    [| 3; 3 |]
]

[<Tests>]
let reinforce =
    testList "REINFORCE" [
        for name, make, modules in enumerable do
            for average in [ 0.0; -7.5; 1000.0 ] do
                testScoped
                    $"its gradient averages to the exact one, whatever the control variate: {name}, c = {average}"
                <| fun () ->
                    let graph, data = make ()

                    let compositions = [ for a in (Compositions.All modules).unbind 0 -> a ]

                    // −∇ Σ_a p(a|x) log p(y|x, a), Eq. 12, by differentiating the sum itself.
                    let exact =
                        gradientsOf graph
                        <| fun () ->
                            for a in compositions do
                                let logLikelihood, logP = under graph data a
                                (-(logP.exp () * logLikelihood)).mean().backward()

                    let expected =
                        gradientsOf graph
                        <| fun () ->
                            for a in compositions do
                                let logLikelihood, logP = under graph data a
                                let estimate = Reinforce.Surrogate(logLikelihood, logP, average)
                                (logP.detach().exp() * estimate).mean().backward()

                    let isController (name: string, _) = name.Contains "controller"

                    Expect.isTrue
                        (exact |> List.exists (fun g -> isController g && Array.exists ((<>) 0.0) (snd g)))
                        "φ"

                    Expect.isTrue
                        (exact |> List.exists (fun g -> not (isController g) && Array.exists ((<>) 0.0) (snd g)))
                        "θ"

                    for (name, e), (_, a) in List.zip exact expected do
                        for e, a in Array.zip e a do
                            // Terms of size c cancel, and leave their rounding.
                            Expect.isLessThan (abs (e - a)) (1e-9 + 1e-12 * abs average) name

        testScoped "a step's gradient is the surrogate's at the compositions drawn, and c the average of those before"
        <| fun () ->
            let graph, data = Fixtures.language 3 3 2 Dispatch.Auto 8 4
            use streams = new RandomStreams 6L
            let settings = ReinforceSettings(0.75, Gradient = still 8L)
            use method = new Reinforce(graph, data, settings, streams)

            // The same draws, made again.
            use again = new RandomStreams 6L
            use batches = new MinibatchSampler(8L, 8L, again.MBatches)

            let draw (batch: Batch) =
                let output = graph.Forward(batch.Inputs, SampledSelector again.Sampling)
                graph.Head.LogLikelihood(output.Features, batch.Targets), output.Tape.LogProbability()

            let mutable average = nan

            for step in 1..3 do
                let seen = method.StepAndReport()
                let actual = gradients graph
                let batch = data.Get(batches.Next())

                if step = 1 then average <- (fst (draw batch)).mean().ToDouble()

                let logLikelihood, logP = draw batch

                let expected =
                    gradientsOf graph
                    <| fun () ->
                        let weight = logLikelihood.detach () - average.ToScalar()
                        (-(logLikelihood + weight * logP)).mean().backward()

                same expected actual $"step {step}"
                let mean = logLikelihood.mean().ToDouble()
                average <- 0.75 * average + 0.25 * mean
                Expect.floatClose Accuracy.high method.Average.Value average "c"
                Expect.floatClose Accuracy.high seen.Loss -mean "the loss reported"

        testScoped "without choices it is plain training"
        <| fun () ->
            let graph =
                new Graph(
                    [| new LinearNode("linear1", 3, 2, Activation.Tanh, true, doubles 1) :> Node |],
                    new GaussianHead(0.3, false, doubles 1)
                )

            let data = new Dataset(normal 1 [ 9; 3 ], normal 2 [ 9; 2 ])
            use streams = new RandomStreams 1L

            use method = new Reinforce(graph, data, ReinforceSettings(Gradient = still 9L), streams)

            method.Step()
            let actual = gradients graph

            let expected =
                gradientsOf graph
                <| fun () ->
                    let output = graph.Forward(data.Inputs, ModeSelector())
                    (-graph.Head.LogLikelihood(output.Features, data.Targets)).mean().backward()

            same expected actual "gradient"
    ]

/// log Σ_a p(a|x) p(y|x, a) of every datapoint, in plain arithmetic.
let private marginals (graph: Graph) (data: Dataset) (modules: int[]) =
    [|
        for a in (Compositions.All modules).unbind 0 ->
            let logLikelihood, logP = under graph data a
            Array.map2 (fun l p -> exp (l + p)) (numbers logLikelihood) (numbers logP)
    |]
    |> Array.reduce (Array.map2 (+))
    |> Array.map log

[<Tests>]
let exact =
    testList "exact likelihood" [
        for name, make, modules in enumerable do
            testScoped $"it is the sum over all compositions: {name}"
            <| fun () ->
                let graph, data = make ()
                use streams = new RandomStreams 1L
                use method = new ExactLikelihood(graph, data, still data.Count, streams)
                let expected = marginals graph data modules

                for n in 0 .. expected.Length - 1 do
                    Expect.floatClose Accuracy.high (method.LogLikelihood [| int64 n |]) expected[n] $"datapoint {n}"

                let seen = method.StepAndReport()
                Expect.floatClose Accuracy.high seen.Loss -(Array.average expected) "loss"
                Expect.floatClose Accuracy.high seen.LogLikelihood (Array.average expected) "log-likelihood"

            testScoped $"its gradient is the slope of that sum: {name}"
            <| fun () ->
                let graph, data = make ()
                use streams = new RandomStreams 1L
                use method = new ExactLikelihood(graph, data, still data.Count, streams)
                method.Step()

                for name, p in Slopes.parameters graph do
                    let slope () = scoped (fun () -> -(Array.average (marginals graph data modules)))

                    // A few elements of each parameter: every one costs two sums.
                    let some = p.view(-1L).narrow(0L, 0L, min 3L (p.numel ()))
                    let gradient = numbers (Slopes.gradient p) |> Array.truncate 3

                    for n, g in Array.zip (Slopes.differences slope some) gradient do
                        Expect.isLessThan (abs (n - g)) (1e-6 + 1e-4 * abs g) $"{name}: slope {n}, gradient {g}"

        testScoped "more compositions than can be gone through are refused with a remedy"
        <| fun () ->
            let graph, data = Fixtures.language 3 5 1 Dispatch.Auto 4 9
            use streams = new RandomStreams 1L

            Expect.equal
                (complaint (fun () -> new ExactLikelihood(graph, data, still 4L, streams) |> ignore))
                "enumeration: expected at most 65536 compositions per datapoint, got more with 9 choices of up to 5 modules – sample instead"
                "the message"
    ]

let private sizes: Sizes = {
    Seed = 9
    Batch = 4
    Modules = 4
    Choose = 2
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

[<Tests>]
let statics =
    testList "static modules" [
        testScoped "they train as the network of the first K modules alone"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 12
            let names = [ "pools.pool.weight"; "pools.pool.bias" ]
            let whole = names |> List.map (Fixtures.parameter graph)
            let before = [ for name, p in Slopes.parameters graph -> name, numbers p ]

            let leaves = [ for p in whole -> p.narrow(0L, 0L, 2L).detach().clone().requires_grad_ true ]

            use streams = new RandomStreams 1L

            use method = new StaticModules(graph, data, GradientSettings(12L, Optimizer = SgdKind(0.1, 0.0)), streams)

            for step in 1..5 do
                // Σ_k tanh(W_k x + b_k), under N(·, 0.3).
                let output =
                    [
                        for k in 0L .. 1L ->
                            (data.Inputs.matmul (leaves[0].select(0L, k).t()) + leaves[1].select(0L, k)).tanh()
                    ]
                    |> List.reduce (+)

                let variance = 0.3

                let logLikelihood =
                    ((data.Targets - output).pow(2.0.ToScalar()) / variance.ToScalar()
                     + (log (2.0 * System.Math.PI * variance)).ToScalar())
                        .sum(dim = 1L)
                        .mean()
                    * (-0.5).ToScalar()

                for leaf in leaves do
                    leaf.grad <- null

                (-logLikelihood).backward()
                let seen = method.StepAndReport()
                Expect.floatClose Accuracy.high seen.Loss -(logLikelihood.ToDouble()) $"loss of step {step}"
                Expect.equal seen.Statistics.ModulesUsed 2.0 "modules used"
                use _ = torch.no_grad ()

                for leaf in leaves do
                    leaf.sub_ (leaf.grad * 0.1.ToScalar()) |> ignore

            for leaf, p in List.zip leaves whole do
                Expect.isLessThan (distance leaf (p.narrow (0L, 0L, 2L))) 1e-12 "modules 0 and 1"

            for (name, before), (_, p) in List.zip before (Slopes.parameters graph) do
                let after = numbers p

                if name.Contains "controller" then
                    Expect.equal after before $"{name}: untouched"
                else
                    let half = before.Length / 2
                    Expect.equal after[half..] before[half..] $"{name}: modules 2 and 3 untouched"

            let output = graph.Forward(data.Inputs, method.Evaluating)
            Expect.equal (integers (output.Tape.Composition()) |> Array.distinct) [| 0; 1 |] "in evaluation too"
    ]
