/// Chains in float32, which a kernel of our own runs, beside the loop, and beside the other dispatches.
module ModNet.Tests.UnitPlanTests

open Expecto
open ModNet.Runtime
open TorchSharp

let private width = 6

let private linear name modules inputs outputs activation bias init =
    new LinearPool(name, modules, inputs, outputs, activation, bias, init) :> ModulePool

let private stage name modules (node: Node) = new StagePool(name, modules, node) :> ModulePool

/// Layer normalisation, two linear layers with something between them, and something at the end.
let private chain (init: Initialiser) modules (between: ModulePool list) (first: Activation) (last: Activation) =
    new ChainPool(
        "p",
        [|
            new LayerNormPool("p/layer_norm1", modules, [| int64 width |], init)
            linear "p/linear1" modules width 19 first true init
            yield! between
            linear "p/linear2" modules 19 5 last false init
        |]
    )

let private singles seed = Initialiser(generator seed)

let private float32s (t: torch.Tensor) = t.to_type torch.ScalarType.Float32

/// Output, and the gradients of the input and of every parameter, under a fixed random upstream.
let private run seed (pool: ModulePool) (dispatch: Dispatch) (chosen: torch.Tensor) =
    pool.zero_grad ()
    let x = (float32s (normal (seed + 1) [ int chosen.shape[0]; width ])).requires_grad_ true
    let y = dispatch.Run(pool, x, chosen)
    let upstream = float32s (normal (seed + 2) [ for n in y.shape -> int n ])
    (y * upstream).sum().backward()

    let gradient (p: torch.Tensor) =
        if not (isNull p.grad) && p.grad.is_sparse then p.grad.to_dense () else Slopes.gradient p

    [
        yield "output", y.detach ()
        yield "input", x.grad

        for name, p in Slopes.parameters pool do
            yield name, gradient p
    ]

let private agree what expected actual =
    for (name, e: torch.Tensor), (_, a: torch.Tensor) in List.zip expected actual do
        Expect.equal a.dtype torch.ScalarType.Float32 $"{what}: {name}"
        let most = 1.0 + e.abs().max().ToDouble()
        Expect.isLessThan (distance e a / most) 1e-5 $"{what}: {name}"

/// Whether the kernel runs the pool on float32 vectors.
let private isTaken (pool: ChainPool) = not (isNull (UnitPlan.Of(pool, torch.zeros (1L, int64 width), 1L)))

[<Tests>]
let tests =
    testList "units by a kernel" [
        for first in Fixtures.activations do
            testScoped $"{first}: a chain agrees with the loop in outputs and every gradient"
            <| fun () ->
                for seed, last in List.indexed Fixtures.activations do
                    let modules, choose, rows = 1 + seed % 5, 1 + seed % 3, 1 + 5 * seed % 17
                    use pool = chain (singles seed) modules [] first last
                    let chosen = indices (seed + 3) modules rows choose
                    Expect.equal (isTaken pool) (not first.TakesRows) $"{first}, {last}"
                    let expected = run seed pool Dispatch.Loop chosen

                    for dispatch in [ Dispatch.Kernel; Dispatch.Auto ] do
                        agree $"{dispatch}, {first}, {last}" expected (run seed pool dispatch chosen)

        testScoped "activations, flattening and dropout of their own are stages, too"
        <| fun () ->
            let between = [
                stage "p/tanh1" 4 (new ActivationNode("tanh1", Activation.Tanh))
                stage "p/flatten1" 4 (new FlattenNode("flatten1"))
                stage "p/dropout1" 4 (new DropoutNode("dropout1", 0.0, generator 1))
            ]

            use pool = chain (singles 2) 4 between Activation.Identity Activation.Identity
            Expect.isTrue (isTaken pool) "taken"
            let chosen = indices 5 4 9 2
            agree "kernel" (run 3 pool Dispatch.Loop chosen) (run 3 pool Dispatch.Kernel chosen)

        testScoped "dropout draws for each choice what it draws where rows are grouped, and nothing in evaluation"
        <| fun () ->
            let run training (dispatch: Dispatch) =
                let dropout name seed = stage $"p/{name}" 4 (new DropoutNode(name, 0.4, generator seed))

                let pool =
                    chain (singles 2) 4 [ dropout "dropout1" 8; dropout "dropout2" 9 ] Activation.Gelu Activation.Tanh

                pool.train training
                Expect.isTrue (isTaken pool) "taken"
                run 3 pool dispatch (indices 5 4 12 2)

            agree "in training" (run true Dispatch.Grouped) (run true Dispatch.Kernel)
            agree "in evaluation" (run false Dispatch.Loop) (run false Dispatch.Kernel)
            let outputs training = run training Dispatch.Kernel |> List.head |> snd
            Expect.isGreaterThan (distance (outputs true) (outputs false)) 1e-3 "dropout changes something"

        testScoped "gradients have rows for the modules in use alone, where the pool tracks them"
        <| fun () ->
            use pool = chain (singles 2) 7 [] Activation.Relu Activation.Identity
            // Modules 0, 2, 4 and 6 of 7.
            let chosen = indices 5 4 9 2 * 2L.ToScalar()
            let expected = run 3 pool Dispatch.Loop chosen
            pool.Track(ModulesInUse 7)
            agree "kernel" expected (run 3 pool Dispatch.Kernel chosen)

            for name, p in Slopes.parameters pool do
                Expect.isTrue p.grad.is_sparse name
                Expect.isLessThanOrEqual (p.grad.SparseIndices.shape[1]) 4L name

        testScoped "without gradients the outputs are the same bits"
        <| fun () ->
            use pool = chain (singles 2) 7 [] Activation.Gelu Activation.Silu
            let x = float32s (normal 1 [ 20; width ])
            let chosen = indices 5 7 20 2
            let y = Dispatch.Kernel.Run(pool, x, chosen)
            use _ = torch.no_grad ()
            Expect.equal (numbers (Dispatch.Kernel.Run(pool, x, chosen))) (numbers (y.detach ())) "output"

        testScoped "the kernel runs where no rows, or a row alone, are given, and where x is read by nothing before it"
        <| fun () ->
            use pool = chain (singles 2) 3 [] Activation.Relu Activation.Relu

            for rows in [ 0; 1 ] do
                pool.zero_grad ()
                let x = float32s (normal 2 [ rows; width ])
                let y = Dispatch.Kernel.Run(pool, x, indices 3 3 rows 2)
                Expect.equal (List.ofArray y.shape) [ int64 rows; 2L; 5L ] "shape"
                y.sum().backward()
                Expect.isNull x.grad "x needs no gradient"

                for name, p in Slopes.parameters pool do
                    Expect.equal p.grad.shape p.shape name

        testScoped "what the kernel does not know falls back: other dtypes, images, and stages of other kinds"
        <| fun () ->
            use doubles = chain (doubles 2) 3 [] Activation.Relu Activation.Relu
            Expect.isNull (UnitPlan.Of(doubles, normal 1 [ 2; width ], 2L)) "double precision"

            use images =
                new ChainPool(
                    "p",
                    [|
                        new ConvPool("p/conv1", 3, 1, Convolution(2, 3, 1, 0), Activation.Relu, true, singles 1)
                        stage "p/flatten1" 3 (new FlattenNode("flatten1"))
                        linear "p/linear1" 3 8 2 Activation.Relu true (singles 1)
                    |]
                )

            Expect.isNull (UnitPlan.Of(images, torch.zeros (1L, 1L, 4L, 4L), 1L)) "images"

            let nodes =
                new NodePool(
                    "p/nodes1",
                    [|
                        for i in 0..2 -> new LinearNode($"linear{i}", 19, 19, Activation.Tanh, true, singles i) :> Node
                    |]
                )

            use custom = chain (singles 2) 3 [ nodes ] Activation.Relu Activation.Relu
            Expect.isFalse (isTaken custom) "nodes"
            let chosen = indices 5 3 9 2
            agree "nodes" (run 3 custom Dispatch.Loop chosen) (run 3 custom Dispatch.Kernel chosen)

            use activations = new ChainPool("p", [| stage "p/tanh1" 3 (new ActivationNode("tanh1", Activation.Tanh)) |])

            Expect.isFalse (isTaken activations) "nothing linear"

        testScoped "auto takes the kernel for units, but wide for more positions than modules"
        <| fun () ->
            let name modules positions =
                let init = singles 2

                use pool =
                    new ChainPool(
                        "p",
                        [|
                            linear "p/linear1" modules 128 128 Activation.Gelu true init
                            linear "p/linear2" modules 128 128 Activation.Identity true init
                        |]
                    )

                let x = torch.zeros (1L, 128L)
                let doubles = Dispatch.Auto.For(pool, x.to_type torch.ScalarType.Float64, 128L, positions)
                Expect.notEqual doubles.Name "kernel" "double precision"
                (Dispatch.Auto.For(pool, x, 128L, positions)).Name

            Expect.equal (name 64 1L) "kernel" "64 modules"
            Expect.equal (name 5 1L) "kernel" "5 modules"
            Expect.equal (name 5 11L) "wide" "11 candidates of 5 modules"
            Expect.equal (name 64 11L) "kernel" "11 candidates of 64 modules"
    ]
