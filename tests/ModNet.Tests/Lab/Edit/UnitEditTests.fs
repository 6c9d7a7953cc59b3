/// Networks without some units: what they give is what the whole network gives with these units set to 0.
module ModNet.Tests.UnitEditTests

open System.IO
open Expecto
open FsCheck
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

/// What the head reads, where some units of a layer give 0.
let private withZeros (run: TrainedNetwork) (layer: string) (units: int seq) (x: torch.Tensor) (side: SideInputs) =
    run.Graph.InEvaluation(fun () ->
        let route = Route(run.Evaluating, side)
        let mutable values = x

        for node in run.Graph.Nodes do
            values <- node.Forward(values, route)

            if node.Name = layer then
                for unit in units do
                    values <- UnitOutputs.Without(values, int64 unit)

        let head = run.Graph.Head
        if isNull (head.LogProbabilities values) then head.Predict values else head.LogProbabilities values)

let private given (run: TrainedNetwork) (x: torch.Tensor) (side: SideInputs) = withZeros run "" [] x side

let private near (expected: torch.Tensor) (actual: torch.Tensor) message =
    let scale = 1.0 + expected.abs().max().ToDouble()
    Expect.isLessThan (distance actual expected / scale) 1e-5 message

let private arrays (shape: int list) =
    let width = List.fold (*) 1 shape
    let random = System.Random 4
    let xs = Array2D.init 60 width (fun _ _ -> float32 (random.NextDouble() - 0.5))
    let ys = Array.init 60 (fun n -> if xs[n, 0] + xs[n, width - 1] > 0.0f then 1 else 0)

    match shape with
    | [ channels; height; width ] ->
        in_memory "signs" {
            inputs (Array4D.init 60 channels height width (fun n c h w -> xs[n, (c * height + h) * width + w]))
            classes 2 ys
            held_out 20
        }
    | _ ->
        in_memory "signs" {
            inputs xs
            classes 2 ys
            held_out 20
        }

/// A network, its data, and the layer with some of its units.
let private cases = [
    "vectors, with what makes other numbers of 0",
    network "dense" {
        features 5
        linear 7 |> tanh
        dropout 0.2
        batch_norm
        activation Sigmoid
        linear 6
        activity_l1 0.001
        activation Softplus
        softmax 2
    },
    [ 5 ],
    [ "linear1", [ 0; 4 ]; "linear2", [ 5; 1; 3 ]; "linear1", [] ]
    "images",
    network "images" {
        image (2, 8, 8)
        conv 6 3 |> relu
        batch_norm
        avg_pool 2
        conv 5 2
        activation (Elu 0.5)
        max_pool 2
        flatten
        batch_norm
        linear 4 |> no_bias |> relu
        softmax 2
    },
    [ 2; 8; 8 ],
    [ "conv1", [ 1; 2 ]; "linear1", [ 0 ] ]
    "flattened images",
    network "flattened" {
        image (1, 6, 6)
        conv 4 3 |> same |> relu
        conv 5 3 |> same
        flatten
        batch_norm
        softmax 2
    },
    [ 1; 6; 6 ],
    [ "conv1", [ 3 ]; "conv2", [ 0; 2; 4 ] ]
    "a modular layer",
    network "modules" {
        features 5
        linear 6
        batch_norm

        modular {
            modules 3
            unit (linear 4 |> relu)
            choose 2
        }

        softmax 2
    },
    [ 5 ],
    [ "linear1", [ 5; 0 ] ]
]

let private trained (directory: string) (net': Network) (shape: int list) =
    let run =
        experiment {
            net net'
            data (arrays shape)

            train (
                em {
                    samples 3
                    m_steps 5
                    batch 20
                    steps 30
                    optimizer (Adam 0.02)
                    average_weights 0.9
                }
            )

            out (Path.Combine(directory, net'.Name))
        }

    quietly (fun () -> Running.train Settings.none run |> ignore)
    run

let private load (run: Experiment) (folder: string) =
    folder |> Trained.load_as (fun stored -> { stored with Data = run.Data })

[<Tests>]
let tests =
    testSequenced
    <| testList "edits of units" [
        testCase "in generated networks, leaving units out is setting them to 0" (fun () ->
            let mutable counted = 0

            let law (network: Network, seed: int) =
                scoped (fun () ->
                    use run = EditLaws.trainedOf network
                    let batch = EditLaws.drawnFrom network

                    for planned in run.Plan.Layers do
                        match planned.Layer with
                        | Layer.Linear { Width = count }
                        | Layer.Conv { Channels = count } when count > 1 ->
                            let gone = [ 0 .. count - 1 ] |> List.filter (fun unit -> (unit + abs (seed % 2)) % 2 = 0)

                            let fewer =
                                try
                                    Some(Edit.exclude_units planned.Name gone run)
                                with :? UserException as refused ->
                                    Expect.stringContains refused.Message $"layer {planned.Name}" "the place"
                                    None

                            fewer
                            |> Option.iter (fun fewer ->
                                use fewer = fewer
                                counted <- counted + 1

                                near
                                    (withZeros run planned.Name gone batch.Inputs batch.Side)
                                    (given fewer batch.Inputs batch.Side)
                                    planned.Name)
                        | _ -> ())

            Check.One(
                Config.QuickThrowOnFailure
                    .WithArbitrary([ typeof<Arbitraries> ])
                    .WithMaxTest(400)
                    .WithReplay(78UL, 1UL),
                law
            )

            Expect.isGreaterThan counted 20 "networks in which units can be taken out")

        for name, net', shape, edits in cases do
            testInDirectory
                $"{name}: leaving units out of a trained network is setting them to 0; saved, it is loaded as such, and trained on"
            <| fun directory ->
                let run = trained directory net' shape
                use whole = load run run.Out.Value

                for index, (layer, units) in List.indexed edits do
                    scoped (fun () ->
                        let x = (normal 8 (20 :: shape)).to_type torch.ScalarType.Float32
                        use fewer = Edit.exclude_units layer units whole
                        let expected = withZeros whole layer units x null
                        near expected (given fewer x null) layer

                        if units.IsEmpty then
                            Expect.equal fewer.Experiment whole.Experiment "the same"
                        else
                            Expect.isGreaterThan (distance expected (given whole x null)) 1e-4 "it matters"

                        let saved = Path.Combine(directory, string index)
                        Edit.save saved fewer
                        use again = load run saved
                        Expect.equal (numbers (given again x null)) (numbers (given fewer x null)) "saved"

                        let told = { Trained.experiment saved with Data = run.Data; Out = Some saved }

                        quietly (fun () ->
                            Running.train { Settings.none with Resume = true } {
                                told with
                                    Method = told.Method.WithSteps 40
                            }
                            |> ignore)

                        use on = load run saved
                        Expect.equal on.Step 40L "trained on")

        testInDirectory "what the optimiser remembers follows its weights"
        <| fun directory ->
            let _, net', shape, _ = cases.Head
            let run = trained directory net' shape
            use whole = load run run.Out.Value
            use fewer = Edit.exclude_units "linear1" [ 0; 4 ] whole
            let kept = torch.tensor [| 1L; 2L; 3L; 5L; 6L |]
            let was, now = whole.Origin.State.Tensors, fewer.Origin.State.Tensors
            Expect.equal (Seq.sort now.Keys |> List.ofSeq) (Seq.sort was.Keys |> List.ofSeq) "names"

            for name, dimension in
                [
                    "optimizer.linear1.weight.exp_avg", 0L
                    "optimizer.linear1.bias.exp_avg_sq", 0L
                    "optimizer.linear2.weight.exp_avg_sq", 1L
                    "method.average.linear2.weight", 1L
                    "batch_norm1.running_var", 0L
                ] do
                Expect.equal (numbers now[name]) (numbers (was[name].index_select(dimension, kept))) name

        testInDirectory "mistakes"
        <| fun directory ->
            let _, net', shape, _ = cases.Head

            let net' = {
                net' with
                    Layers =
                        List.insertManyAt
                            (net'.Layers.Length - 1)
                            [
                                Layer.Linear(linear 4)
                                Layer.LayerNorm
                                Layer.Linear(linear 4 |> activated_by Softmax)
                                Layer.Linear(linear 4)
                                Layer.Residual [ Layer.Linear(linear 4) ]
                            ]
                            net'.Layers
            }

            let run = trained directory net' shape
            use whole = load run run.Out.Value
            let refuses layer units parts = complains (fun () -> Edit.exclude_units layer units whole |> ignore) parts

            refuses "linear9" [ 0 ] [
                "layer linear9"
                "a linear layer or a convolution"
                "none of that name"
                "linear1"
            ]

            refuses "batch_norm1" [ 0 ] [ "a layer of another kind" ]
            refuses "residual1/linear1" [ 0 ] [ "stands in no other layer" ]
            refuses "linear1" [ 7 ] [ "units from 0 to 6"; "got 7" ]
            refuses "linear1" [ 0..6 ] [ "fewer units than its 7"; "all of them" ]
            refuses "linear3" [ 0 ] [ "layer linear3"; "layer_norm1, which reads them otherwise" ]
            refuses "linear4" [ 0 ] [ "Softmax of linear4" ]
            refuses "linear5" [ 0 ] [ "residual1, which reads them otherwise" ]
    ]
