/// Evaluation that skips zeros, and networks whose units stand in another order.
module ModNet.Tests.SparseInferenceTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open TorchSharp

let private arrays =
    let random = Random 4
    let xs = Array2D.init 200 6 (fun _ _ -> float32 (random.NextDouble() - 0.5))

    in_memory "sparse-inference-tests" {
        inputs xs
        classes 2 (Array.init 200 (fun n -> if xs[n, 0] + 0.3f * xs[n, 1] > 0.0f then 1 else 0))
        held_out 50
        test 60
    }

let private small =
    network "small" {
        features 6
        linear 20 |> relu
        activity_l1 0.01
        dropout 0.1
        linear 13 |> no_bias
        activation Relu
        locality 0.1
        linear 9 |> tanh
        linear 5 |> relu
        softmax 2
    }

let private trained (net': Network) (body: TrainedNetwork -> unit) =
    inDirectory (fun directory ->
        let run =
            experiment {
                net net'
                data arrays

                train (
                    static_modules {
                        batch 10
                        steps 60
                        optimizer (Adam 0.02)
                    }
                )

                out (Path.Combine(directory, "run"))
            }

        Running.quietly (fun () -> Running.train Settings.none run |> ignore)
        use opened = Trained.load_as (Experiment.with_code_of run) run.Out.Value
        scoped (fun () -> body opened))

let private questions = torch.rand (40L, 6L) - 0.5

let private differs (one: TrainedNetwork) (other: TrainedNetwork) =
    distance (one.PredictProbabilities questions) (other.PredictProbabilities questions)

/// The multiply-adds of an evaluation of the layers, the head left out.
let private multiplyAdds (run: TrainedNetwork) =
    Products.Count(fun () ->
        run.Graph.InEvaluation(fun () -> run.Graph.Forward(questions.to_type torch.ScalarType.Float32, run.Evaluating))
        |> ignore)

[<Tests>]
let tests =
    testList "sparse inference" [
        testCase "a copy that skips zeros predicts the same, does less, and leaves the network as it is"
        <| fun () ->
            trained small (fun run ->
                let dense = multiplyAdds run
                Expect.equal dense (40L * int64 (6 * 20 + 20 * 13 + 13 * 9 + 9 * 5)) "dense"

                let counts = [
                    for block in [ 1; 4; 64 ] do
                        use quick = run |> SparseInference.skip block
                        Expect.isLessThan (differs run quick) 1e-6 $"blocks of {block}"
                        multiplyAdds quick
                ]

                Expect.isLessThan counts[0] counts[1] "each zero beside blocks of 4"
                Expect.isLessThanOrEqual counts[1] counts[2] "blocks of 4 beside one of all"
                Expect.isLessThanOrEqual counts[2] dense "one of all"
                Expect.equal (multiplyAdds run) dense "the network itself"

                // What is done follows from the zeros of what both layers read.
                let used layer width outputs =
                    let share = 1.0 - SparseInference.skipped layer 1 60 run
                    share * 60.0 * float (width * outputs)

                use quick = run |> SparseInference.skip 1
                let source = Check.experiment run.Experiment |> Refusal.orRaise |> Source.load
                use _splits = source.Splits

                let found =
                    Products.Count(fun () ->
                        quick.Graph.InEvaluation(fun () ->
                            quick.Graph.Forward(source.Splits.Test[0].Inputs, quick.Evaluating))
                        |> ignore)

                let expected = 60.0 * float (6 * 20 + 9 * 5) + used "linear1" 20 13 + used "relu1" 13 9
                Expect.floatClose Accuracy.medium (float found) expected "by the shares of zeros")

        testCase "training ends it, because the layers' copies of the weights are then outdated"
        <| fun () ->
            trained small (fun run ->
                use quick = run |> SparseInference.skip 1
                let sparse = multiplyAdds quick
                quick.Graph.train ()
                quick.Graph.Forward(questions.to_type torch.ScalarType.Float32, quick.Evaluating) |> ignore
                quick.Graph.eval ()
                Expect.isLessThan sparse (multiplyAdds quick) "dense again")

        testCase "a network whose units stand in another order computes the same, and gives them in that order"
        <| fun () ->
            trained small (fun run ->
                for layer, units in [ "linear1", 20; "linear2", 13; "linear3", 9; "linear4", 5 ] do
                    let order = [| 0 .. units - 1 |]
                    Random(units).Shuffle order
                    use other = run |> SparseInference.reorder layer order
                    Expect.isLessThan (differs run other) 1e-6 layer

                    let give (network: TrainedNetwork) =
                        network.Graph.InEvaluation(fun () ->
                            let mutable x = questions.to_type torch.ScalarType.Float32
                            let mutable found = x

                            for node in network.Graph.Nodes do
                                x <- node.Forward(x, Route network.Evaluating)
                                if node.Name = layer then found <- x

                            found)

                    let before, after = matrix (give run), matrix (give other)

                    for row in 0..39 do
                        for unit in 0 .. units - 1 do
                            let change = abs (after[row].[unit] - before[row].[order[unit]])
                            Expect.isLessThan change 1e-6 $"{layer}, unit {unit}"

                    Expect.equal [ for step in other.Edits -> step.Words ] [ $"reorder {layer}" ] "the edit"

                    // The network that was reordered can be skipped in and saved like any other.
                    use quick = other |> SparseInference.skip 2
                    Expect.isLessThan (differs run quick) 1e-6 "skips")

        testCase "the order of communities has each unit once, with those of a community side by side"
        <| fun () ->
            let graph =
                UnitGraph(
                    [| for i in 0..3 -> $"a/{i}" |] |> Array.append [| "b/0"; "b/1"; "b/2"; "b/3"; "b/4" |],
                    Array.append (Array.create 5 "b") (Array.create 4 "a"),
                    [
                        Link(0, 2, 1.0)
                        Link(2, 4, 1.0)
                        Link(0, 4, 1.0)
                        Link(1, 3, 1.0)
                        Link(5, 7, 1.0)
                        Link(6, 8, 1.0)
                    ]
                )

            let communities = Structure.communities graph
            Expect.equal (communities |> SparseInference.order "b") [| 0; 2; 4; 1; 3 |] "b"
            Expect.equal (communities |> SparseInference.order "a") [| 0; 2; 1; 3 |] "a"

            fails
                (fun () -> SparseInference.order "c" communities |> ignore)
                "graph: expected a layer among b, a, got c"

        testScoped "blocks of zeros are counted by their definition, whatever is left for the last one"
        <| fun () ->
            let random = Random 5

            for width in [ 1; 7; 8; 20 ] do
                for block in [ 1; 2; 8; 32 ] do
                    let x = Array2D.init 9 width (fun _ _ -> if random.Next 4 = 0 then 1.0 else 0.0)

                    let found = SparseEvaluation.ZeroBlocks(torch.tensor x, block)

                    let areZero = [
                        for row in 0..8 do
                            for start in 0..block .. width - 1 ->
                                seq { start .. min width (start + block) - 1 } |> Seq.forall (fun i -> x[row, i] = 0.0)
                    ]

                    let expected = float (areZero |> List.filter id |> List.length) / float areZero.Length
                    Expect.floatClose Accuracy.high found expected $"{width} in blocks of {block}"

        testCase "what cannot be is one message"
        <| fun () ->
            trained small (fun run ->
                let says message action = fails (fun () -> action run |> ignore) message
                says "block: expected a power of two, got 3" (SparseInference.skip 3)

                says
                    "small: expected a linear layer at the network's top, of linear1, linear2, linear3, linear4, got relu1"
                    (SparseInference.reorder "relu1" [||])

                says
                    "small/linear4: expected an order that has each of its 5 units once, got 5 numbers, 4 of them different"
                    (SparseInference.reorder "linear4" [| 0; 1; 2; 3; 3 |]))

            trained
                (network "smooth" {
                    features 6
                    linear 4 |> tanh
                    layer_norm
                    linear 3
                    softmax 2
                })
                (fun run ->
                    let says message action = fails (fun () -> action run |> ignore) message

                    says
                        "network: expected a linear layer that reads what a ReLU gives, both at the network's top, got none"
                        (SparseInference.skip 1)

                    says
                        "got `layer_norm1` – reorder the units of another layer"
                        (SparseInference.reorder "linear1" [| 3; 2; 1; 0 |]))
    ]
