namespace ModNet

open System
open System.Collections.Generic

/// Where a walk is: what stands before the names of layers (`residual1/`, empty at the top), whether it is in a module, and
/// in how many layers.
type internal Scope = { Prefix: string; InModule: bool; Depth: int }

/// Ends a walk over more layers than are counted; carries the place of the first beyond.
exception internal TooManyLayers of place: string

/// One walk over a network: names every layer, infers every shape, and notes every problem.
/// Where a shape cannot be known it is left open, so that one mistake is told once and not again at each layer after it.
type internal Infer(network: Network, notes: Notes) as this =

    /// More layers than this, repetitions unrolled, are a slip: a check must end.
    let layersLimit = 100_000

    /// So are layers within more layers than this, which would end in a stack overflow.
    let depthLimit = 100

    let root = if String.IsNullOrWhiteSpace network.Name then "network" else network.Name

    let rules = ShapeRules notes

    let pools =
        PoolLedger(
            root,
            notes,
            fun prefix layers row ->
                let scope = { Prefix = prefix; InModule = true; Depth = 1 }

                this.Chain(scope, layers, row)
        )

    /// A controller may ask for task ids wherever they stand; whether they stand right is told once, where they do.
    let taskIds =
        network.Layers
        |> List.tryPick (function
            | Layer.Tasks count -> Some count
            | _ -> None)

    let modulars = ModularRules(root, notes, pools, taskIds)

    let mutable layersSeen = 0
    let mutable tooDeep = false

    /// The first count of task ids that is said, and whether it is one.
    let mutable tasks: (int * int option) option = None

    // Places are made at every layer, for notes that are mostly not written: (+) takes a tenth of the time of $"…".
    let at name = root + "/" + name

    /// The layer's name, and a note if another layer beside it has it: a block, since all other names follow from position.
    let nameOf (names: LayerNames) scope layer =
        let own, isFree = names.Next layer
        let name = scope.Prefix + own

        if not isFree then
            notes.Add(
                Fault.DuplicateName,
                at name,
                "a name that is free here",
                $"`{own}`, which is taken",
                "give the block another name"
            )

        name

    let inside scope name part = {
        scope with
            Prefix =
                match part with
                | Some part -> name + "/" + string<int> part + "/"
                | None -> name + "/"
            Depth = scope.Depth + 1
    }

    let checkTasks name count =
        match tasks with
        | Some(first, _) ->
            notes.Add(
                Fault.TwoInputs,
                at name,
                $"one `tasks`, of {first}",
                $"a second, of {count}",
                "leave one of them out"
            )
        | None -> tasks <- Some(count, notes.Positive($"{at name}/count", "a number of tasks", count))

    /// What a layer's rule may ask where it stands.
    let site scope name : Site = {
        Place = at name
        InModule = scope.InModule
        Notes = notes
        Rules = rules
        Chain = fun part layers shape -> this.Chain(inside scope name part, layers, shape)
        Together = fun modular row -> modulars.Together(name, modular, row)
        Tasks = checkTasks name
    }

    let needsTasks (layer: Layer) =
        match layer.Choosing with
        | Some { Controller = Task | ByTask } -> Option.bind snd tasks
        | _ -> None

    /// Infers a layer and plans it where all shapes are known.
    let step scope (planned: ResizeArray<PlannedLayer>) name layer shape =
        layersSeen <- layersSeen + 1

        if layersSeen > layersLimit then raise (TooManyLayers(at name))

        let inferred = Kind.infer (site scope name) layer shape

        match (if Kind.role layer = Role.Input then inferred.Output else shape), inferred.Output with
        | Some input, Some output ->
            planned.Add {
                Name = name
                Layer = layer
                Input = input
                Output = output
                Pool = inferred.Pool
                Tasks = needsTasks layer
                Inside = inferred.Inside
            }
        | _ -> ()

        inferred.Output

    let order = LayerOrder(root, network.Layers, notes)

    let top = { Prefix = ""; InModule = false; Depth = 0 }

    let walk layers =
        let planned = ResizeArray<PlannedLayer>()
        let names = LayerNames.AtTop
        let mutable shape = None
        let mutable head = None
        order.Begin()

        for index, layer in List.indexed layers do
            let name = nameOf names top layer
            order.Check(index, name, layer, head)
            let output = step top planned name layer shape

            if Kind.role layer = Role.Head then head <- Option.orElse (Some name) head

            // After a head there is nothing to read, so what follows is judged by itself.
            shape <- if head.IsSome then None else output

        order.End head
        List.ofSeq planned

    let layers =
        lazy
            (notes.Name(root, "network", network.Name)

             if network.Layers.IsEmpty then
                 order.Empty()
                 []
             else
                 try
                     walk network.Layers
                 with TooManyLayers place ->
                     notes.Add(
                         Fault.TooLarge,
                         place,
                         $"at most {Numbers.grouped (int64 layersLimit)} layers, repetitions unrolled",
                         "more",
                         "repeat less often"
                     )

                     [])

    /// The layers of a chain inside the network, planned, and what the chain gives.
    member private _.Chain(scope: Scope, layers: Layer list, shape: Shape option) : PlannedLayer list * Shape option =
        if scope.Depth > depthLimit then
            if not tooDeep then
                tooDeep <- true

                notes.Add(
                    Fault.TooLarge,
                    at (scope.Prefix.TrimEnd '/'),
                    $"at most {depthLimit} layers around a layer",
                    "more",
                    "say the inner ones one after the other"
                )

            [], None
        else
            let planned = ResizeArray<PlannedLayer>()
            let names = LayerNames.Inside
            let mutable shape = shape

            for layer in layers do
                let name = nameOf names scope layer

                if Kind.role layer = Role.Body then
                    shape <- step scope planned name layer shape
                else
                    notes.Add(
                        Fault.NotInside,
                        at name,
                        "a layer between input and head",
                        $"`{Kind.ofLayer layer}`",
                        "move it out, to the start or end of the network"
                    )

            List.ofSeq planned, shape

    /// The first component of every place.
    member _.Root = root

    /// The layers whose shapes are known: all of them, where nothing was noted.
    member _.Plan: Plan =
        let layers = layers.Value

        {
            Network = network
            Layers = layers
            Pools = layers |> List.collect _.Unfolded |> List.choose _.Pool |> List.distinctBy _.Name
        }
