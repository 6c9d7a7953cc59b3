namespace ModNet

open System.Collections.Generic
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

/// Evaluation that skips zeros, and the order of units in which zeros lie together. After a ReLU many activations are zero; a block of neighbouring units that are
/// all zero for a datapoint need not be multiplied. All functions leave the network that they are given as it is.
[<RequireQualifiedAccess>]
module SparseInference =

    /// The network with linear layers that skip blocks of so many neighbouring inputs (a power of two; 1 skips every zero) where all of a block are zero for a
    /// datapoint: those linear layers at its top that read what a ReLU gives. Its outputs are the same up to rounding. On the CPU alone; training ends it.
    /// Raises UserException where there is no such layer.
    /// Example: `Trained.load "runs/mnist" |> SparseInference.skip 1`
    let skip (block: int) (run: TrainedNetwork) : TrainedNetwork =
        let copy = EditedNetwork.copy run

        try
            SparseEvaluation.Skip(copy.Graph, block) |> ignore
            copy
        with _ ->
            (copy :> System.IDisposable).Dispose()
            reraise ()

    /// The numbers of a layer's units, community by community, the largest first: an order for `reorder`.
    /// Example: `Trained.load "runs/mnist" |> Structure.of_activity [ "linear1" ] 1_000 0.1 |> Structure.communities |> SparseInference.order "linear1"`
    let order (layer: string) (communities: Communities) : int[] =
        let groups = communities.Graph.Groups

        let own = [|
            for node in 0 .. groups.Count - 1 do
                if groups[node] = layer then node
        |]

        if own.Length = 0 then
            let known = groups |> Seq.distinct |> String.concat ", "
            Refusal.refuse "graph" $"a layer among {known}" layer "give one whose units are in the graph"

        StructureFigure.order communities
        |> Array.filter (fun node -> groups[node] = layer)
        |> Array.map (fun node -> System.Array.IndexOf(own, node))

    /// Where the units of a layer go: the name of the weight whose columns read them.
    let private reader (layer: string) (run: TrainedNetwork) : string =
        let name = run.Experiment.Network.Name
        let nodes = List.ofSeq run.Graph.Nodes

        let isLinear (node: Node) = node :? LinearNode

        match nodes |> List.tryFindIndex (fun node -> node.Name = layer && isLinear node) with
        | None ->
            let known = nodes |> List.filter isLinear |> List.map _.Name |> String.concat ", "
            let known = if known = "" then "none" else known
            Refusal.refuse name $"a linear layer at the network's top, of {known}" layer "give the name of such a layer"
        | Some place ->
            let keepsPlaces (node: Node) =
                match node with
                | :? ActivationNode
                | :? DropoutNode
                | :? PenaltyNode -> true
                | _ -> false

            match nodes |> List.skip (place + 1) |> List.skipWhile keepsPlaces with
            | next :: _ when isLinear next -> $"{next.Name}.weight"
            | [] when (run.Graph.Head :? SoftmaxHead) -> "head.weight"
            | rest ->
                Refusal.refuse
                    name
                    $"a linear layer or a softmax head after `{layer}`, with nothing but activations, dropout and penalties between"
                    (match rest with
                     | next :: _ -> $"`{next.Name}`"
                     | [] -> $"the head `{run.Graph.Head.Name}`")
                    "reorder the units of another layer"

    /// The network with the units of a linear layer in another order: unit i is the one that was `order[i]`. What reads them reads them in that order, so the network computes
    /// the same up to rounding. The result has weights alone, and not what an optimiser remembers. Raises UserException unless the layer stands at the network's
    /// top and a linear layer or a softmax head reads it, or if the order does not have each unit once.
    /// Example: `Trained.load "runs/mnist" |> SparseInference.reorder "linear1" [| 255 .. -1 .. 0 |]`
    let reorder (layer: string) (order: int[]) (run: TrainedNetwork) : TrainedNetwork =
        let reader = reader layer run

        let weights (_: Graph) =
            use _scope = torch.NewDisposeScope()
            use _noGrad = torch.no_grad ()
            let state = run.Graph.state_dict ()
            let units = int state[$"{layer}.weight"].shape[0]

            if Array.sort order <> [| 0 .. units - 1 |] then
                Refusal.refuse
                    $"{run.Experiment.Network.Name}/{layer}"
                    $"an order that has each of its {units} units once"
                    $"{order.Length} numbers, {order |> Array.distinct |> Array.length} of them different"
                    "give the numbers from 0 on, as SparseInference.order does"

            let places = torch.tensor (Array.map int64 order)
            let moved = Dictionary<string, torch.Tensor>()

            for KeyValue(name, value) in state do
                let value =
                    if name = $"{layer}.weight" || name = $"{layer}.bias" then value.index_select (0L, places)
                    elif name = reader then value.index_select (1L, places)
                    else value.clone ()

                moved[name] <- value.detach().cpu().DetachFromDisposeScope()

            moved

        let step = EditStep.ofNetwork $"reorder {layer}" Nothing
        run |> EditedNetwork.part run.Preparation step run.Experiment.Network run.Experiment.Data weights

    /// The share of blocks of so many neighbouring units of a layer (a power of two) that are all zero for a datapoint, the mean over the first `datapoints` of
    /// the test set, else the validation set, else the training set: what `skip` leaves out.
    /// Example: `Trained.load "runs/mnist" |> SparseInference.skipped "linear1" 8 1_000`
    let skipped (layer: string) (block: int) (datapoints: int) (run: TrainedNetwork) : float =
        let mutable sum = 0.0
        let mutable count = 0L

        Trained.withData run (fun _ opened ->
            Activations.walk [ layer ] datapoints opened (fun outputs ->
                let rows = outputs.Head.shape[0]
                sum <- sum + float rows * SparseEvaluation.ZeroBlocks(outputs.Head, block)
                count <- count + rows))

        sum / float count
