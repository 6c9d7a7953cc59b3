module ModNet.Tests.SideInputTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private modular name (controller: Controller) (pool: ModulePool) =
    new ModularLayer(name, controller, pool, Combine.Sum, Dispatch.Auto) :> Node

let private pool name modules seed =
    new LinearPool(name, modules, 3, 3, Activation.Tanh, true, doubles seed) :> ModulePool

let private linear name seed = new LinearNode(name, 3, 3, Activation.Tanh, true, doubles seed) :> Node

let private learned choose modules seed = new LinearController(3, choose, modules, doubles seed) :> Controller

let private given choose modules = new GivenController(choose, modules) :> Controller

let private gaussian () = new GaussianHead(0.3, false, doubles 1)

/// Given layers before, between, inside and after two latent ones; 6 given columns in all.
let private mixed () =
    new Graph(
        [|
            modular "modular1" (given 2 3) (pool "a" 3 1)
            modular "modular2" (learned 2 2 2) (pool "b" 2 2)
            new ResidualNode(
                "residual1",
                [| linear "residual1/linear1" 3; modular "residual1/modular1" (given 1 4) (pool "c" 4 3) |]
            )
            modular "modular3" (new TaskController(3, 3, 1, 3, doubles 4)) (pool "d" 3 4)
            linear "linear1" 5
            modular "modular4" (given 3 2) (pool "e" 2 5)
        |],
        gaussian ()
    )

/// N datapoints for it: the columns of given choices fit the layers' M.
let private data n =
    let columns = [ 3; 3; 4; 2; 2; 2 ] |> List.mapi (fun i m -> indices (20 + i) m n 1)

    let side = SideInputs((indices 30 3 n 1).view(-1L), torch.cat (ResizeArray columns, 1L))

    new Dataset(normal 1 [ n; 3 ], normal 2 [ n; 3 ], side)

let private settings = EmSettings(6, 3, 8L, 8L, 1e-2)

/// A sequence of 3 features through an embedding-less network: one linear head over 5 classes.
let private sequences (node: Node) n steps side =
    let graph = new Graph([| node |], new SoftmaxHead(3, 5, doubles 6))
    graph, new Dataset(normal 3 [ n; steps; 3 ], indices 4 5 n steps, side)

[<Tests>]
let tests =
    testList "side inputs" [
        testScoped "an E-step over tiled side inputs scores as datapoints one by one do"
        <| fun () ->
            let graph, data = mixed (), data 11
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, settings, streams)
            Expect.equal em.Assignments.Choices 3 "latent choices"
            let report = em.EStep(Fixtures.everything data)
            Expect.isGreaterThan report.Replaced 0L "some are replaced"

            let joints =
                Fixtures.everything data
                |> Array.map (fun n ->
                    let one = data.Get(torch.tensor [| n |])
                    let held = em.Assignments.Get(ReadOnlySpan [| n |])
                    let output = graph.Forward(one.Inputs, GivenSelector held, one.Side)

                    (graph.Head.LogLikelihood(output.Features, one.Targets) + output.Tape.LogProbability()).ToDouble())

            Expect.floatClose Accuracy.high report.After (Array.sum joints) "sum of joints"
            Expect.floatClose Accuracy.high (em.LogJoint(Fixtures.everything data)) report.After "as it says itself"

        testScoped "given choices are followed, in order of layers"
        <| fun () ->
            let graph, data = mixed (), data 7
            let output = graph.Forward(data.Inputs, ModeSelector(), data.Side)
            let columns = integers data.Side.Given |> Array.chunkBySize 6 |> Array.transpose

            let found = [
                for e in output.Tape.Entries do
                    if not e.Latent then
                        yield! integers e.Selection.Indices |> Array.chunkBySize e.Site.Choose |> Array.transpose
            ]

            Expect.equal found (List.ofArray columns) "on the tape"
            Expect.equal graph.GivenChoices 6L "how many a datapoint brings"

            // The first layer by hand: every row, every position.
            let first = graph.Nodes[0].Forward(data.Inputs, Route(ModeSelector(), data.Side))

            for b in 0..6 do
                let expected =
                    [ 0; 1 ]
                    |> List.map (fun k -> graph.Pools[0].Apply(columns[k].[b], data.Inputs.narrow (0L, int64 b, 1L)))
                    |> List.reduce (fun x y -> x + y)

                Expect.isLessThan (distance (first.narrow (0L, int64 b, 1L)) expected) 1e-12 $"row {b}"

        testScoped "given choices leave a* and log p(a|x) alone"
        <| fun () ->
            let graph, data = mixed (), data 7
            let tape = graph.Forward(data.Inputs, ModeSelector(), data.Side).Tape
            Expect.equal tape.Choices 3 "latent choices"
            Expect.equal (tape.Composition().shape) [| 7L; 3L |] "composition"

            let latent =
                tape.Entries
                |> Seq.filter _.Latent
                |> Seq.map (fun e -> e.Distribution.LogProbability e.Selection.Indices)
                |> Seq.reduce (fun a b -> a + b)

            Expect.isLessThan (distance (tape.LogProbability()) latent) 1e-12 "log p(a|x)"

            Expect.equal
                [ for e in tape.Entries -> e.Site.Layer, e.Latent, e.Site.Offset ]
                [
                    "modular1", false, -1
                    "modular2", true, 0
                    "residual1/modular1", false, -1
                    "modular3", true, 2
                    "modular4", false, -1
                ]
                "entries"

            let statistics = SelectionStatistics()
            statistics.Add tape
            let learned = SelectionStatistics()
            let alone = Tape()
            tape.Entries |> Seq.filter _.Latent |> Seq.iter alone.Add
            learned.Add alone
            Expect.equal statistics.SelectionEntropy learned.SelectionEntropy "H_a is of controllers"
            Expect.equal statistics.BatchSelectionEntropy learned.BatchSelectionEntropy "H_b too"
            Expect.equal (Seq.length statistics.Layers) 5 "but all layers are seen"
            Expect.floatClose Accuracy.high (Array.sum (statistics.Load "modular4")) 1.0 "with their load"

        testScoped "a network of given choices only has no site, trains, and gives no NaN"
        <| fun () ->
            let graph = new Graph([| modular "modular1" (given 2 3) (pool "a" 3 1) |], gaussian ())

            let side = SideInputs(null, indices 3 3 20 2)
            let data = new Dataset(normal 1 [ 20; 3 ], normal 2 [ 20; 3 ], side)
            Expect.isFalse graph.HasSites "sites"
            Expect.isFalse graph.HasChoice "choice"
            use streams = new RandomStreams 1L
            use em = new ViterbiEm(graph, data, settings, streams)
            Expect.isNull (em.EStep()) "no E-step"
            let seen = em.MStepAndReport()
            Expect.isTrue (Double.IsFinite seen.Loss) "loss"
            Expect.equal seen.Statistics.SelectionEntropy 0.0 "H_a"
            Expect.equal seen.Statistics.BatchSelectionEntropy 0.0 "H_b"
            Expect.equal seen.Statistics.ModulesUsed 3.0 "modules used"
            let before = em.LogJoint(Fixtures.everything data)

            for _ in 1..30 do
                em.MStep()

            Expect.isGreaterThan (em.LogJoint(Fixtures.everything data)) before "log joint"
            let held = Evaluation.Of(graph, [ data ], 6L, torch.CPU)

            Expect.floatClose
                Accuracy.high
                (held.LogLikelihood * 20.0)
                (em.LogJoint(Fixtures.everything data))
                "held out"

        testScoped "evaluation takes each batch its own side inputs"
        <| fun () ->
            let graph, data = mixed (), data 13
            let whole = Evaluation.Of(graph, [ data ], 13L, torch.CPU)
            let parts = Evaluation.Of(graph, [ data ], 4L, torch.CPU)
            Expect.floatClose Accuracy.high parts.LogLikelihood whole.LogLikelihood "log-likelihood"

            Expect.floatClose Accuracy.high parts.Statistics.SelectionEntropy whole.Statistics.SelectionEntropy "H_a"

        testScoped "on a sequence a datapoint's task and given choices hold at every step"
        <| fun () ->
            let n, steps = 4, 5
            let side = SideInputs((indices 5 3 n 1).view(-1L), indices 6 4 n 2)

            let gru name (controller: Controller) =
                let init = doubles 9

                let pool = new LinearPool("g", controller.Modules, 6, 3, Activation.Tanh, true, init)

                new ModularGru(name, 3, 3, controller, pool, Combine.Sum, Dispatch.Auto, init) :> Node

            for node, reads in [ modular "modular1" (given 2 4) (pool "a" 4 1), 3; gru "modular_gru1" (given 2 4), 6 ] do
                let graph, data = sequences node n steps side
                let tape = graph.Forward(data.Inputs, ModeSelector(), data.Side).Tape
                Expect.equal tape.Entries.Count steps $"{node.Name}: an entry per step"

                for e in tape.Entries do
                    Expect.equal (integers e.Selection.Indices) (integers side.Given) $"{node.Name}: step {e.Site.Time}"

                let task = new TaskController(reads, 3, 1, 4, doubles 8)

                let tasked =
                    match node with
                    | :? ModularGru -> gru "modular_gru1" task
                    | _ -> modular "modular1" task (pool "a" 4 1)

                let graph, data = sequences tasked n steps side
                let output = graph.Forward(data.Inputs, ModeSelector(), data.Side)

                // One window alone, with its own task, is what it is among others.
                for b in 0 .. n - 1 do
                    let one = data.Get(torch.tensor [| int64 b |])
                    let alone = graph.Forward(one.Inputs, ModeSelector(), one.Side)

                    Expect.isLessThan
                        (distance alone.Features (output.Features.narrow (0L, int64 b, 1L)))
                        1e-12
                        $"{node.Name}: window {b}"

                // And another task gives other distributions at every step.
                let other = SideInputs(side.Tasks.add(1L.ToScalar()).remainder(3L.ToScalar()), null)
                let changed = graph.Forward(data.Inputs, ModeSelector(), other)

                for a, b in Seq.zip output.Tape.Entries changed.Tape.Entries do
                    Expect.isGreaterThan
                        (distance a.Distribution.LogProbabilities b.Distribution.LogProbabilities)
                        1e-6
                        "every step reads the task"

        testScoped "missing, misshapen and out-of-range side inputs are refused by the layer's name"
        <| fun () ->
            let x = normal 1 [ 2; 3 ]

            let refused (controller: Controller) (side: SideInputs) message =
                let node = modular "modular7" controller (pool "a" controller.Modules 1)

                Expect.equal
                    (complaint (fun () -> node.Forward(x, Route(ModeSelector(), side)) |> ignore))
                    message
                    "the message"

            let task () = new TaskController(3, 4, 1, 2, doubles 1) :> Controller

            let tasks = "modular7: expected a task id from 0 to 3 for each of 2 datapoints, got"

            let remedy = "– give the data as many task ids"
            refused (task ()) null $"{tasks} none {remedy}"
            refused (task ()) (SideInputs(null, indices 1 2 2 2)) $"{tasks} none {remedy}"
            refused (task ()) (SideInputs(torch.tensor [| 1L |], null)) $"{tasks} shape [1] {remedy}"
            refused (task ()) (SideInputs(torch.tensor [| 1L; 4L |], null)) $"{tasks} 4 {remedy}"
            refused (task ()) (SideInputs(torch.tensor [| -1L; 3L |], null)) $"{tasks} -1 {remedy}"

            let choices =
                "modular7: expected given choices from 0 to 2 in columns 0 to 1, for each of 2 datapoints, got"

            let remedy = "– give the data K choices for every such layer, in order of layers"
            refused (given 2 3) null $"{choices} none {remedy}"
            refused (given 2 3) (SideInputs(null, indices 1 3 2 1)) $"{choices} shape [2, 1] {remedy}"

            refused
                (given 2 3)
                (SideInputs(null, torch.tensor (array2D [ [ 0L; 1L ]; [ 3L; 2L ] ])))
                $"{choices} 3 {remedy}"

        testScoped "a dataset refuses side inputs of other datapoints"
        <| fun () ->
            let refused (side: SideInputs) message =
                fails (fun () -> new Dataset(normal 1 [ 3; 2 ], normal 1 [ 3; 2 ], side) |> ignore) message

            refused (SideInputs(torch.tensor [| 1L |], null)) "expected task ids [N] int64 with N = 3, got [1]"
            refused (SideInputs(null, torch.tensor [| 1L; 1L; 1L |])) "expected given choices [N, G] int64"
            refused (SideInputs(torch.tensor [| 1.0; 1.0; 1.0 |], null)) "got [3] Float64"
    ]
