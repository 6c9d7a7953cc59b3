namespace ModNet

open ModNet.Runtime
open TorchSharp

/// Graphs of the units and modules of trained networks.
[<RequireQualifiedAccess>]
module internal UnitGraphs =

    /// Names and groups of the nodes of groups of such sizes.
    let private named (sizes: (string * int) list) : string[] * string[] =
        let all = [|
            for group, size in sizes do
                for number in 0 .. size - 1 -> $"{group}/{number}", group
        |]

        Array.unzip all

    /// The number of each group's first node.
    let private firsts (sizes: (string * int) list) : int list =
        sizes |> List.scan (fun first (_, size) -> first + size) 0

    let ofActivity (layers: string list) (datapoints: int) (least: float) (run: TrainedRun) : UnitGraph =
        let name = run.Experiment.Network.Name

        if layers.IsEmpty || List.distinct layers <> layers then
            Refusal.refuse name "layers, each once" (string layers.Length) "give names of its summary table"

        if not (least >= 0.0 && least <= 1.0) then
            Refusal.refuse
                name
                "a least correlation from 0 to 1"
                (string least)
                "take one above what chance gives, about 1/√N for N datapoints"

        use _scope = torch.NewDisposeScope()
        let mutable batches: torch.Tensor list = []
        let mutable sizes: (string * int) list = []

        Activations.walk layers datapoints run (fun outputs ->
            sizes <- List.zip layers (outputs |> List.map (UnitOutputs.Count >> int))
            batches <- UnitOutputs.Rows(List.toArray outputs).MoveToOuterDisposeScope() :: batches)

        let rows = if batches.IsEmpty then 0L else batches |> List.sumBy (fun batch -> batch.shape[0])

        if rows < 2L then
            Refusal.refuse name "at least two datapoints to correlate" (string rows) "give more datapoints"

        let alike = batches |> List.rev |> List.toArray |> torch.vstack |> UnitOutputs.Correlations
        let names, groups = named sizes

        UnitGraph(
            names,
            groups,
            seq {
                for one in 0 .. names.Length - 1 do
                    for other in one + 1 .. names.Length - 1 do
                        if alike[one, other] >= least then Link(one, other, alike[one, other])
            }
        )

    /// Whether a node leaves the units as they are, one by one.
    let private keepsUnits (node: Node) =
        match node with
        | :? ActivationNode
        | :? BatchNormNode
        | :? DropoutNode
        | :? LayerNormNode
        | :? PenaltyNode -> true
        | _ -> false

    let ofWeights (least: float) (run: TrainedNetwork) : UnitGraph =
        if not (least >= 0.0) then
            Refusal.refuse run.Experiment.Network.Name "a least weight ≥ 0" (string least) "give 0 for all weights"

        let sizes = ResizeArray<string * int>()
        let links = ResizeArray<Link>()

        let added (name: string) (size: int) =
            let first = sizes |> Seq.sumBy snd
            sizes.Add(name, size)
            first

        // The units that the next node reads, by their first number and how many they are; None where these are none of a linear layer.
        let mutable reads: (int * int) option = None

        let join (name: string) (weight: torch.Tensor) =
            let outputs, inputs = int weight.shape[0], int weight.shape[1]
            let values = TensorArrays.Vector<float> weight

            let from =
                match reads with
                | Some(first, size) when size = inputs -> first
                | _ -> added $"inputs of {name}" inputs

            let into = added name outputs

            for output in 0 .. outputs - 1 do
                for input in 0 .. inputs - 1 do
                    let weight = abs values[output * inputs + input]
                    if weight > 0.0 && weight >= least then links.Add(Link(from + input, into + output, weight))

            reads <- Some(into, outputs)

        for node in run.Graph.Nodes do
            match node with
            | :? LinearNode -> join node.Name (node.get_parameter "weight")
            | node when keepsUnits node -> ()
            | _ -> reads <- None

        match run.Graph.Head with
        | :? SoftmaxHead as head -> join head.Name (head.get_parameter "weight")
        | _ -> ()

        if sizes.Count = 0 then
            Refusal.refuse
                run.Experiment.Network.Name
                "a network with linear layers that stand in no other layer"
                "none"
                "ask for Structure.of_activity, which takes layers of every kind"

        let names, groups = named (List.ofSeq sizes)
        UnitGraph(names, groups, links)

    let ofRouting (trace: RoutingTrace) : UnitGraph =
        let layers = List.ofSeq trace.Layers
        let pools = layers |> List.map (fun layer -> layer.Pool, layer.Modules) |> List.distinct
        let first = List.zip (pools |> List.map fst) (List.truncate pools.Length (firsts pools)) |> dict
        let names, groups = named pools
        let counts = Array2D.zeroCreate names.Length names.Length

        for n in 0 .. trace.Count - 1 do
            let met =
                seq {
                    for layer in layers do
                        for t in 0 .. layer.Times - 1 do
                            for m in TraceRows.used layer n t -> first[layer.Pool] + m
                }
                |> Seq.distinct
                |> Seq.toArray

            for one in met do
                for other in met do
                    if one < other then counts[one, other] <- counts[one, other] + 1

        UnitGraph(
            names,
            groups,
            seq {
                for one in 0 .. names.Length - 1 do
                    for other in one + 1 .. names.Length - 1 -> Link(one, other, float counts[one, other])
            }
        )

    let ofSuccessions (layer: string) (least: float) (trace: RoutingTrace) : DirectedGraph =
        let found = Trace.layer layer trace

        if found.Times < 2 then
            Refusal.refuse
                layer
                "a layer that chooses at several time steps"
                "one choice for each datapoint"
                "ask for Structure.of_routing"

        let counts = PathGraphs.successions found
        let names, groups = named [ found.Pool, found.Modules ]

        DirectedGraph(
            names,
            groups,
            seq {
                for one in 0 .. found.Modules - 1 do
                    let all = counts[one, *] |> Array.sum |> max 1L |> float

                    for next in 0 .. found.Modules - 1 do
                        if one <> next && counts[one, next] > 0L && float counts[one, next] / all >= least then
                            struct (one, next)
            }
        )
