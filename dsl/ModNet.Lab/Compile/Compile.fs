namespace ModNet

open ModNet.Runtime
open TorchSharp

/// From a network that `check` found sound to a runtime graph.
[<RequireQualifiedAccess>]
module Compile =

    let private controller root (init: Initialiser) (planned: PlannedLayer) (layer: Modular) : Runtime.Controller =
        let row = ModularLayer.row layer planned.Pool.Value
        let values = int (ShapeRules.Values row)
        let choose, modules = layer.Choose, layer.Pool.Modules

        match layer.Controller with
        | Linear -> new LinearController(values, choose, modules, init)
        | Mlp hidden -> new MlpController(values, Array.ofList hidden, choose, modules, init)
        | Conv(channels, kernel) ->
            new ConvController(RuntimeWords.features row, channels, kernel, choose, modules, init)
        | Task -> new TaskController(values, planned.Tasks.Value, choose, modules, init)
        | Factored digits -> new FactoredController(values, Array.ofList digits, choose, init)
        | Given -> new GivenController(choose, modules)
        | ByTask -> new ByTaskController(modules)
        | Custom custom ->
            let place = $"{root}/{planned.Name}/controller"
            new CustomController(CompileCustom.make place init custom, choose, modules)

    let private masked (layer: Modular) (controller: Runtime.Controller) =
        if not layer.Masked.IsEmpty then controller.Mask layer.Masked

        controller

    let private headOf (init: Initialiser) (planned: PlannedLayer) : Head option =
        match planned.Layer with
        | Layer.Softmax classes -> Some(new SoftmaxHead(RuntimeWords.features planned.Input, classes, init))
        | Layer.Categorical -> Some(new CategoricalHead(RuntimeWords.features planned.Input))
        | Layer.Gaussian(Variance.Fixed value) -> Some(new GaussianHead(value, false, init))
        | Layer.Gaussian(Variance.Learned initial) -> Some(new GaussianHead(initial, true, init))
        | Layer.Bernoulli -> Some(new BernoulliHead())
        | _ -> None

    let rec private node
        root
        (init: Initialiser)
        dropout
        (pools: Map<string, ModulePool>)
        (last: PlannedLayer)
        (planned: PlannedLayer)
        =
        let name = planned.Name

        match planned.Layer, planned.Pool with
        | Layer.Modular layer, Some pool ->
            Some(
                new ModularLayer(
                    name,
                    controller root init planned layer |> masked layer,
                    pools[pool.Name],
                    RuntimeWords.combine layer.Combine,
                    RuntimeWords.dispatch layer.Dispatch,
                    RuntimeWords.duplicates layer.Duplicates,
                    layer.StopGradient,
                    layer.Context,
                    layer.Halts
                )
                :> Node
            )
        | Layer.ModularGru gru, Some pool when not gru.Gated ->
            let layer = gru.Candidate

            Some(
                new FoldNode(
                    name,
                    gru.Hidden,
                    controller root init planned layer |> masked layer,
                    pools[pool.Name],
                    RuntimeWords.combine layer.Combine,
                    RuntimeWords.dispatch layer.Dispatch,
                    RuntimeWords.duplicates layer.Duplicates,
                    layer.StopGradient,
                    layer.Halts
                )
            )
        | Layer.ModularGru gru, Some pool ->
            let layer = gru.Candidate

            Some(
                new ModularGru(
                    name,
                    RuntimeWords.features planned.Input,
                    gru.Hidden,
                    controller root init planned layer |> masked layer,
                    pools[pool.Name],
                    RuntimeWords.combine layer.Combine,
                    RuntimeWords.dispatch layer.Dispatch,
                    init,
                    RuntimeWords.duplicates layer.Duplicates,
                    layer.StopGradient
                )
            )
        | Layer.Boundary gradient, _ -> Some(CompileBoundary.node init (headOf init) last planned gradient)
        | _ -> CompileLayer.plain root init dropout (List.choose (node root init dropout pools last)) planned

    let private make (ranks: Ranks option) (init: Initialiser) (dropout: torch.Generator) (plan: Plan) : Graph =
        let root = plan.Network.Name

        let pools =
            plan.Pools |> List.map (fun pool -> pool.Name, CompilePool.make root ranks init dropout pool) |> Map.ofList

        let last = plan.Layers |> List.find (fun layer -> Kind.role layer.Layer = Role.Head)
        let nodes = plan.Layers |> List.choose (node root init dropout pools last) |> ResizeArray
        new Graph(nodes, (headOf init last).Value)

    /// A graph of a plan, with fresh parameters drawn pool by pool and layer by layer in order. All modules are in this process.
    let internal ofPlan (init: Initialiser) (dropout: torch.Generator) (plan: Plan) : Graph =
        make None init dropout plan

    /// The same, but that the modules of pools that say `spread` live on the ranks.
    let internal onRanks (ranks: Ranks) (init: Initialiser) (dropout: torch.Generator) (plan: Plan) : Graph =
        make (Some ranks) init dropout plan

    /// Has training leave alone what an experiment freezes of its graph.
    let internal freeze (plan: Plan) (parts: string list) (graph: Graph) : unit =
        let heads = plan.Layers |> List.filter (fun layer -> Kind.role layer.Layer = Role.Head) |> List.map _.Name
        graph.Freeze(parts |> List.map (fun part -> if List.contains part heads then "head" else part))

    /// A graph with fresh parameters from one stream, whose dropout draws from another. Never fails on a network that `check`
    /// accepts and whose custom modules are what they declare; raises UserException with all that is wrong with any other.
    let graph (init: Initialiser) (dropout: torch.Generator) (network: Network) : Graph =
        Check.plan network |> Refusal.orRaise |> ofPlan init dropout

/// `compile`, for scripts.
[<AutoOpen>]
module Compiling =

    /// A runtime graph on the CPU with fresh parameters, all chance from `seed`. Raises UserException with all that is wrong
    /// with a network that `check` refuses.
    /// Example: `compile 1 toy`
    let compile (seed: int) (network: Network) : Graph =
        let streams = new RandomStreams(int64 seed)
        Compile.graph (Initialiser(streams.Init)) streams.Dropout network
