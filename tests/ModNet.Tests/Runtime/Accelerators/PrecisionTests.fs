/// Products of modules in bfloat16: near those in float32, in values and gradients, and nothing else is in bfloat16.
module ModNet.Tests.PrecisionTests

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open ModNet.Tests.OnMeta
open TorchSharp

/// Products whose inputs and weights are rounded to bfloat16.
let private rounding (body: unit -> 'Result) : 'Result =
    use _products = Products.In Runtime.Precision.Bfloat16Products
    body ()

/// As float32 whatever libtorch's products do: its numbers rounded to bfloat16.
let private rounded (t: torch.Tensor) = (t.to_type torch.bfloat16).to_type t.dtype

let private single (seed: int) (shape: int list) = ((normal seed shape).to_type torch.float32).requires_grad_()

/// A product in bfloat16 against the float32 product of the rounded numbers, in the output and all gradients.
let private near' name (leaves: torch.Tensor list) (product: torch.Tensor list -> torch.Tensor) =
    testScoped $"{name}: the product of rounded numbers, in values and gradients"
    <| fun () ->
        let run (body: torch.Tensor list -> torch.Tensor) =
            for l in leaves do
                l.grad <- null

            let y = body leaves
            let upstream = (normal 99 [ for n in y.shape -> int n ]).to_type torch.float32
            (y * upstream).sum().backward()
            y.detach () :: [ for l in leaves -> Slopes.gradient l ]

        let expected =
            run (fun l ->
                // Straight through, so that gradients reach the leaves.
                product [ for i, t in List.indexed l -> if i < 2 then t + (rounded t - t).detach() else t ])

        let got = run (fun l -> rounding (fun () -> product l))

        for e, a in List.zip expected got do
            Expect.equal a.dtype torch.float32 "float32 again"
            Expect.equal (List.ofArray a.shape) (List.ofArray e.shape) "shape"
            // 2⁻⁸ for the result, and as much for what a gradient's product rounds.
            let scale = e.abs().max().ToDouble()
            Expect.isLessThan (distance e a / scale) 0.02 "near"

        Expect.isGreaterThan (distance (run product |> List.head) (List.head got)) 0.0 "not the same as float32's"

let private setting precision = GradientSettings(8L, 1e-2, Precision = precision)

/// Losses of some steps, and what products there were; the fit after them.
let private trained (make: GradientSettings -> Make) (network: Network) precision steps =
    scoped
    <| fun () ->
        use graph = graphOn torch.CPU torch.float32 network
        use data = dataFor torch.float32 false 24 network
        use streams = new RandomStreams 3L
        use learner = make (setting precision) graph data streams torch.CPU
        let losses = [ for _ in 1..steps -> learner.StepAndReport().Loss ]

        for name, parameter in Slopes.parameters graph do
            Expect.equal parameter.dtype torch.float32 name

        losses

let private method' name settings = methods settings |> List.find (fst >> (=) name) |> snd

[<Tests>]
let tests =
    testList "precision" [
        near' "linear" [ single 1 [ 5; 9 ]; single 2 [ 4; 9 ]; single 3 [ 4 ] ] (fun l ->
            Products.Linear(l[0], l[1], l[2]))
        near' "batched" [ single 1 [ 3; 5; 9 ]; single 2 [ 3; 9; 4 ] ] (fun l -> Products.Batched(l[0], l[1]))

        near' "convolution" [ single 1 [ 2; 4; 6; 6 ]; single 2 [ 6; 2; 3; 3 ]; single 3 [ 6 ] ] (fun l ->
            Products.Convolution(l[0], l[1], l[2], 1L, 1L, 2L))

        near' "transposed convolution" [ single 1 [ 2; 4; 5; 5 ]; single 2 [ 4; 3; 3; 3 ]; single 3 [ 3 ] ] (fun l ->
            Products.TransposedConvolution(l[0], l[1], l[2], 2L, 1L))

        near' "convolution of sequences" [ single 1 [ 2; 4; 9 ]; single 2 [ 5; 4; 3 ]; single 3 [ 5 ] ] (fun l ->
            Products.SequenceConvolution(l[0], l[1], l[2], 2L))

        for name, _ in plainMethods do
            if takes name several || takes name ExampleNetworks.toy then
                let network = if takes name several then several else ExampleNetworks.toy

                testCase $"{name} learns in bfloat16 as in float32, within its precision"
                <| fun () ->
                    let run precision = trained (method' name) network precision 8
                    let full, half = run Runtime.Precision.Weights, run Runtime.Precision.Bfloat16Products
                    Expect.notEqual half full "rounded"
                    // Choices may come out differently, and with them the loss.
                    Expect.isLessThan (abs (List.head full - List.head half)) 0.1 "the first loss"
                    Expect.isLessThan (abs (List.average full - List.average half)) 0.3 "losses"

        testCase "controllers, heads and layers outside modules are in float32"
        <| fun () ->
            scoped
            <| fun () ->
                let probabilities precision =
                    use graph = graphOn torch.CPU torch.float32 wide
                    use data = dataFor torch.float32 false 24 wide
                    use streams = new RandomStreams 3L
                    use _learner = new StaticModules(graph, data, setting precision, streams)
                    let output = graph.InEvaluation(fun () -> graph.Forward(data.Inputs, ModeSelector()))
                    numbers output.Tape.Entries[0].Distribution.LogProbabilities, numbers output.Features

                let full, half =
                    probabilities Runtime.Precision.Weights, probabilities Runtime.Precision.Bfloat16Products

                Expect.equal (fst half) (fst full) "p(a|x), bit for bit"
                Expect.notEqual (snd half) (snd full) "what modules give"

        testCase "once the method is disposed of, modules multiply in float32 again"
        <| fun () ->
            scoped
            <| fun () ->
                use graph = graphOn torch.CPU torch.float32 several
                use data = dataFor torch.float32 false 24 several
                use streams = new RandomStreams 3L

                let features () =
                    numbers (graph.InEvaluation(fun () -> graph.Forward(data.Inputs, ModeSelector()).Features))

                let before = features ()
                let learner = new StaticModules(graph, data, setting Runtime.Precision.Bfloat16Products, streams)
                Expect.notEqual (features ()) before "in bfloat16"
                learner.Dispose()
                Expect.equal (features ()) before "bit for bit"

        for name, refused, got in [ "a network without modules", withoutModules, "one without any" ] do
            testCase $"{name} is refused"
            <| fun () ->
                scoped
                <| fun () ->
                    use graph = graphOn torch.CPU torch.float32 refused
                    use data = dataFor torch.float32 false 8 refused
                    use streams = new RandomStreams 3L

                    Expect.throwsC
                        (fun () ->
                            new StaticModules(graph, data, setting Runtime.Precision.Bfloat16Products, streams)
                            |> ignore)
                        (fun error ->
                            Expect.stringContains error.Message $"for products in bfloat16, got {got}" "message")

        testCase "parameters in double precision are refused"
        <| fun () ->
            scoped
            <| fun () ->
                use graph = graphOn torch.CPU torch.float64 ExampleNetworks.toy
                use data = dataFor torch.float64 false 8 ExampleNetworks.toy
                use streams = new RandomStreams 3L

                Expect.throwsC
                    (fun () ->
                        new StaticModules(graph, data, setting Runtime.Precision.Bfloat16Products, streams) |> ignore)
                    (fun error -> Expect.stringContains error.Message "got parameters of another type" "message")

        testPropertyWithConfig (config 903 15) "any network with modules takes steps in bfloat16"
        <| Prop.forAll (within { Limits.small with Modules = 3 }) (fun network ->
            let network = meant network

            (takes "static" network && not (plan network).Pools.IsEmpty)
            ==> lazy
                (let losses = trained (method' "static") network Runtime.Precision.Bfloat16Products 2
                 Expect.all losses Double.IsFinite "losses"))
    ]
