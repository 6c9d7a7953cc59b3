module ModNet.Tests.ControllerTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

let private choose, modules = 2, 3

let private affine (weight: float[][]) (bias: float[]) (row: float[]) =
    Array.map2 (fun w b -> b + Array.sum (Array.map2 (*) w row)) weight bias

/// K softmaxes over M, in logarithms, of one row's logits.
let private logSoftmax (logits: float[]) =
    logits
    |> Array.chunkBySize modules
    |> Array.collect (fun position ->
        let total = position |> Array.sumBy exp |> log
        position |> Array.map (fun v -> v - total))

/// The distributions of a controller against those of features found by plain arithmetic, and every gradient.
let private agrees (controller: Controller) (x: torch.Tensor) (beside: torch.Tensor) (features: float[][]) =
    let x = x.requires_grad_ true
    let distribution = controller.Distribution(x, beside)

    let weight, bias = matrix (parameter controller "weight"), vector (parameter controller "bias")

    let expected = features |> Array.collect (affine weight bias >> logSoftmax)
    Expect.equal distribution.LogProbabilities.shape [| x.shape[0]; int64 choose; int64 modules |] "shape"

    for a, e in Array.zip (numbers distribution.LogProbabilities) expected do
        Expect.isLessThan (abs (a - e)) 1e-10 "log p"

    let chosen = indices 8 modules (int x.shape[0]) choose

    Slopes.agree (("input", x) :: Slopes.parameters controller) (fun () ->
        controller.Distribution(x, beside).LogProbability(chosen).sum())

/// Rows of an image as the flat vectors of its values.
let private flattened (x: torch.Tensor) = images x |> Array.map flat

[<Tests>]
let tests =
    testList "controllers" [
        testScoped "a linear one reads vectors, and images as they are flattened"
        <| fun () ->
            let x = normal 1 [ 4; 3 ]
            agrees (new LinearController(3, choose, modules, doubles 2)) x null (matrix x)
            let x = normal 1 [ 2; 2; 2; 3 ]
            agrees (new LinearController(12, choose, modules, doubles 2)) x null (flattened x)

        testScoped "an MLP has ReLU between linear maps"
        <| fun () ->
            let controller = new MlpController(12, [| 5; 4 |], choose, modules, doubles 2)

            let x = normal 1 [ 3; 3; 2; 2 ]

            let hidden name (row: float[]) =
                affine
                    (matrix (parameter controller $"{name}.weight"))
                    (vector (parameter controller $"{name}.bias"))
                    row
                |> Array.map (max 0.0)

            agrees controller x null (flattened x |> Array.map (hidden "hidden1" >> hidden "hidden2"))
            let x = normal 1 [ 3; 2 ]
            agrees (new MlpController(2, [||], choose, modules, doubles 2)) x null (matrix x)

        for kernel in [ 1; 2; 3; 4 ] do
            testScoped $"a convolutional one of kernel {kernel} keeps the size, and takes the mean over all places"
            <| fun () ->
                let controller = new ConvController(2, 3, kernel, choose, modules, doubles 2)
                let x = normal 1 [ 2; 2; 4; 5 ]
                // Even kernels see one zero more to the right and below.
                let size = (kernel - 1) / 2

                let framed =
                    images x
                    |> Array.map (
                        Array.map (fun channel ->
                            let blank = Array.zeroCreate (channel[0].Length + kernel - 1)
                            let after = kernel - 1 - size

                            let line (row: float[]) =
                                Array.concat [ Array.zeroCreate size; row; Array.zeroCreate after ]

                            Array.concat [
                                Array.replicate size blank
                                Array.map line channel
                                Array.replicate after blank
                            ])
                    )

                let weight, bias =
                    kernels (parameter controller "conv.weight"), vector (parameter controller "conv.bias")

                let features =
                    convolve framed weight bias 1 0
                    |> Array.map (
                        Array.map (fun channel ->
                            Expect.equal (channel.Length, channel[0].Length) (4, 5) "size"
                            channel |> Array.collect (Array.map (max 0.0)) |> Array.average)
                    )

                agrees controller x null features

        testScoped "a task controller reads x and the task id"
        <| fun () ->
            let tasks = torch.tensor [| 3L; 0L; 1L |]
            let x = normal 1 [ 3; 2 ]

            let oneHot t = Array.init 4 (fun i -> if i = t then 1.0 else 0.0)

            agrees
                (new TaskController(2, 4, choose, modules, doubles 2))
                x
                tasks
                (Array.map2 Array.append (matrix x) (integers tasks |> Array.map oneHot))

        testScoped "given choices have all probability, no entropy and no gradient"
        <| fun () ->
            let given = indices 1 modules 5 choose

            let distribution = (new GivenController(choose, modules)).Distribution(normal 1 [ 5; 2 ], given)

            Expect.isFalse distribution.Latent "latent"
            Expect.equal (integers (distribution.Mode())) (integers given) "mode"
            Expect.equal (numbers (distribution.LogProbability given)) (Array.zeroCreate 5) "log p"
            Expect.equal (numbers (distribution.Entropy()) |> Array.map abs) (Array.zeroCreate 5) "entropy"
            Expect.equal (numbers (distribution.LogProbabilities.exp().sum(dim = -1L))) (Array.create 10 1.0) "one-hot"

        testScoped "by task, each datapoint's task id has all probability, and nothing is chosen"
        <| fun () ->
            let tasks = torch.tensor [| 2L; 0L; 2L; 1L |]
            use controller = new ByTaskController(3)
            let distribution = controller.Distribution(normal 1 [ 4; 2 ], tasks)
            Expect.isFalse distribution.Latent "latent"
            Expect.equal (distribution.Mode().shape) [| 4L; 1L |] "one choice each"
            Expect.equal (integers (distribution.Mode())) (integers tasks) "the task's own"
            Expect.equal (numbers (distribution.LogProbability(tasks.unsqueeze 1L))) (Array.zeroCreate 4) "log p"

            let pool = new LinearPool("heads", 3, 2, 2, Activation.Identity, true, doubles 1)
            let layer = new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Auto)
            use graph = new Graph([| layer :> Node |], new CategoricalHead(2))
            let x = normal 2 [ 4; 2 ]
            let output = graph.Forward(x, new ModeSelector(), SideInputs(tasks, null))
            Expect.isFalse graph.HasChoice "no choice"
            Expect.equal graph.GivenChoices 0L "no given choices"

            for row, task in Array.indexed (integers tasks) do
                let weight, bias = pool.Weight[int64 task], pool.Bias[int64 task]
                let expected = numbers (torch.nn.functional.linear (x[int64 row].unsqueeze 0L, weight, bias))
                Expect.equal (numbers output.Features[int64 row]) expected $"row {row}"

            output.Features.sum().backward()

            use alone =
                graph.Forward(x, new ModeSelector(), SideInputs(torch.zeros (4L, dtype = torch.int64), null)).Features

            graph.zero_grad ()
            alone.sum().backward()
            Expect.equal (numbers (pool.Weight.grad[1L])) (Array.zeroCreate 4) "another task's head gets no gradient"
            fails (fun () -> graph.Forward(x, new ModeSelector()) |> ignore) "a task id from 0 to 2"

        testScoped "a custom one gives logits position by position, and other shapes are refused by the layer's name"
        <| fun () ->
            let map outputs = torch.nn.Linear(2L, outputs, dtype = Nullable torch.ScalarType.Float64)

            let inner = map 6L
            let controller = new CustomController(inner, choose, modules)
            let x = normal 1 [ 4; 2 ]

            let expected = matrix x |> Array.collect (affine (matrix inner.weight) (vector inner.bias) >> logSoftmax)

            for a, e in Array.zip (numbers (controller.Distribution(x).LogProbabilities)) expected do
                Expect.isLessThan (abs (a - e)) 1e-10 "log p"

            let pool = new LinearPool("p", modules, 2, 2, Activation.Relu, true, doubles 1)

            let layer =
                new ModularLayer(
                    "modular1",
                    new CustomController(map 5L, choose, modules),
                    pool,
                    Combine.Sum,
                    Dispatch.Auto
                )

            Expect.throwsC (fun () -> layer.Forward(x, Route(ModeSelector())) |> ignore) (fun e ->
                Expect.equal
                    e.Message
                    "modular1/controller: expected logits [4, 6] for K = 2 positions over M = 3 modules, got [4, 5] – give M logits for each position, one position after the other"
                    "")
    ]
