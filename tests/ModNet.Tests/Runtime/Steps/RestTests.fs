/// Modules that nothing chose rest: every module is trained as by an optimiser of its own, which takes only the steps it is in use in.
module ModNet.Tests.RestTests

open System
open System.Collections.Generic
open Expecto
open ModNet.Runtime
open TorchSharp

let private modules = 5
let private width = 4
let private points = 6
let private lastStep = 7

/// Which modules a datapoint is given at a step, at all sites: in no step all of them, and in step 3 the same one everywhere.
let private compositions step (datapoints: int64[]) =
    let choices = 2 + 2 + 1 + 1

    let choice n c =
        if step = 3 then
            2L
        else
            // Steps go through the modules two by two; positions of one site may agree.
            int64 ((step + (n + c + step * c) % 2) % modules)

    torch
        .tensor(
            [|
                for n in datapoints do
                    for c in 0 .. choices - 1 -> choice (int n) c
            |]
        )
        .view(-1L, int64 choices)

let private used step = compositions step [| 0L .. int64 points - 1L |] |> integers |> Array.distinct |> Array.sort

/// Two layers that share a pool, one over modules of two layers, and one over modules that keep their parameters to themselves.
let private network (dtype: torch.ScalarType) dispatch =
    let init = Initialiser(generator 3, dtype)

    let linear name inputs outputs = new LinearPool(name, modules, inputs, outputs, Activation.Relu, true, init)

    let shared = linear "shared" width width

    let chained = new ChainPool("chained", [| linear "chained/a" width 3 :> ModulePool; linear "chained/b" 3 width |])

    let apart =
        new NodePool(
            "apart",
            [|
                for m in 0 .. modules - 1 -> new LinearNode($"m{m}", width, width, Activation.Tanh, true, init) :> Node
            |]
        )

    let layer name choose (pool: ModulePool) dispatch duplicates =
        new ModularLayer(
            name,
            new LinearController(width, choose, modules, init),
            pool,
            Combine.Sum,
            dispatch,
            duplicates
        )
        :> Node

    new Graph(
        [|
            layer "first" 2 shared dispatch Duplicates.Every
            layer "second" 2 shared dispatch Duplicates.Once
            layer "third" 1 chained Dispatch.Grouped Duplicates.Every
            layer "fourth" 1 apart Dispatch.Grouped Duplicates.Every
        |],
        new GaussianHead(0.3, false, init)
    )

let private data (dtype: torch.ScalarType) =
    new Dataset((normal 11 [ points; width ]).to_type dtype, (normal 12 [ points; width ]).to_type dtype)

let private loss (graph: Graph) (inputs: torch.Tensor) (targets: torch.Tensor) given =
    let output = graph.Forward(inputs, GivenSelector given)

    -(graph.Head.MeanLogLikelihood(output.Features, targets) + output.Tape.LogProbability().mean())

/// Trains by given compositions.
type private ByGiven(graph: Graph, data: Dataset, settings: GradientSettings, streams: RandomStreams) =
    inherit TrainingMethod(graph, data, settings, streams, torch.CPU)
    let mutable step = 0

    override this.LossOf(datapoints, batch) =
        let loss = loss this.Graph batch.Inputs batch.Targets (compositions step datapoints)
        step <- step + 1
        MinibatchLoss(loss, loss.detach (), fun () -> failwith "not asked for")

/// The module's rows of a pool's parameter, by its name; None where it is no one module's.
let private rowsOf (name: string) (p: torch.Tensor) m =
    if name.StartsWith "pools.apart" then
        if name.Contains $"module{m}." then Some p else None
    elif name.StartsWith "pools." then
        Some(p.select (0L, int64 m))
    else
        None

/// The oracle: an optimiser of libtorch's for every module, and one for all else.
let private byOracle (graph: Graph) (kind: OptimizerKind) (schedule: Schedule) (data: Dataset) =
    let named = [ for struct (name, p) in graph.named_parameters () -> name, p ]
    let copies = Dictionary<struct (string * int), TorchSharp.Modules.Parameter>()

    let optimisers = [
        for m in 0 .. modules - 1 ->
            let own = [
                for name, p in named do
                    match rowsOf name p m with
                    | Some row ->
                        let copy = new TorchSharp.Modules.Parameter(row.detach().clone())
                        copies[struct (name, m)] <- copy
                        copy
                    | None -> ()
            ]

            kind.Over own
    ]

    let others = [
        for name, p in named do
            if not (name.StartsWith "pools.") then p
    ]

    let rest = kind.Over others

    for step in 0 .. lastStep - 1 do
        for _, p in named do
            p.grad <- null

        (loss graph data.Inputs data.Targets (compositions step [| 0L .. int64 points - 1L |])).backward()
        let rate = kind.Rate * schedule.Factor(int64 step)

        for optimiser in rest :: optimisers do
            for group in optimiser.ParamGroups do
                group.LearningRate <- rate

        rest.step () |> ignore
        use _ = torch.no_grad ()

        for m in used step do
            for name, p in named do
                match copies.TryGetValue(struct (name, m)) with
                | true, copy ->
                    copy.grad <- if isNull p.grad then torch.zeros_like copy else (rowsOf name p.grad m).Value.clone()
                | _ -> ()

            optimisers[m].step() |> ignore

            for name, p in named do
                match copies.TryGetValue(struct (name, m)) with
                | true, copy -> (rowsOf name p m).Value.copy_ copy |> ignore
                | _ -> ()

let private kinds: (string * OptimizerKind) list = [
    "Adam", AdamKind 0.02
    "AdamW", AdamWKind(0.02, 0.3)
    "SGD", SgdKind(0.05, 0.8)
    "SGD without momentum", SgdKind(0.05, 0.0)
]

let private schedule = WarmupSchedule(2L, CosineSchedule 8L)

let private settings kind unselected =
    GradientSettings(int64 points, Optimizer = kind, Schedule = schedule, Unselected = unselected)

let private parameters (graph: Graph) = [ for struct (name, p) in graph.named_parameters () -> name, numbers p ]

let private linearDispatches = [
    Dispatch.Loop
    Dispatch.Grouped
    Dispatch.Wide
    Dispatch.Gather
    Dispatch.Kernel
    Dispatch.Auto
]

[<Tests>]
let tests =
    testList "resting modules" [
        for name, kind in kinds do
            for dtype, within in [ torch.ScalarType.Float64, 1e-12; torch.ScalarType.Float32, 3e-5 ] do
                testScoped $"{name} in {dtype} steps each module as an optimiser of its own would"
                <| fun () ->
                    use data = data dtype
                    use expected = network dtype Dispatch.Loop
                    byOracle expected kind schedule data

                    for dispatch in linearDispatches do
                        use graph = network dtype dispatch
                        use streams = new RandomStreams 1L
                        use method = new ByGiven(graph, data, settings kind Unselected.Rest, streams)

                        for _ in 1..lastStep do
                            method.Step()

                        for (name, e), (_, a) in List.zip (parameters expected) (parameters graph) do
                            for e, a in Array.zip e a do
                                Expect.isLessThan (abs (e - a)) within $"{dispatch}: {name}"

        for name, kind in kinds do
            testScoped $"{name} leaves what rests as it was, weights and memory, bit for bit"
            <| fun () ->
                let dtype = torch.ScalarType.Float32
                use data = data dtype
                use graph = network dtype Dispatch.Kernel
                use streams = new RandomStreams 1L
                use method = new ByGiven(graph, data, settings kind Unselected.Rest, streams)

                // Weights, and what the optimiser remembers of them.
                let everything () = [
                    for struct (name, p) in graph.named_parameters () do
                        name, (p: torch.Tensor).clone()

                    for struct (name, value) in method.OptimizerState() do
                        if not (name.EndsWith ".step") then name, value.clone ()
                ]

                method.Step()

                for step in 1 .. lastStep - 1 do
                    let before = everything ()
                    method.Step()
                    let idle = Array.except (used step) [| 0 .. modules - 1 |]
                    Expect.isNonEmpty idle "some rest"

                    // What an optimiser remembers begins with a module's first step.
                    let after = Map(everything ())

                    for name, b in before do
                        let a = after[name]

                        for m in idle do
                            match rowsOf name b m, rowsOf name a m with
                            | Some b, Some a -> Expect.equal (numbers a) (numbers b) $"step {step}, module {m}: {name}"
                            | _ -> ()

        for dtype in [ torch.ScalarType.Float64; torch.ScalarType.Float32 ] do
            testScoped $"steps that use every module are the optimiser's own ({dtype})"
            <| fun () ->
                let run unselected =
                    let init = Initialiser(generator 3, dtype)

                    let pool = new LinearPool("p", 3, width, width, Activation.Relu, true, init)

                    let layer =
                        new ModularLayer(
                            "modular1",
                            new LinearController(width, 1, 3, init),
                            pool,
                            Combine.Sum,
                            Dispatch.Kernel
                        )

                    let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
                    use data = data dtype
                    use streams = new RandomStreams 1L

                    use exact = new ExactLikelihood(graph, data, settings (AdamKind 0.02) unselected, streams)

                    for _ in 1..6 do
                        exact.Step()

                    parameters graph

                for (name, e), (_, a) in List.zip (run Unselected.Drift) (run Unselected.Rest) do
                    for e, a in Array.zip e a do
                        Expect.isLessThan (abs (e - a)) 1e-5 name

        for dtype in [ torch.ScalarType.Float64; torch.ScalarType.Float32 ] do
            testScoped
                $"gradients of pools have the rows in use alone, and are right where sites share a pool ({dtype})"
            <| fun () ->
                let gradients (dispatch: Dispatch) tracked =
                    let pool = new LinearPool("p", 6, 3, 3, Activation.Relu, true, Initialiser(generator 3, dtype))

                    if tracked then pool.Track(ModulesInUse 6)

                    let x = ((normal 4 [ 5; 3 ]).to_type dtype).requires_grad_()
                    // The first site uses modules 0 to 2, the second 1 to 4: none uses 5.
                    let y = dispatch.Run(pool, x, indices 5 3 5 2)
                    let z = dispatch.Run(pool, y.sum 1L, (indices 6 4 5 2).add(1L.ToScalar()))
                    (z * z).sum().backward()
                    [ pool.Weight.grad; pool.Bias.grad; x.grad ]

                for dispatch in [ Dispatch.Grouped; Dispatch.Kernel ] do
                    let sparse = gradients dispatch true
                    Expect.isTrue (sparse[0].is_sparse && sparse[1].is_sparse) $"{dispatch}: rows alone"

                    for gradient in List.take 2 sparse do
                        Expect.isFalse (Array.contains 5 (integers (gradient.SparseIndices))) $"{dispatch}: module 5"

                    for e, a in List.zip (gradients Dispatch.Loop false) sparse do
                        let a = if a.is_sparse then a.to_dense () else a
                        Expect.isLessThan (distance e a) 1e-4 $"{dispatch}"
    ]
