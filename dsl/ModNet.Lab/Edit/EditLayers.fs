namespace ModNet

open System
open ModNet.Runtime
open TorchSharp

/// Edits of the layers of a network, and its parts.
[<RequireQualifiedAccess>]
module internal EditLayers =

    let private isBody (layer: Layer) = Kind.role layer = Role.Body

    /// The place of a layer among those that stand in no other; `remedy` says what to do where there is none of that name.
    let private placeOf
        (network: Network)
        (layers: (string * Layer) list)
        (name: string)
        (remedy: unit -> string)
        : int =
        match layers |> List.tryFindIndex (fun (known, layer) -> known = name && isBody layer) with
        | Some place -> place
        | None -> Refusal.refuse network.Name "a layer that stands in no other" $"`{name}`" (remedy ())

    let swap (first: string) (second: string) (run: TrainedNetwork) : TrainedNetwork =
        let before = NamedLayers.top run.Experiment.Network

        let place (name: string) =
            placeOf run.Experiment.Network before name (fun () ->
                let known = before |> List.filter (snd >> isBody) |> List.map (fst >> sprintf "`%s`")
                "it has " + String.concat ", " known)

        let one, other = place first, place second

        if run.Graph.GivenChoices > 0L then
            Refusal.refuse
                run.Experiment.Network.Name
                "a network that makes its choices itself"
                "one whose data give choices, layer by layer"
                "swap the layers and the choices of the data in the script"

        let order =
            [ 0 .. before.Length - 1 ]
            |> List.map (fun index ->
                if index = one then other
                elif index = other then one
                else index)

        let network = { run.Experiment.Network with Layers = order |> List.map (fun index -> snd before[index]) }

        let moves =
            List.zip order (NamedLayers.top network)
            |> List.map (fun (index, (now, _)) -> struct (fst before[index], now))

        let became (layer: string) =
            moves
            |> List.tryPick (fun struct (was, now) ->
                if layer = was then Some now
                elif layer.StartsWith(was + "/") then Some(now + layer.Substring was.Length)
                else None)
            |> Option.defaultValue layer

        let sites (experiment: Experiment) plan graph =
            use _scope = torch.NewDisposeScope()
            let x, side = EditSpec.zeros experiment plan graph
            SiteColumns.Of(graph, x, side)

        let frozen = run.Experiment.Frozen |> List.map became
        let experiment = { run.Experiment with Network = network; Frozen = frozen }

        run
        |> EditedNetwork.make (EditStep.ofNetwork $"swap {first} {second}" Everything) experiment (fun graph ->
            let state = LayerMoves.Apply(run.Origin.State.Tensors, List.toArray moves)

            match state.TryGetValue StateNames.Assignments with
            | true, held ->
                let was = sites run.Experiment run.Plan run.Graph

                let columns = [|
                    for site in sites experiment (Check.plan network |> Refusal.orRaise) graph do
                        yield!
                            (was |> Seq.find (fun old -> became old.Layer = site.Layer && old.Time = site.Time))
                                .Columns
                |]

                state[StateNames.Assignments] <- LayerMoves.Columns(held, columns)
                held.Dispose()
            | _ -> ()

            state)

    let private frozenAs (words: string) (run: TrainedNetwork) (experiment: Experiment) =
        run |> EditedNetwork.withExperiment (EditStep.ofNetwork words Nothing) experiment

    let freeze (parts: string seq) (run: TrainedNetwork) : TrainedNetwork =
        let experiment = { run.Experiment with Frozen = run.Experiment.Frozen @ List.ofSeq parts |> List.distinct }
        let notes = Notes()
        FrozenParts.check notes $"{run.Experiment.Network.Name}/frozen" run.Plan experiment.Frozen
        (if notes.Count = 0 then Ok() else Error notes.All) |> Refusal.orRaise

        experiment |> frozenAs ("freeze " + String.concat " " parts) run

    let freezeBut (kept: string seq) (run: TrainedNetwork) : TrainedNetwork =
        let kept = List.ofSeq kept
        let notes = Notes()
        FrozenParts.check notes $"{run.Experiment.Network.Name}/frozen" run.Plan kept
        (if notes.Count = 0 then Ok() else Error notes.All) |> Refusal.orRaise

        match FrozenParts.allBut run.Plan kept with
        | Some parts -> { run.Experiment with Frozen = parts } |> frozenAs ("freeze-but " + String.concat " " kept) run
        | None ->
            Refusal.refuse
                $"{run.Experiment.Network.Name}/frozen"
                "parts that can learn while all else is frozen"
                (String.concat ", " kept)
                "the gates of a recurrent layer have no name of their own: freeze its whole layer, or leave the layer out by `freeze`"

    /// Data that a part of a network reads and gives, which only whoever uses it has.
    let private rowsData (name: string) (input: Shape) (width: int) (eachStep: bool) : Data =
        Data.InMemory {
            Name = name
            Input = input
            Steps = 1
            Target = Target.Values width
            EachStep = eachStep
            Tasks = None
            Given = None
            Weighted = false
            Points = 1
            HeldOut = 0
            Test = 0
            SplitSeed = 1
            Checksum = ""
            Arrays = Carried.none
        }

    let private inputOf (shape: Shape) : Layer option =
        match shape with
        | Shape.Vector width -> Some(Layer.Features width)
        | Shape.Sequence width -> Some(Layer.Sequence width)
        | Shape.Image(channels, height, width) -> Some(Layer.Image(channels, height, width))
        | _ -> None

    /// The layers that end a part which gives this shape, and the width of what it gives: what flows there is the mean of a Gaussian head.
    let private ended (shape: Shape) =
        let gaussian = Layer.Gaussian(Variance.Fixed 1.0)

        match shape with
        | Shape.Image _ -> [ Layer.Flatten; gaussian ], int (ShapeRules.Values shape)
        | _ -> [ gaussian ], int (ShapeRules.Values shape)

    /// What a layer gives, and the input of a network that reads it; `expected` and `remedy` are said where no network can.
    let private behind (run: TrainedNetwork) (layer: string) (expected: string) (remedy: string) : Shape * Layer =
        let shape = (run.Plan.Layers |> List.find (fun planned -> planned.Name = layer)).Output

        match inputOf shape with
        | Some input -> shape, input
        | None -> Refusal.refuse $"{run.Experiment.Network.Name}/{layer}" expected (ShapeRules.Describe shape) remedy

    /// The weights of some of a network's layers, under other names, and of its shared pools, as far as a part of the network has them.
    let private partsOf (run: TrainedNetwork) (shared: string array) moves (graph: Graph) =
        use _scope = torch.NewDisposeScope()
        let moved = LayerMoves.Apply(run.Graph.state_dict (), moves, only = shared)
        let wanted = graph.state_dict ()

        for KeyValue(name, tensor) in Seq.toArray moved do
            if not (wanted.ContainsKey name) then
                tensor.Dispose()
                moved.Remove name |> ignore

        moved

    /// The layers of a coupling with the other direction; None for another layer.
    let private inverted (layer: Layer) : Layer option =
        match layer with
        | Layer.Coupling layers -> Some(Layer.Uncoupling layers)
        | Layer.Uncoupling layers -> Some(Layer.Coupling layers)
        | _ -> None

    let inverse (first: string) (last: string) (run: TrainedNetwork) : TrainedNetwork =
        let layers = NamedLayers.top run.Experiment.Network
        let network = run.Experiment.Network.Name

        let place (name: string) =
            placeOf run.Experiment.Network layers name (fun () -> "give the name of a coupling that `check` shows")

        let one, other = place first, place last

        if one > other then
            Refusal.refuse
                network
                "the first layer before the last"
                $"`{first}` after `{last}`"
                "name them in their order"

        let between = layers[one..other]

        let backwards =
            between
            |> List.rev
            |> List.map (fun (name, layer) ->
                match inverted layer with
                | Some layer -> layer
                | None ->
                    Refusal.refuse
                        $"{network}/{name}"
                        "couplings alone, which have an inverse"
                        "another layer"
                        "name the first and the last of couplings that follow each other")

        let shape, input =
            behind run last "couplings, which read numbers" "name couplings behind the layer that embeds the tokens"

        let endings, width = ended shape
        let inverse = { Name = $"{network}-inverse"; Layers = input :: backwards @ endings }
        let now = NamedLayers.top inverse |> List.tail |> List.truncate between.Length
        let moves = [| for (was, _), (now, _) in List.zip (List.rev between) now -> struct (was, now) |]
        let shared = run.Plan.Pools |> List.choose _.Pool.Name |> List.toArray

        run
        |> EditedNetwork.part
            None
            (EditStep.ofNetwork $"inverse {first} {last}" Everything)
            inverse
            (rowsData $"what {last} gives" shape width shape.IsSequence)
            (partsOf run shared moves)

    let splitModule (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork =
        EditModules.isThere run pool [ number ]
        let planned = EditSpec.pool run.Plan pool
        let layers = planned.Pool.Units[if planned.Pool.Units.Length = 1 then 0 else number]
        let endings, width = ended planned.Output

        let network = {
            Name = $"{run.Experiment.Network.Name}-{pool.Replace('/', '-')}-{number}"
            Layers = (inputOf planned.Input |> Option.toList) @ layers @ endings
        }

        let alone = NamedLayers.top network |> List.item 1 |> fst

        run
        |> EditedNetwork.part
            None
            (EditStep.ofNetwork $"split-module {pool} {number}" Everything)
            network
            (rowsData $"rows of {pool}" planned.Input width false)
            (fun _ -> PoolEdit.Module(run.Graph.state_dict (), run.Graph, pool, number, alone))

    let splitAt (layer: string) (run: TrainedNetwork) : TrainedNetwork * TrainedNetwork =
        let layers = NamedLayers.top run.Experiment.Network

        let place =
            placeOf run.Experiment.Network layers layer (fun () ->
                "give the name of one that `check` shows, without a `/` in it")

        let shape, input = behind run layer "a layer that gives numbers" "cut behind the layer that embeds the tokens"

        let endings, width = ended shape
        let tasks = layers |> List.choose (fun (_, layer) -> if layer.IsTasks then Some layer else None)
        let name = run.Experiment.Network.Name
        let step half = EditStep.ofNetwork $"split-at {layer}, {half} part" Everything
        let shared = run.Plan.Pools |> List.choose _.Pool.Name |> List.toArray

        let weights moves = partsOf run shared (List.toArray moves)

        let before = layers |> List.take (place + 1) |> List.map snd
        let after = layers |> List.skip (place + 1)
        let second = { Name = $"{name}-2"; Layers = input :: tasks @ List.map snd after }
        let now = NamedLayers.top second |> List.skip (1 + tasks.Length)

        let moves = (struct ("head", "head")) :: [ for (was, _), (now, _) in List.zip after now -> struct (was, now) ]

        let f1 =
            run
            |> EditedNetwork.part
                run.Preparation
                (step "first")
                { Name = $"{name}-1"; Layers = before @ endings }
                (rowsData $"what {name} reads" run.Plan.Layers.Head.Output width shape.IsSequence)
                (weights [ for was, _ in List.take (place + 1) layers -> struct (was, was) ])

        try
            let data = rowsData $"what {layer} gives" shape 1 (List.last run.Plan.Layers).Input.IsSequence
            f1, run |> EditedNetwork.part None (step "second") second data (weights moves)
        with _ ->
            (f1 :> IDisposable).Dispose()
            reraise ()
