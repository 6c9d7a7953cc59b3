/// Gradients that are scaled down to a norm, against plain arithmetic.
module ModNet.Tests.ClipTests

open System
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open TorchSharp

let private modules = 5
let private width = 4
let private points = 6

/// Modules 0 and 3 alone, each at both layers, so that a row of a pool's gradient has several summands.
let private given (datapoints: int64[]) =
    torch
        .tensor(
            [|
                for n in datapoints do
                    yield! [ 3L * (n % 2L); 3L; 0L; 3L * (n % 3L % 2L) ]
            |]
        )
        .view(-1L, 4L)

/// Two layers of two choices that share a pool.
let private network (dtype: torch.ScalarType) (dispatch: Dispatch) =
    let init = Initialiser(generator 3, dtype)
    let pool = new LinearPool("shared", modules, width, width, Activation.Tanh, true, init)

    let layer name =
        new ModularLayer(name, new LinearController(width, 2, modules, init), pool, Combine.Sum, dispatch) :> Node

    new Graph([| layer "first"; layer "second" |], new GaussianHead(0.3, false, init))

let private loss (graph: Graph) (inputs: torch.Tensor) (targets: torch.Tensor) datapoints =
    let output = graph.Forward(inputs, GivenSelector(given datapoints))
    -(graph.Head.MeanLogLikelihood(output.Features, targets) + output.Tape.LogProbability().mean())

type private ByGiven(graph: Graph, data: Dataset, settings: GradientSettings, streams: RandomStreams) =
    inherit TrainingMethod(graph, data, settings, streams, torch.CPU)

    override this.LossOf(datapoints, batch) =
        let loss = loss this.Graph batch.Inputs batch.Targets datapoints
        MinibatchLoss(loss, loss.detach (), fun () -> failwith "not asked for")

let private data (dtype: torch.ScalarType) =
    new Dataset((normal 11 [ points; width ]).to_type dtype, (normal 12 [ points; width ]).to_type dtype)

let private values (graph: Graph) = [ for struct (name, p) in graph.named_parameters () -> name, numbers p ]

/// Every parameter's gradient of the whole data, by the plainest dispatch, zero where there is none.
let private gradients (graph: Graph) (data: Dataset) = [
    for struct (_, p) in graph.named_parameters () do
        p.grad <- null

    (loss graph data.Inputs data.Targets [| 0L .. int64 points - 1L |]).backward()

    for struct (_, p) in graph.named_parameters () do
        if isNull p.grad then Array.zeroCreate (int (p.numel ())) else numbers p.grad
]

let private normOf (gradients: float[] list) = gradients |> Seq.concat |> Seq.sumBy (fun g -> g * g) |> sqrt

let private trained dtype dispatch unselected kind clip steps =
    use graph = network dtype dispatch
    use data = data dtype
    use streams = new RandomStreams 1L

    let settings = GradientSettings(int64 points, Optimizer = kind, Unselected = unselected, ClipNorm = Nullable clip)

    use method = new ByGiven(graph, data, settings, streams)

    for _ in 1..steps do
        method.Step()

    values graph

[<Tests>]
let tests =
    testList "clipped gradients" [
        for dtype, within in [ torch.ScalarType.Float64, 1e-12; torch.ScalarType.Float32, 3e-6 ] do
            for unselected in [ Unselected.Drift; Unselected.Rest ] do
                testScoped
                    $"a step is of the gradient scaled to the norm, where its own is greater ({dtype}, {unselected})"
                <| fun () ->
                    let rate = 0.1
                    use plain = network dtype Dispatch.Loop
                    use data = data dtype
                    let before = values plain
                    let gradients = gradients plain data
                    let norm = normOf gradients
                    Expect.isGreaterThan norm 0.1 "something to scale"

                    for clip in [ 0.01 * norm; 0.5 * norm; 2.0 * norm ] do
                        let factor = min 1.0 (clip / norm)

                        for dispatch in
                            [ Dispatch.Loop; Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather; Dispatch.Kernel ] do
                            let after = trained dtype dispatch unselected (SgdKind(rate, 0.0)) clip 1

                            for (name, was), gradient, (_, found) in List.zip3 before gradients after do
                                for was, g, found in Array.zip3 was gradient found do
                                    let expected = was - rate * factor * g

                                    Expect.isLessThan
                                        (abs (found - expected))
                                        within
                                        $"{clip / norm}, {dispatch}: {name}"

                testScoped
                    $"many steps are those of an optimiser that is given scaled gradients ({dtype}, {unselected})"
                <| fun () ->
                    for kind in [ AdamKind 0.02 :> OptimizerKind; AdamWKind(0.02, 0.1); SgdKind(0.05, 0.8) ] do
                        use plain = network dtype Dispatch.Loop
                        use data = data dtype
                        let parameters = [ for struct (_, p) in plain.named_parameters () -> p ]
                        let oracle = kind.Over parameters
                        let clip = 0.3 * normOf (gradients plain data)

                        for _ in 1..5 do
                            let norm = normOf (gradients plain data)
                            use _ = torch.no_grad ()

                            for p in parameters do
                                if isNull p.grad then p.grad <- torch.zeros_like p
                                p.grad.mul_ ((min 1.0 (clip / norm)).ToScalar()) |> ignore

                            oracle.step () |> ignore

                        for dispatch in [ Dispatch.Grouped; Dispatch.Kernel ] do
                            let found = trained dtype dispatch unselected kind clip 5

                            for (name, e), (_, a) in List.zip (values plain) found do
                                // Modules that rest are not shrunk by AdamW; no gradient moves them otherwise.
                                let isPool = name.StartsWith "pools."
                                let perModule = e.Length / (if isPool then modules else 1)

                                for i in 0 .. e.Length - 1 do
                                    let rests = isPool && not (List.contains (i / perModule) [ 0; 3 ])

                                    if not (rests && unselected = Unselected.Rest) then
                                        Expect.isLessThan
                                            (abs (e[i] - a[i]))
                                            (30.0 * within)
                                            $"{kind}, {dispatch}: {name}"

        testScoped "gradients whose squares overflow are scaled as well"
        <| fun () ->
            let parameters = [
                for value in [ 3e30f; 4e30f ] ->
                    let p = new TorchSharp.Modules.Parameter(torch.zeros [| 1L |])
                    p.grad <- torch.tensor ([| value |])
                    p
            ]

            GradientNorm.Clip(parameters, 10.0, SpreadPools.None)
            let scaled = [ for p in parameters -> (numbers p.grad).[0] ]
            Expect.floatClose Accuracy.medium scaled[0] 6.0 "3 of 5"
            Expect.floatClose Accuracy.medium scaled[1] 8.0 "4 of 5"

        for method in
            [
                em {
                    optimizer (Sgd(1.0, 0.0))
                    clip_norm 1e-3
                }
                reinforce {
                    optimizer (Sgd(1.0, 0.0))
                    clip_norm 1e-3
                }
                noisy_topk {
                    k 1
                    optimizer (Sgd(1.0, 0.0))
                    clip_norm 1e-3
                }
                static_modules {
                    optimizer (Sgd(1.0, 0.0))
                    clip_norm 1e-3
                }
                exact {
                    optimizer (Sgd(1.0, 0.0))
                    clip_norm 1e-3
                }
            ] do
            testScoped $"{method.GetType().Name} takes its setting"
            <| fun () ->
                use streams = new RandomStreams 1L

                let problem =
                    new Runtime.ToyRegression(dimensions = 2, separation = 4.0, spread = 0.5, generator = streams.Data)

                let drawn = problem.Draw 256L
                use graph = compile 1 toy
                use trained = CompileMethod.make method graph drawn.Data streams torch.CPU
                let before = values graph
                trained.Step()

                let moved = normOf [ for (_, was), (_, is) in List.zip before (values graph) -> Array.map2 (-) was is ]

                Expect.isLessThan (abs (moved - 1e-3)) 1e-5 "a step at rate 1 is as long as the norm"
    ]
