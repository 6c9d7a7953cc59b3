namespace ModNet

open System
open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// What a trained network is asked, from outside: whether it fits the network, and what its numbers are called.
module internal Asking =

    let private kinds = [ torch.ScalarType.Float32; torch.ScalarType.Float64; torch.ScalarType.Float16 ]

    let private isReal (x: torch.Tensor) = List.contains x.dtype kinds

    let private shapeText (shape: int64 array) = "[" + String.Join(", ", shape) + "]"

    let private said (x: torch.Tensor) = $"{shapeText x.shape} {x.dtype}"

    /// The least and the greatest of whole numbers.
    let private extremes (numbers: torch.Tensor) : int64 list =
        if numbers.numel () = 0L then [] else [ numbers.min().ToInt64(); numbers.max().ToInt64() ]

    let private refuse (network: Network) (layer: string) (expected: string) (got: string) (remedy: string) =
        Refusal.refuse $"{network.Name}/{layer}" expected got remedy

    /// The classes that a head tells apart; 0 where y are no classes.
    let classes (graph: Graph) : int =
        match graph.Head with
        | :? SoftmaxHead as head -> head.Classes
        | :? CategoricalHead as head -> head.Classes
        | _ -> 0

    let classNames (graph: Graph) (preparation: Preparation option) : IReadOnlyList<string> =
        let count = classes graph

        let kept =
            preparation
            |> Option.bind (fun known -> Option.ofObj known.Classes |> Option.orElse (Option.ofObj known.Words))
            |> Option.filter (fun names -> names.Count = count)

        kept |> Option.defaultWith (fun () -> Array.init count string)

    let targetNames (experiment: Experiment) : IReadOnlyList<string> =
        Sources.values experiment.Data |> List.toArray :> IReadOnlyList<string>

    let beside (device: torch.Device) (side: SideInputs) : SideInputs =
        let moved (values: torch.Tensor) = if isNull values then null else values.``to`` device
        if isNull side then null else SideInputs(moved side.Tasks, moved side.Given)

    /// How a run's data were prepared; None where they were taken as they are. Raises UserException where the run does not say.
    let preparationOf (experiment: Experiment) (known: Preparation option) : Preparation option =
        if known.IsNone && Sources.preparesInputs experiment.Data then
            Refusal.refuse
                experiment.Network.Name
                "a run that keeps how its data were prepared"
                "one of an earlier version, without it"
                "resume the run with --resume and its data, which writes data.json and trains no further"

        known

    /// The shape of what the network reads of a datapoint; −1 where sequences may have any length, and none for tokens.
    let inputRow (plan: Plan) : int64 array =
        match plan.Layers.Head.Output with
        | Shape.Vector width -> [| int64 width |]
        | Shape.Image(channels, height, width) -> [| int64 channels; int64 height; int64 width |]
        | Shape.Sequence width -> [| -1L; int64 width |]
        | Shape.Tokens _ -> [||]

    /// What the preparation of a run makes of x, as the network reads it, on its device. Raises UserException where the network cannot read it.
    let prepared
        (experiment: Experiment)
        (graph: Graph)
        (device: torch.Device)
        (preparation: Preparation option)
        (x: torch.Tensor)
        : torch.Tensor =
        let network = experiment.Network
        let prepared = preparation |> preparationOf experiment |> Option.map _.Apply(x) |> Option.defaultValue x

        let values layer fits expected =
            if not (isReal prepared && fits) then
                refuse network layer expected (said x) "give x as the run's data have it"

            // As the network's own numbers: with others, no product of matrices is defined.
            let number = graph.parameters () |> Seq.tryHead |> Option.map _.dtype
            let read = prepared.``to``(device).to_type(Option.defaultValue torch.ScalarType.Float32 number)

            if not (read.isfinite().all().ToBoolean()) then
                refuse network layer "numbers that are finite in float32" "others among them" "mend these numbers"

            read

        let shape = prepared.shape

        network.Layers
        |> List.tryPick (function
            | Layer.Features width ->
                let columns =
                    preparation
                    |> Option.bind (fun known -> Option.ofObj known.Columns)
                    |> Option.map (fun names -> $""" with the columns {String.concat ", " names}""")
                    |> Option.defaultValue ""

                values
                    "features"
                    (shape.Length = 2 && shape[1] = int64 width)
                    $"rows [B, {width}] of real numbers{columns}"
                |> Some
            | Layer.Sequence width ->
                values
                    "sequence"
                    (shape.Length = 3 && shape[2] = int64 width)
                    $"sequences [B, T, {width}] of real numbers"
                |> Some
            | Layer.Image(channels, height, width) ->
                let fits = shape.Length = 4 && shape[1..] = [| int64 channels; int64 height; int64 width |]
                let expected = $"images [B, {channels}, {height}, {width}]"
                values "image" fits (if isReal x then $"{expected} of real numbers" else expected) |> Some
            | Layer.Tokens size ->
                let expected = $"token ids [B, T] of int64 from 0 to {size - 1}"
                let remedy = "give the places of words in ClassNames"

                if not (prepared.dtype = torch.ScalarType.Int64 && shape.Length = 2) then
                    refuse network "tokens" expected (said x) remedy

                for extreme in extremes prepared do
                    if extreme < 0L || extreme >= int64 size then refuse network "tokens" expected $"{extreme}" remedy

                Some(prepared.``to`` device)
            | _ -> None)
        |> Option.defaultWith (fun () -> prepared.``to`` device)

    /// Targets on the network's device; null where there are none. Raises UserException where they are not those of x, as the network reads it.
    let targets
        (experiment: Experiment)
        (graph: Graph)
        (device: torch.Device)
        (x: torch.Tensor)
        (targets: torch.Tensor)
        : torch.Tensor =
        let refuse expected =
            refuse experiment.Network "targets" expected (said targets) "give what is to be predicted of each row of x"

        // One target for each datapoint, or for every step.
        let rows (x: torch.Tensor) =
            match List.tryHead experiment.Data.Parts with
            | Some(Data.Text _) -> x.shape
            | Some(Data.InMemory { EachStep = true }) -> x.shape[0..1]
            | _ -> [| x.shape[0] |]

        match targets, classes graph with
        | null, _ -> null
        | targets, 0 ->
            if not (isReal targets && targets.shape.Length >= 2 && targets.shape[0] = x.shape[0]) then
                refuse $"values [{x.shape[0]}, D] of real numbers"

            let width = int64 (List.length (Sources.values experiment.Data))
            let shape = Array.append (rows x) [| width |]

            if width > 0L && targets.shape <> shape then refuse $"values {shapeText shape} of real numbers"

            targets.``to``(device).to_type torch.ScalarType.Float32
        | targets, count ->
            let shape = rows x
            let expected = $"classes {shapeText shape} of int64 from 0 to {count - 1}"

            if not (targets.dtype = torch.ScalarType.Int64 && targets.shape = shape) then refuse expected

            for extreme in extremes targets do
                if extreme < 0L || extreme >= int64 count then refuse $"{expected}; {extreme} is among them"

            targets.``to`` device

/// A network that is asked about datapoints, and how it chooses modules for them.
type internal Asked = {
    Experiment: Experiment
    Graph: Graph
    Device: torch.Device
    Preparation: Preparation option
    Selector: Selector
} with

    /// x as the network reads it.
    member asked.Prepared(x: torch.Tensor) : torch.Tensor =
        Asking.prepared asked.Experiment asked.Graph asked.Device asked.Preparation x

    /// What is to be predicted of x, which is prepared; null for nothing.
    member asked.Targets(x: torch.Tensor, targets: torch.Tensor) : torch.Tensor =
        Asking.targets asked.Experiment asked.Graph asked.Device x targets

    /// The most probable classes, means or bits. The caller disposes of them.
    member asked.Predict(x: torch.Tensor, side: SideInputs) : torch.Tensor =
        use _scope = torch.NewDisposeScope()
        let x = asked.Prepared x

        asked.Graph.InEvaluation(fun () ->
            let features = asked.Graph.Forward(x, asked.Selector, Asking.beside asked.Device side).Features
            asked.Graph.Head.Predict(features).MoveToOuterDisposeScope())

    /// All that the network says. The caller disposes of it.
    member asked.Examine
        (x: torch.Tensor, targets: torch.Tensor, side: SideInputs, carried: RecurrentState)
        : Prediction =
        use _scope = torch.NewDisposeScope()
        let x = asked.Prepared x
        let targets = asked.Targets(x, targets)
        let said = Prediction.Of(asked.Graph, x, asked.Selector, Asking.beside asked.Device side, targets, carried)

        for tensor in [ said.Features; said.Mode; said.Probabilities; said.LogLikelihood ] do
            if not (isNull tensor) then tensor.MoveToOuterDisposeScope() |> ignore

        said

    /// The network without libtorch's tensors.
    member asked.Predictor(plan: Plan) : Predictor =
        let preparation = Asking.preparationOf asked.Experiment asked.Preparation |> Option.toObj
        Predictor.Of(asked.Graph, asked.Selector, Asking.inputRow plan, preparation)
