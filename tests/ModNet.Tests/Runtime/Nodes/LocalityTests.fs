/// The penalty on co-activity at a distance against its definition, term by term.
module ModNet.Tests.LocalityTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private weight = 1.7

/// Pearson's correlation of two columns whose rows count by shares that add up to 1, without its sign; 0 where one does not vary.
let private alike (shares: float[]) (one: float[]) (other: float[]) =
    let mean (values: float[]) = Array.map2 (*) shares values |> Array.sum
    let m, m' = mean one, mean other

    let product a ma b mb = Array.map3 (fun share x y -> share * (x - ma) * (y - mb)) shares a b |> Array.sum

    let scale = sqrt (product one m one m * product other m' other m')
    if scale < 1e-20 then 0.0 else abs (product one m other m') / scale

/// Of rows [N][n], by its definition.
let private byHand (shares: float[]) (rows: float[][]) =
    let columns = Array.transpose rows
    let n = columns.Length
    let mutable sum = 0.0

    for i in 0 .. n - 1 do
        for j in 0 .. n - 1 do
            if i <> j then
                let distance = float (min (abs (i - j)) (n - abs (i - j))) / float (n / 2)
                sum <- sum + alike shares columns[i] columns[j] * distance * distance

    weight * sum / float (n * (n - 1))

let private equally count = Array.create count (1.0 / float count)

let private penalty (weight: float) (side: SideInputs) (x: torch.Tensor) : torch.Tensor =
    use node = new LocalityNode("locality1", weight)
    let route = Route(ModeSelector(), side)
    Expect.isTrue (Object.ReferenceEquals(node.Forward(x, route), x)) "x goes on as it is"
    route.Tape.Penalty

let private ofVector (x: torch.Tensor) = penalty weight null x

[<Tests>]
let tests =
    testList "locality" [
        for units in [ 2; 3; 4; 7; 12 ] do
            testScoped $"of {units} units it is the mean of A d² over their pairs, and its gradient is its slope"
            <| fun () ->
                let x = (normal 3 [ 9; units ]).requires_grad_()
                let expected = byHand (equally 9) (matrix (x.detach ()))
                Expect.floatClose Accuracy.high ((ofVector x).ToDouble()) expected "value"
                Slopes.agree [ "x", x ] (fun () -> ofVector x)

        testScoped "of images it is that of the channels' means, of sequences that of all steps"
        <| fun () ->
            let image = (normal 4 [ 6; 5; 2; 3 ]).requires_grad_()
            let means = matrix (image.detach().mean([| 2L; 3L |]))
            Expect.floatClose Accuracy.high ((ofVector image).ToDouble()) (byHand (equally 6) means) "image"
            Slopes.agree [ "image", image ] (fun () -> ofVector image)
            let sequence = (normal 5 [ 4; 3; 5 ]).requires_grad_()
            let steps = matrix (sequence.detach().reshape(12, 5))
            Expect.floatClose Accuracy.high ((ofVector sequence).ToDouble()) (byHand (equally 12) steps) "sequence"
            Slopes.agree [ "sequence", sequence ] (fun () -> ofVector sequence)

        testScoped "a datapoint of weight 2 counts as two of weight 1"
        <| fun () ->
            let x = normal 6 [ 5; 4 ]
            let weights = [| 2.0; 1.0; 1.0; 0.0; 2.0 |]
            let side = SideInputs(null, null, torch.tensor weights)
            let several = x.index_select (0L, torch.tensor [| 0L; 0L; 1L; 2L; 4L; 4L |])
            let shares = weights |> Array.map (fun weight -> weight / 6.0)
            let found = (penalty weight side x).ToDouble()
            Expect.floatClose Accuracy.high found (byHand shares (matrix x)) "by its definition"
            Expect.floatClose Accuracy.high found ((ofVector several).ToDouble()) "as several"

            let steps = normal 7 [ 5; 2; 3 ]
            let rows = shares |> Array.collect (fun share -> [| share / 2.0; share / 2.0 |])
            let found = (penalty weight side steps).ToDouble()
            Expect.floatClose Accuracy.high found (byHand rows (matrix (steps.reshape (10, 3)))) "steps"

        testScoped "a unit that never varies has no part in it, and no gradient"
        <| fun () ->
            for dtype in [ torch.ScalarType.Float64; torch.ScalarType.Float32 ] do
                let x = normal 8 [ 20; 4 ]
                x.select(1L, 2L).fill_(0.3.ToScalar()) |> ignore
                let x = x.to_type(dtype).requires_grad_()
                let found = ofVector x
                let expected = byHand (equally 20) (matrix (x.detach().to_type torch.ScalarType.Float64))
                Expect.isLessThan (abs (found.ToDouble() - expected)) 1e-6 "value"
                found.backward ()
                let gradient = matrix (x.grad.to_type torch.ScalarType.Float64)
                Expect.isTrue (gradient |> Array.forall (Array.forall Double.IsFinite)) "finite"
                Expect.isTrue (gradient |> Array.forall (fun row -> row[2] = 0.0)) "none"

        testScoped "it draws correlated units together: a ring in order has less of it than the same units shuffled"
        <| fun () ->
            // Each unit is alike to its neighbours on the ring.
            let noise = normal 9 [ 200; 12 ]
            let rows = noise + noise.roll (1L, 1L) + noise.roll (2L, 1L)
            let shuffled = rows.index_select (1L, torch.tensor [| 0L; 5L; 10L; 3L; 8L; 1L; 6L; 11L; 4L; 9L; 2L; 7L |])
            Expect.isLessThan ((ofVector rows).ToDouble()) (0.7 * (ofVector shuffled).ToDouble()) "in order"

        testScoped "a weight of 0, one unit, and evaluation add nothing"
        <| fun () ->
            Expect.isNull (penalty 0.0 null (normal 1 [ 5; 3 ])) "weight 0"
            Expect.isNull (penalty 1.0 null (normal 1 [ 5; 1 ])) "one unit"
            use node = new LocalityNode("locality1", 1.0)
            node.eval ()
            let route = Route(ModeSelector())
            node.Forward(normal 1 [ 5; 3 ], route) |> ignore
            Expect.isNull route.Tape.Penalty "evaluation"

        testCase "a weight that is none is refused"
        <| fun () ->
            for weight in [ -1.0; nan; infinity ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> new LocalityNode("p", weight) |> ignore)
                    $"{weight}"

        testScoped "training with it lowers it, and with a weight of 0 gives the same bits as without"
        <| fun () ->
            let train (penalty: float option) =
                let init = doubles 3

                let nodes: Node list = [
                    new LinearNode("linear1", 3, 8, Activation.Tanh, true, init)
                    for weight in Option.toList penalty do
                        new LocalityNode("locality1", weight)
                ]

                let graph = new Graph(ResizeArray nodes, new GaussianHead(0.5, false, init))
                let data = new Dataset(normal 5 [ 40; 3 ], normal 6 [ 40; 8 ])
                use streams = new RandomStreams 1L
                use method = new StaticModules(graph, data, GradientSettings(40L, 0.01), streams)

                for _ in 1..80 do
                    method.Step()

                graph.eval ()
                let hidden = graph.Nodes[0].Forward(normal 5 [ 40; 3 ], Route(ModeSelector()))
                (ofVector hidden).ToDouble(), numbers hidden

            let without, values = train None
            Expect.equal (snd (train (Some 0.0))) values "weight 0"
            Expect.isLessThan (fst (train (Some 20.0))) (0.7 * without) "lower"

        testScoped "exact training refuses it"
        <| fun () ->
            use streams = new RandomStreams 1L
            let init = doubles 3

            let nodes: Node list = [
                new LinearNode("linear1", 3, 2, Activation.Tanh, true, init)
                new LocalityNode("locality1", 1.0)
            ]

            let graph = new Graph(ResizeArray nodes, new GaussianHead(0.5, false, init))
            let data = new Dataset(normal 5 [ 6; 3 ], normal 6 [ 6; 2 ])

            fails
                (fun () -> new ExactLikelihood(graph, data, GradientSettings(), streams) |> ignore)
                "locality1: expected no penalties under exact training"
    ]
