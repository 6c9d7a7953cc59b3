module ModNet.Tests.DispatchTests

open Expecto
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

/// Outputs, and the gradients of input, weight and bias under a fixed random upstream.
let private run (s: Sizes) (pool: LinearPool) (dispatch: Dispatch) (chosen: torch.Tensor) =
    pool.zero_grad ()
    let like (t: torch.Tensor) = t.to_type pool.Weight.dtype
    let x = (like (normal (s.Seed + 1) [ s.Batch; s.Inputs ])).requires_grad_()
    let y = dispatch.Run(pool, x, chosen)

    let upstream = like (normal (s.Seed + 2) [ s.Batch; int chosen.shape[1]; s.Outputs ])

    (y * upstream).sum().backward()

    [
        "output", y.detach ()
        "input gradient", x.grad
        "weight gradient", pool.Weight.grad.clone ()
        if not (isNull pool.Bias) then "bias gradient", pool.Bias.grad.clone ()
    ]

let private agree what expected actual =
    for (name, e: torch.Tensor), (_, a) in List.zip expected actual do
        Expect.isLessThan (distance e a) 1e-12 $"{what}: {name}"

/// Whether rounding in float32 may decide on which side of a kink of the activation, such as ReLU's at 0, an output lies: its slope is then one
/// by one dispatch and another by another, and both are right. `linear` has the parameters without the activation.
let private nearAKink (s: Sizes) (linear: LinearPool) (chosen: torch.Tensor) =
    let kinks =
        match string s.Activation with
        | "Relu" -> [ 0.0 ]
        | "Hardswish" -> [ -3.0; 3.0 ]
        | name when name.StartsWith "LeakyRelu" || name.StartsWith "Elu" -> [ 0.0 ]
        | _ -> []

    let outputs = run s linear Dispatch.Loop chosen |> List.head |> snd

    kinks
    |> List.exists (fun kink -> outputs.sub(TorchSharp.Scalar.op_Implicit kink).abs().min().ToDouble() < 1e-5)

let private others = [ Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather; Dispatch.Kernel; Dispatch.Auto ]

/// Two plain linear maps behind a custom pool.
type private Plain(name: string, inputs: int, outputs: int, seed: int) as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>(name)
    let weight = (doubles seed).Uniform(int64 inputs, int64 outputs, int64 inputs)
    do this.register_parameter ("weight", weight)
    member _.Weight = weight

    override _.forward x = torch.nn.functional.linear(x, weight).tanh()

[<Tests>]
let tests =
    testList "dispatch" [
        testPropertyWithConfig config "agrees with the loop in outputs and every gradient"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                use pool = Fixtures.pool s
                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose
                let expected = run s pool Dispatch.Loop chosen

                for dispatch in others do
                    agree $"{dispatch}" expected (run s pool dispatch chosen)

        testPropertyWithConfig { config with maxTest = 10 } "agrees with the loop where outputs are wide"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { s with Outputs = s.Outputs + 15 }
                use pool = Fixtures.pool s
                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose
                let expected = run s pool Dispatch.Loop chosen

                for dispatch in others do
                    agree $"{dispatch}" expected (run s pool dispatch chosen)

        testPropertyWithConfig config "agrees with the loop in float32, where kernels run"
        <| fun (s: Sizes) (wider: bool) ->
            scoped
            <| fun () ->
                let s = if wider then { s with Outputs = s.Outputs + 15; Inputs = s.Inputs + 30 } else s

                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose

                let poolOf activation =
                    let init = Initialiser(generator s.Seed)
                    new LinearPool("pool", s.Modules, s.Inputs, s.Outputs, activation, s.Bias, init)

                use pool = poolOf s.Activation
                use linear = poolOf Activation.Identity
                let expected = run s pool Dispatch.Loop chosen
                let hasSlopes = not (nearAKink s linear chosen)

                for dispatch in others do
                    for (name, e: torch.Tensor), (_, a) in List.zip expected (run s pool dispatch chosen) do
                        Expect.equal a.dtype torch.ScalarType.Float32 $"{dispatch}: {name}"

                        if name = "output" || hasSlopes then
                            // Sums of at most 36 products: their rounding goes with their size.
                            let most = 1.0 + e.abs().max().ToDouble()
                            Expect.isLessThan (distance e a / most) 5e-6 $"{dispatch}: {name}"

        testPropertyWithConfig { config with maxTest = 10 } "agrees with the loop on convolutions"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let form = Convolution(1 + s.Outputs % 2, 3, 1 + s.Seed % 2, s.Seed / 2 % 2)
                // Outputs of 1 to 50 values, on both sides of what wide picks as a whole.
                let side = 3 + s.Inputs % 3

                use pool = new ConvPool("p", s.Modules, 2, form, s.Activation, s.Bias, doubles s.Seed)

                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose

                let run (dispatch: Dispatch) =
                    pool.zero_grad ()
                    let x = (normal (s.Seed + 1) [ s.Batch; 2; side; side ]).requires_grad_()
                    let y = dispatch.Run(pool, x, chosen)

                    let upstream = normal (s.Seed + 2) [ for size in y.shape -> int size ]

                    (y * upstream).sum().backward()

                    [ "output", y.detach (); "input gradient", x.grad; "weight gradient", pool.Weight.grad.clone () ]

                let expected = run Dispatch.Loop

                for dispatch in [ Dispatch.Grouped; Dispatch.Wide; Dispatch.Kernel; Dispatch.Auto ] do
                    agree $"{dispatch}" expected (run dispatch)

        testPropertyWithConfig config "agrees with the loop on convolutions in float32, where kernels run"
        <| fun (s: Sizes) (several: bool) ->
            scoped
            <| fun () ->
                let kernel = 1 + s.Seed / 4 % 3
                let form = Convolution(1 + s.Outputs % 4, kernel, 1 + s.Seed % 3, s.Seed / 2 % 2)
                let side = kernel + s.Inputs % 6
                let times = if several then 3 else 1

                // An activation without kinks, and the kernel's own. At a kink, rounding decides on the slope.
                let activation = if s.Bias then Activation.Tanh else Activation.Relu

                use pool = new ConvPool("p", s.Modules, 2, form, activation, s.Bias, Initialiser(generator s.Seed))

                let chosen = indices (s.Seed + 3) s.Modules (times * s.Batch) s.Choose

                let run (dispatch: Dispatch) =
                    pool.zero_grad ()

                    let x =
                        ((normal (s.Seed + 1) [ s.Batch; 2; side; side + 1 ]).to_type torch.float32).requires_grad_()

                    let y = dispatch.RunSeveral(pool, x, chosen, times)
                    let upstream = normal (s.Seed + 2) [ for size in y.shape -> int size ]
                    (y * upstream.to_type torch.float32).sum().backward()
                    let bias = if s.Bias then [ "bias gradient", pool.Bias.grad.clone () ] else []

                    [ "output", y.detach (); "input gradient", x.grad; "weight gradient", pool.Weight.grad.clone () ]
                    @ bias

                let expected = run Dispatch.Loop

                for dispatch in [ Dispatch.Grouped; Dispatch.Wide; Dispatch.Kernel; Dispatch.Auto ] do
                    for (name, e: torch.Tensor), (_, a: torch.Tensor) in List.zip expected (run dispatch) do
                        Expect.equal a.dtype torch.float32 $"{dispatch}: {name}"
                        Expect.equal (List.ofArray a.shape) (List.ofArray e.shape) $"{dispatch}: {name}"
                        let most = 1.0 + e.abs().max().ToDouble()
                        Expect.isLessThan (distance e a / most) 1e-5 $"{dispatch}: {name}"

        testPropertyWithConfig config "unselected modules get a gradient of exactly zero"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = { s with Modules = s.Modules + 1 }
                use pool = Fixtures.pool s
                // The last module is never chosen.
                let chosen = indices (s.Seed + 3) (s.Modules - 1) s.Batch s.Choose

                for dispatch in Dispatch.Loop :: others do
                    for name, gradient in run s pool dispatch chosen do
                        if name.StartsWith "weight" || name.StartsWith "bias" then
                            let last = gradient.select (0L, int64 (s.Modules - 1))
                            Expect.all (numbers last) (fun g -> g = 0.0) $"{dispatch}: {name}"

        testPropertyWithConfig config "a pool of custom modules runs the same under every dispatch"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let modules = [| for i in 1 .. s.Modules -> new Plain($"m{i}", s.Inputs, s.Outputs, s.Seed + i) |]

                use pool = new NodePool("custom", [| for m in modules -> new CustomNode(m.GetName(), m) :> Node |])

                let chosen = indices (s.Seed + 3) s.Modules s.Batch s.Choose

                let run (dispatch: Dispatch) =
                    pool.zero_grad ()
                    let x = (normal (s.Seed + 1) [ s.Batch; s.Inputs ]).requires_grad_()
                    let y = dispatch.Run(pool, x, chosen)
                    (y * y).sum().backward()

                    let gradient (m: Plain) =
                        if isNull m.Weight.grad then torch.zeros_like m.Weight else m.Weight.grad.clone ()

                    [ y.detach (); x.grad; yield! Array.map gradient modules ]

                let expected = run Dispatch.Loop

                for dispatch in others |> List.filter _.Fits(pool) do
                    for e, a in List.zip expected (run dispatch) do
                        Expect.isLessThan (distance e a) 1e-12 $"{dispatch}"

        testScoped "a module that does not give what the others give is named"
        <| fun () ->
            let custom outputs = new CustomNode($"m{outputs}", new Plain("m", 3, outputs, 1)) :> Node

            use pool = new NodePool("odd", [| custom 4; custom 2 |])

            fails
                (fun () -> Dispatch.Wide.Run(pool, normal 1 [ 2; 3 ], indices 1 1 2 1) |> ignore)
                "pool odd, module 1: expected outputs [4] per row, as module 0 gives, got [2]"

        testScoped "the kernel runs where no rows, or a row alone, are given, and where x is read by nothing before it"
        <| fun () ->
            use pool = new LinearPool("p", 3, 5, 4, Activation.Relu, true, Initialiser(generator 1))

            for rows in [ 0; 1 ] do
                pool.zero_grad ()
                let x = (normal 2 [ rows; 5 ]).to_type torch.ScalarType.Float32
                let y = Dispatch.Kernel.Run(pool, x, indices 3 3 rows 2)
                Expect.equal (List.ofArray y.shape) [ int64 rows; 2L; 4L ] "shape"
                y.sum().backward()
                Expect.isNull x.grad "x needs no gradient"
                Expect.equal (List.ofArray pool.Weight.grad.shape) [ 3L; 4L; 5L ] "weight gradient"

        testScoped "auto takes wide for small pools and grouped for large ones"
        <| fun () ->
            let name modules width =
                use pool = new LinearPool("p", modules, width, width, Activation.Identity, true, doubles 1)

                AutoDispatch.Choose(pool, [| int64 width |], 128L, 1L).Name

            Expect.equal (name 5 8) "wide" "5 modules of width 8"
            Expect.equal (name 64 256) "grouped" "64 modules of width 256"

        testScoped "auto takes the kernel where it runs, but wide for more positions than modules"
        <| fun () ->
            let name modules inputs outputs rows positions =
                use pool =
                    new LinearPool("p", modules, inputs, outputs, Activation.Relu, true, Initialiser(generator 1))

                let x = torch.zeros (1L, int64 inputs)
                let chosen = (Dispatch.Auto.For(pool, x, rows, positions)).Name
                Expect.equal chosen (AutoDispatch.ChooseForKernel(pool, rows, positions)).Name "float32"

                let doubles = (Dispatch.Auto.For(pool, x.to_type torch.ScalarType.Float64, rows, positions)).Name

                Expect.notEqual doubles "kernel" "double precision"
                chosen

            Expect.equal (name 5 8 8 128L 1L) "kernel" "5 modules of width 8"
            Expect.equal (name 5 40 8 128L 11L) "wide" "11 candidates of 5 modules"
            Expect.equal (name 64 40 8 128L 11L) "kernel" "11 candidates of 64 modules"
            Expect.equal (name 5 128 128 128L 1L) "kernel" "5 modules of width 128"
            Expect.equal (name 64 256 256 4096L 1L) "kernel" "64 modules of width 256"

        testScoped "auto runs tiny convolutions side by side, which read an image once, and large ones apart"
        <| fun () ->
            let name channels =
                use pool = new ConvPool("p", 10, 3, Convolution(channels, 3, 2, 1), Activation.Relu, true, doubles 1)

                AutoDispatch.Choose(pool, [| 3L; 32L; 32L |], 128L, 2L).Name

            Expect.equal (name 1) "wide" "one channel"
            Expect.equal (name 16) "grouped" "16 channels"

        testScoped "auto runs convolutions by the kernel where it can"
        <| fun () ->
            let name (initialiser: Initialiser) =
                use pool = new ConvPool("p", 10, 3, Convolution(1, 3, 2, 1), Activation.Relu, true, initialiser)
                let x = torch.zeros ([| 1L; 3L; 32L; 32L |], dtype = pool.Weight.dtype)
                (Dispatch.Auto.For(pool, x, 128L, 2L)).Name

            Expect.equal (name (Initialiser(generator 1))) "kernel" "float32"
            Expect.equal (name (doubles 1)) "wide" "double precision"
    ]
