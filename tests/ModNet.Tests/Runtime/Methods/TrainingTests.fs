module ModNet.Tests.TrainingTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private settings = EmSettings(3, 4, 8L, 8L, 1e-2)

/// A small image network with everything in it that keeps state or draws at random, in single precision.
let private images (streams: RandomStreams) =
    let init = Initialiser(streams.Init)

    let pool = new ConvPool("shapes", 3, 2, Convolution(2, 3, 1, 1), Activation.Relu, true, init.For(Init.He, 3))

    let modular name choose combine =
        new ModularLayer(name, new ConvController(2, 3, 3, choose, 3, init), pool, combine, Dispatch.Auto) :> Node

    let mixed =
        new NodePool(
            "mixed",
            [|
                new LinearNode("linear1", 16, 5, Activation.Relu, true, init)
                new ChainNode(
                    "chain1",
                    [|
                        new LinearNode("chain1/linear1", 16, 3, Activation.Tanh, true, init)
                        new DropoutNode("chain1/dropout1", 0.2, streams.Dropout)
                        new LinearNode("chain1/linear2", 3, 5, Activation.Identity, true, init)
                    |]
                )
            |]
        )

    let nodes: Node[] = [|
        new ConvNode("conv1", 1, Convolution(2, 3, 1, 1), Activation.Relu, true, init)
        new BatchNormNode("batch_norm1", 2, init)
        new ResidualNode("residual1", [| modular "residual1/modular1" 2 Combine.Sum |])
        modular "modular1" 2 Combine.Concat
        new PoolingNode("max_pool1", Pooling.Max, 2, 2)
        new FlattenNode("flatten1")
        new DropoutNode("dropout1", 0.3, streams.Dropout)
        new LayerNormNode("layer_norm1", [| 16L |], init)
        new ModularLayer("modular2", new MlpController(16, [| 4 |], 1, 2, init), mixed, Combine.Sum, Dispatch.Auto)
    |]

    let graph = new Graph(nodes, new SoftmaxHead(5, 4, init))

    let data = new Dataset((normal 1 [ 21; 1; 4; 4 ]).to_type torch.ScalarType.Float32, (indices 2 4 21 1).view(-1L))

    graph, data

[<Tests>]
let tests =
    testList "training" [
        testScoped "an image network with dropout and batch normalisation replays bit for bit"
        <| fun () ->
            let run seed disturb =
                use streams = new RandomStreams(seed)
                let graph, data = images streams
                use em = new ViterbiEm(graph, data, settings, streams)

                [
                    for _ in 1..3 do
                        (em.EStep()).After

                        for _ in 1..4 do
                            if disturb then torch.rand 3L |> ignore

                            (em.MStepAndReport()).Loss
                ]

            Expect.equal (run 1L false) (run 1L true) "the same seed, whatever the global generator does"
            Expect.notEqual (run 1L false) (run 2L false) "another seed"

        testScoped "no tensor of an image network outlives its step"
        <| fun () ->
            let streams = new RandomStreams 1L
            let graph, data = images streams
            use em = new ViterbiEm(graph, data, settings, streams)

            let steps count =
                for i in 1..count do
                    em.EStep() |> ignore
                    em.MStep()

                    if i % 10 = 0 then em.MStepAndReport() |> ignore

            steps 5
            GC.Collect()
            GC.WaitForPendingFinalizers()
            let before = (liveTensors ())
            steps 60
            Expect.isLessThanOrEqual (liveTensors ()) before "live tensors"
            graph.Dispose()
            data.Dispose()

        testScoped "its E-step never lowers the joint, and scores with dropout off and running averages"
        <| fun () ->
            use streams = new RandomStreams 2L
            let graph, data = images streams
            use em = new ViterbiEm(graph, data, settings, streams)

            for _ in 1..5 do
                em.MStep()

            let before = em.LogJoint(Fixtures.everything data)
            let report = em.EStep(Fixtures.everything data)
            Expect.floatClose Accuracy.medium report.Before before "what it began with"
            Expect.isGreaterThan report.After report.Before "rose"
            Expect.floatClose Accuracy.medium (em.LogJoint(Fixtures.everything data)) report.After "what it reached"
            Expect.isTrue graph.training "back in training"

        testScoped "a checkpoint holds every parameter and running average once, and the dropout stream"
        <| fun () ->
            inDirectory
            <| fun directory ->
                use streams = new RandomStreams 3L
                let graph, data = images streams
                use em = new ViterbiEm(graph, data, settings, streams)

                for _ in 1..3 do
                    em.MStep()

                use folder = RunFolder.Create directory
                Checkpoint.Write(folder, graph, em, streams, 3L)
                let path = folder.PathOf "checkpoint.safetensors"

                let kept =
                    (Safetensors.Read path).Keys
                    |> Seq.filter (fun name ->
                        not (
                            name.StartsWith "optimizer."
                            || name.StartsWith "random."
                            || name.StartsWith "em."
                            || name.StartsWith "method."
                            || name.StartsWith "run."
                        ))
                    |> List.ofSeq
                    |> List.sort

                Expect.equal
                    kept
                    (List.sort (
                        [ "batch_norm1.running_mean"; "batch_norm1.running_var" ]
                        @ List.map fst (Slopes.parameters graph)
                    ))
                    "names"

                Expect.containsAll (Safetensors.Read path).Keys [ "random.dropout" ] "stream"
                use fresh = new RandomStreams 4L
                let other, _ = images fresh

                let outputs (g: Graph) = g.InEvaluation(fun () -> g.Forward(data.Inputs, ModeSelector()).Features)

                Checkpoint.LoadWeights(path, other)
                Expect.equal (distance (outputs graph) (outputs other)) 0.0 "the same in evaluation"

        testScoped "modules that keep their parameters to themselves train as stacked ones do"
        <| fun () ->
            let modules = 5
            let init = doubles 1
            let stacked = new LinearPool("pool", modules, 3, 2, Activation.Tanh, true, init)

            let single =
                new NodePool(
                    "pool",
                    [|
                        for m in 0 .. modules - 1 ->
                            new LinearNode($"linear{m}", 3, 2, Activation.Tanh, true, init) :> Node
                    |]
                )

            use _ = torch.no_grad ()

            for name in [ "weight"; "bias" ] do
                for m in 0 .. modules - 1 do
                    (single.state_dict().[$"module{m}.{name}"]).copy_(stacked.state_dict().[name].select(0L, int64 m))
                    |> ignore

            let losses (pool: ModulePool) dispatch =
                use _ = torch.enable_grad ()
                let controller = new LinearController(3, 1, modules, doubles 2)
                let layer = new ModularLayer("modular1", controller, pool, Combine.Sum, dispatch)
                let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, doubles 3))
                let data = new Dataset(normal 3 [ 12; 3 ], normal 4 [ 12; 2 ])
                use streams = new RandomStreams 5L
                // Two datapoints a step: most modules are idle in most steps.
                use em = new ViterbiEm(graph, data, EmSettings(3, 4, 6L, 2L, 1e-2), streams)

                [
                    for _ in 1..10 do
                        (em.EStep()).After

                        for _ in 1..4 do
                            (em.MStepAndReport()).Loss
                ]

            let expected = losses stacked Dispatch.Wide

            for e, a in List.zip expected (losses single Dispatch.Grouped) do
                Expect.floatClose Accuracy.high a e "loss"

        testScoped "the log joint of a network without sites is its log-likelihood"
        <| fun () ->
            let graph =
                new Graph(
                    [| new LinearNode("linear1", 3, 2, Activation.Tanh, true, doubles 1) :> Node |],
                    new GaussianHead(0.3, false, doubles 1)
                )

            let data = new Dataset(normal 1 [ 9; 3 ], normal 2 [ 9; 2 ])
            use streams = new RandomStreams 1L
            use em = new ViterbiEm(graph, data, settings, streams)
            let output = graph.Forward(data.Inputs, ModeSelector())

            let expected = graph.Head.LogLikelihood(output.Features, data.Targets).sum().ToDouble()

            Expect.floatClose Accuracy.high (em.LogJoint(Fixtures.everything data)) expected "log-likelihood"
            Expect.isNull (em.EStep()) "no E-step"
            let report = em.EStep(Fixtures.everything data)
            Expect.equal report.Replaced 0L "nothing to replace"
            Expect.floatClose Accuracy.high report.After expected "an E-step that was asked for"
    ]
