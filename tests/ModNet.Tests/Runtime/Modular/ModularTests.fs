module ModNet.Tests.ModularTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private form = Convolution(2, 3, 1, 1)

/// A perceptron of two layers, stacked.
let private perceptron modules inputs outputs seed =
    new ChainPool(
        "pool",
        [|
            new LinearPool("pool/linear1", modules, inputs, 4, Activation.Tanh, true, doubles seed)
            new LinearPool("pool/linear2", modules, 4, outputs, Activation.Tanh, false, doubles (seed + 1))
        |]
    )
    :> ModulePool

let private linear modules inputs outputs seed =
    new LinearPool("pool", modules, inputs, outputs, Activation.Tanh, true, doubles seed) :> ModulePool

let private convolutions modules seed =
    new ConvPool("pool", modules, 2, form, Activation.Tanh, true, doubles seed) :> ModulePool

/// Both kinds of rows that are not plain vectors of one linear map: pool, a row's shape, a controller's inputs.
let private units modules = [
    "MLP", perceptron modules 3 3 1, [ 3 ], 3
    "convolution", convolutions modules 1, [ 2; 3; 4 ], 24
]

let private layer (controller: Controller) pool combine =
    new ModularLayer("modular1", controller, pool, combine, Dispatch.Auto)

let private through (node: Node) (x: torch.Tensor) (selector: Selector) =
    let route = Route(selector)
    node.Forward(x, route), route.Tape

let private copyTo (target: torch.Tensor) (source: torch.Tensor) =
    use _ = torch.no_grad ()
    target.copy_ source |> ignore

[<Tests>]
let layers =
    testList "modular layer" [
        for name, _, _, _ in units 1 do
            testScoped $"M = K = 1 is the plain {name}, values and gradients"
            <| fun () ->
                let _, pool, row, inputs = units 1 |> List.find (fun (other, _, _, _) -> other = name)

                let plain: Node =
                    match name with
                    | "MLP" ->
                        new ChainNode(
                            "chain1",
                            [|
                                new LinearNode("linear1", 3, 4, Activation.Tanh, true, doubles 8)
                                new LinearNode("linear2", 4, 3, Activation.Tanh, false, doubles 8)
                            |]
                        )
                    | _ -> new ConvNode("conv1", 2, form, Activation.Tanh, true, doubles 8)

                let pairs = List.zip (Slopes.parameters pool) (Slopes.parameters plain)

                for (_, stacked), (_, own) in pairs do
                    copyTo own (stacked.select (0L, 0L))

                let controller = new LinearController(inputs, 1, 1, doubles 2)
                let x = normal 3 (4 :: row)
                let expected, _ = through plain x (ModeSelector())
                let actual, tape = through (layer controller pool Combine.Sum) x (ModeSelector())
                Expect.isLessThan (distance expected actual) 1e-12 "outputs"
                Expect.equal (numbers (tape.LogProbability())) (Array.zeroCreate 4) "certain"
                let upstream = torch.randn_like expected
                (expected * upstream).sum().backward()
                (actual * upstream).sum().backward()

                for (name, stacked), (_, own) in pairs do
                    let gradient = (Slopes.gradient stacked).select(0L, 0L)
                    Expect.isLessThan (distance gradient (Slopes.gradient own)) 1e-12 name

            testScoped $"relabelling modules of a pool of {name} units changes nothing"
            <| fun () ->
                let pick modules = units modules |> List.find (fun (other, _, _, _) -> other = name)

                let _, pool, row, inputs = pick 4
                let _, relabelled, _, _ = pick 4
                let order = torch.tensor [| 2L; 0L; 3L; 1L |]

                for (_, source), (_, target) in List.zip (Slopes.parameters pool) (Slopes.parameters relabelled) do
                    copyTo target (source.index_select (0L, order))

                let controller = new LinearController(inputs, 2, 4, doubles 2)
                let other = new LinearController(inputs, 2, 4, doubles 3)

                for (_, source), (_, target) in List.zip (Slopes.parameters controller) (Slopes.parameters other) do
                    copyTo target (source.view(2L, 4L, -1L).index_select(1L, order).view_as source)

                let chosen = indices 4 4 5 2
                let x = normal 3 (5 :: row)
                let names = order.argsort().index_select(0L, chosen.view -1L).view_as chosen

                for combine in [ Combine.Sum; Combine.Concat ] do
                    let expected, tape = through (layer controller pool combine) x (GivenSelector chosen)

                    let actual, relabelledTape = through (layer other relabelled combine) x (GivenSelector names)

                    Expect.isLessThan (distance expected actual) 1e-12 $"{combine}"

                    Expect.isLessThan
                        (distance (tape.LogProbability()) (relabelledTape.LogProbability()))
                        1e-12
                        "log p(a|x)"

        testScoped "units of images are summed, or put side by side in channels"
        <| fun () ->
            let pool = convolutions 3 1
            let x = normal 3 [ 4; 2; 3; 5 ]
            let chosen = indices 4 3 4 2

            let unit b k = pool.Apply((integers chosen)[2 * b + k], x.narrow (0L, int64 b, 1L))

            let run combine =
                through (layer (new LinearController(30, 2, 3, doubles 2)) pool combine) x (GivenSelector chosen) |> fst

            let sum, concat = run Combine.Sum, run Combine.Concat
            Expect.equal concat.shape [| 4L; 4L; 3L; 5L |] "shape"

            for b in 0..3 do
                let row (y: torch.Tensor) = y.narrow (0L, int64 b, 1L)
                Expect.isLessThan (distance (row sum) (unit b 0 + unit b 1)) 1e-12 "sum"
                Expect.isLessThan (distance (row concat) (torch.cat ([| unit b 0; unit b 1 |], 1L))) 1e-12 "channels"

        testScoped "on sequences it is the layer of single rows, with a site at every step"
        <| fun () ->
            for pool in [ linear 4 3 2 1; perceptron 4 3 2 1 ] do
                for combine in [ Combine.Sum; Combine.Concat ] do
                    let controller = new LinearController(3, 2, 4, doubles 2)
                    let node = layer controller pool combine
                    let x = normal 3 [ 5; 6; 3 ]
                    let chosen = indices 4 4 5 12
                    let y, tape = through node x (GivenSelector chosen)

                    let rows, rowTape = through node (x.view (30L, 3L)) (GivenSelector(chosen.view (30L, 2L)))

                    Expect.equal y.shape [| 5L; 6L; rows.shape[1] |] "shape"
                    Expect.isLessThan (distance (y.view (30L, -1L)) rows) 1e-12 "outputs"

                    Expect.isLessThan
                        (distance (tape.LogProbability()) (rowTape.LogProbability().view(5L, 6L).sum(dim = 1L)))
                        1e-12
                        "log p(a|x)"

                    Expect.equal
                        [ for e in tape.Entries -> e.Site ]
                        [ for t in 0..5 -> Site("modular1", t, 2 * t, 2, 4, Pool = "pool") ]
                        "sites"

                    Expect.equal (integers (tape.Composition())) (integers chosen) "composition"

        testScoped "an E-step on sequences of a modular layer scores windows as they are"
        <| fun () ->
            let node = layer (new LinearController(3, 2, 4, doubles 2)) (linear 4 3 3 1) Combine.Sum

            let graph = new Graph([| node :> Node |], new SoftmaxHead(3, 5, doubles 6))
            let data = new Dataset(normal 3 [ 7; 4; 3 ], indices 4 5 7 4)
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, EmSettings(6, 3, 8L, 8L, 1e-2), streams)
            Expect.equal em.Assignments.Choices 8 "a choice of 2 at each of 4 steps"
            let report = em.EStep(Fixtures.everything data)
            let held = em.Assignments.Get(ReadOnlySpan(Fixtures.everything data))
            let output = graph.Forward(data.Inputs, GivenSelector held)

            let joint = graph.Head.LogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability()

            Expect.floatClose Accuracy.high report.After (joint.sum().ToDouble()) "sum of joints"
            Expect.isGreaterThan report.Replaced 0L "some are replaced"

        testScoped "duplicates once: a module that several positions chose counts once"
        <| fun () ->
            for name, pool, row, inputs in ("linear", linear 3 3 2 1, [ 3 ], 3) :: units 3 do
                let controller = new LinearController(inputs, 4, 3, doubles 2)
                let x = normal 3 (6 :: row)
                let chosen = indices 4 3 6 4

                let node =
                    new ModularLayer(
                        "modular1",
                        controller,
                        pool,
                        Combine.Sum,
                        Dispatch.Auto,
                        duplicates = Duplicates.Once
                    )

                let y, tape = through node x (GivenSelector chosen)

                for b, choices in integers chosen |> Array.chunkBySize 4 |> Array.indexed do
                    let expected =
                        choices
                        |> Array.distinct
                        |> Array.map (fun m -> pool.Apply(m, x.narrow (0L, int64 b, 1L)))
                        |> Array.reduce (fun a b -> a + b)

                    Expect.isLessThan (distance (y.narrow (0L, int64 b, 1L)) expected) 1e-12 $"{name}: row {b}"

                Expect.equal (integers (tape.Composition())) (integers chosen) "the composition keeps every position"

            Expect.throwsC
                (fun () ->
                    new ModularLayer(
                        "modular1",
                        new LinearController(3, 2, 3, doubles 1),
                        linear 3 3 2 1,
                        Combine.Concat,
                        Dispatch.Auto,
                        duplicates = Duplicates.Once
                    )
                    |> ignore)
                (fun e -> Expect.stringContains e.Message "modular1: expected combination by Sum" "")

        testScoped "duplicates once in a modular GRU too"
        <| fun () ->
            let pool = linear 1 5 3 1

            let gru duplicates choose =
                new ModularGru(
                    "modular_gru1",
                    2,
                    3,
                    new LinearController(5, choose, 1, doubles 2),
                    pool,
                    Combine.Sum,
                    Dispatch.Auto,
                    doubles 4,
                    duplicates
                )

            let run node = through node (normal 3 [ 2; 4; 2 ]) (ModeSelector()) |> fst

            let one = run (gru Duplicates.Every 1)
            Expect.isLessThan (distance (run (gru Duplicates.Once 3)) one) 1e-12 "once"
            Expect.isGreaterThan (distance (run (gru Duplicates.Every 3)) one) 1e-6 "every"

        testScoped "a modular GRU takes modules of any make, and refuses those of another width"
        <| fun () ->
            let gru pool =
                new ModularGru(
                    "modular_gru1",
                    2,
                    3,
                    new LinearController(5, 2, 2, doubles 2),
                    pool,
                    Combine.Sum,
                    Dispatch.Auto,
                    doubles 4
                )

            let x = normal 3 [ 2; 4; 2 ]
            let y, tape = through (gru (perceptron 2 5 3 1)) x (ModeSelector())
            Expect.equal y.shape [| 2L; 4L; 3L |] "states"
            Expect.equal tape.Entries.Count 4 "sites"

            fails
                (fun () -> through (gru (perceptron 2 5 1 1)) x (ModeSelector()) |> ignore)
                "modular_gru1: expected modules that give 3 wide states"

            fails (fun () -> gru (linear 2 5 1 1) |> ignore) "modular_gru1: expected modules 5 → 3 wide"
    ]

/// The gradients, by name, that a loss leaves in a graph.
let private gradientsOf (graph: Graph) (loss: unit -> torch.Tensor) =
    graph.zero_grad ()
    (loss ()).backward()
    Map [ for name, p in Slopes.parameters graph -> name, Slopes.gradient p ]

[<Tests>]
let stopped =
    testList "stop_gradient" [
        for stop in [ true; false ] do
            testScoped $"{stop}: what earlier layers get of the controller's loss"
            <| fun () ->
                let init = doubles 1

                let modular =
                    new ModularLayer(
                        "modular1",
                        new LinearController(3, 2, 4, init),
                        linear 4 3 3 2,
                        Combine.Sum,
                        Dispatch.Auto,
                        stopGradient = stop
                    )

                let gru =
                    new ModularGru(
                        "modular_gru1",
                        3,
                        3,
                        new LinearController(6, 2, 2, init),
                        new LinearPool("cells", 2, 6, 3, Activation.Tanh, true, init),
                        Combine.Sum,
                        Dispatch.Auto,
                        init,
                        stopGradient = stop
                    )

                for node, rows, head in
                    [
                        modular :> Node, [ 5; 3 ], new GaussianHead(0.5, false, init) :> Head
                        gru, [ 5; 4; 3 ], new SoftmaxHead(3, 6, init)
                    ] do
                    let before = new LinearNode("linear1", 3, 3, Activation.Tanh, true, init)
                    let graph = new Graph([| before :> Node; node |], head)
                    let x = normal 3 rows

                    let y =
                        match head with
                        | :? GaussianHead -> normal 4 rows
                        | _ -> indices 4 6 5 4

                    let steps = if rows.Length = 3 then rows[1] else 1
                    let chosen = indices 5 2 5 (2 * steps)

                    let likelihood () = graph.Head.MeanLogLikelihood(graph.Forward(x, GivenSelector chosen).Features, y)

                    let joint () = likelihood () + graph.Forward(x, GivenSelector chosen).Tape.LogProbability().mean()

                    let alone, both = gradientsOf graph likelihood, gradientsOf graph joint
                    let differ name = distance alone[name] both[name] > 1e-9

                    for name in both.Keys do
                        if name.Contains "controller" then
                            Expect.isTrue (differ name) $"{name} learns to choose"
                        elif name.StartsWith "linear1" || name.StartsWith $"{node.Name}.gate" then
                            Expect.equal (differ name) (not stop) name
                        elif name.StartsWith "head" || name.EndsWith "/pool.weight" then
                            Expect.isFalse (differ name) name
    ]
