module ModNet.Tests.StatefulNodeTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

/// Features last: [n, …, n] as rows of n.
let private rowsOf (x: torch.Tensor) = numbers x |> Array.chunkBySize (int x.shape[x.shape.Length - 1])

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

            testScoped $"of {shape} is that of plain arithmetic"
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
                            (v - 0.1 * means[i]) / sqrt (0.9 + 0.1 * variances[i] + 1e-5) * scale[i] + shift[i])
                    )

                agree (flatRows (run node x)) expected "in evaluation"
                slopes node (normal 2 shape)
                node.train true
                slopes node (normal 2 shape)

        testScoped "a minibatch of one row leaves the running averages as they are"
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
        testScoped "leaves out a share of the rate and scales the rest, in training only"
        <| fun () ->
            let node = new DropoutNode("dropout1", 0.3, generator 3)

            let x = torch.ones(20_000L, dtype = Nullable torch.ScalarType.Float64).view(100L, 200L)

            let y = numbers (run node x)
            Expect.all y (fun v -> v = 0.0 || abs (v - 1.0 / 0.7) < 1e-12) "values"
            let share = y |> Array.averageBy (fun v -> if v = 0.0 then 1.0 else 0.0)
            // Five standard deviations are 0.016.
            Expect.isLessThan (abs (share - 0.3)) 0.016 "share"
            Expect.notEqual (numbers (run node x)) y "fresh each time"
            node.eval ()
            Expect.equal (distance (run node x) x) 0.0 "evaluation"

        testScoped "its gradient goes where its values went"
        <| fun () ->
            let node = new DropoutNode("dropout1", 0.5, generator 3)
            let x = (normal 1 [ 4; 5 ]).requires_grad_ true
            let y = run node x
            y.sum().backward()

            for v, y, g in Array.zip3 (numbers x) (numbers y) (numbers x.grad) do
                Expect.equal g (if y = 0.0 then 0.0 else 2.0) "gradient"
                Expect.floatClose Accuracy.high y (g * v) "value"

        testScoped "replays from its own stream, whatever else is drawn"
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

        testScoped "a rate of 1 is refused"
        <| fun () ->
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> new DropoutNode("dropout1", 1.0, generator 1) |> ignore)
                ""
    ]
