/// Ranks that train one network together, faked by threads of this process: what one rank does with all shards, several do with their own, to the last bit.
module ModNet.Tests.RankTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open TorchSharp

/// A modular layer between two plain ones, with batch normalisation and dropout.
let internal classes =
    network "classes" {
        features 4
        linear 6 |> tanh
        batch_norm
        dropout 0.3

        modular {
            modules 3
            unit (linear 5 |> tanh)
        }

        linear 3
        categorical
    }

open ModNet.Tests.NetworkRuns

/// The bytes of everything that a method has learned and remembers, by name. Modules that live on ranks are all on the rank that leads.
let private remembered (graph: Graph) (method: TrainingMethod) : (string * byte[]) list =
    let state = Dictionary<string, torch.Tensor>(graph.state_dict ())

    for struct (name, value) in method.State() do
        state.Add(name, value)

    for struct (name, value) in method.OptimizerState() do
        state.Add($"optimizer.{name}", value)

    graph.Spread.Gather state

    [ for KeyValue(name, value) in state -> name, value.detach().cpu().contiguous().bytes.ToArray() ]
    |> List.sortBy fst

/// Trains a few steps; what is remembered, and what was reported of every step.
let internal trained
    (method: Method)
    (build: unit -> Graph * Dataset * RandomStreams)
    (steps: int)
    (ranks: Ranks)
    : (string * byte[]) list * float list =
    scoped
    <| fun () ->
        let graph, data, streams = build ()
        use graph = graph
        use data = data
        use streams = streams
        use method = CompileMethod.on ranks method graph data streams torch.CPU
        method.Begin()

        let reports = [
            for _ in 1..steps do
                let seen = method.StepAndReport()

                yield! [
                    seen.Loss
                    seen.LogLikelihood
                    seen.Statistics.SelectionEntropy
                    seen.Statistics.BatchSelectionEntropy
                    seen.Statistics.EffectiveModules
                    Option.ofNullable seen.Score.Accuracy |> Option.defaultValue -1.0
                    Option.ofNullable seen.Score.SquaredError |> Option.defaultValue -1.0
                    Option.ofNullable method.Reassigned |> Option.defaultValue -1.0
                ]
        ]

        method.Settle()
        remembered graph method, reports

let internal sharded count (method: Method) = method.WithGradient { method.Gradient with Shards = Some count }

let internal sameBits what (expected: (string * byte[]) list, seen: float list) (found, reported) =
    Expect.equal (List.map fst found) (List.map fst expected) $"{what}: names"

    for (name, e), (_, f) in List.zip expected found do
        if e <> f then failtest $"{what}: {name} differs"

    Expect.equal
        (List.map BitConverter.DoubleToInt64Bits reported)
        (List.map BitConverter.DoubleToInt64Bits seen)
        $"{what}: reports"

/// Four shards on one rank, on two and on four.
let private agree method build steps =
    let method = sharded 4 method
    let alone = trained method build steps Ranks.Alone

    for count in [ 1; 2; 4 ] do
        for found in ThreadRanks.Run(count, Func<Ranks, _>(trained method build steps)) do
            sameBits $"{count} ranks" alone found

let private ofNetwork (dtype: torch.ScalarType) weighted (network: Network) () =
    let streams = new RandomStreams 5L
    let graph = Compile.graph (Initialiser(streams.Init, dtype)) streams.Dropout network

    let batch =
        Batches.draw
            { Datapoints = 11; Steps = NetworkRuns.steps; Seed = 5; DType = dtype; Weighted = weighted }
            network

    graph, new Dataset(batch.Inputs, batch.Targets, batch.Side), streams

let internal ems = [
    for rest in [ Drift; Rest ] ->
        em {
            samples 2
            m_steps 2
            batch 5
            optimizer (Adam 0.02)
            unselected rest
            clip_norm 1.0
        }
]

let internal methods = [
    "EM", ems[0]
    "EM whose modules rest", ems[1]
    "REINFORCE",
    reinforce {
        batch 5
        optimizer (Adam 0.02)
    }
    "noisy top-k",
    noisy_topk {
        k 2
        importance 0.1
        load 0.1
        batch 5
    }
    "loss-free top-k",
    loss_free_topk {
        k 2
        update_rate 0.1
        batch 5
    }
    "static", static_modules { batch 5 }
    "exact", exact { batch 5 }
]

let private loosely steps (method: Method) = method.WithGradient { method.Gradient with LooseRounds = Some steps }

let private values (graph: Graph) = [ for struct (name, p) in graph.named_parameters () -> name, numbers p ]

[<Tests>]
let tests =
    testList "ranks" [
        testPropertyWithConfig (config 2101 40) "a balanced tree over groups is the tree over all"
        <| fun (PositiveInt groups) (NonNegativeInt power) (seed: int) ->
            let groups, each = 1 + groups % 7, 1 <<< power % 4
            let random = Random seed

            let parts = [
                for _ in 1 .. groups * each -> (random.NextDouble() - 0.5) * Math.Pow(10.0, float (random.Next 20))
            ]

            let tree parts = BalancedTree<float>.Of(parts, fun a b -> a + b)
            tree (parts |> List.chunkBySize each |> List.map tree) = tree parts

        testScoped "messages of any length reach every rank, and sums are those of the tree"
        <| fun () ->
            for count in [ 1; 2; 3; 5 ] do
                let said rank = Array.init (rank * 3000) (fun i -> byte (i + rank))
                let part rank n = [| for i in 0 .. n - 1 -> (float i + 0.1) * Math.Pow(-3.0, float rank) |]

                let results =
                    ThreadRanks.Run(
                        count,
                        fun ranks ->
                            scoped (fun () ->
                                let sums = [
                                    for n in [ 0; 1; 7; 1000 ] ->
                                        let sum = torch.tensor (part ranks.Rank n)
                                        ranks.Sum sum
                                        numbers sum
                                ]

                                let exchanged =
                                    ranks.Exchange [| for other in 0 .. count - 1 -> said (ranks.Rank + other) |]

                                ranks.Gather(ReadOnlySpan(said ranks.Rank)),
                                exchanged,
                                ranks.Any((ranks.Rank = 1)),
                                sums)
                    )

                results
                |> Array.iteri (fun rank (gathered, exchanged, any, sums) ->
                    Expect.equal gathered [| for r in 0 .. count - 1 -> said r |] "gathered"
                    Expect.equal exchanged [| for r in 0 .. count - 1 -> said (r + rank) |] "exchanged"
                    Expect.equal any (count > 1) "any"

                    for n, sum in List.zip [ 0; 1; 7; 1000 ] sums do
                        let expected =
                            Array.init n (fun i ->
                                BalancedTree<float>.Of([ for r in 0 .. count - 1 -> (part r n)[i] ], fun a b -> a + b))

                        Expect.equal sum expected "summed")

        testCase "ranks in one process have as many threads as who started them"
        <| fun () ->
            let before = torch.get_num_threads ()

            try
                for count in [ 1; 2; 3 ] do
                    torch.set_num_threads count
                    // Another thread says how many a thread has that was not told.
                    let other = System.Threading.Thread(fun () -> torch.set_num_threads (4 - count))
                    other.Start()
                    other.Join()

                    Expect.equal
                        (ThreadRanks.Run(2, Func<Ranks, _>(fun _ -> torch.get_num_threads ())))
                        [| count; count |]
                        "threads"
            finally
                torch.set_num_threads before

        testPropertyWithConfig (config 2102 15) "any network ends with the same bits on 1, 2 and 4 ranks"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            if scoped (fun () -> not (Seq.isEmpty ((compiled network).parameters()))) then
                let method = ems[network.Layers.Length % 2]
                let weighted = network.Layers.Length % 3 = 0
                agree method (ofNetwork torch.ScalarType.Float32 weighted network) 4)

        for name, method in methods do
            testCase $"{name} ends with the same bits on 1, 2 and 4 ranks"
            <| fun () ->
                agree method (ofNetwork torch.ScalarType.Float32 true classes) 7

                if not (name.Contains "loss-free") then
                    agree (loosely 3 method) (ofNetwork torch.ScalarType.Float32 false classes) 7

        testCase "a text whose state is carried is shared out by stretches"
        <| fun () ->
            let build () =
                let streams = new RandomStreams 5L
                let graph, data = Fixtures.resuming streams 2 true
                graph, data, streams

            agree ems[1] build 7

        testPropertyWithConfig (config 2103 40) "gradients of shards add up to those of the minibatch"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            scoped
            <| fun () ->
                let network = without network

                let penalised = LayerTree.all network.Layers |> List.exists (fun layer -> layer.IsLocality)

                let method =
                    static_modules {
                        batch 11
                        optimizer (Sgd(0.1, 0.0))
                    }

                let after shards =
                    let graph, data, streams = ofNetwork torch.ScalarType.Float64 true network ()
                    use graph = graph
                    use data = data
                    use streams = streams

                    if Seq.isEmpty (graph.parameters ()) then
                        []
                    else
                        use method = CompileMethod.make (sharded shards method) graph data streams torch.CPU
                        method.Step()
                        values graph

                // Units that belong together over a minibatch are another matter over a part of it.
                if not penalised then
                    for (name, whole), (_, cut) in List.zip (after 1) (after 4) do
                        for w, c in Array.zip whole cut do
                            Expect.isLessThan (abs (w - c)) (1e-9 * (1.0 + abs w)) name)

        testScoped "a loose round averages a module by how often shards chose it, and all else alike"
        <| fun () ->
            let rate, points, width, modules = 0.1, 12, 3, 2

            let build () =
                let init = doubles 3
                let pool = new LinearPool("pool", modules, width, width, Activation.Tanh, true, init)

                let layer =
                    new ModularLayer("modular1", new GivenController(1, modules), pool, Combine.Sum, Dispatch.Loop)

                new Graph([| layer :> Node |], new GaussianHead(0.3, true, init))

            let chosen = [| for n in 0 .. points - 1 -> if n % 4 = 0 then 1L else 0L |]
            let inputs, targets = normal 1 [ points; width ], normal 2 [ points; width ]
            let given = torch.tensor(chosen).unsqueeze 1L

            use order = new RandomStreams 1L
            use sampler = new MinibatchSampler(int64 points, int64 points, order.MBatches)
            let minibatch = TensorArrays.Vector<int64>(sampler.Next())

            // One step of each half by itself.
            let alone = [
                for half in minibatch |> Array.splitInto 2 ->
                    use graph = build ()
                    let rows = torch.tensor half

                    let output =
                        graph.Forward(
                            inputs.index_select (0L, rows),
                            ModeSelector(),
                            SideInputs(null, given.index_select (0L, rows))
                        )

                    let loss = -graph.Head.MeanLogLikelihood(output.Features, targets.index_select (0L, rows))

                    let uses = [|
                        for m in 0 .. modules - 1 ->
                            half |> Array.filter (fun n -> chosen[int n] = int64 m) |> Array.length |> float
                    |]

                    uses,
                    [
                        for (name, was), (_, gradient) in List.zip (values graph) (gradientsOf graph loss) ->
                            name, Array.map2 (fun w g -> w - rate * g) was gradient
                    ]
            ]

            use graph = build ()
            use data = new Dataset(inputs.clone (), targets.clone (), SideInputs(null, given.clone ()))
            use streams = new RandomStreams 1L

            let settings =
                GradientSettings(int64 points, Optimizer = SgdKind(rate, 0.0), Shards = 2, LooseRounds = Nullable 1L)

            use method = new StaticModules(graph, data, settings, streams)
            method.Step()

            let uses = List.map fst alone

            values graph
            |> List.iteri (fun index (name, found) ->
                let parts = [ for _, after in alone -> snd after[index] ]
                let perModule = found.Length / (if name.StartsWith "pools." then modules else 1)

                found
                |> Array.iteri (fun i value ->
                    let shares =
                        if name.StartsWith "pools." then
                            [
                                for used in uses ->
                                    used[i / perModule] / List.sumBy (fun (u: float[]) -> u[i / perModule]) uses
                            ]
                        else
                            [ 0.5; 0.5 ]

                    let expected = List.map2 (fun (part: float[]) share -> part[i] * share) parts shares |> List.sum
                    Expect.isLessThan (abs (value - expected)) 1e-12 $"{name}[{i}]"))

        testCase "where one rank fails, all end, and say what it said"
        <| fun () ->
            let message =
                Expect.throwsC
                    (fun () ->
                        ThreadRanks.Run(
                            4,
                            fun ranks ->
                                if ranks.Rank = 2 then failwith "rank 2 is out of paper"
                                ranks.Meet()
                        )
                        |> ignore)
                    _.Message

            Expect.equal message "rank 2 is out of paper" "the message"

        testCase "a loss that is not finite in one shard is refused by all ranks, and nothing has changed"
        <| fun () ->
            let seen =
                ThreadRanks.Run(
                    2,
                    fun ranks ->
                        scoped
                        <| fun () ->
                            let graph, data, streams = ofNetwork torch.ScalarType.Float32 false classes ()
                            use graph = graph
                            use data = data
                            use streams = streams
                            let method = sharded 2 (static_modules { batch 11 })
                            use method = CompileMethod.on ranks method graph data streams torch.CPU
                            method.Step()
                            // Squares of it overflow in the one shard that has it.
                            use _noGrad = torch.no_grad ()
                            data.Inputs.select(0L, 4L).fill_(Single.NaN.ToScalar()) |> ignore
                            let before = values graph

                            let message =
                                try
                                    use _grad = torch.enable_grad ()
                                    method.Step()
                                    ""
                                with :? NonFiniteException as e ->
                                    e.Message

                            message, before = values graph
                )

            for message, isSame in seen do
                Expect.stringContains message "in what layer linear1 gives" "the place"
                Expect.equal message (fst seen[0]) "one message"
                Expect.isTrue isSame "the parameters"

        testCase "a number of shards that ranks cannot share is refused"
        <| fun () ->
            for shards, ranks in [ 4, 3; 2, 4; 6, 2 ] do
                let refused =
                    Expect.throwsC
                        (fun () -> ThreadRanks.Run(ranks, (fun ranks -> Sharding(shards, ranks).Count)) |> ignore)
                        (fun e -> e :?> UserException)

                Expect.stringContains refused.Message $"shards: expected on {ranks} ranks" "where, and what is expected"

        testCase "ranks that differ are refused, with what differs, all with the same words"
        <| fun () ->
            let messages =
                ThreadRanks.Run(
                    3,
                    fun ranks ->
                        try
                            RankAgreement.Demand(
                                ranks,
                                [|
                                    struct ("seed", "1", "x")
                                    struct ("data", (if ranks.Rank = 2 then "b" else "a"), "give the same")
                                |]
                            )

                            ""
                        with :? UserException as e ->
                            e.Message
                )

            Expect.all messages (fun m -> m = messages[0]) "the same"
            let host = Environment.MachineName

            Expect.equal
                messages[0]
                $"data of rank 2, on {host}: expected that of rank 0, on {host}: a, got b – give the same"
                "the message"
    ]
