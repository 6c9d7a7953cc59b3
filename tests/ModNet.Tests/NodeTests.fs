module ModNet.Tests.NodeTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Plain
open TorchSharp

/// A node's output, with no choices on the way.
let private run (node: Node) (x: torch.Tensor) = node.Forward(x, Route(ModeSelector()))

let private leaf (x: torch.Tensor) = x.requires_grad_ true

/// Every gradient of the node under a fixed random upstream, in its parameters and its input.
let private slopes (node: Node) (x: torch.Tensor) =
    let x = leaf x
    let upstream = normal 77 [ for n in (run node x).shape -> int n ]
    Slopes.agree (("input", x) :: Slopes.parameters node) (fun () -> (run node x * upstream).sum())

let private close (actual: torch.Tensor) (expected: float[]) what =
    let actual = numbers actual
    Expect.equal actual.Length expected.Length $"{what}: count"

    for a, e in Array.zip actual expected do
        Expect.isLessThan (abs (a - e)) 1e-10 what

let private test name body = testCase name (fun () -> scoped body)

/// Every parameter random, so that scales and shifts take part.
let private shaken seed (node: torch.nn.Module) =
    use _ = torch.no_grad ()

    for i, (_, p) in List.indexed (Slopes.parameters node) do
        p.normal_ (0.0, 1.0, generator (seed + i)) |> ignore

let private parameter (node: torch.nn.Module) name =
    Slopes.parameters node |> List.find (fst >> (=) name) |> snd

/// Features last: [n, …, n] as rows of n.
let private rowsOf (x: torch.Tensor) =
    numbers x |> Array.chunkBySize (int x.shape[x.shape.Length - 1])

let private linear name inputs outputs seed =
    new LinearNode(name, inputs, outputs, Activation.Tanh, true, doubles seed) :> Node

[<Tests>]
let maps =
    testList "nodes" [
        for kernel, stride, padding in [ 1, 1, 0; 3, 1, 1; 3, 2, 1; 2, 2, 0; 4, 3, 2 ] do
            test $"a convolution of kernel {kernel}, stride {stride}, padding {padding} is that of plain arithmetic"
            <| fun () ->
                let form = Convolution(2, kernel, stride, padding)
                let node = new ConvNode("conv1", 3, form, Activation.Tanh, true, doubles 5)
                let x = normal 1 [ 2; 3; 5; 4 ]

                let expected =
                    convolve
                        (images x)
                        (kernels (parameter node "weight"))
                        (vector (parameter node "bias"))
                        stride
                        padding

                close (run node x) (expected |> Array.collect flat |> Array.map tanh) "output"
                slopes node x

        for kind, window, stride in
            [
                Pooling.Max, 2, 2
                Pooling.Max, 3, 1
                Pooling.Average, 2, 2
                Pooling.Average, 3, 2
            ] do
            test $"{kind} pooling of window {window}, stride {stride} is that of plain arithmetic"
            <| fun () ->
                let node = new PoolingNode("pool1", kind, window, stride)
                let x = normal 1 [ 2; 2; 5; 4 ]

                let of' =
                    match kind with
                    | Pooling.Max -> Array.max
                    | _ -> Array.average

                let places size = (size - window) / stride + 1

                let expected = [|
                    for image in images x do
                        for channel in image do
                            for i in 0 .. places 5 - 1 do
                                for j in 0 .. places 4 - 1 do
                                    of' [|
                                        for u in 0 .. window - 1 do
                                            for v in 0 .. window - 1 do
                                                channel[i * stride + u].[j * stride + v]
                                    |]
                |]

                close (run node x) expected "output"
                slopes node x

        test "flattening goes channel by channel, row by row"
        <| fun () ->
            let x = normal 1 [ 2; 3; 2; 4 ]
            let y = run (new FlattenNode("flatten1")) x
            Expect.equal y.shape [| 2L; 24L |] "shape"
            close y (images x |> Array.collect flat) "values"

        test "layer normalisation is that of plain arithmetic, on vectors, sequences and images"
        <| fun () ->
            for shape, own in [ [ 3; 4 ], [ 4 ]; [ 2; 3; 4 ], [ 4 ]; [ 2; 2; 3; 2 ], [ 2; 3; 2 ] ] do
                let node =
                    new LayerNormNode("layer_norm1", own |> List.map int64 |> Array.ofList, doubles 1)

                shaken 3 node
                let x = normal 1 shape
                let scale, shift = vector (parameter node "weight"), vector (parameter node "bias")

                let expected =
                    numbers x
                    |> Array.chunkBySize scale.Length
                    |> Array.collect (fun row -> Array.map3 (fun v w b -> v * w + b) (standardised row row) scale shift)

                close (run node x) expected $"{shape}"
                slopes node x

        test "a GRU is the step of plain arithmetic, over time"
        <| fun () ->
            let inputs, hidden, batch, steps = 3, 2, 2, 4
            let node = new GruNode("gru1", inputs, hidden, doubles 4)
            let x = normal 1 [ batch; steps; inputs ]
            let words = cube x

            let affine weight bias (row: float[]) =
                Array.map2
                    (fun w b -> b + Array.sum (Array.map2 (*) w row))
                    (matrix (parameter node weight))
                    (vector (parameter node bias))

            let sigmoid v = 1.0 / (1.0 + exp -v)

            let step (h: float[]) (x: float[]) =
                let gates = affine "gate_weight" "gate_bias" (Array.append h x) |> Array.map sigmoid
                let z, r = gates[.. hidden - 1], gates[hidden..]

                let candidate =
                    Array.append (Array.map2 (*) r h) x |> affine "weight" "bias" |> Array.map tanh

                Array.map3 (fun z h c -> (1.0 - z) * h + z * c) z h candidate

            let expected =
                words
                |> Array.collect (fun sequence ->
                    sequence
                    |> Array.scan step (Array.zeroCreate hidden)
                    |> Array.tail
                    |> Array.concat)

            close (run node x) expected "states"
            slopes node x

        test "a custom module is run as it is, and one that loses the batch is refused by name"
        <| fun () ->
            let inner = torch.nn.Linear(3L, 2L, dtype = Nullable torch.ScalarType.Float64)

            let node = new CustomNode("custom1", inner)
            let x = normal 1 [ 4; 3 ]
            Expect.equal (distance (run node x) (inner.call x)) 0.0 "output"
            Expect.containsAll (List.map fst (Slopes.parameters node)) [ "module.weight"; "module.bias" ] "names"
            slopes node x

            Expect.throwsC (fun () -> run (new CustomNode("custom2", torch.nn.Flatten(0L))) x |> ignore) (fun e ->
                Expect.equal
                    e.Message
                    "custom2: expected an output [4, …] of the custom module for input [4, 3], got [12] – keep the first dimension, the batch, as it comes"
                    "")
    ]

/// Batch normalisation, feature by feature: rows [n, features] of a minibatch.
let private batchNormalised (rows: float[][]) (scale: float[]) (shift: float[]) =
    let columns = Array.transpose rows

    Array.map3 (fun column w b -> standardised column column |> Array.map (fun v -> v * w + b)) columns scale shift
    |> Array.transpose

/// [B, C, H, W] as rows of channels, one per place.
let private places (x: torch.Tensor) = rowsOf (x.permute (0L, 2L, 3L, 1L))

[<Tests>]
let batchNorm =
    testList "batch normalisation" [
        for shape in [ [ 5; 3 ]; [ 2; 4; 3 ]; [ 3; 3; 2; 2 ] ] do
            let rows = if shape.Length = 4 then places else rowsOf

            test $"of {shape} is that of plain arithmetic"
            <| fun () ->
                let node = new BatchNormNode("batch_norm1", 3, doubles 1)
                shaken 3 node
                let scale, shift = vector (parameter node "weight"), vector (parameter node "bias")
                let x = normal 1 shape
                let y = run node x
                let flatRows (t: torch.Tensor) = rows t |> Array.concat

                let agree (actual: float[]) (expected: float[]) what =
                    for a, e in Array.zip actual expected do
                        Expect.isLessThan (abs (a - e)) 1e-10 what

                agree (flatRows y) (batchNormalised (rows x) scale shift |> Array.concat) "in training"

                let means = rows x |> Array.transpose |> Array.map Array.average
                let n = float (rows x).Length

                let variances =
                    rows x
                    |> Array.transpose
                    |> Array.map (fun c ->
                        let mean = Array.average c
                        (c |> Array.sumBy (fun v -> (v - mean) ** 2.0)) / (n - 1.0))

                let state = node.state_dict ()
                agree (numbers state["running_mean"]) (means |> Array.map (fun m -> 0.1 * m)) "running mean"

                agree
                    (numbers state["running_var"])
                    (variances |> Array.map (fun v -> 0.9 + 0.1 * v))
                    "running variance"

                node.eval ()

                let expected =
                    rows x
                    |> Array.collect (
                        Array.mapi (fun i v ->
                            (v - 0.1 * means[i]) / sqrt (0.9 + 0.1 * variances[i] + 1e-5) * scale[i]
                            + shift[i])
                    )

                agree (flatRows (run node x)) expected "in evaluation"
                slopes node (normal 2 shape)
                node.train true
                slopes node (normal 2 shape)

        test "a minibatch of one row leaves the running averages as they are"
        <| fun () ->
            let node = new BatchNormNode("batch_norm1", 3, doubles 1)
            let y = run node (normal 1 [ 1; 3 ])
            Expect.all (numbers y) Double.IsFinite "output"
            Expect.equal (numbers (node.state_dict().["running_var"])) [| 1.0; 1.0; 1.0 |] "running variance"
            run node (normal 1 [ 1; 3; 2; 1 ]) |> ignore
            Expect.notEqual (numbers (node.state_dict().["running_var"])) [| 1.0; 1.0; 1.0 |] "two places are several"
    ]

[<Tests>]
let dropout =
    testList "dropout" [
        test "leaves out a share of the rate and scales the rest, in training only"
        <| fun () ->
            let node = new DropoutNode("dropout1", 0.3, generator 3)

            let x =
                torch.ones(20_000L, dtype = Nullable torch.ScalarType.Float64).view(100L, 200L)

            let y = numbers (run node x)
            Expect.all y (fun v -> v = 0.0 || abs (v - 1.0 / 0.7) < 1e-12) "values"
            let share = y |> Array.averageBy (fun v -> if v = 0.0 then 1.0 else 0.0)
            // Five standard deviations are 0.016.
            Expect.isLessThan (abs (share - 0.3)) 0.016 "share"
            Expect.notEqual (numbers (run node x)) y "fresh each time"
            node.eval ()
            Expect.equal (distance (run node x) x) 0.0 "evaluation"

        test "its gradient goes where its values went"
        <| fun () ->
            let node = new DropoutNode("dropout1", 0.5, generator 3)
            let x = leaf (normal 1 [ 4; 5 ])
            let y = run node x
            y.sum().backward()

            for v, y, g in Array.zip3 (numbers x) (numbers y) (numbers x.grad) do
                Expect.equal g (if y = 0.0 then 0.0 else 2.0) "gradient"
                Expect.floatClose Accuracy.high y (g * v) "value"

        test "replays from its own stream, whatever else is drawn"
        <| fun () ->
            let x = normal 1 [ 6; 7 ]

            let three seed disturb =
                use streams = new RandomStreams(seed)
                let node = new DropoutNode("dropout1", 0.5, streams.Dropout)

                [
                    for _ in 1..3 do
                        if disturb then
                            torch.rand 5L |> ignore
                            torch.empty(5L).normal_(0.0, 1.0, streams.Sampling) |> ignore

                        yield! numbers (run node x)
                ]

            Expect.equal (three 1L false) (three 1L true) "the same seed"
            Expect.notEqual (three 1L false) (three 2L false) "another seed"
            use streams = new RandomStreams 1L
            new DropoutNode("dropout1", 0.5, streams.Dropout) |> ignore
            Expect.containsAll (streams.States().Keys) [ "dropout" ] "part of a checkpoint"

        test "a rate of 1 is refused"
        <| fun () ->
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> new DropoutNode("dropout1", 1.0, generator 1) |> ignore)
                ""
    ]

[<Tests>]
let containers =
    testList "containers" [
        test "a residual is x + f(x)"
        <| fun () ->
            let inside = [| linear "residual1/linear1" 3 4 1; linear "residual1/linear2" 4 3 2 |]
            let node = new ResidualNode("residual1", inside)
            let x = normal 1 [ 2; 3 ]
            let expected = x + run inside[1] (run inside[0] x)
            Expect.equal (distance (run node x) expected) 0.0 "output"

            Expect.equal
                (Slopes.parameters node |> List.map fst)
                [ "linear1.weight"; "linear1.bias"; "linear2.weight"; "linear2.bias" ]
                "names"

            slopes node x

        test "branches are summed, or put side by side, and an empty one is the identity"
        <| fun () ->
            for shape in [ [ 2; 3 ]; [ 2; 4; 3 ] ] do
                for combine in [ Combine.Sum; Combine.Concat ] do
                    let first = [| linear "sum_of1/1/linear1" 3 3 1 |]
                    let last = [| linear "sum_of1/3/linear1" 3 2 2; linear "sum_of1/3/linear2" 2 3 3 |]
                    let node = new BranchNode("sum_of1", combine, [| first; [||]; last |])
                    let x = normal 1 shape
                    let parts = [| run first[0] x; x; run last[1] (run last[0] x) |]

                    let expected =
                        match combine with
                        | Combine.Sum -> parts[0] + parts[1] + parts[2]
                        | _ -> torch.cat (parts, int64 (shape.Length - 1))

                    Expect.equal (distance (run node x) expected) 0.0 $"{combine} of {shape}"

                    Expect.containsAll
                        (Slopes.parameters node |> List.map fst)
                        [ "1.linear1.weight"; "3.linear1.weight"; "3.linear2.bias" ]
                        "names"

                    slopes node x

        test "branches of images lie side by side in channels"
        <| fun () ->
            let conv channels seed =
                new ConvNode($"conv{seed}", 2, Convolution(channels, 3, 1, 1), Activation.Tanh, true, doubles seed)
                :> Node

            let a, b = conv 1 1, conv 3 2

            let node =
                new BranchNode("concat_of1", Combine.Concat, [| [| a |]; [||]; [| b |] |])

            let x = normal 1 [ 2; 2; 3; 4 ]
            let y = run node x
            Expect.equal y.shape [| 2L; 6L; 3L; 4L |] "shape"
            Expect.equal (distance (y.narrow (1L, 0L, 1L)) (run a x)) 0.0 "first"
            Expect.equal (distance (y.narrow (1L, 1L, 2L)) x) 0.0 "second"
            Expect.equal (distance (y.narrow (1L, 3L, 3L)) (run b x)) 0.0 "third"
            slopes node x

        test "a chain is its nodes in order, and the identity without any"
        <| fun () ->
            let inside = [| linear "repeat1/1/linear1" 3 4 1; linear "repeat1/1/linear2" 4 2 2 |]
            let x = normal 1 [ 2; 3 ]
            let node = new ChainNode("repeat1/1", inside)
            Expect.equal (distance (run node x) (run inside[1] (run inside[0] x))) 0.0 "output"
            Expect.equal (distance (run (new ChainNode("repeat1", [||])) x) x) 0.0 "identity"
            let rounds = new ChainNode("repeat1", [| node |])
            Expect.containsAll (Slopes.parameters rounds |> List.map fst) [ "1.linear2.weight" ] "names"

        test "a graph knows the sites and pools inside, and registers a shared pool once"
        <| fun () ->
            let init = doubles 1
            let pool = new LinearPool("words", 3, 4, 4, Activation.Tanh, true, init)

            let modular name =
                new ModularLayer(name, new LinearController(4, 2, 3, init), pool, Combine.Sum, Dispatch.Auto) :> Node

            let node =
                new BranchNode(
                    "sum_of1",
                    Combine.Sum,
                    [|
                        [|
                            new ResidualNode("sum_of1/1/residual1", [| modular "sum_of1/1/residual1/modular1" |])
                            :> Node
                        |]
                        [| modular "sum_of1/2/modular1"; linear "sum_of1/2/linear1" 4 4 2 |]
                    |]
                )

            let graph = new Graph([| node :> Node |], new GaussianHead(0.5, false, init))
            Expect.isTrue graph.HasSites "sites"
            Expect.equal (Seq.length graph.Pools) 1 "pools"

            Expect.equal
                (Slopes.parameters graph |> List.map fst)
                [
                    "pools.words.weight"
                    "pools.words.bias"
                    "sum_of1.1.residual1.modular1.controller.weight"
                    "sum_of1.1.residual1.modular1.controller.bias"
                    "sum_of1.2.modular1.controller.weight"
                    "sum_of1.2.modular1.controller.bias"
                    "sum_of1.2.linear1.weight"
                    "sum_of1.2.linear1.bias"
                ]
                "every parameter once, by its place"

            Expect.equal
                (List.ofSeq (graph.state_dict().Keys) |> List.sort)
                (Slopes.parameters graph |> List.map fst |> List.sort)
                "and nothing else is kept"

            let tape = graph.Forward(normal 1 [ 5; 4 ], ModeSelector()).Tape

            Expect.equal
                [ for e in tape.Entries -> e.Site.Layer, e.Site.Offset ]
                [ "sum_of1/1/residual1/modular1", 0; "sum_of1/2/modular1", 2 ]
                "sites in order"
    ]
