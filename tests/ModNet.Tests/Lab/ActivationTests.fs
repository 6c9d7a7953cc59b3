/// Runs as they were left, and what their layers give, against a forward pass of one's own.
module ModNet.Tests.ActivationTests

open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

let private points = array2D [ for i in 0..39 -> [ float32 (i % 7) - 3.0f; float32 (i % 5) ] ]

let private labels = [| for i in 0..39 -> i % 2 |]

let private declared folder =
    experiment {
        net (
            network "small" {
                features 2
                linear 6 |> relu

                modular {
                    modules 2
                    unit (linear 3)
                }

                softmax 2
            }
        )

        data (
            in_memory "activation-tests" {
                inputs points
                classes 2 labels
                held_out 8
                test 10
            }
        )

        train (
            em {
                batch 10
                steps 20
            }
        )

        out folder
    }

let private trained (body: string -> unit) =
    inDirectory (fun directory ->
        let folder = Path.Combine(directory, "run")
        Train.run Settings.none (declared folder) |> ignore
        body folder)

[<Tests>]
let tests =
    testList "activations" [
        testCase "are what layers give for the test set, counted by hand"
        <| fun () ->
            trained (fun folder ->
                let found = Activations.ofRun [ "linear1"; "modular1" ] 10 (0.0, 2.0) 4 folder
                Expect.equal (found |> List.map _.Layer) [ "linear1"; "modular1" ] "layers"

                let expected =
                    Trained.within folder (fun run ->
                        scoped (fun () ->
                            let data = run.Source.Splits.Test[0]

                            run.Graph.InEvaluation(fun () ->
                                let route = Route(run.Evaluating)
                                let hidden = run.Graph.Nodes[0].Forward(data.Inputs, route)
                                [ numbers hidden; numbers (run.Graph.Nodes[1].Forward(hidden, route)) ])))

                for seen, values in List.zip found expected do
                    Expect.equal seen.Count (int64 values.Length) "how many"

                    let share condition =
                        float (values |> Array.filter condition |> Array.length) / float values.Length

                    Expect.floatClose Accuracy.high seen.Zeros (share ((=) 0.0)) "zeros"
                    Expect.floatClose Accuracy.medium seen.Mean (values |> Array.averageBy abs) "mean"

                    let shares = [|
                        share (fun v -> v < 0.5)
                        share (fun v -> v >= 0.5 && v < 1.0)
                        share (fun v -> v >= 1.0 && v < 1.5)
                        share (fun v -> v >= 1.5)
                    |]

                    for e, s in Array.zip shares seen.Shares do
                        Expect.floatClose Accuracy.high s e "share")

        testCase "of a layer that is none are refused in one line"
        <| fun () ->
            trained (fun folder ->
                fails
                    (fun () -> Activations.ofRun [ "conv9" ] 10 (0.0, 2.0) 4 folder |> ignore)
                    "expected layers among linear1, modular1, got conv9")

        testCase "of no run are refused in one line"
        <| fun () ->
            inDirectory (fun directory ->
                fails
                    (fun () -> Activations.ofRun [ "linear1" ] 10 (0.0, 2.0) 4 directory |> ignore)
                    "expected the folder of a run")
    ]
