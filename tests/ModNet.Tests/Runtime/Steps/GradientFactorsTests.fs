/// Gradients that are made of factors while the optimiser passes over the weights, against those that are tensors.
module ModNet.Tests.GradientFactorsTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

type private Case = {
    Kind: OptimizerKind
    Unselected: Unselected
    Activation: Activation
    Bias: bool
    Width: int
    /// Of the only layer's outputs; several layers that share the pool have the width of its inputs.
    Outputs: int
    Modules: int
    /// Modules that choices come from.
    InUse: int
    Choose: int
    Duplicates: Duplicates
    /// How many layers share the pool, and whether the last of them runs all modules.
    Layers: int
    Wide: bool
    Rows: int
    Threads: int
    Seed: int
}

type private Cases =
    static member Case() =
        gen {
            let! kind =
                Gen.elements [
                    AdamKind 0.02 :> OptimizerKind
                    AdamWKind(0.02, 0.3)
                    // At higher rates, several layers that share their weights come to infinities.
                    SgdKind(1e-4, 0.8)
                    SgdKind(1e-4, 0.0)
                ]

            let! unselected = Gen.elements [ Unselected.Drift; Unselected.Rest ]
            let! activation = Gen.elements [ Activation.Identity; Activation.Relu; Activation.Gelu ]
            let! bias = Gen.elements [ true; false ]
            let! width = Gen.elements [ 1; 3; 8; 16; 17; 50 ]
            let! outputs = Gen.elements [ 1; 4; 5; 33 ]
            let! modules = Gen.choose (1, 9)
            let! inUse = Gen.choose (1, modules)
            let! choose = Gen.choose (1, 3)
            let! duplicates = Gen.elements [ Duplicates.Every; Duplicates.Once ]
            let! layers = Gen.elements [ 1; 1; 1; 2; 3 ]
            let! wide = Gen.elements [ true; false ]
            let! rows = Gen.elements [ 1; 2; 7; 40; 150 ]
            let! threads = Gen.choose (1, 3)
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Kind = kind
                Unselected = unselected
                Activation = activation
                Bias = bias
                Width = width
                Outputs = if layers > 1 then width else outputs
                Modules = modules
                InUse = inUse
                Choose = choose
                Duplicates = duplicates
                Layers = layers
                Wide = wide && layers > 1
                Rows = rows
                Threads = threads
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 120 typeof<Cases> (20261130UL, 1UL)

/// Trains by given compositions, which differ from step to step.
type private ByGiven
    (graph: Graph, data: Dataset, settings: GradientSettings, streams, compositions: int -> torch.Tensor, scale: float)
    =
    inherit TrainingMethod(graph, data, settings, streams, torch.CPU)
    let mutable step = 0

    member _.Skip steps = step <- steps

    override this.LossOf(_, batch) =
        let output = this.Graph.Forward(batch.Inputs, GivenSelector(compositions step))

        let loss =
            -(this.Graph.Head.MeanLogLikelihood(output.Features, batch.Targets) + output.Tape.LogProbability().mean())

        step <- step + 1
        MinibatchLoss(loss * scale.ToScalar(), loss.detach (), fun () -> failwith "not asked for")

let private network (case: Case) =
    let init = Initialiser(generator case.Seed, torch.ScalarType.Float32)

    let pool = new LinearPool("shared", case.Modules, case.Width, case.Outputs, case.Activation, case.Bias, init)

    let layer n =
        new ModularLayer(
            $"layer{n}",
            new LinearController(case.Width, case.Choose, case.Modules, init),
            pool,
            Combine.Sum,
            (if case.Wide && n = case.Layers then Dispatch.Wide else Dispatch.Kernel),
            case.Duplicates
        )
        :> Node

    new Graph([| for n in 1 .. case.Layers -> layer n |], new GaussianHead(0.3, false, init)), pool

let private compositions (case: Case) step =
    let random = Random(case.Seed + 31 * step)

    torch
        .tensor([| for _ in 1 .. case.Rows * case.Choose * case.Layers -> int64 (random.Next case.InUse) |])
        .view(int64 case.Rows, -1L)

let private data (case: Case) =
    new Dataset(
        (normal (case.Seed + 1) [ case.Rows; case.Width ]).to_type torch.ScalarType.Float32,
        (normal (case.Seed + 2) [ case.Rows; case.Outputs ]).to_type torch.ScalarType.Float32
    )

let private settings (case: Case) (least: int64) =
    GradientSettings(int64 case.Rows, Optimizer = case.Kind, Unselected = case.Unselected, LeastFactored = least)

let private bits (values: seq<string * torch.Tensor>) = [
    for name, value in values -> name, (numbers value |> Array.map BitConverter.DoubleToInt64Bits)
]

let private everything (graph: Graph) (method: ByGiven) =
    bits [
        for struct (name, p) in graph.named_parameters () do
            name, (p :> torch.Tensor)

        for struct (name, value) in method.OptimizerState() do
            name, value
    ]

let private asTensors = Int64.MaxValue

[<Tests>]
let tests =
    testSequenced
    <| testList "gradients made of factors" [
        testPropertyWithConfig
            config
            "give the same bits as tensors do: weights and memory, on any threads, and where a run is resumed"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let threads = torch.get_num_threads ()
                torch.set_num_threads case.Threads

                try
                    use data = data case
                    // A run draws its minibatches by streams of its own.
                    use ofTensors = new RandomStreams 1L
                    use ofFactors = new RandomStreams 1L

                    let begun least streams =
                        let graph, pool = network case
                        graph, pool, new ByGiven(graph, data, settings case least, streams, compositions case, 1.0)

                    let expected, _, byTensors = begun asTensors ofTensors
                    let actual, pool, byFactors = begun 0L ofFactors
                    use byTensors = byTensors
                    use expected = expected
                    use actual = actual

                    for _ in 1..6 do
                        byTensors.Step()

                    for _ in 1..3 do
                        byFactors.Step()

                    // The rest of the steps are those of another process.
                    let saved =
                        SavedState(
                            "memory",
                            Dictionary(
                                dict [
                                    for struct (name, value) in byFactors.State() do
                                        name, value.clone ()
                                ]
                            )
                        )

                    let memory =
                        SavedState(
                            "memory",
                            Dictionary(
                                dict [
                                    for struct (name, value) in byFactors.OptimizerState() do
                                        name, value.clone ()
                                ]
                            )
                        )

                    byFactors.Dispose()
                    Expect.isNull pool.Factors "nothing is kept after the method"
                    use resumed = new ByGiven(actual, data, settings case 0L, ofFactors, compositions case, 1.0)
                    resumed.Restore saved
                    resumed.RestoreOptimizer memory
                    resumed.Skip 3

                    for _ in 1..3 do
                        resumed.Step()

                    for (name, e), (_, a) in List.zip (everything expected byTensors) (everything actual resumed) do
                        Expect.equal a e name
                finally
                    torch.set_num_threads threads

        testScoped "are kept where the weights are used once, and only there"
        <| fun () ->
            let kept layers least =
                let case = {
                    Kind = AdamKind 0.02
                    Unselected = Unselected.Drift
                    Activation = Activation.Relu
                    Bias = true
                    Width = 5
                    Outputs = 5
                    Modules = 4
                    InUse = 3
                    Choose = 2
                    Duplicates = Duplicates.Every
                    Layers = layers
                    Wide = false
                    Rows = 6
                    Threads = 1
                    Seed = 1
                }

                let graph, pool = network case
                use graph = graph
                let memories = [| for p in graph.parameters () -> case.Kind.Apart p |]
                use factored = new FactoredGradients([ pool ], memories, least)
                factored.Begin()
                use data = data case
                let output = graph.Forward(data.Inputs, GivenSelector(compositions case 0))
                (graph.Head.MeanLogLikelihood(output.Features, data.Targets)).backward()
                factored.End()
                Expect.equal (isNull (factored.Of pool.Weight)) (not (isNull pool.Weight.grad)) "one of the two"
                not (isNull (factored.Of pool.Weight))

            Expect.equal
                [ kept 1 0L; kept 1 (4L * 5L * 5L); kept 1 101L; kept 2 0L; kept 3 0L ]
                [ true; true; false; false; false ]
                "kept"

        for kind in [ AdamKind 0.02 :> OptimizerKind; SgdKind(0.05, 0.8) ] do
            for unselected in [ Unselected.Drift; Unselected.Rest ] do
                testScoped
                    $"that are not finite stop the run before its step, and are named ({kind.GetType().Name}, {unselected})"
                <| fun () ->
                    let case = {
                        Kind = kind
                        Unselected = unselected
                        Activation = Activation.Identity
                        Bias = false
                        Width = 4
                        Outputs = 4
                        Modules = 3
                        InUse = 2
                        Choose = 1
                        Duplicates = Duplicates.Every
                        Layers = 1
                        Wide = false
                        Rows = 6
                        Threads = 1
                        Seed = 1
                    }

                    use data =
                        new Dataset(
                            torch.full ([| 6L; 4L |], 1e20f.ToScalar()),
                            (normal 3 [ 6; 4 ]).to_type torch.ScalarType.Float32
                        )

                    let graph, pool = network case
                    use graph = graph

                    (use _ = torch.no_grad ()
                     pool.Weight.zero_ () |> ignore

                     for struct (_, p) in graph.named_parameters () do
                         p.zero_ () |> ignore)

                    use streams = new RandomStreams 1L
                    // The loss is finite, and so are rows and gradients in outputs; only their products are not.
                    use method = new ByGiven(graph, data, settings case 0L, streams, compositions case, 1e20)
                    let before = bits [ for struct (name, p) in graph.named_parameters () -> name, (p :> torch.Tensor) ]

                    Expect.throwsC (fun () -> method.Step()) (fun e ->
                        Expect.stringContains e.Message "finite gradients" "what is expected"
                        Expect.stringContains e.Message "pools.shared.weight" "where")

                    let after = bits [ for struct (name, p) in graph.named_parameters () -> name, (p :> torch.Tensor) ]
                    Expect.equal after before "the parameters are as they were"
    ]
