/// Elastic weight consolidation, against plain arithmetic over every datapoint by itself.
module ModNet.Tests.ConsolidationTests

open System.Collections.Generic
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open TorchSharp

let private modules = 5
let private width = 4

/// Three tasks of four, five and six points.
let private spans = [| TaskSpan("a", 0L, 4L, 4L); TaskSpan("b", 4L, 5L, 5L); TaskSpan("c", 9L, 6L, 6L) |]
let private points = 15

/// Two choices at each of two layers. Module 2 runs for datapoints of the first task alone, and module 4 never.
let private given (datapoints: int64[]) =
    torch
        .tensor(
            [|
                for n in datapoints do
                    yield! [ 3L * (n % 2L); (if n < 4L then 2L else 3L); 0L; (if n % 3L = 0L then 1L else 3L) ]
            |]
        )
        .view(-1L, 4L)

/// Two layers that share a pool.
let private network (dispatch: Dispatch) =
    let init = doubles 3
    let pool = new LinearPool("shared", modules, width, width, Activation.Tanh, true, init)

    let layer name =
        new ModularLayer(name, new LinearController(width, 2, modules, init), pool, Combine.Sum, dispatch) :> Node

    new Graph([| layer "first"; layer "second" |], new GaussianHead(0.3, false, init))

let private data () = new Dataset(normal 11 [ points; width ], normal 12 [ points; width ])

let private loss (graph: Graph) (batch: Batch) datapoints =
    let output = graph.Forward(batch.Inputs, GivenSelector(given datapoints))
    -(graph.Head.MeanLogLikelihood(output.Features, batch.Targets) + output.Tape.LogProbability().mean())

/// Trains on given choices, and writes down its minibatches.
type private ByGiven(graph: Graph, data: Dataset, settings: GradientSettings, streams: RandomStreams) =
    inherit TrainingMethod(graph, data, settings, streams, torch.CPU)
    member val Seen = ResizeArray<int64 array>()

    override this.LossOf(datapoints, batch) =
        this.Seen.Add datapoints
        let loss = loss this.Graph batch datapoints
        MinibatchLoss(loss, loss.detach (), fun () -> failwith "not asked for")

let private parameters (graph: Graph) = [ for struct (name, p) in graph.named_parameters () -> name, p ]
let private values (graph: Graph) = [ for name, p in parameters graph -> name, numbers p ]

/// The gradients of a scalar, zero where there are none.
let private gradientsOf (graph: Graph) (scalar: torch.Tensor) = [
    for _, p in parameters graph do
        p.grad <- null

    scalar.backward ()

    for _, p in parameters graph do
        if isNull p.grad then Array.zeroCreate (int (p.numel ())) else numbers p.grad
]

/// The mean of the squared gradients of each datapoint's scalar.
let private squares (graph: Graph) (datapoints: int64 list) (scalar: int64 -> torch.Tensor) =
    let each = [ for n in datapoints -> gradientsOf graph (scalar n) |> List.map (Array.map (fun g -> g * g)) ]

    each
    |> List.reduce (List.map2 (Array.map2 (+)))
    |> List.map (Array.map (fun sum -> sum / float datapoints.Length))

let private rate, lambda = 0.02, 0.3

let private settings unselected (weight: float) =
    GradientSettings(
        3L,
        Optimizer = SgdKind(rate, 0.0),
        Unselected = unselected,
        Stream = TaskStream(spans, Consolidation = ConsolidationPlan weight)
    )

let private close within (found: float array) (expected: float array) what =
    for place, (found, expected) in Seq.indexed (Seq.zip found expected) do
        Expect.isLessThan
            (abs (found - expected))
            (within * (1.0 + abs expected))
            $"{what}, {place}: {found}, expected {expected}"

[<Tests>]
let tests =
    testList "consolidation" [
        for unselected in [ Unselected.Drift; Unselected.Rest ] do
            for dispatch in [ Dispatch.Loop; Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather; Dispatch.Kernel ] do
                testScoped $"steps are those of the loss and the penalty, by hand ({unselected}, {dispatch})"
                <| fun () ->
                    use graph = network dispatch
                    use points = data ()
                    use streams = new RandomStreams 1L
                    use method = new ByGiven(graph, points, settings unselected lambda, streams)

                    for _ in 1..15 do
                        method.Step()

                    use plain = network Dispatch.Loop
                    plain.eval ()
                    let batchOf (datapoints: int64 array) = points.Get(torch.tensor datapoints)
                    let mutable importance = [ for _, p in parameters plain -> Array.zeroCreate (int (p.numel ())) ]
                    let mutable anchor = values plain |> List.map snd

                    for step, datapoints in Seq.indexed method.Seen do
                        for ended in 0..1 do
                            if int64 step = (if ended = 0 then 4L else 9L) then
                                let span = spans[ended]

                                importance <-
                                    squares plain [ span.First .. span.First + span.Count - 1L ] (fun n ->
                                        let one = batchOf [| n |]
                                        let output = plain.Forward(one.Inputs, ModeSelector())
                                        plain.Head.LogLikelihood(output.Features, one.Targets).sum())
                                    |> List.map2 (Array.map2 (+)) importance

                                anchor <- values plain |> List.map snd

                        let gradients = gradientsOf plain (loss plain (batchOf datapoints) datapoints)
                        let inUse = Set(integers (given datapoints))

                        for (name, p), (gradient, (important, before)) in
                            List.zip (parameters plain) (List.zip gradients (List.zip importance anchor)) do
                            let was = numbers p
                            let perModule = was.Length / (if name.StartsWith "pools." then modules else was.Length)

                            let after = [|
                                for i in 0 .. was.Length - 1 do
                                    let rests =
                                        unselected = Unselected.Rest
                                        && name.StartsWith "pools."
                                        && not (inUse.Contains(i / perModule))

                                    let pull = if rests then 0.0 else lambda * important[i] * (was[i] - before[i])
                                    was[i] - rate * (gradient[i] + pull)
                            |]

                            use _ = torch.no_grad ()
                            p.copy_ (torch.tensor(after).view p.shape) |> ignore

                    for (name, expected), (_, found) in List.zip (values plain) (values graph) do
                        close 1e-10 found expected name

                    let remembered = Map [ for struct (name, value) in method.OptimizerState() -> name, numbers value ]

                    for (name, _), (important, before) in List.zip (parameters plain) (List.zip importance anchor) do
                        close 1e-10 remembered[$"{name}.importance"] important $"importance of {name}"
                        close 1e-10 remembered[$"{name}.anchor"] before $"anchor of {name}"

        testScoped "the gradient is the penalty's slope"
        <| fun () ->
            use graph = network Dispatch.Auto
            use points = data ()
            let all = [ for name, p in parameters graph -> struct (name, p) ]
            use consolidation = new Consolidation(lambda, all, null)
            let datapoints = [| for n in 0L .. 3L -> struct (n, 1.0) |]

            consolidation.Add(
                datapoints,
                fun n ->
                    let one = points.Get(torch.tensor [| n |])

                    graph.Head
                        .LogLikelihood(graph.Forward(one.Inputs, GivenSelector(given [| n |])).Features, one.Targets)
                        .sum()
            )

            let state = Map [ for struct (name, value) in consolidation.State() -> name, value ]

            (use _ = torch.no_grad ()

             for seed, (_, p) in List.indexed (parameters graph) do
                 p.add_ (normal (40 + seed) [ for size in p.shape -> int size ]) |> ignore)

            consolidation.AddGradients()

            for name, p in parameters graph do
                let analytic = numbers (Slopes.gradient p)

                let penalty () =
                    use _scope = torch.NewDisposeScope()
                    let away = p - state[$"{name}.anchor"]
                    lambda / 2.0 * (state[$"{name}.importance"] * away * away).sum().ToDouble()

                close 1e-5 analytic (Slopes.differences penalty p) name

            // Modules 1 and 4: the one is chosen by datapoints 0 and 3, the other by none.
            let each = width * width

            let ofModule number =
                (numbers state["pools.shared.weight.importance"])[number * each .. (number + 1) * each - 1]

            Expect.allEqual (ofModule 4) 0.0 "no datapoint chose it"
            Expect.exists (ofModule 1) (fun value -> value > 0.0) "some did"

        testScoped "datapoints count by their weights"
        <| fun () ->
            use graph = network Dispatch.Auto
            use points = data ()

            let measured (datapoints: (int64 * float) list) =
                let all = [ for name, p in parameters graph -> struct (name, p) ]
                use consolidation = new Consolidation(lambda, all, null)

                consolidation.Add(
                    [| for n, weight in datapoints -> struct (n, weight) |],
                    fun n -> loss graph (points.Get(torch.tensor [| n |])) [| n |]
                )

                [ for struct (name, value) in consolidation.State() -> name, numbers value ]

            let twice = measured [ 0L, 2.0; 1L, 1.0; 2L, 0.0 ]
            let thrice = measured [ 0L, 0.5; 1L, 0.5; 0L, 0.5 ]

            for (name, found), (_, expected) in List.zip twice thrice do
                close 1e-12 found expected name

            for name, value in measured [ 0L, 0.0 ] do
                if name.EndsWith "importance" then Expect.allEqual value 0.0 "no weight at all"

        testScoped "EM keeps log p(y, a*|x)"
        <| fun () ->
            use graph = network Dispatch.Auto
            use points = data ()
            use streams = new RandomStreams 1L

            let stream = TaskStream(spans, Consolidation = ConsolidationPlan lambda)
            let own = EmSettings(3, 2, 4L, 3L, 1e-2, Stream = stream, ControllerWeight = 0.5)
            use method = new ViterbiEm(graph, points, own, streams)

            for _ in 1..4 do
                method.Step()

            let held = method.Assignments.ToTensor().narrow(0L, 0L, 4L).to_type torch.ScalarType.Int64

            let expected =
                squares graph [ 0L .. 3L ] (fun n ->
                    let one = points.Get(torch.tensor [| n |])
                    let output = graph.Forward(one.Inputs, GivenSelector(held.narrow (0L, n, 1L)))

                    graph.Head.LogLikelihood(output.Features, one.Targets).sum()
                    + 0.5.ToScalar() * output.Tape.LogProbability().sum())

            let before = values graph
            method.Step()
            let remembered = Map [ for struct (name, value) in method.OptimizerState() -> name, numbers value ]

            for (name, anchor), important in List.zip before expected do
                close 1e-10 remembered[$"{name}.importance"] important name
                Expect.equal remembered[$"{name}.anchor"] anchor name

            Expect.exists
                (parameters graph)
                (fun (name, _) ->
                    name.Contains "controller"
                    && Array.exists (fun value -> value > 0.0) remembered[$"{name}.importance"])
                "controllers are kept as well"

        testScoped "measured datapoints are the task's own, drawn by the seed"
        <| fun () ->
            let span = TaskSpan("a", 10L, 50L, 3L)
            let drawn seed = span.Draw(20L, seed, "consolidation")
            Expect.equal (drawn 4L) (drawn 4L) "the same again"
            Expect.notEqual (drawn 4L) (drawn 5L) "others by another seed"
            Expect.equal (Array.sort (Array.distinct (drawn 4L))) (drawn 4L) "different, in order"
            Expect.all (drawn 4L) (fun n -> n >= 10L && n < 60L) "of the task"
            Expect.equal (span.Draw(99L, 4L, "consolidation")) [| 10L .. 59L |] "all where there are fewer"
    ]
