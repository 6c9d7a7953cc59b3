namespace ModNet

open ModNet.Runtime

/// From a network that `check` found sound to a runtime graph.
[<RequireQualifiedAccess>]
module Compile =

    let private activation (kind: ModNet.Activation option) =
        match kind with
        | None -> Runtime.Activation.Identity
        | Some Relu -> Runtime.Activation.Relu
        | Some Tanh -> Runtime.Activation.Tanh
        | Some Sigmoid -> Runtime.Activation.Sigmoid

    let private combine (kind: ModNet.Combine) =
        match kind with
        | Sum -> Runtime.Combine.Sum
        | Concat -> Runtime.Combine.Concat

    let private dispatch (kind: ModNet.Dispatch) =
        match kind with
        | Auto -> Runtime.Dispatch.Auto
        | Loop -> Runtime.Dispatch.Loop
        | Grouped -> Runtime.Dispatch.Grouped
        | Wide -> Runtime.Dispatch.Wide

    let private pool (init: Initialiser) (planned: PlannedPool) : ModulePool =
        match planned.Unit with
        | PoolUnit.Linear unit ->
            new LinearPool(
                planned.Name,
                planned.Modules,
                planned.Input,
                planned.Output,
                activation unit.Activation,
                unit.Bias,
                init
            )

    let private controller (init: Initialiser) (inputs: int) (layer: Modular) (pool: ModulePool) : Runtime.Controller =
        match layer.Controller with
        | ModNet.Controller.Linear -> new LinearController(inputs, layer.Choose, pool.Count, init)

    let private width (shape: Shape) =
        match shape with
        | Shape.Vector width
        | Shape.Sequence width -> width
        | Shape.Tokens vocabulary -> vocabulary

    let private node (init: Initialiser) (pools: Map<string, ModulePool>) (planned: PlannedLayer) : Node option =
        let name = planned.Name
        let inputs = width planned.Input
        let pool () = pools[planned.Pool.Value.Name]

        match planned.Layer with
        | Layer.Tokens _
        | Layer.Features _
        | Layer.Softmax _
        | Layer.Gaussian _
        | Layer.Bernoulli -> None
        | Layer.Embed width -> Some(new EmbedNode(name, inputs, width, init))
        | Layer.Linear linear ->
            Some(new LinearNode(name, inputs, linear.Width, activation linear.Activation, linear.Bias, init))
        | Layer.Activation kind -> Some(new ActivationNode(name, activation (Some kind)))
        | Layer.Modular layer ->
            let pool = pool ()
            let controller = controller init inputs layer pool
            Some(new ModularLayer(name, controller, pool, combine layer.Combine, dispatch layer.Dispatch))
        | Layer.ModularGru gru ->
            let pool = pool ()
            let layer = gru.Candidate
            let controller = controller init (gru.Hidden + inputs) layer pool

            Some(
                new ModularGru(
                    name,
                    inputs,
                    gru.Hidden,
                    controller,
                    pool,
                    combine layer.Combine,
                    dispatch layer.Dispatch,
                    init
                )
            )

    let private head (init: Initialiser) (planned: PlannedLayer) : Head option =
        match planned.Layer with
        | Layer.Softmax classes -> Some(new CategoricalHead(width planned.Input, classes, init))
        | Layer.Gaussian(Variance.Fixed value) -> Some(new GaussianHead(value, false, init))
        | Layer.Gaussian(Variance.Learned initial) -> Some(new GaussianHead(initial, true, init))
        | Layer.Bernoulli -> Some(new BernoulliHead())
        | _ -> None

    let private ofPlan (init: Initialiser) (plan: Plan) : Graph =
        let pools = plan.Pools |> List.map (fun p -> p.Name, pool init p) |> Map.ofList
        let nodes = plan.Layers |> List.choose (node init pools) |> ResizeArray
        let head = plan.Layers |> List.pick (head init)
        new Graph(nodes, head)

    /// A graph with fresh parameters, drawn pool by pool and layer by layer in order. Never fails on a network that
    /// `check` accepts; raises UserException with all that is wrong with any other.
    let graph (init: Initialiser) (network: Network) : Graph =
        Check.plan network |> Refusal.orRaise |> ofPlan init
