module ModNet.Tests.ShapeProperties

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

/// Sizes of a few datapoints of a shape.
let private sizes count (shape: Shape) =
    match shape with
    | Shape.Tokens _ -> [ count; steps ]
    | Shape.Vector width -> [ count; width ]
    | Shape.Sequence width -> [ count; steps; width ]
    | Shape.Image(channels, height, width) -> [ count; channels; height; width ]
    |> List.map int64

let private hasShape count (tensor: torch.Tensor) shape message =
    Expect.equal (List.ofArray tensor.shape) (sizes count shape) message

/// Planned layers that became nodes.
let private nodes (layers: PlannedLayer list) =
    layers
    |> List.filter (fun layer ->
        match layer.Layer with
        | Layer.Tokens _
        | Layer.Features _
        | Layer.Sequence _
        | Layer.Image _
        | Layer.Tasks _
        | Layer.Softmax _
        | Layer.Categorical
        | Layer.Gaussian _
        | Layer.Bernoulli -> false
        | _ -> true)

/// Runs nodes one by one, those inside others too, and holds every output against the plan.
let rec private walk (route: Route) (nodes: Node seq) (planned: PlannedLayer list) (x: torch.Tensor) : torch.Tensor =
    Expect.hasLength planned (Seq.length nodes) "a node per layer"

    Seq.zip nodes planned
    |> Seq.fold
        (fun x (node, layer) ->
            Expect.equal node.Name layer.Name "name"
            hasShape datapoints x layer.Input $"input of {layer.Name}"

            // A coupling's layers read a half, and the other half is beside them.
            let features = if x.dim () = 4L then 1L else -1L
            let halves: torch.Tensor array = x.chunk (2L, features)
            let half (number: int) : torch.Tensor = halves[number].contiguous()

            let inside () =
                let parts = (node :?> ContainerNode).Inside

                // Branches and rounds are nodes of their own; a residual's and a block's layers are not.
                match layer.Layer with
                | Layer.Coupling _ -> [ walk route parts layer.Inside.Head (half 0) ]
                | Layer.Uncoupling _ -> [ walk route parts layer.Inside.Head (half 1) ]
                | Layer.Residual _
                | Layer.Block _ -> [ walk route parts layer.Inside.Head x ]
                | Layer.Repeat _ -> [
                    Seq.zip parts layer.Inside
                    |> Seq.fold (fun x (part, layers) -> walk route (part :?> ContainerNode).Inside layers x) x
                  ]
                | _ -> [
                    for part, layers in Seq.zip parts layer.Inside ->
                        walk route (part :?> ContainerNode).Inside layers x
                  ]

            let output =
                match layer.Layer with
                | Layer.Residual _ -> x + (inside ()).Head
                | Layer.Coupling _ -> torch.cat (ResizeArray [ half 1 + (inside ()).Head; half 0 ], features)
                | Layer.Uncoupling _ -> torch.cat (ResizeArray [ half 1; half 0 - (inside ()).Head ], features)
                | Layer.SumOf _ -> inside () |> List.reduce (fun a b -> a + b)
                | Layer.ConcatOf _ -> torch.cat (ResizeArray(inside ()), (if layer.Output.IsImage then 1L else -1L))
                | Layer.Repeat _
                | Layer.Block _ -> (inside ()).Head
                | _ -> node.Forward(x, route)

            hasShape datapoints output layer.Output $"output of {layer.Name}"
            output)
        x

/// What layers give that read this shape, by the plan of a network around them.
let private givenBy (input: Shape) (layers: Layer list) (output: Shape) =
    let before =
        match input with
        | Shape.Tokens size -> [ Layer.Tokens size ]
        | Shape.Vector width -> [ Layer.Features width ]
        | Shape.Sequence width -> [ Layer.Sequence width ]
        | Shape.Image(channels, height, width) -> [ Layer.Image(channels, height, width) ]

    let after =
        match output with
        | Shape.Image _ -> [ Layer.Flatten; Layer.Bernoulli ]
        | _ -> [ Layer.Softmax 2 ]

    let network: Network = { Name = "net"; Layers = before @ layers @ after }

    (List.item (before.Length + layers.Length - 1) (plan network).Layers).Output

[<Tests>]
let tests =
    testList "Properties of shapes" [
        testPropertyWithConfig (config 201 400) "a sound network is found sound, with a row for every layer"
        <| fun (network: Network) ->
            let rows = (summary network).Rows
            Expect.hasLength rows ((plan network).Layers |> List.collect _.Unfolded).Length "rows"
            Expect.hasLength (plan network).Layers network.Layers.Length "layers"

        testPropertyWithConfig (config 202 200) "every layer reads what the one before it gives, at every depth"
        <| fun (network: Network) ->
            let rec follows input (layers: PlannedLayer list) =
                layers
                |> List.fold
                    (fun shape layer ->
                        Expect.equal layer.Input shape layer.Name

                        match layer.Layer with
                        | Layer.Repeat _ -> layer.Inside |> List.fold follows layer.Input |> ignore
                        | Layer.Coupling _
                        | Layer.Uncoupling _ ->
                            let half = (Typing.half layer.Input).Value
                            Expect.equal (follows half layer.Inside.Head) half $"what {layer.Name} adds"
                        | _ ->
                            for inside in layer.Inside do
                                follows layer.Input inside |> ignore

                        layer.Output)
                    input

            let layers = (plan network).Layers
            follows layers.Head.Output layers |> ignore

        testPropertyWithConfig (config 203 200) "names are unique, and begin with the name of what they are in"
        <| fun (network: Network) ->
            let rec check (layer: PlannedLayer) =
                for inside in List.concat layer.Inside do
                    Expect.stringStarts inside.Name $"{layer.Name}/" "inside"
                    check inside

            let layers = (plan network).Layers
            List.iter check layers
            let names = layers |> List.collect _.Unfolded |> List.map _.Name
            Expect.equal (List.distinct names) names "unique"

        testPropertyWithConfig
            (config 204 200)
            "a modular layer gives its unit's shape, K of them side by side with Concat"
        <| fun (network: Network) ->
            for layer in (plan network).Layers |> List.collect _.Unfolded do
                match layer.Layer.Choosing, layer.Pool with
                | Some modular, Some pool ->
                    let beside =
                        match modular.Combine, pool.Output with
                        | Sum, shape -> shape
                        | Concat, Shape.Image(channels, height, width) ->
                            Shape.Image(modular.Choose * channels, height, width)
                        | Concat, Shape.Vector width -> Shape.Vector(modular.Choose * width)
                        | Concat, other -> other

                    let row =
                        match layer.Output with
                        | Shape.Sequence width -> Shape.Vector width
                        | other -> other

                    Expect.equal row beside layer.Name
                | _ -> ()

        testPropertyWithConfig (config 205 300) "a layer generated for a shape reads it, and gives what was said"
        <| Prop.forAll
            (Arb.fromGen (
                gen {
                    let! input = Shapes.any Limits.small
                    let! layer, output = Layers.from Limits.small input
                    return input, layer, output
                }
            ))
            (fun (input, layer, output) -> Expect.equal (givenBy input [ layer ] output) output "output")

        testPropertyWithConfig (config 206 150) "a chain generated between two shapes leads from one to the other"
        <| Prop.forAll
            (Arb.fromGen (
                gen {
                    let! input = Gen.oneof [ Shapes.vector Limits.small; Shapes.sequence Limits.small ]
                    let! width = Gen.choose (1, 5)

                    let output =
                        match input with
                        | Shape.Sequence _ -> Shape.Sequence width
                        | _ -> Shape.Vector width

                    let! (Chain layers) = Layers.chainBetween Limits.small input output
                    return input, layers, output
                }
            ))
            (fun (input, layers, output) -> Expect.equal (givenBy input layers output) output "output")

        testPropertyWithConfig
            (config 207 150)
            "a pool generated for a row reads it, with a controller generated for it"
        <| Prop.forAll
            (Arb.fromGen (
                gen {
                    let! row = Gen.oneof [ Shapes.vector Limits.small; Shapes.image Limits.small ]
                    let! pool, output = Layers.poolFrom Limits.small (Some "tools") row
                    let! positions = Gen.choose (1, pool.Modules)
                    let! form = Layers.controllerFor Limits.small None row positions pool.Modules

                    let modular =
                        modular {
                            from pool
                            choose positions
                            controller form
                        }

                    return row, modular, output
                }
            ))
            (fun (row, modular, output) -> Expect.equal (givenBy row [ modular ] output) output "output")

        testPropertyWithConfig (config 208 120) "inferred shapes equal those at run time, at every layer"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let layers = (plan network).Layers
                let route = Route(ModeSelector(), batch.Side)
                let output = walk route graph.Nodes (nodes layers) batch.Inputs
                near output (features graph batch) "and so does what comes out"
                hasShape datapoints output (List.last layers).Input "the head's input")

        testPropertyWithConfig (config 209 120) "every module of every pool gives the shape that was inferred"
        <| fun (network: Network) ->
            running network (fun graph _ ->
                for pool, planned in Seq.zip graph.Pools (plan network).Pools do
                    Expect.equal pool.Name planned.Name "pool"
                    let rows = normal 3 [ for size in sizes 2 planned.Input -> int size ]

                    for index in 0 .. pool.Count - 1 do
                        hasShape 2 (pool.Apply(index, rows)) planned.Output $"{pool.Name}, module {index}")
    ]
