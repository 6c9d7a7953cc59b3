/// Boundaries against their definitions: which gradient reaches what, beside two backward passes by hand.
module ModNet.Tests.BoundaryTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private inputs = normal 1 [ 7; 3 ]
let private targets = normal 2 [ 7; 2 ]

let private side = SideInputs(null, null, torch.tensor ([| 1.0; 2.0; 0.5; 1.0; 3.0; 1.0; 0.25 |]))

/// Three linear layers with a boundary before the last one.
let private graph (boundary: Initialiser -> Node list) =
    let init = doubles 3
    let first = new LinearNode("linear1", 3, 5, Activation.Tanh, true, init)
    let last = new LinearNode("linear2", 5, 2, Activation.Identity, true, init)
    // Drawn last, so that the other parameters are the same whatever the boundary.
    let between = boundary init
    new Graph(ResizeArray [ first :> Node; yield! between; last ], new GaussianHead(0.5, false, init))

let private lossOf (graph: Graph) (side: SideInputs) =
    let output = graph.Forward(inputs, ModeSelector(), side)
    let loss = -graph.Head.MeanLogLikelihood(output.Features, targets, side.Weights)
    loss, output.Tape.Penalty

let private withTargets (side: SideInputs) = SideInputs(side.Tasks, side.Given, side.Weights, Targets = targets)

/// The gradients of the whole loss in parameters, by name.
let private gradients (graph: Graph) (side: SideInputs) =
    let loss, penalty = lossOf graph (withTargets side)
    NetworkRuns.gradientsOf graph (if isNull penalty then loss else loss + penalty) |> Map.ofList

let private equal message (expected: float[]) (actual: float[]) =
    Expect.equal actual.Length expected.Length message

    for e, a in Array.zip expected actual do
        Expect.floatClose { absolute = 1e-10; relative = 1e-10 } a e message

let private sides = [ "alike", SideInputs(null, null); "by weights", side ]

let private synthetic (hidden: int list) targets (init: Initialiser) : Node list =
    let node = new SyntheticGradientNode("boundary1", 5, List.toArray hidden, targets, init)

    use _noGrad = torch.no_grad ()

    for parameter in node.parameters () do
        parameter.normal_ (0.0, 0.3, generator 8) |> ignore

    [ node ]

let private first = [ "linear1.weight"; "linear1.bias" ]
let private last = [ "linear2.weight"; "linear2.bias" ]

/// The gradient of datapoint n's loss in what the last layer reads, and that reading, by libtorch.
let private deltas (graph: Graph) (side: SideInputs) =
    let h = graph.Nodes[0].Forward(inputs, Route(ModeSelector()))
    let cut = h.detach().requires_grad_()
    let features = graph.Nodes[graph.Nodes.Count - 1].Forward(cut, Route(ModeSelector()))
    let loss = -graph.Head.LogLikelihood(features, targets).sum()
    h, torch.autograd.grad([| loss |], [| cut |])[0]

let private shares (side: SideInputs) =
    if isNull side.Weights then
        torch.ones (7L, dtype = torch.ScalarType.Float64) / 7.0
    else
        side.Weights / side.Weights.sum ()

[<Tests>]
let tests =
    testList "boundaries" [
        for name, side in sides do
            testScoped $"a closed one: nothing before it is trained, all after it as ever ({name})"
            <| fun () ->
                use plain = graph (fun _ -> [])
                use cut = graph (fun _ -> [ new ClosedBoundaryNode("boundary1") ])
                let expected, actual = gradients plain side, gradients cut side

                for parameter in first do
                    Expect.isTrue (actual[parameter] |> Array.forall ((=) 0.0)) parameter
                    Expect.isFalse (expected[parameter] |> Array.forall ((=) 0.0)) "else it is trained"

                for parameter in last do
                    equal parameter expected[parameter] actual[parameter]

            testScoped $"with the true gradient as the synthetic one, training is backpropagation ({name})"
            <| fun () ->
                use plain = graph (fun _ -> [])
                let after = plain.Nodes[1]
                let head = plain.Head

                let truth (x: torch.Tensor) (y: torch.Tensor) =
                    let x = x.detach().requires_grad_()

                    let loss = -head.LogLikelihood(after.Forward(x, Route(ModeSelector())), y).sum()

                    torch.autograd.grad([| loss |], [| x |])[0]

                use cut = graph (fun _ -> [ new SyntheticGradientNode("boundary1", Func<_, _, _> truth) ])

                let expected, actual = gradients plain side, gradients cut side

                for parameter in first @ last do
                    equal parameter expected[parameter] actual[parameter]

            for hidden, read in [ [], null; [ 4 ], null; [ 4; 3 ], TargetFeatures(2, false) ] do
                testScoped
                    $"a synthetic one with {hidden.Length} hidden layers: s·dh/dθ before it, ‖s − δ‖² in it, as by two passes ({name})"
                <| fun () ->
                    use cut = graph (synthetic hidden read)
                    let actual = gradients cut side
                    let boundary = cut.Nodes[1] :?> SyntheticGradientNode
                    let h, delta = deltas cut side
                    let reads = if isNull read then h.detach () else torch.cat ([| h.detach (); targets |], 1L)

                    let s =
                        boundary.Inside |> Seq.fold (fun value node -> node.Forward(value, Route(ModeSelector()))) reads

                    let weights = (shares side).unsqueeze 1L
                    cut.zero_grad ()
                    (weights * s.detach () * h).sum().backward()
                    (weights * (s - delta).square()).sum().backward()

                    for struct (parameter, value) in cut.named_parameters () do
                        if not (List.contains parameter last) then
                            equal parameter (numbers value.grad) actual[parameter]

                    use plain = graph (fun _ -> [])
                    let expected = gradients plain side

                    for parameter in last do
                        equal parameter expected[parameter] actual[parameter]

            testScoped $"one with a head: the head's own loss trains what is before it ({name})"
            <| fun () ->
                let local (init: Initialiser) : Node list =
                    let map = new LinearNode("boundary1/linear", 5, 2, Activation.Identity, true, init)
                    [ new LocalHeadNode("boundary1", ResizeArray [ map :> Node ], new GaussianHead(0.5, false, init)) ]

                use cut = graph local
                let actual = gradients cut side
                let boundary = cut.Nodes[1] :?> LocalHeadNode
                let h = cut.Nodes[0].Forward(inputs, Route(ModeSelector()))
                let features = boundary.Inside[0].Forward(h, Route(ModeSelector()))
                let head = new GaussianHead(0.5, false, doubles 3)
                cut.zero_grad ()
                let each = head.LogLikelihood(features, targets)
                (-(shares side * each).sum()).backward()

                for parameter in first @ [ "boundary1.linear.weight"; "boundary1.linear.bias" ] do
                    let value =
                        cut.named_parameters ()
                        |> Seq.pick (fun struct (n, v) -> if n = parameter then Some v else None)

                    equal parameter (numbers value.grad) actual[parameter]

                use plain = graph (fun _ -> [])

                for parameter in last do
                    equal parameter (Map.find parameter (gradients plain side)) actual[parameter]

        testScoped "a synthetic one adds nothing to the value of the loss, and gives x as it is"
        <| fun () ->
            use plain = graph (fun _ -> [])
            use cut = graph (synthetic [ 4 ] null)
            let expected, _ = lossOf plain (SideInputs(null, null))
            let actual, penalty = lossOf cut (SideInputs(null, null))
            Expect.equal (actual.ToDouble()) (expected.ToDouble()) "the same loss"
            Expect.equal (penalty.ToDouble()) 0.0 "no penalty"

        testScoped "evaluation knows nothing of them"
        <| fun () ->
            use cut = graph (synthetic [ 4 ] (TargetFeatures(2, false)))
            cut.eval ()
            let h = cut.Nodes[0].Forward(inputs, Route(ModeSelector()))
            Expect.isTrue (Object.ReferenceEquals(cut.Nodes[1].Forward(h, Route(ModeSelector())), h)) "x itself"

        testScoped "at first a synthetic gradient is zero"
        <| fun () ->
            use cut = graph (fun init -> [ new SyntheticGradientNode("boundary1", 5, [| 6 |], null, init) ])

            for parameter in first do
                let values = Map.find parameter (gradients cut (SideInputs(null, null)))
                Expect.isTrue (Array.forall ((=) 0.0) values) parameter

        testScoped "sequences step by step, images by all values, classes as ones and zeros"
        <| fun () ->
            let classes = torch.tensor [| 2L; 0L; 1L; 2L |]

            for shape in [ [ 4; 5; 3 ]; [ 4; 3; 2; 2 ] ] do
                let values = if shape.Length = 3 then 3 else 12
                use node = new SyntheticGradientNode("b", values, [| 2 |], TargetFeatures(3, true), doubles 5)
                let x = (normal 6 shape).requires_grad_()
                let route = Route(ModeSelector(), SideInputs(null, null, Targets = classes))
                let y = node.Forward(x, route)
                Expect.equal (numbers (y.detach ())) (numbers (x.detach ())) "values"
                (y.square().sum() + route.Tape.Penalty).backward()
                Expect.isTrue (numbers x.grad |> Array.forall ((=) 0.0)) "the last layer's weights are zeros"

        testScoped "without targets, one that reads them says so"
        <| fun () ->
            use cut = graph (synthetic [ 4 ] (TargetFeatures(2, false)))

            fails
                (fun () -> cut.Forward(inputs, ModeSelector(), SideInputs(null, null)) |> ignore)
                "boundary1: expected a gradient step of a training method"

        testScoped "exact training refuses them"
        <| fun () ->
            use streams = new RandomStreams 1L
            use cut = graph (fun _ -> [ new ClosedBoundaryNode("boundary1") ])
            let data = new Dataset(inputs, targets)

            fails
                (fun () -> new ExactLikelihood(cut, data, GradientSettings(), streams) |> ignore)
                "boundary1: expected no penalties under exact training"
    ]
