/// The composition of a new task: found by the runtime, and by trying all of them one datapoint at a time.
module ModNet.Tests.SearchTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 15; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

/// There is something to choose, and compositions are few enough to be tried.
let private small (s: Sizes) = { s with Modules = 2 + s.Modules % 3; Choose = 1 + s.Choose % 2 }

/// Two modular layers, of which the second reads what the first gives, on `points` datapoints.
let private stacked (s: Sizes) points =
    let init = doubles s.Seed

    let layer number inputs outputs =
        let name = $"modular{number}"
        let pool = new LinearPool($"pool{number}", s.Modules, inputs, outputs, s.Activation, s.Bias, init)
        let controller = new LinearController(inputs, s.Choose, s.Modules, init)
        controller, new ModularLayer(name, controller, pool, Combine.Sum, Dispatch.Auto) :> Node

    let first, one = layer 1 s.Inputs 3
    let second, two = layer 2 3 s.Outputs
    let stem = new LinearNode("linear1", s.Inputs, s.Inputs, Activation.Tanh, true, init)
    let graph = new Graph([| stem :> Node; one; two |], new GaussianHead(0.3, false, init))
    graph.eval ()
    graph, [ first; second ], normal (s.Seed + 1) [ points; s.Inputs ], normal (s.Seed + 2) [ points; s.Outputs ]

/// Σ_n log p(y_n|x_n, a), one datapoint after the other.
let private score (graph: Graph) (x: torch.Tensor) (y: torch.Tensor) (composition: int64 list) =
    scoped
    <| fun () ->
        [
            for n in 0L .. x.shape[0] - 1L do
                let given = GivenSelector(torch.tensor(Array.ofList composition).unsqueeze 0L)
                let features = graph.Forward(x.narrow (0L, n, 1L), given).Features
                (graph.Head.LogLikelihood(features, y.narrow (0L, n, 1L))).ToDouble()
        ]
        |> List.sum

let rec private all (modules: int list) choices : int64 list list =
    if choices = 0 then
        [ [] ]
    else
        [
            for m in modules do
                for rest in all modules (choices - 1) -> int64 m :: rest
        ]

let private flat (found: FoundComposition) = [
    for layer in found.Composition.Layers do
        for m in layer.Modules -> int64 m
]

let private climbing restarts seed = SearchSettings(Most = 0, Restarts = restarts, Seed = seed)

[<Tests>]
let tests =
    testList "compositions of new tasks" [
        testPropertyWithConfig config "the search finds the best of all compositions, and its score"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = small s
                let graph, _, x, y = stacked s 5
                let found = CompositionSearch.Run(graph, x, y)
                let tried = all [ 0 .. s.Modules - 1 ] (2 * s.Choose) |> List.map (fun a -> score graph x y a, a)
                let best = tried |> List.map fst |> List.max
                Expect.isTrue found.IsExact "all were scored"
                Expect.equal found.Scored tried.Length "how many"
                Expect.equal found.Datapoints 5L "datapoints"
                Expect.floatClose Accuracy.high found.LogLikelihood best "the best there is"
                Expect.floatClose Accuracy.high (score graph x y (flat found)) best "its composition"

                Expect.equal
                    [ for layer in found.Composition.Layers -> layer.Layer, layer.Pool, layer.Modules.Count ]
                    [ "modular1", "pool1", s.Choose; "modular2", "pool2", s.Choose ]
                    "by layers"

        testPropertyWithConfig config "a climb ends where no single choice is better, and is the same by its seed"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { small s with Modules = 4 }
                let graph, _, x, y = stacked s 4
                let found = CompositionSearch.Run(graph, x, y, null, climbing 1 s.Seed)
                let again = CompositionSearch.Run(graph, x, y, null, climbing 1 s.Seed)
                Expect.equal (flat again, again.LogLikelihood) (flat found, found.LogLikelihood) "by its seed"
                Expect.isFalse found.IsExact "not all"
                let top = flat found
                Expect.floatClose Accuracy.high (score graph x y top) found.LogLikelihood "its score"

                for choice in 0 .. top.Length - 1 do
                    for m in 0..3 do
                        Expect.isLessThanOrEqual
                            (score graph x y (List.updateAt choice (int64 m) top))
                            (found.LogLikelihood + 1e-9)
                            "a neighbour"

                let many = CompositionSearch.Run(graph, x, y, null, climbing 40 s.Seed)
                let best = CompositionSearch.Run(graph, x, y)
                Expect.isGreaterThanOrEqual many.LogLikelihood found.LogLikelihood "more restarts are no worse"

                Expect.isLessThanOrEqual
                    many.LogLikelihood
                    (best.LogLikelihood + 1e-9)
                    "nothing is better than the best"

        testPropertyWithConfig config "in small parts it is the same, and masked modules are not chosen"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { small s with Modules = 3 }
                let graph, controllers, x, y = stacked s 3
                let whole = CompositionSearch.Run(graph, x, y)
                let parts = CompositionSearch.Run(graph, x, y, null, SearchSettings(Bytes = 1L))
                Expect.floatClose Accuracy.high parts.LogLikelihood whole.LogLikelihood "in parts"

                for controller in controllers do
                    controller.Mask [ 1 ]

                let found = CompositionSearch.Run(graph, x, y)
                let best = all [ 0; 2 ] (2 * s.Choose) |> List.map (score graph x y) |> List.max
                Expect.floatClose Accuracy.high found.LogLikelihood best "the best that may be chosen"
                Expect.all (flat found) (fun m -> m = 0L || m = 2L) "no masked module"

        testCase "on sequences a layer runs the same modules at every step"
        <| fun () ->
            scoped
            <| fun () ->
                for dispatch in [ Dispatch.Auto; Dispatch.Loop ] do
                    let graph, data = Fixtures.languageBy (doubles 5) 5 4 1 dispatch 6 5
                    graph.eval ()
                    let found = CompositionSearch.Run(graph, data.Inputs, data.Targets)

                    let under (m: int) =
                        let features = graph.Forward(data.Inputs, FixedSelector [| m |]).Features
                        graph.Head.LogLikelihood(features, data.Targets).sum().ToDouble()

                    let best = [ 0..3 ] |> List.maxBy under
                    Expect.equal (flat found) [ int64 best ] "its module"
                    Expect.floatClose Accuracy.high found.LogLikelihood (under best) "its score"

        testCase "a new task needs no task id where controllers alone read one"
        <| fun () ->
            scoped
            <| fun () ->
                let init = doubles 3
                let pool = new LinearPool("pool", 3, 2, 2, Activation.Identity, true, init)
                let controller = new TaskController(2, 5, 2, 3, init)
                let layer = new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)
                let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
                let x, y = normal 1 [ 4; 2 ], normal 2 [ 4; 2 ]
                let found = CompositionSearch.Run(graph, x, y)
                let ids = SideInputs(torch.tensor [| 4L; 3L; 2L; 1L |], null)
                Expect.equal (flat (CompositionSearch.Run(graph, x, y, ids))) (flat found) "whatever the id"

                let byTask = new ByTaskController 3
                let own = new LinearPool("own", 3, 2, 2, Activation.Identity, true, init)
                let mixed = new ModularLayer("modular2", byTask, own, Combine.Sum, Dispatch.Auto)
                let pool = new LinearPool("pool", 3, 2, 2, Activation.Identity, true, init)

                let first =
                    new ModularLayer("modular1", new LinearController(2, 1, 3, init), pool, Combine.Sum, Dispatch.Auto)

                let graph = new Graph([| first :> Node; mixed |], new GaussianHead(0.3, false, init))

                complains (fun () -> CompositionSearch.Run(graph, x, y) |> ignore) [
                    "modular2: expected a task id from 0 to 2 for each of 1 datapoints, got none"
                ]

        testCase "without a datapoint, or with nothing to choose, there is a message"
        <| fun () ->
            scoped
            <| fun () ->
                let s = {
                    Seed = 1
                    Batch = 4
                    Inputs = 2
                    Outputs = 2
                    Modules = 3
                    Choose = 1
                    Bias = true
                    Activation = Activation.Identity
                }

                let graph, _, x, y = stacked s 4

                let search (graph: Graph) (x: torch.Tensor) (y: torch.Tensor) () =
                    CompositionSearch.Run(graph, x, y) |> ignore

                complains (search graph (x.narrow (0L, 0L, 0L)) (y.narrow (0L, 0L, 0L))) [
                    "a datapoint of the new task or more"
                    "0 datapoints"
                ]

                complains (search graph x (y.narrow (0L, 0L, 2L))) [ "4 datapoints and 2 targets" ]
                let plain, _, x, y = stacked { s with Modules = 1 } 4
                complains (search plain x y) [ "adaptation: expected a network that chooses modules" ]

        testPropertyWithConfig config "inner steps change the modules that run, and no others"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { small s with Modules = 4; Choose = 2 }
                let graph, _, x, y = stacked s 5
                let found = CompositionSearch.Run(graph, x, y)

                let before =
                    dict [ for struct (name, value) in graph.named_parameters () -> name, value.detach().clone() ]

                // The gradient by itself, of the first step.
                let features = graph.Forward(x, found.Composition.Selector()).Features
                let loss = graph.Head.LogLikelihood(features, y).mean().neg()
                loss.backward ()

                let gradients =
                    dict [
                        for struct (name, value) in graph.named_parameters () do
                            name, (if isNull value.grad then null else value.grad.clone ())
                    ]

                graph.zero_grad ()
                let struct (start, after) = InnerSteps.Take(graph, found.Composition, x, y, 1, SgdKind(1e-3, 0.0))
                Expect.floatClose Accuracy.high start found.LogLikelihood "where it starts"
                Expect.isGreaterThanOrEqual after start "a small step is no worse"

                for struct (name, value) in graph.named_parameters () do
                    let expected =
                        match gradients[name] with
                        | null -> before[name]
                        | gradient -> before[name] - 1e-3 * gradient

                    Expect.isLessThan (distance (value.detach ()) expected) 1e-12 name

                InnerSteps.Take(graph, found.Composition, x, y, 5, AdamKind 1e-2) |> ignore

                for struct (name, value) in graph.named_parameters () do
                    if name.Contains "controller" then
                        Expect.equal (numbers value) (numbers before[name]) "controllers stay"

                    for layer in found.Composition.Layers do
                        if name.Contains $"{layer.Pool}." then
                            for m in 0..3 do
                                if not (Seq.contains m layer.Modules) then
                                    Expect.equal
                                        (numbers value[int64 m])
                                        (numbers (before[name][int64 m]))
                                        $"{name}, module {m}"
    ]
