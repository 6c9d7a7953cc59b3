/// Numbers that are none stop training, with what, where, and the last good checkpoint.
module ModNet.Tests.NonFiniteTests

open System
open System.IO
open System.Threading
open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

/// A node that gives what comes in, until the step in which it fails: by its output, or only by its gradient.
type private Failing(name: string, failsAt: int, fail: torch.Tensor -> torch.Tensor) =
    inherit Node(name)
    let mutable passes = 0

    override this.Forward(x, _) =
        if this.training then
            passes <- passes + 1
            if passes >= failsAt then fail x else x
        else
            x

let private nan' = Single.NaN
let private output (x: torch.Tensor) = x * torch.tensor nan'
// √0 has the right value, and an infinite slope.
let private slope (x: torch.Tensor) = x + (x - x).abs().sqrt()

let private graphWith (node: Node) =
    let init = doubles 1

    new Graph(
        [|
            new LinearNode("linear1", 3, 4, Activation.Tanh, true, init) :> Node
            node
            new LinearNode("linear2", 4, 2, Activation.Identity, true, init)
        |],
        new GaussianHead(0.3, false, init)
    )

let private data () = new Dataset(normal 2 [ 12; 3 ], normal 3 [ 12; 2 ])

let private settings = GradientSettings(4L, Optimizer = AdamKind 1e-2)

let private values (graph: Graph) = [
    for KeyValue(name, value) in graph.state_dict () -> name, Convert.ToHexString(value.bytes.ToArray())
]

let private stepOf (checkpoint: string) =
    let stored = Safetensors.Read checkpoint
    stored["run.step"].item<int64>()

let private plan = TrainingPlan(20L, 1L, 100L, 3L)

/// Trains, and gives what is said.
let private said (graph: Graph) (data: Dataset) (splits: DataSplits) directory =
    use streams = new RandomStreams(3L)
    use method = new StaticModules(graph, data, settings, streams)
    use folder = RunFolder.Create directory

    let trainer = Trainer(graph, method, splits, plan, folder, streams, torch.CPU, Say = Action<string> ignore)

    let message = ref ""

    Expect.throwsC (fun () -> trainer.Run(ignore, CancellationToken.None) |> ignore) (fun e ->
        Expect.isTrue (e :? UserException) $"a user's mistake: {e}"
        message.Value <- e.Message)

    message.Value

let private stops name failing (parts: string list) =
    testInDirectory name
    <| fun directory ->
        scoped
        <| fun () ->
            let graph = graphWith (new Failing("mine1", 8, failing))
            let data = data ()
            let message = said graph data (new DataSplits(data, [||], [||])) directory
            let checkpoint = Path.Combine(directory, "checkpoint.safetensors")

            for part in "step 8" :: parts @ [ $"the last good checkpoint is {checkpoint}" ] do
                Expect.stringContains message part "the message"

            Expect.equal (stepOf checkpoint) 6L "the checkpoint of step 6"

            for KeyValue(name, value) in graph.state_dict () do
                Expect.isTrue (value.isfinite().all().ToBoolean()) $"{name} is as it was"

[<Tests>]
let tests =
    testList "numbers that are none" [
        stops "a layer's output stops training, and is named" output [
            "expected a finite loss"
            "NaN in what layer mine1 gives"
        ]

        stops "a gradient stops training, and its parameters are named" slope [
            "expected finite gradients"
            "in linear1.weight"
            "in linear1.bias"
        ]

        testInDirectory "a loss that a head makes of finite numbers"
        <| fun directory ->
            scoped
            <| fun () ->
                let init = Initialiser(generator 1)

                let graph =
                    new Graph(
                        [| new LinearNode("linear1", 1, 1, Activation.Identity, false, init) :> Node |],
                        new GaussianHead(0.3, false, init)
                    )

                let far = new Dataset(torch.ones (4L, 1L), torch.ones(4L, 1L).mul(torch.tensor 1e30f))

                let message = said graph far (new DataSplits(far, [||], [||])) directory

                for part in
                    [ "step 1: expected a finite loss"; "every layer gives finite numbers"; "no checkpoint yet" ] do
                    Expect.stringContains message part "the message"

        testInDirectory "a parameter that a step makes infinite is never kept in a checkpoint"
        <| fun directory ->
            scoped
            <| fun () ->
                let graph = graphWith (new Failing("mine1", 99, output))
                let data = data ()
                use streams = new RandomStreams(3L)
                use method = new StaticModules(graph, data, settings, streams)
                use folder = RunFolder.Create directory

                let spoil (progress: Progress) =
                    if progress.Line.Step = 6L then
                        use _noGrad = torch.no_grad ()
                        (Fixtures.parameter graph "linear2.bias").fill_(infinity.ToScalar()) |> ignore

                let trainer = Trainer(graph, method, new DataSplits(data, [||], [||]), plan, folder, streams, torch.CPU)

                complains (fun () -> trainer.Run(spoil, CancellationToken.None) |> ignore) [
                    "step 6: expected finite parameters after the step, got Infinity in linear2.bias"
                ]

                let checkpoint = folder.PathOf "checkpoint.safetensors"
                Expect.equal (stepOf checkpoint) 3L "of step 3"

        testInDirectory "data that are not finite are refused before the first step, by datapoint"
        <| fun directory ->
            scoped
            <| fun () ->
                let spoilt place value =
                    let x, y = normal 2 [ 12; 3 ], normal 3 [ 12; 2 ]
                    let one = (if place = "x" then x else y).select(0L, 7L).select(0L, 1L)
                    one.fill_ ((value: float).ToScalar()) |> ignore
                    new Dataset(x, y)

                let graph () = graphWith (new Failing("mine1", 99, output))

                use streams = new RandomStreams(3L)

                for place, value, text in [ "x", nan, "NaN"; "y", -infinity, "-Infinity" ] do
                    complains (fun () -> (new StaticModules(graph (), spoilt place value, settings, streams)).Dispose()) [
                        $"training data: expected finite numbers in {place}, got {text} in datapoint 7"
                    ]

                let data = data ()

                let message = said (graph ()) data (new DataSplits(data, [||], [| spoilt "x" nan |])) directory

                Expect.stringContains message "test data: expected finite numbers in x, got NaN in datapoint 7" ""

        testScoped "sums that overflow are not taken for numbers that are none"
        <| fun () ->
            let parameter = new Modules.Parameter(torch.zeros 4L)
            parameter.grad <- torch.tensor [| 3e38f; 3e38f; 3e38f; 3e38f |]
            Expect.isTrue (Finiteness.Holds(torch.tensor 1.0f, [| parameter |])) "finite gradients"
            parameter.grad <- torch.tensor [| 1.0f; nan'; 2.0f; 3.0f |]
            Expect.isFalse (Finiteness.Holds(torch.tensor 1.0f, [| parameter |])) "a NaN among them"

        testScoped "every method stops before the step"
        <| fun () ->
            let methods: (Graph -> Dataset -> RandomStreams -> TrainingMethod) list = [
                fun graph data streams -> new ViterbiEm(graph, data, EmSettings(2, 2, 4L, 4L, 1e-2), streams)
                fun graph data streams ->
                    new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = settings), streams)
                fun graph data streams ->
                    new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(2, Gradient = settings), streams)
                fun graph data streams ->
                    new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(2, Gradient = settings), streams)
                fun graph data streams -> new ExactLikelihood(graph, data, settings, streams)
            ]

            for make in methods do
                use streams = new RandomStreams(3L)
                let init = doubles 1
                let controller = new LinearController(4, 1, 3, init)
                let pool = new LinearPool("pool", 3, 4, 2, Activation.Identity, true, init)

                let graph =
                    new Graph(
                        [|
                            new LinearNode("linear1", 3, 4, Activation.Tanh, true, init) :> Node
                            new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)
                            new Failing("mine1", 3, output)
                        |],
                        new GaussianHead(0.3, false, init)
                    )

                use method = make graph (data ()) streams
                method.Step()
                let mutable steps = 1

                let before =
                    let rec go before =
                        if steps > 6 then failtest "it never stops"

                        try
                            method.Step()
                            steps <- steps + 1
                            go (values graph)
                        with :? NonFiniteException as e ->
                            Expect.stringContains e.Message "NaN in what layer mine1 gives" $"{method.GetType().Name}"

                            before

                    go (values graph)

                Expect.equal (values graph) before $"{method.GetType().Name}: parameters as they were"
    ]
