module ModNet.Tests.NodeTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

let private close (actual: torch.Tensor) (expected: float[]) what =
    let actual = numbers actual
    Expect.equal actual.Length expected.Length $"{what}: count"

    for a, e in Array.zip actual expected do
        Expect.isLessThan (abs (a - e)) 1e-10 what

[<Tests>]
let maps =
    testList "nodes" [
        for kernel, stride, padding in [ 1, 1, 0; 3, 1, 1; 3, 2, 1; 2, 2, 0; 4, 3, 2 ] do
            testScoped
                $"a convolution of kernel {kernel}, stride {stride}, padding {padding} is that of plain arithmetic"
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

        // oneDNN's AVX-512 code gave NaN here on AMD processors, in some of the tries, with more than one thread.
        testScoped "the gradients of a small convolution in single precision are those of double precision, every time"
        <| fun () ->
            let threads = torch.get_num_threads ()
            torch.set_num_threads 2

            try
                for channels, side in [ 3, 8; 2, 4; 2, 2 ] do
                    for attempt in 1..30 do
                        let x = normal attempt [ 4; channels; side; side ]
                        let weight = normal (attempt + 100) [ channels; channels; 3; 3 ]
                        let bias = normal (attempt + 200) [ channels ]

                        let gradients (kind: torch.ScalarType) =
                            let leaf (t: torch.Tensor) = t.to_type(kind).detach().requires_grad_()
                            let x, weight, bias = leaf x, leaf weight, leaf bias

                            let y =
                                torch.nn.functional.conv2d (
                                    x,
                                    weight,
                                    bias,
                                    strides = [| 2L; 2L |],
                                    padding = [| 1L; 1L |]
                                )

                            y.square().sum().backward()

                            Array.collect (fun (t: torch.Tensor) -> numbers (t.grad.to_type torch.ScalarType.Float64)) [|
                                x
                                weight
                                bias
                            |]

                        let single, double = gradients torch.ScalarType.Float32, gradients torch.ScalarType.Float64

                        for s, d in Array.zip single double do
                            Expect.isLessThan
                                (abs (s - d))
                                1e-3
                                $"{channels} channels, {side} × {side}, attempt {attempt}"
            finally
                torch.set_num_threads threads

        for kind, window, stride in
            [ Pooling.Max, 2, 2; Pooling.Max, 3, 1; Pooling.Average, 2, 2; Pooling.Average, 3, 2 ] do
            testScoped $"{kind} pooling of window {window}, stride {stride} is that of plain arithmetic"
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

        testScoped "flattening goes channel by channel, row by row"
        <| fun () ->
            let x = normal 1 [ 2; 3; 2; 4 ]
            let y = run (new FlattenNode("flatten1")) x
            Expect.equal y.shape [| 2L; 24L |] "shape"
            close y (images x |> Array.collect flat) "values"

        testScoped "layer normalisation is that of plain arithmetic, on vectors, sequences and images"
        <| fun () ->
            for shape, own in [ [ 3; 4 ], [ 4 ]; [ 2; 3; 4 ], [ 4 ]; [ 2; 2; 3; 2 ], [ 2; 3; 2 ] ] do
                let node = new LayerNormNode("layer_norm1", own |> List.map int64 |> Array.ofList, doubles 1)

                shaken 3 node
                let x = normal 1 shape
                let scale, shift = vector (parameter node "weight"), vector (parameter node "bias")

                let expected =
                    numbers x
                    |> Array.chunkBySize scale.Length
                    |> Array.collect (fun row -> Array.map3 (fun v w b -> v * w + b) (standardised row row) scale shift)

                close (run node x) expected $"{shape}"
                slopes node x

        testScoped "a GRU is the step of plain arithmetic, over time"
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

                let candidate = Array.append (Array.map2 (*) r h) x |> affine "weight" "bias" |> Array.map tanh

                Array.map3 (fun z h c -> (1.0 - z) * h + z * c) z h candidate

            let expected =
                words
                |> Array.collect (fun sequence ->
                    sequence |> Array.scan step (Array.zeroCreate hidden) |> Array.tail |> Array.concat)

            close (run node x) expected "states"
            slopes node x

        testScoped "a custom module is run as it is, and one that loses the batch is refused by name"
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
