module ModNet.Tests.LayerTests

open Expecto
open ModNet.Reference
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 30; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

let private seeds = { config with arbitrary = [] }

let private forward (graph: Graph) (x: torch.Tensor) (composition: torch.Tensor) =
    graph.Forward(x, GivenSelector composition)

/// −mean log p(y, a|x) under given compositions: what an M-step minimises.
let private loss (graph: Graph) (data: Dataset) (composition: torch.Tensor) =
    let output = forward graph data.Inputs composition

    -(graph.Head.MeanLogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability().mean())

let private gradientsAreSlopes (graph: Graph) (data: Dataset) (composition: torch.Tensor) =
    Slopes.agree (Slopes.parameters graph) (fun () -> loss graph data composition)

[<Tests>]
let tests =
    testList "layers" [
        testPropertyWithConfig config "M = K = 1 is the plain layer"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { s with Modules = 1; Choose = 1 }
                let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto s.Batch

                let plain = new LinearNode("linear1", s.Inputs, s.Outputs, s.Activation, s.Bias, doubles s.Seed)

                torch.no_grad ()
                |> fun guard ->
                    use _ = guard

                    for struct (name, p) in plain.named_parameters () do
                        p.copy_ ((Fixtures.parameter graph $"pools.pool.{name}").select(0L, 0L)) |> ignore

                let modular = graph.Forward(data.Inputs, ModeSelector())
                Expect.isLessThan (distance modular.Features (plain.Forward(data.Inputs, null))) 1e-12 "outputs"

                Expect.isLessThan
                    (abs (modular.Tape.LogProbability().sum().ToDouble()))
                    1e-12
                    "one composition is certain"

        testPropertyWithConfig config "relabelling modules, controller and selections changes nothing"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let graph, data = Fixtures.regression s Combine.Concat Dispatch.Wide s.Batch
                let relabelled, _ = Fixtures.regression s Combine.Concat Dispatch.Grouped s.Batch

                let order = torch.randperm (int64 s.Modules, torch.ScalarType.Int64, generator = generator s.Seed)

                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose

                // Module m of the copy is module order[m] of the original.
                let newName = order.argsort ()

                torch.no_grad ()
                |> fun guard ->
                    use _ = guard

                    let copy name (change: torch.Tensor -> torch.Tensor) =
                        (Fixtures.parameter relabelled name).copy_(change (Fixtures.parameter graph name)) |> ignore

                    copy "pools.pool.weight" (fun w -> w.index_select (0L, order))

                    if s.Bias then copy "pools.pool.bias" (fun b -> b.index_select (0L, order))

                    let permuted (t: torch.Tensor) =
                        t.view(int64 s.Choose, int64 s.Modules, -1L).index_select(1L, order).view_as t

                    copy "modular1.controller.weight" permuted
                    copy "modular1.controller.bias" permuted

                let expected = forward graph data.Inputs chosen

                let actual = forward relabelled data.Inputs (newName.index_select(0L, chosen.view -1L).view_as chosen)

                Expect.isLessThan (distance expected.Features actual.Features) 1e-12 "outputs"

                Expect.isLessThan
                    (distance (expected.Tape.LogProbability()) (actual.Tape.LogProbability()))
                    1e-12
                    "log p(a|x)"

        testPropertyWithConfig config "concatenation is K units wide, in position order"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let graph, data = Fixtures.regression s Combine.Concat Dispatch.Auto s.Batch
                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose
                let y = (forward graph data.Inputs chosen).Features
                Expect.equal (y.shape) [| int64 s.Batch; int64 (s.Choose * s.Outputs) |] "shape"
                let pool = graph.Pools[0]

                for b in 0 .. s.Batch - 1 do
                    for k in 0 .. s.Choose - 1 do
                        let one = pool.Apply((integers chosen)[b * s.Choose + k], data.Inputs.narrow (0L, int64 b, 1L))

                        let part = y.narrow(0L, int64 b, 1L).narrow(1L, int64 (k * s.Outputs), int64 s.Outputs)

                        Expect.isLessThan (distance one part) 1e-12 $"row {b}, position {k}"

        testPropertyWithConfig config "the log joint is that of plain arithmetic"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { s with Activation = Activation.Relu }
                let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto s.Batch
                let at = Fixtures.parameter graph

                let reference =
                    ModularRegression(
                        cube (at "pools.pool.weight"),
                        (if s.Bias then matrix (at "pools.pool.bias") else null),
                        matrix (at "modular1.controller.weight"),
                        vector (at "modular1.controller.bias"),
                        0.3
                    )

                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose
                let output = forward graph data.Inputs chosen

                let joint =
                    graph.Head.LogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability() |> numbers

                let inputs, targets = matrix data.Inputs, matrix data.Targets
                let compositions = integers chosen |> Array.chunkBySize s.Choose

                for b in 0 .. s.Batch - 1 do
                    let expected = reference.LogJoint(inputs[b], targets[b], compositions[b], true)
                    Expect.floatClose Accuracy.high joint[b] expected $"datapoint {b}"

        testPropertyWithConfig seeds "the modular GRU is the step of plain arithmetic, over time"
        <| fun (seed: uint16) ->
            scoped
            <| fun () ->
                let modules, choose, batch, window = 3, 2, 4, 5

                let graph, data = Fixtures.language (int seed) modules choose Dispatch.Auto batch window

                let at = Fixtures.parameter graph

                let step =
                    ModularGruStep(
                        matrix (at "modular_gru1.gate_weight"),
                        vector (at "modular_gru1.gate_bias"),
                        cube (at "pools.words.weight"),
                        matrix (at "pools.words.bias"),
                        matrix (at "modular_gru1.controller.weight"),
                        vector (at "modular_gru1.controller.bias")
                    )

                let embedding = matrix (at "embed1.weight")
                let chosen = indices (int seed + 3) modules batch (window * choose)
                let output = forward graph data.Inputs chosen
                let states = numbers output.Features |> Array.chunkBySize 4
                let logProbability = numbers (output.Tape.LogProbability())
                let words = integers data.Inputs
                let choices = integers chosen |> Array.chunkBySize choose

                for b in 0 .. batch - 1 do
                    let mutable h = Array.zeroCreate 4
                    let mutable total = 0.0

                    for t in 0 .. window - 1 do
                        let x = embedding[words[b * window + t]]
                        let a = choices[b * window + t]
                        total <- total + step.LogProbability(h, x, a)
                        h <- step.Next(h, x, a, false)

                        for i in 0..3 do
                            Expect.floatClose
                                Accuracy.high
                                states[b * window + t].[i]
                                h[i]
                                $"row {b}, time {t}, unit {i}"

                    Expect.floatClose Accuracy.high logProbability[b] total $"log p(a|x) of row {b}"

        testPropertyWithConfig { config with maxTest = 8 } "gradients of the modular layer are slopes"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                // A kink of ReLU has no slope.
                let s = { s with Activation = Activation.Tanh }
                let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto s.Batch
                gradientsAreSlopes graph data (indices (s.Seed + 3) s.Modules s.Batch s.Choose)

        testScoped "gradients of the modular GRU language model are slopes, through time and into the controller"
        <| fun () ->
            let graph, data = Fixtures.language 5 3 2 Dispatch.Grouped 3 4
            gradientsAreSlopes graph data (indices 9 3 3 8)

        testScoped "the learned variance has the right slope too"
        <| fun () ->
            let init = doubles 3
            let pool = new LinearPool("pool", 2, 3, 2, Activation.Tanh, true, init)

            let layer =
                new ModularLayer("modular1", new LinearController(3, 1, 2, init), pool, Combine.Sum, Dispatch.Auto)

            let graph = new Graph([| layer :> Node |], new GaussianHead(0.5, true, init))
            let data = new Dataset(normal 1 [ 6; 3 ], normal 2 [ 6; 2 ])
            gradientsAreSlopes graph data (indices 4 2 6 1)

        testScoped "the Bernoulli head is the sum of log p of every bit, for any logit"
        <| fun () ->
            let head = new BernoulliHead()
            let logits = torch.tensor (array2D [ [ 0.0; 2.0 ]; [ -3.0; 700.0 ] ])
            let bits = torch.tensor (array2D [ [ 1.0; 0.0 ]; [ 0.0; 0.0 ] ])
            let p x = 1.0 / (1.0 + exp -x)
            let expected = [| log (p 0.0) + log (p -2.0); log (p 3.0) - 700.0 |]

            for e, a in Array.zip expected (numbers (head.LogLikelihood(logits, bits))) do
                Expect.floatClose Accuracy.high a e "log-likelihood"

        testPropertyWithConfig
            seeds
            "the fused softmax head agrees with libtorch's operators, values and every gradient"
        <| fun (seed: uint16) ->
            scoped
            <| fun () ->
                let batch, window, inputs, classes = 3, 4, 1 + int seed % 9, 2 + int seed % 40

                // Equal parameters: doubles are drawn as floats first.
                let heads = [
                    for dtype in [ torch.ScalarType.Float64; torch.ScalarType.Float32 ] ->
                        dtype, new SoftmaxHead(inputs, classes, Initialiser(generator (int seed), dtype))
                ]

                let targets = indices (int seed + 1) classes batch window
                let upstream = normal (int seed + 2) [ batch ]

                let run (loss: SoftmaxHead -> torch.Tensor -> torch.Tensor) = [
                    for dtype, head in heads do
                        head.zero_grad ()

                        let features = (normal (int seed) [ batch; window; inputs ]).``to``(dtype).requires_grad_()

                        let value = loss head features
                        value.backward ()

                        [
                            yield value.detach ()
                            yield features.grad

                            for p in head.parameters () do
                                yield p.grad.clone ()
                        ]
                ]

                let agree what values =
                    match values with
                    | [ expected; actual ] ->
                        for e, a in List.zip expected actual do
                            Expect.isLessThan (distance e a) 1e-4 what
                    | _ -> failtest "two heads"

                run (fun head features -> head.MeanLogLikelihood(features, targets)) |> agree "mean"

                // What comes beside the mean has no gradient, so this is the gradient of the mean alone.
                run (fun head features ->
                    let struct (mean, each) = head.MeanAndEach(features, targets)
                    Expect.isFalse each.requires_grad "no gradient of each"
                    let scores = head.LogLikelihood(features, targets).detach()
                    Expect.isLessThan (distance each scores) 1e-4 "each"
                    mean + (each * upstream.``to`` (each.dtype)).sum())
                |> agree "mean and each"

                run (fun head features ->
                    let each = head.LogLikelihood(features, targets)
                    (each * upstream.``to`` (each.dtype)).sum())
                |> agree "per datapoint"

                use _ = torch.no_grad ()

                match
                    [
                        for dtype, head in heads ->
                            head.LogLikelihood((normal 5 [ batch; window; inputs ]).``to`` dtype, targets)
                    ]
                with
                | [ expected; actual ] -> Expect.isLessThan (distance expected actual) 1e-4 "scores"
                | _ -> failtest "two heads"

        testScoped "a controller over other than the pool's modules is refused by name"
        <| fun () ->
            let init = doubles 1
            let pool = new LinearPool("pool", 3, 2, 2, Activation.Identity, true, init)

            Expect.throwsC
                (fun () ->
                    new ModularLayer("modular1", new LinearController(2, 1, 4, init), pool, Combine.Sum, Dispatch.Auto)
                    |> ignore)
                (fun e -> Expect.stringContains e.Message "modular1: expected a controller over the 3 modules" "")
    ]
