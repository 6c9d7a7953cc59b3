/// Modules that live on ranks, faked by threads of this process: values and gradients are those of an ordinary pool, and bits do not depend on the number of ranks.
module ModNet.Tests.SpreadTests

open System
open System.IO
open System.Threading
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private sizes seed count = {
    FsCheckConfig.defaultConfig with
        maxTest = count
        arbitrary = [ typeof<Fixtures.Arbitraries> ]
        replay = Some(uint64 (seed: int), 1UL, None)
}

/// What a pool gives for rows and choices, and the gradients of the sum of its outputs times fixed factors: outputs, that in x, those in its parameters.
let private run (s: Sizes) (pool: ModulePool) (dispatch: Dispatch) (finish: unit -> unit) rank rows chosen =
    let x = (normal (s.Seed + 10 * rank + 1) [ rows; s.Inputs ]).requires_grad_()
    let y = dispatch.Run(pool, x, chosen)
    let upstream = normal (s.Seed + 10 * rank + 2) [ for size in y.shape -> int size ]
    (y * upstream).sum().backward()
    finish ()
    numbers (y.detach ()), numbers x.grad

/// The rows of a rank: some have fewer than others, and one asks for two modules alone.
let private choices (s: Sizes) modules rank =
    let rows = s.Batch + rank
    rows, indices (s.Seed + 10 * rank + 3) (if rank = 1 then 2 else modules) rows s.Choose

/// A network whose pools are spread wherever they can be, with M a multiple of 4.
let private spreading isSpread (network: Network) =
    let change (modular: Modular) =
        match modular with
        | { Pool = { Units = [ [ Layer.Linear _ ] ] as units; Modules = modules } as pool } ->
            let modules = 4 * ((modules + 3) / 4)

            let controller =
                match modular.Controller with
                | custom when custom.IsCustom -> Linear
                | Factored _ -> Factored [ 2; modules / 2 ]
                | other -> other

            {
                modular with
                    Pool = { pool with Modules = modules; Spread = isSpread; Units = units }
                    Dispatch = Auto
                    Controller = controller
            }
        | other -> other

    LayerTree.modulars change network

let private isSpread (network: Network) =
    Expect.wantOk (Check.plan network) "sound" |> _.Pools |> List.exists _.Pool.Spread

let private graphOn ranks dtype (network: Network) =
    let streams = new RandomStreams 5L
    let plan = Expect.wantOk (Check.plan network) "sound"
    Compile.onRanks ranks (Initialiser(streams.Init, dtype)) streams.Dropout plan, streams

let private build dtype weighted datapoints network ranks () =
    let graph, streams = graphOn ranks dtype network

    let batch =
        Batches.draw { Datapoints = datapoints; Steps = steps; Seed = 5; DType = dtype; Weighted = weighted } network

    graph, new Dataset(batch.Inputs, batch.Targets, batch.Side), streams

/// Four shards on one rank, on two and on four.
let private agree method (build: Ranks -> unit -> Graph * Dataset * RandomStreams) steps =
    let method = RankTests.sharded 4 method
    let on count = ThreadRanks.Run(count, fun ranks -> RankTests.trained method (build ranks) steps ranks)
    let alone = RankTests.trained method (build Ranks.Alone) steps Ranks.Alone

    for count in [ 2; 4 ] do
        let found = on count
        RankTests.sameBits $"{count} ranks" alone found[0]
        // The others have the same of all that is not spread, and report the same.
        for _, reports in found do
            Expect.equal reports (snd alone) "reports"

let private classes = spreading true RankTests.classes

/// The same where every minibatch has a datapoint for each of four shards.
let private enough (method: Method) =
    let method = method.WithGradient { method.Gradient with Batch = 6 }

    match method with
    | Method.Em em -> Method.Em { em with EBatch = 6 }
    | other -> other

/// A language model with a recurrent layer whose modules are spread, and datapoints that follow each other.
let private text (ranks: Ranks) () =
    let streams = new RandomStreams 5L
    let vocabulary, width, modules, window = 6, 3, 4, 2
    let init = Initialiser streams.Init
    let pool = new SpreadPool("words", modules, 2 * width, width, Activation.Identity, true, init, ranks)
    let controller = new LinearController(2 * width, 1, modules, init)

    let nodes: Node[] = [|
        new EmbedNode("embed1", vocabulary, width, init)
        new ModularGru("modular_gru1", width, width, controller, pool, Combine.Sum, Dispatch.Auto, init)
    |]

    let graph = new Graph(nodes, new SoftmaxHead(width, vocabulary, init))
    let text = indices 3 vocabulary (23 * window + 1) 1

    let windows start = text.view(-1L).narrow(0L, int64<int> start, 23L * int64 window).view(23L, int64 window).clone()

    graph, new Dataset(windows 0, windows 1, consecutive = true), streams

/// Trains in a folder on some ranks, to step `last` of 12, and gives what is in the checkpoint but for the time it took.
let private trainIn directory count last resume =
    ThreadRanks.Run(
        count,
        fun ranks ->
            scoped
            <| fun () ->
                let graph, data, streams = build torch.ScalarType.Float32 false 23 classes ranks ()
                use graph = graph
                use streams = streams
                let method = RankTests.sharded 4 (enough RankTests.ems[1])
                let gradient = { method.Gradient with AverageWeights = Some 0.9 }
                use method = CompileMethod.on ranks (method.WithGradient gradient) graph data streams torch.CPU

                // Rank 0 makes the folder before others look into it.
                if not ranks.Leads then ranks.Meet()

                use folder =
                    match ranks.Leads, resume with
                    | false, _ -> RunFolder.Follow directory
                    | true, true -> RunFolder.Open directory
                    | true, false -> RunFolder.Create directory

                if ranks.Leads then ranks.Meet()
                use splits = new DataSplits(data, [| data |], [||])
                let labels = RoutingLabels(null, null, null)
                let plan = RoutingPlan(Nullable 5L, 4L, 7L)
                let routing = RoutingRecorder(graph, method, splits, labels, plan, folder, torch.CPU)
                use stop = new CancellationTokenSource()

                let trainer =
                    Trainer(
                        graph,
                        method,
                        splits,
                        TrainingPlan(12L, 2L, 4L, 3L),
                        folder,
                        streams,
                        torch.CPU,
                        routing,
                        Say = Action<string>(failtestf "said: %s")
                    )

                let seen (progress: Progress) = if progress.Line.Step = int64<int> last then stop.Cancel()
                trainer.Run(seen, stop.Token, resume) |> ignore
    )
    |> ignore

    [
        for file in [ "checkpoint.safetensors"; "best.safetensors"; "routing.safetensors"; "routing/5.safetensors" ] do
            let path = Path.Combine(directory, file)

            if File.Exists path then
                for KeyValue(name, value) in Safetensors.Read path |> Seq.sortBy _.Key do
                    if not (Learned.isTimed name) then
                        $"{file}: {name}", (List.ofArray value.shape, Convert.ToHexString(value.bytes.ToArray()))
    ]

[<Tests>]
let tests =
    testList "spread pools" [
        testPropertyWithConfig (sizes 2201 25) "values and every gradient are those of an ordinary pool"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let modules = 4 * s.Modules
                let make () = doubles s.Seed

                for count in [ 1; 2; 4 ] do
                    let found =
                        ThreadRanks.Run(
                            count,
                            fun ranks ->
                                scoped
                                <| fun () ->
                                    use pool =
                                        new SpreadPool(
                                            "p",
                                            modules,
                                            s.Inputs,
                                            s.Outputs,
                                            s.Activation,
                                            s.Bias,
                                            make (),
                                            ranks
                                        )

                                    pool.Begin()
                                    let rows, chosen = choices s modules ranks.Rank
                                    let given = run s pool Dispatch.Auto pool.PutGradients ranks.Rank rows chosen

                                    given,
                                    numbers pool.Weight.grad,
                                    (if s.Bias then numbers pool.Bias.grad else [||]),
                                    pool.parameters () |> Seq.sumBy _.numel()
                        )

                    use whole = new LinearPool("p", modules, s.Inputs, s.Outputs, s.Activation, s.Bias, make ())

                    let expected = [
                        for rank in 0 .. count - 1 ->
                            let rows, chosen = choices s modules rank
                            run s whole Dispatch.Loop ignore rank rows chosen
                    ]

                    let near what (e: float[]) (f: float[]) =
                        Expect.equal f.Length e.Length what
                        Array.iter2 (fun e f -> Expect.isLessThan (abs (e - f)) 1e-9 $"{count} ranks: {what}") e f

                    for rank, ((outputs, ofX), _, _, kept) in Array.indexed found do
                        near "outputs" (fst expected[rank]) outputs
                        near "gradient in x" (snd expected[rank]) ofX
                        Expect.equal (int64 count * kept) (whole.parameters () |> Seq.sumBy _.numel()) "parameters"

                    near
                        "gradient in weight"
                        (numbers whole.Weight.grad)
                        (found |> Array.collect (fun (_, weight, _, _) -> weight))

                    if s.Bias then
                        near
                            "gradient in bias"
                            (numbers whole.Bias.grad)
                            (found |> Array.collect (fun (_, _, bias, _) -> bias))

        testPropertyWithConfig (config 2202 25) "any network gives the same spread as not"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            if isSpread (spreading true network) then
                scoped
                <| fun () ->
                    let after isSpread =
                        let network = spreading isSpread network

                        let graph, data, streams = build torch.ScalarType.Float64 true 11 network Ranks.Alone ()

                        use graph = graph
                        use data = data
                        use streams = streams
                        let method = RankTests.ems[network.Layers.Length % 2]
                        use method = CompileMethod.make method graph data streams torch.CPU

                        for _ in 1..4 do
                            method.Step()

                        [ for struct (name, p) in graph.named_parameters () -> name, numbers p ]

                    for (name, e), (other, f) in List.zip (after false) (after true) do
                        Expect.equal other name "names"
                        Array.iter2 (fun e f -> Expect.isLessThan (abs (e - f)) (1e-6 * (1.0 + abs e)) name) e f)

        testPropertyWithConfig (config 2203 25) "any network ends with the same bits on 1, 2 and 4 ranks"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            let network = spreading true network

            if isSpread network then
                let method = enough RankTests.ems[network.Layers.Length % 2]
                agree method (build torch.ScalarType.Float32 (network.Layers.Length % 3 = 0) 11 network) 4)

        for name, method in RankTests.methods do
            testCase $"{name} ends with the same bits on 1, 2 and 4 ranks"
            <| fun () -> agree (enough method) (build torch.ScalarType.Float32 true 11 classes) 7

        testCase "averages of weights are the same bits on 1, 2 and 4 ranks"
        <| fun () ->
            let method = enough RankTests.ems[0]
            let method = method.WithGradient { method.Gradient with AverageWeights = Some 0.9 }
            agree method (build torch.ScalarType.Float32 false 11 classes) 5

        testCase "a modular GRU over a text whose state is carried ends with the same bits on 1, 2 and 4 ranks"
        <| fun () ->
            for method in RankTests.ems do
                agree method text 7

        testCase "an E-step in many small passes ends with the same bits, however they are shared out"
        <| fun () ->
            let left ranks =
                scoped
                <| fun () ->
                    let graph, data, streams = build torch.ScalarType.Float32 false 22 classes ranks ()
                    use graph = graph
                    use data = data
                    use streams = streams
                    // One candidate of one datapoint at a time; of 11 datapoints, shards have 2 or 3.
                    let settings = EmSettings(3, 2, 11L, 11L, Shards = 4, EStepBytes = 1L)
                    use method = new ViterbiEm(graph, data, settings, streams, torch.CPU, Ranks = ranks)
                    let seen = [ for _ in 1..4 -> method.EStep() ]
                    numbers (method.Assignments.ToTensor()), [ for step in seen -> step.Replaced, step.After ]

            let alone = left Ranks.Alone
            Expect.isGreaterThan (snd alone |> List.sumBy fst) 0L "some choices are replaced"

            for count in [ 2; 4 ] do
                for found in ThreadRanks.Run(count, left) do
                    Expect.equal found alone $"{count} ranks"

        testInDirectory "a run that is stopped goes on with another number of ranks as if nothing had happened"
        <| fun directory ->
            let at name = Path.Combine(directory, name)
            let whole = trainIn (at "whole") 1 -1 false
            Expect.isTrue (whole |> List.exists (fst >> (=) "routing.safetensors: selections/modular1")) "a trace"

            for first, second in [ 2, 2; 4, 1; 1, 2; 2, 4 ] do
                let folder = at $"{first}-{second}"
                trainIn folder first 6 false |> ignore
                let found = trainIn folder second -1 true

                Expect.equal (List.map fst found) (List.map fst whole) "names"

                for (name, e), (_, f) in List.zip whole found do
                    if e <> f then failtest $"{first} ranks, then {second}: {name} differs"

        testCase "where a number is not finite, all ranks refuse the step, and say where"
        <| fun () ->
            let refused (spoil: Ranks -> Graph -> Dataset -> unit) =
                ThreadRanks.Run(
                    2,
                    fun ranks ->
                        scoped
                        <| fun () ->
                            let graph, data, streams = build torch.ScalarType.Float32 false 12 classes ranks ()
                            use graph = graph
                            use data = data
                            use streams = streams
                            let method = RankTests.sharded 4 (static_modules { batch 12 })
                            use method = CompileMethod.on ranks method graph data streams torch.CPU
                            method.Step()

                            using (torch.no_grad ()) (fun _ -> spoil ranks graph data)

                            try
                                method.Step()
                                ""
                            with :? NonFiniteException as e ->
                                e.Message
                )

            let nan = Single.NaN.ToScalar()

            let ofData = refused (fun _ _ data -> data.Inputs.select(0L, 4L).fill_ nan |> ignore)

            // Static modules choose module 0, which rank 0 has.
            let ofModule =
                refused (fun ranks graph _ ->
                    if ranks.Leads then (graph.Pools[0] :?> SpreadPool).Weight.select(0L, 0L).fill_ nan |> ignore)

            for said, part in [ ofData, "in what layer linear1 gives"; ofModule, "nan in pools.modular1/pool.weight" ] do
                Expect.all said (fun message -> message = said[0]) "one message"
                Expect.stringContains (said[0].ToLowerInvariant()) part "the place"

        testCase "what ranks cannot do with spread modules is refused"
        <| fun () ->
            let refusal (build: Ranks -> Graph * Dataset * RandomStreams) method =
                Expect.throwsC
                    (fun () ->
                        ThreadRanks.Run(
                            2,
                            fun ranks ->
                                scoped
                                <| fun () ->
                                    let graph, data, streams = build ranks
                                    use graph = graph
                                    use data = data
                                    use streams = streams
                                    use _method = CompileMethod.on ranks method graph data streams torch.CPU
                                    ()
                        )
                        |> ignore)
                    (fun e -> (e :?> UserException).Message)

            let usual ranks = build torch.ScalarType.Float32 false 11 classes ranks ()

            let odd ranks =
                let change (modular: Modular) = { modular with Pool = { modular.Pool with Modules = 3 } }
                build torch.ScalarType.Float32 false 11 (LayerTree.modulars change classes) ranks ()

            let fewer = RankTests.sharded 4 (static_modules { batch 4 })

            Expect.equal
                (refusal odd fewer)
                "pool modular1/pool, whose modules are spread: expected a number of modules that 2 ranks share alike, got M = 3 – give it more or fewer modules, start another number of ranks, or leave `spread` out"
                "modules"

            Expect.equal
                (refusal usual fewer)
                "train/batch: expected 4 datapoints or more in every minibatch, one for each shard, where modules are spread, got 3 in the last one of a pass through 11 datapoints – give another `batch`, or cut minibatches into fewer shards"
                "a last minibatch"

            Expect.stringContains
                (refusal
                    usual
                    (RankTests.sharded
                        2
                        (em {
                            batch 11
                            e_batch 10
                        })))
                "train/e_batch: expected 2 datapoints or more"
                "a last minibatch of E-steps"

            let loosely =
                static_modules {
                    batch 11
                    shards 2
                    loose_rounds 3
                }

            Expect.stringContains (refusal usual loosely) "train/loose_rounds: expected none" "loose rounds"

        testCase "a rank sends rows that others have modules for, and no weights"
        <| fun () ->
            let modules, width, batch = 64, 256, 128

            let sent =
                ThreadRanks.Run(
                    2,
                    fun ranks ->
                        scoped
                        <| fun () ->
                            let init = Initialiser(generator 1)

                            use pool = new SpreadPool("p", modules, width, width, Activation.Relu, true, init, ranks)

                            let x = torch.randn(int64<int>(batch / 2), int64 width).requires_grad_()
                            let chosen = indices (3 + ranks.Rank) modules (batch / 2) 1
                            let y = Dispatch.Auto.Run(pool, x, chosen)
                            y.sum().backward()
                            pool.PutGradients()
                            let away = numbers chosen |> Array.filter (fun m -> int m / 32 <> ranks.Rank)
                            ranks.BytesSent, away.Length
                )

            let asked = Array.sumBy snd sent

            for bytes, away in sent do
                // x and the gradient in y go there, y and the gradient in x come back, and a module's number goes with every row.
                let back = asked - away
                Expect.isLessThan bytes (int64 (2 * 4 * width * (away + back) + 4 * away + 100)) "bytes"
                Expect.isGreaterThan bytes (int64 (2 * 4 * width * (away + back))) "bytes"
    ]
