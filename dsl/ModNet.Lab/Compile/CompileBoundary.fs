namespace ModNet

open ModNet.Runtime

/// Boundaries, which the loss's gradient does not cross, as nodes.
module internal CompileBoundary =

    /// How many numbers a layer reads: of a sequence those of a step.
    let private values (shape: Shape) = int (ShapeRules.Values shape)

    let private targets (head: PlannedLayer) =
        match head.Layer with
        | Layer.Softmax classes -> TargetFeatures(classes, true)
        | Layer.Categorical -> TargetFeatures(values head.Input, true)
        | _ -> TargetFeatures(values head.Input, false)

    /// What leads from a boundary's input to what the network's head reads, and a head of the same kind.
    let private localHead init (makeHead: PlannedLayer -> Head option) (last: PlannedLayer) (planned: PlannedLayer) =
        let name = planned.Name

        let flat, input =
            match planned.Input with
            | Shape.Image _ as image -> [ new FlattenNode($"{name}/flatten") :> Node ], Shape.Vector(values image)
            | other -> [], other

        match last.Layer with
        | Layer.Softmax _ -> new LocalHeadNode(name, ResizeArray flat, (makeHead { last with Input = input }).Value)
        | _ ->
            let map =
                new LinearNode(
                    $"{name}/linear",
                    values input,
                    values last.Input,
                    Runtime.Activation.Identity,
                    true,
                    init
                )

            new LocalHeadNode(name, ResizeArray(flat @ [ map ]), (makeHead last).Value)

    /// A boundary of a network whose head is `last`.
    let node
        (init: Initialiser)
        (makeHead: PlannedLayer -> Head option)
        (last: PlannedLayer)
        (planned: PlannedLayer)
        (gradient: Boundary)
        : Node =
        match gradient with
        | Boundary.Closed -> new ClosedBoundaryNode(planned.Name)
        | Boundary.LocalHead -> localHead init makeHead last planned
        | Boundary.Synthetic spec ->
            let targets = if spec.SeesTarget then targets last else null
            new SyntheticGradientNode(planned.Name, values planned.Input, Array.ofList spec.Hidden, targets, init)
