/// Trained networks that are adapted to a new task.
module ModNet.Tests.AdaptTests

open System
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open ModNet.Tests.TrainedRuns
open TorchSharp

let private input seed rows = (normal seed [ rows; 4 ]).to_type torch.ScalarType.Float32

let private classes seed rows = (indices seed 3 rows 1).squeeze 1L

let private weights (graph: Graph) = [ for KeyValue(name, value) in graph.state_dict () -> name, numbers value ]

[<Tests>]
let tests =
    testSequenced
    <| testList "networks adapted to a task" [
        testCase "the composition of a task is the best of all, and predicts what the graph says under it"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                scoped
                <| fun () ->
                    use trained = Trained.load folder
                    let x, y = input 1 6, classes 2 6
                    use adapted = trained.Adapt(x, y)
                    Expect.equal (adapted.Scored, adapted.IsExact, adapted.Datapoints) (18, true, 6L) "all compositions"

                    let under (a: int64 list) (x: torch.Tensor) =
                        let rows = torch.tensor(Array.ofList a).unsqueeze(0L).expand(x.shape[0], -1L)
                        trained.Graph.InEvaluation(fun () -> trained.Graph.Forward(x, GivenSelector rows).Features)

                    let score a = trained.Graph.Head.LogLikelihood(under a x, y).sum().ToDouble()

                    let tried = [
                        for i in 0L .. 2L do
                            for j in 0L .. 2L do
                                for k in 0L .. 1L -> [ i; j; k ]
                    ]

                    let best = tried |> List.map score |> List.max
                    Expect.floatClose Accuracy.medium adapted.LogLikelihood best "the best"

                    let own = [
                        for layer in adapted.Composition.Layers do
                            for m in layer.Modules -> int64 m
                    ]

                    Expect.floatClose Accuracy.medium (score own) best "its composition"

                    // Further points.
                    let other = input 3 9
                    use said = adapted.Examine(other, classes 4 9)
                    Expect.isLessThan (distance said.Features (under own other)) 1e-5 "what the head reads"
                    Expect.equal (integers (adapted.Predict other)) (integers said.Mode) "classes"

                    for chosen in said.Choices do
                        let layer = adapted.Composition.Layers |> Seq.find (fun layer -> layer.Layer = chosen.Layer)

                        for row in chosen.Modules do
                            Expect.equal (List.ofArray row) [ for m in layer.Modules -> int64 m ] "the task's modules"

                    let predictor = adapted.Predictor()
                    let rows = Array.map float32 (numbers other)
                    let answers, modules = Array.zeroCreate<float32> 27, Array.zeroCreate<int64> 27
                    predictor.Run(ReadOnlySpan rows, Span answers, Span modules)

                    for said, answer in Array.zip (numbers said.Probabilities) answers do
                        Expect.isLessThan (abs (said - float answer)) 1e-4 "without libtorch's tensors"

                    Expect.all (Array.chunkBySize 3 modules) (fun row -> List.ofArray row = own) "its modules"

        testCase "fine-tuning leaves the trained network as it is and fits the task better"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                scoped
                <| fun () ->
                    use trained = Trained.load folder
                    let before = weights trained.Graph
                    let x, y = input 1 6, classes 2 6
                    use adapted = trained.Adapt(x, y, most = 0, restarts = 3)
                    Expect.isFalse adapted.IsExact "a climb"
                    use none = adapted.FineTune(x, y, 0, Adam 1e-2)
                    Expect.equal (weights none.Graph) before "a copy"
                    Expect.floatClose Accuracy.medium none.LogLikelihood adapted.LogLikelihood "no step"
                    use tuned = adapted.FineTune(x, y, 20, Adam 1e-2)
                    Expect.isGreaterThan tuned.LogLikelihood adapted.LogLikelihood "a better fit"
                    Expect.equal (string tuned.Composition) (string adapted.Composition) "the composition stays"
                    Expect.equal (weights trained.Graph) before "the trained network stays"
                    use said = tuned.Examine(x, y)

                    Expect.floatClose
                        Accuracy.medium
                        (said.LogLikelihood.sum().ToDouble())
                        tuned.LogLikelihood
                        "its own weights"

        testCase "what cannot be adapted is refused"
        <| fun () ->
            leaving methods[2]
            <| fun folder ->
                use trained = Trained.load folder

                complains (fun () -> scoped (fun () -> trained.Adapt(input 1 3, classes 2 3) |> ignore)) [
                    "mine: expected a network whose method runs the modules of a composition as they are"
                    "by a gate"
                ]

            leaving methods.Head
            <| fun folder ->
                use trained = Trained.load folder
                let adapt x (y: torch.Tensor) () = scoped (fun () -> trained.Adapt(x, y) |> ignore)

                complains (adapt (input 1 3) (classes 2 4)) [
                    "mine/targets: expected classes [3] of int64 from 0 to 2"
                ]

                complains (adapt (input 1 3) null) [
                    "mine/targets: expected what is to be predicted of each datapoint"
                ]

                complains (adapt (normal 1 [ 3; 5 ]) (classes 2 3)) [ "mine/features: expected rows [B, 4]" ]
                complains (fun () -> trained.Adapt(input 1 3, classes 2 3, restarts = 0) |> ignore) [ "restarts ≥ 1" ]
                use adapted = trained.Adapt(input 1 3, classes 2 3)

                complains
                    (fun () -> scoped (fun () -> adapted.FineTune(input 1 3, classes 2 3, -1, Adam 0.1) |> ignore))
                    [ "FineTune: expected a number of steps of 0 or more" ]

                complains
                    (fun () ->
                        scoped (fun () -> adapted.FineTune(input 1 3, classes 2 3, 300, Sgd(1e30, 0.0)) |> ignore))
                    [ "adaptation/inner steps: expected a finite log-likelihood" ]
    ]
