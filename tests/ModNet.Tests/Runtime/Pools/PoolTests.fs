module ModNet.Tests.PoolTests

open Expecto
open ModNet.Runtime
open ModNet.Tests.Plain
open TorchSharp

/// A way to make a pool, and the shape of the rows it reads.
type private Kind = { Name: string; Row: int list; Make: int -> int -> ModulePool }

let private linear name inputs outputs seed =
    new LinearNode(name, inputs, outputs, Activation.Tanh, true, doubles seed) :> Node

let private form = Convolution(2, 3, 2, 1)

let private stage name count (node: Node) = new StagePool(name, count, node) :> ModulePool

let private kinds: Kind list = [
    {
        Name = "linear"
        Row = [ 3 ]
        Make = fun m seed -> new LinearPool("p", m, 3, 4, Activation.Tanh, true, doubles seed)
    }
    {
        Name = "linear without bias"
        Row = [ 3 ]
        Make = fun m seed -> new LinearPool("p", m, 3, 2, Activation.Identity, false, doubles seed)
    }
    {
        Name = "convolution"
        Row = [ 2; 5; 4 ]
        Make = fun m seed -> new ConvPool("p", m, 2, form, Activation.Tanh, true, doubles seed)
    }
    {
        Name = "convolution without bias"
        Row = [ 2; 3; 3 ]
        Make = fun m seed -> new ConvPool("p", m, 2, Convolution(3, 2, 1, 0), Activation.Sigmoid, false, doubles seed)
    }
    {
        Name = "layer normalisation"
        Row = [ 4 ]
        Make = fun m seed -> new LayerNormPool("p", m, [| 4L |], doubles seed)
    }
    {
        Name = "layer normalisation of images"
        Row = [ 2; 2; 3 ]
        Make = fun m seed -> new LayerNormPool("p", m, [| 2L; 2L; 3L |], doubles seed)
    }
    {
        Name = "stage"
        Row = [ 2; 4; 4 ]
        Make = fun m _ -> stage "p" m (new PoolingNode("max_pool1", Pooling.Max, 2, 2))
    }
    {
        Name = "multi-layer perceptron"
        Row = [ 3 ]
        Make =
            fun m seed ->
                new ChainPool(
                    "p",
                    [|
                        new LinearPool("p/linear1", m, 3, 5, Activation.Tanh, true, doubles seed)
                        new LayerNormPool("p/layer_norm1", m, [| 5L |], doubles seed)
                        new LinearPool("p/linear2", m, 5, 2, Activation.Identity, false, doubles (seed + 1))
                    |]
                )
    }
    {
        Name = "convolutional network"
        Row = [ 2; 5; 4 ]
        Make =
            fun m seed ->
                new ChainPool(
                    "p",
                    [|
                        stage "p/tanh1" m (new ActivationNode("tanh1", Activation.Tanh))
                        new ConvPool("p/conv1", m, 2, Convolution(2, 3, 1, 1), Activation.Tanh, true, doubles seed)
                        stage "p/avg_pool1" m (new PoolingNode("avg_pool1", Pooling.Average, 2, 2))
                        new ConvPool("p/conv2", m, 2, Convolution(3, 2, 1, 0), Activation.Tanh, true, doubles seed)
                        stage "p/flatten1" m (new FlattenNode("flatten1"))
                        new LinearPool("p/linear1", m, 3, 2, Activation.Identity, true, doubles seed)
                    |]
                )
    }
    {
        Name = "nodes of any make"
        Row = [ 3 ]
        Make =
            fun m seed ->
                new NodePool(
                    "p",
                    [|
                        for i in 0 .. m - 1 ->
                            match i % 3 with
                            | 0 -> linear "linear1" 3 3 (seed + i)
                            | 1 -> new ResidualNode("residual1", [| linear "residual1/linear1" 3 3 (seed + i) |])
                            | _ ->
                                new ChainNode(
                                    "chain1",
                                    [| linear "linear1" 3 4 (seed + i); linear "linear2" 4 3 seed |]
                                )
                    |]
                )
    }
    {
        Name = "nodes between linear stages"
        Row = [ 3 ]
        Make =
            fun m seed ->
                new ChainPool(
                    "p",
                    [|
                        new LinearPool("p/linear1", m, 3, 2, Activation.Tanh, true, doubles seed)
                        new NodePool("p/nodes1", [| for i in 0 .. m - 1 -> linear "linear1" 2 2 (seed + i) |])
                        new LinearPool("p/linear2", m, 2, 3, Activation.Tanh, true, doubles seed)
                    |]
                )
    }
]

let private dispatches pool =
    [ Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather; Dispatch.Auto ] |> List.filter _.Fits(pool)

/// Output, and the gradients of the input and of every parameter, under a fixed random upstream.
let private run (kind: Kind) seed (pool: ModulePool) (dispatch: Dispatch) (chosen: torch.Tensor) =
    pool.zero_grad ()
    let rows = int chosen.shape[0]
    let x = (normal (seed + 1) (rows :: kind.Row)).requires_grad_ true
    let y = dispatch.Run(pool, x, chosen)
    let upstream = normal (seed + 2) [ for n in y.shape -> int n ]
    (y * upstream).sum().backward()

    [
        yield "output", y.detach ()
        yield "input", x.grad

        for name, p in Slopes.parameters pool do
            yield name, Slopes.gradient p
    ]

/// The part of a gradient that belongs to one module.
let private ofModule m (name: string, gradient: torch.Tensor) =
    if not (name.Contains "module") then Some(gradient.select (0L, int64 m))
    elif name.Contains $"module{m}." then Some gradient
    else None

[<Tests>]
let agreement =
    testList "pools" [
        for kind in kinds do
            testCase $"{kind.Name}: every dispatch agrees with the loop, forward and backward"
            <| fun () ->
                for seed in 1..6 do
                    scoped
                    <| fun () ->
                        let modules, choose, rows = 1 + seed % 5, 1 + seed % 3, 1 + 3 * seed % 7
                        use pool = kind.Make modules seed
                        let chosen = indices (seed + 3) modules rows choose
                        let expected = run kind seed pool Dispatch.Loop chosen

                        for dispatch in dispatches pool do
                            for (name, e), (_, a) in List.zip expected (run kind seed pool dispatch chosen) do
                                Expect.isLessThan (distance e a) 1e-11 $"{dispatch}, seed {seed}: {name}"

            if kind.Name <> "stage" then
                testScoped $"{kind.Name}: modules that were not chosen get a gradient of exactly zero, others do not"
                <| fun () ->
                    use pool = kind.Make 4 7
                    // Modules 0 and 2 of 4.
                    let chosen = indices 3 2 6 2 * 2L.ToScalar()

                    for dispatch in Dispatch.Loop :: dispatches pool do
                        let gradients = run kind 7 pool dispatch chosen |> List.skip 2

                        for m in 0..3 do
                            let own = gradients |> List.choose (ofModule m) |> List.map numbers
                            let moved = own |> List.exists (Array.exists ((<>) 0.0))
                            Expect.equal moved (m % 2 = 0) $"{dispatch}: module {m}"

            testScoped $"{kind.Name}: its cost gives the shape that it returns"
            <| fun () ->
                use pool = kind.Make 2 1
                let y = pool.Apply(1, normal 1 (1 :: kind.Row))
                let cost = pool.Cost [| for n in kind.Row -> int64 n |]

                if cost.HasValue then
                    Expect.equal cost.Value.Output y.shape[1..] "shape"
                else
                    Expect.isTrue (kind.Name.StartsWith "nodes") "only nodes do not know"

        testScoped "auto is wide where all modules at once are cheap, and grouped where a pool cannot tell"
        <| fun () ->
            let name kindName =
                let kind = kinds |> List.find (fun k -> k.Name = kindName)
                use pool = kind.Make 3 1
                AutoDispatch.Choose(pool, [| for n in kind.Row -> int64 n |], 8L, 1L).Name

            Expect.equal (name "convolutional network") "wide" "small"
            Expect.equal (name "nodes of any make") "grouped" "unknown"

            use large = new ConvPool("p", 8, 16, Convolution(16, 3, 1, 1), Activation.Relu, true, doubles 1)

            // The same pool, by the size of the image.
            Expect.equal (AutoDispatch.Choose(large, [| 16L; 32L; 32L |], 64L, 1L).Name) "grouped" "32 × 32"
            Expect.equal (AutoDispatch.Choose(large, [| 16L; 1L; 1L |], 64L, 1L).Name) "wide" "1 × 1"

        testScoped "multiply-adds are those of the products"
        <| fun () ->
            let cost name =
                let kind = kinds |> List.find (fun k -> k.Name = name)
                use pool = kind.Make 3 1
                (pool.Cost [| for n in kind.Row -> int64 n |]).Value.MultiplyAdds

            Expect.equal (cost "linear") 12L "3 · 4"
            // 3 × 2 places, 2 channels, each from 2 · 3 · 3 values.
            Expect.equal (cost "convolution") 216L "6 · 2 · 18"
            Expect.equal (cost "multi-layer perceptron") (15L + 5L + 10L) "stage by stage"

        testScoped "a convolution pool is its own convolution row by row, at any image size"
        <| fun () ->
            use pool = new ConvPool("p", 3, 2, form, Activation.Identity, true, doubles 4)

            for size in [ [ 5; 4 ]; [ 3; 7 ] ] do
                let x = normal 1 (4 :: 2 :: size)
                let chosen = indices 2 3 4 2

                let expected = [|
                    for row, choices in Array.zip (images x) (integers chosen |> Array.chunkBySize 2) do
                        for m in choices do
                            let weight = pool.Weight.select (0L, int64 m)
                            let bias = vector (pool.Bias.select (0L, int64 m))
                            flat (convolve [| row |] (kernels weight) bias 2 1).[0]
                |]

                for dispatch in Dispatch.Loop :: dispatches pool do
                    let y = dispatch.Run(pool, x, chosen)
                    Expect.equal y.shape[..2] [| 4L; 2L; 2L |] $"{dispatch}: rows, positions, channels"

                    for e, a in Array.zip (Array.concat expected) (numbers y) do
                        Expect.isLessThan (abs (e - a)) 1e-10 $"{dispatch}"

        testScoped "no rows give no outputs, of the right shape"
        <| fun () ->
            for kind in kinds do
                use pool = kind.Make 3 1
                let x = normal 1 (0 :: kind.Row)
                let shape = pool.Apply(0, normal 1 (1 :: kind.Row)).shape[1..]

                for dispatch in [ Dispatch.Loop; Dispatch.Grouped ] do
                    let y = dispatch.Run(pool, x, torch.zeros (0L, 2L, dtype = torch.ScalarType.Int64))
                    Expect.equal y.shape (Array.append [| 0L; 2L |] shape) $"{kind.Name}, {dispatch}"

        testScoped "gather is refused where units are not linear, by the layer's name"
        <| fun () ->
            let pool = new ConvPool("shapes", 3, 2, form, Activation.Relu, true, doubles 1)
            Expect.isFalse (Dispatch.Gather.Fits pool) "fits"
            let controller = new LinearController(8, 1, 3, doubles 1)

            Expect.throwsC
                (fun () -> new ModularLayer("modular1", controller, pool, Combine.Sum, Dispatch.Gather) |> ignore)
                (fun e ->
                    Expect.equal
                        e.Message
                        "modular1: expected a pool of equal linear modules for dispatch gather, got pool shapes, a ConvPool – use auto"
                        "")

        testScoped "chains of other counts, parameters in a stage and choices in a module are refused"
        <| fun () ->
            let pool m = new LinearPool("p/linear1", m, 2, 2, Activation.Relu, true, doubles 1) :> ModulePool

            let refused message (make: unit -> ModulePool) = fails (fun () -> make () |> ignore) message

            refused "expected stages of 3 modules, got 2 in p/linear1" (fun () ->
                new ChainPool("p", [| pool 3; pool 2 |]))

            refused "expected at least one stage, got none" (fun () -> new ChainPool("p", [||]))

            refused "expected a node without parameters, got linear1" (fun () -> stage "p" 3 (linear "linear1" 2 2 1))

            refused "module 0: expected a node without choices, got modular1" (fun () ->
                let controller = new LinearController(2, 1, 3, doubles 1)

                new NodePool("p", [| new ModularLayer("modular1", controller, pool 3, Combine.Sum, Dispatch.Auto) |]))

        testScoped "what is combined of images lies side by side in channels"
        <| fun () ->
            let outputs = normal 1 [ 3; 2; 4; 2; 5 ]
            let weights = normal 2 [ 3; 2 ]
            let scaled = outputs * weights.view (3L, 2L, 1L, 1L, 1L)
            Expect.equal (distance (Combine.Sum.Apply(outputs, weights)) (scaled.sum (dim = 1L))) 0.0 "sum"
            let y = Combine.Concat.Apply(outputs, weights)
            Expect.equal y.shape [| 3L; 8L; 2L; 5L |] "shape"
            Expect.equal (distance (y.narrow (1L, 4L, 4L)) (scaled.select (1L, 1L))) 0.0 "second position"
    ]
