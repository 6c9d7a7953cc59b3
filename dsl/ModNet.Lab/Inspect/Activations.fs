namespace ModNet

open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// The outputs of one layer for some datapoints, all values taken together.
type Activations = {
    /// The layer's name in its network.
    Layer: string
    /// The number of values: datapoints times the layer's width.
    Count: int64
    /// The share of values that are exactly zero.
    Zeros: float
    /// The mean of |x|.
    Mean: float
    /// The shares of values in equal steps from `From` to `Till`; the first and the last hold what lies beyond, too.
    Shares: float[]
    From: float
    Till: float
}

/// Outputs of the layers of finished runs, for held-out data.
[<RequireQualifiedAccess; CompilationRepresentation(CompilationRepresentationFlags.ModuleSuffix)>]
module Activations =

    let private batch = 250L

    type private Tally(layer: string, from: float, till: float, bins: int) =
        let counts: int64[] = Array.zeroCreate bins
        let mutable count = 0L
        let mutable zeros = 0L
        let mutable total = 0.0

        member _.Add(values: torch.Tensor) =
            use _scope = torch.NewDisposeScope()
            let scale = float bins / (till - from)

            for value in TensorArrays.Vector<float32> values do
                let value = float value
                let bin = floor ((value - from) * scale) |> max 0.0 |> min (float (bins - 1))
                counts[int bin] <- counts[int bin] + 1L
                count <- count + 1L
                total <- total + abs value

                if value = 0.0 then zeros <- zeros + 1L

        member _.Result = {
            Layer = layer
            Count = count
            Zeros = float zeros / float (max 1L count)
            Mean = total / float (max 1L count)
            Shares = counts |> Array.map (fun seen -> float seen / float (max 1L count))
            From = from
            Till = till
        }

    /// What outputs are looked at for: the run's test set, else its validation set, else its training set.
    let internal dataOf (run: TrainedRun) : Dataset =
        let splits = run.Source.Splits

        if splits.Test.Count > 0 then splits.Test[0]
        elif splits.Validation.Count > 0 then splits.Validation[0]
        else splits.Train

    /// Gives the outputs of layers of a run's network, in the order in which they are asked for, batch by batch, for the first `datapoints` of its test set,
    /// else its validation set, else its training set, in evaluation mode; a batch's tensors are freed after it. Raises UserException for a name that
    /// no layer has.
    let internal walk
        (layers: string list)
        (datapoints: int)
        (run: TrainedRun)
        (see: torch.Tensor list -> unit)
        : unit =
        let known = [ for node in run.Graph.Nodes -> node.Name ]

        for layer in layers do
            if not (List.contains layer known) then
                let names = String.concat ", " known

                Refusal.refuse
                    run.Experiment.Network.Name
                    $"layers among {names}"
                    layer
                    "give names of its summary table"

        let data = dataOf run
        let count = min (int64 datapoints) data.Count

        run.Graph.InEvaluation(fun () ->
            for start in 0L .. batch .. count - 1L do
                use _scope = torch.NewDisposeScope()
                let some = data.Range(start, min batch (count - start)).To run.Device
                let route = Route(run.Evaluating, some.Side)
                let mutable x = some.Inputs
                let outputs = Dictionary<string, torch.Tensor>()

                for node in run.Graph.Nodes do
                    x <- node.Forward(x, route)
                    outputs[node.Name] <- x

                see [ for layer in layers -> outputs[layer] ])
        |> ignore

    /// The outputs of layers of a run's network (those that stand at its top, by their names, as the summary table gives them) for the
    /// first `datapoints` of its test set, else its validation set, else its training set, in evaluation mode: their shares in `bins`
    /// equal steps of a range. Raises UserException for a name that no layer has.
    /// Example: `Trained.within_as (Experiment.with_code_of run) "runs/mine" (Activations.ofTrained [ "linear1" ] 1_000 (0.0, 4.0) 40)`
    let ofTrained
        (layers: string list)
        (datapoints: int)
        (range: float * float)
        (bins: int)
        (run: TrainedRun)
        : Activations list =
        let from, till = range
        let tallies = [ for layer in layers -> Tally(layer, from, till, bins) ]

        walk layers datapoints run (fun outputs ->
            for tally, values in List.zip tallies outputs do
                tally.Add values)

        [ for tally in tallies -> tally.Result ]

    /// The same for the run in a folder that holds all it needs: no code and no arrays of a script.
    /// Example: `let seen = Activations.ofRun [ "conv1" ] 1_000 (0.0, 4.0) 40 "runs/cifar"`
    let ofRun
        (layers: string list)
        (datapoints: int)
        (range: float * float)
        (bins: int)
        (folder: string)
        : Activations list =
        Trained.within folder (ofTrained layers datapoints range bins)
