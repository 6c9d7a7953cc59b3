/// Networks that are the same by the laws of the language: drawn from one seed, they give one output.
module ModNet.Tests.LawProperties

open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

/// Some layers of a network's body in a row, and what the network is with others in their place.
let private partOf (network: Network) first length =
    let opening, body, head = ends network
    let before = first % (body.Length + 1)
    let part = body |> List.skip before |> List.truncate (length % (body.Length + 1))
    let after = body |> List.skip (before + part.Length)

    let instead layers = { network with Layers = opening @ List.take before body @ layers @ after @ [ head ] }

    part, instead

/// Of a law that changes the network.
let private unlessSame (network: Network) (other: Network) = other <> network ==> lazy (sameOutputs network other)

/// The part's layers put into something that changes nothing.
let private wrapped name (wrap: Layer list -> Layer list) seed =
    testPropertyWithConfig (config seed 40) name
    <| fun (network: Network) (NonNegativeInt first) (NonNegativeInt length) ->
        let part, instead = partOf network first length

        not part.IsEmpty ==> lazy (sameOutputs network (instead (wrap part)))

/// A network of one modular layer between input and head.
let private single limits change : Gen<Network> =
    gen {
        let! input = Gen.oneof [ Shapes.vector limits; Shapes.image limits ]
        let! pool, unit = Layers.poolFrom limits None input
        let! choose = Gen.choose (1, min 3 pool.Modules)
        let! controller = Layers.controllerFor limits None input choose pool.Modules

        let modular = {
            Pool = pool
            Choose = choose
            Combine = Sum
            Controller = controller
            Duplicates = Every
            StopGradient = false
            Dispatch = Auto
            Masked = []
            Context = 0
            Halts = false
        }

        let first =
            match input with
            | Shape.Image(channels, height, width) -> Layer.Image(channels, height, width)
            | Shape.Vector width -> Layer.Features width
            | other -> failtestf "a vector or an image, not %O" other

        return {
            Name = "net"
            Layers = [
                first
                Layer.Modular(change modular)
                if unit.IsImage then Layer.Flatten
                Layer.Bernoulli
            ]
        }
    }

let private singles change = Prop.forAll (Arb.fromGen (single Limits.small change))

/// The parameters of parts of a graph, in order.
let private parametersOf (parts: torch.nn.Module seq) =
    parts |> Seq.collect (fun part -> part.parameters ()) |> List.ofSeq

/// Where each position of a composition is, if the K positions of every site were in reverse order.
let private reversedPositions (tape: Tape) =
    tape.Entries
    |> Seq.filter _.Latent
    |> Seq.collect (fun entry -> [
        for position in entry.Site.Choose - 1 .. -1 .. 0 -> int64 (entry.Site.Offset + position)
    ])
    |> Array.ofSeq

/// Rotates dimension 0 by one: module m takes the place of m + 1.
let private rotate (tensor: torch.Tensor) =
    use _noGrad = torch.no_grad ()
    tensor.copy_ (tensor.detach().clone().roll([| 1L |], [| 0L |])) |> ignore

/// The same for all that a pool's modules hold.
let rec private rotatePool (pool: torch.nn.Module) =
    match pool with
    | :? StackedPool as stacked ->
        rotate stacked.Weight

        if not (isNull stacked.Bias) then rotate stacked.Bias
    | :? ChainPool -> pool.children () |> Seq.iter rotatePool
    | :? NodePool ->
        use _noGrad = torch.no_grad ()

        for tensors in List.transpose [ for part in pool.children () -> parametersOf [ part ] ] do
            let values = [ for tensor in tensors -> tensor.detach().clone() ]

            for index, tensor in List.indexed tensors do
                let before = (index + tensors.Length - 1) % tensors.Length
                tensor.copy_ values[before] |> ignore
    | _ -> ()

[<Tests>]
let tests =
    testList "Laws of the language" [
        wrapped "layers in a block are the layers" (fun part -> [ Layer.Block("wrapped", part) ]) 701
        wrapped "a sum of one branch is the branch" (fun part -> [ Layer.SumOf [ part ] ]) 702
        wrapped "a concatenation of one branch is the branch" (fun part -> [ Layer.ConcatOf [ part ] ]) 703
        wrapped "layers repeated once are the layers" (fun part -> [ Layer.Repeat(1, part) ]) 704

        wrapped "blocks in blocks are blocks" (fun part -> [ Layer.Block("outer", [ Layer.Block("inner", part) ]) ]) 705

        testPropertyWithConfig (config 706 40) "layers repeated are the layers written out, round by round"
        <| fun (network: Network) ->
            network
            |> rewriteNetwork (function
                | Layer.Repeat(times, layers) ->
                    Layer.Repeat(1, [ for round in 1..times -> Layer.Block(String.replicate round "i", layers) ])
                | other -> other)
            |> unlessSame network

        testPropertyWithConfig (config 707 40) "a residual is the sum of x and the layers"
        <| fun (network: Network) ->
            network
            |> rewriteNetwork (function
                | Layer.Residual layers -> Layer.SumOf [ []; layers ]
                | other -> other)
            |> unlessSame network

        testPropertyWithConfig (config 708 50) "an activation in a layer is the activation after it"
        <| fun (network: Network) ->
            network
            |> rewriteNetwork (function
                | Layer.Linear({ Activation = Some kind } as spec) ->
                    Layer.Repeat(1, [ Layer.Linear { spec with Activation = None }; Layer.Activation kind ])
                | Layer.Conv({ Activation = Some kind } as spec) ->
                    Layer.Repeat(1, [ Layer.Conv { spec with Activation = None }; Layer.Activation kind ])
                | other -> other)
            |> unlessSame network

        testPropertyWithConfig (config 709 50) "a shared pool that one layer uses is a pool of its own"
        <| fun (network: Network) ->
            let uses name =
                (plan network).Layers
                |> List.collect _.Unfolded
                |> List.filter (fun layer ->
                    match layer.Layer.Choosing with
                    | Some modular -> modular.Pool.Name = name
                    | None -> false)
                |> List.length

            network
            |> rewriteModulars (fun modular ->
                if modular.Pool.Name.IsSome && uses modular.Pool.Name = 1 then
                    { modular with Pool = { modular.Pool with Name = None } }
                else
                    modular)
            |> unlessSame network

        testPropertyWithConfig (config 710 80) "of one module, chosen once, a modular layer is the module"
        <| singles
            (fun modular -> {
                modular with
                    Choose = 1
                    Controller = Linear
                    Pool = { modular.Pool with Modules = 1; Units = [ modular.Pool.Units.Head ]; Init = Uniform }
            })
            (fun network ->
                let plain =
                    match network.Layers with
                    | input :: Layer.Modular modular :: rest -> {
                        network with
                            Layers = input :: modular.Pool.Units.Head @ rest
                      }
                    | _ -> failtest "one modular layer"

                scoped (fun () ->
                    use graph = compiled network
                    use expected = compiled plain
                    graph.eval ()
                    expected.eval ()
                    use _noGrad = torch.no_grad ()

                    for own, other in
                        List.zip (parametersOf (graph.Pools |> Seq.cast)) (parametersOf (expected.Nodes |> Seq.cast)) do
                        other.copy_ (own.view other.shape) |> ignore

                    near (features graph (batch network)) (features expected (batch network)) "features"))

        testPropertyWithConfig (config 711 60) "a sum does not mind the order of positions"
        <| fun (network: Network) ->
            let isSum =
                (plan network).Layers
                |> List.collect _.Unfolded
                |> List.forall (fun layer ->
                    match layer.Layer.Choosing with
                    | Some modular -> modular.Combine = Sum
                    | None -> true)

            (isSum && isChosen network)
            ==> lazy
                (running network (fun graph batch ->
                    let compositions = (drawn graph batch).Value
                    let output = forward graph batch (GivenSelector compositions)
                    let order = torch.tensor (reversedPositions output.Tape)
                    let reversed = compositions.index_select (1L, order)
                    near (forward graph batch (GivenSelector reversed)).Features output.Features "features"))

        testPropertyWithConfig (config 712 60) "with Concat, positions in another order are blocks in that order"
        <| singles (fun modular -> { modular with Combine = Concat; Controller = Linear }) (fun network ->
            running network (fun graph batch ->
                match drawn graph batch with
                | None -> failtest "a choice"
                | Some compositions ->
                    let output = forward graph batch (GivenSelector compositions)
                    let order = torch.tensor (reversedPositions output.Tape)
                    let reversed = compositions.index_select (1L, order)
                    let choose = int64 (reversedPositions output.Tape).Length

                    let blocks (features: torch.Tensor) = features.view (int64 datapoints, choose, -1L)

                    let actual = (forward graph batch (GivenSelector reversed)).Features |> blocks
                    near actual (blocks(output.Features).index_select(1L, order)) "blocks"))

        testPropertyWithConfig
            (config 713 60)
            "with Once, a module that all positions chose counts once; with Every, K times"
        <| singles (fun modular -> { modular with Controller = Linear }) (fun network ->
            let once = network |> rewriteModulars (fun modular -> { modular with Duplicates = Once })

            running network (fun graph batch ->
                match drawn graph batch with
                | None -> failtest "a choice"
                | Some compositions ->
                    let all = GivenSelector(torch.zeros_like compositions)
                    let every = (forward graph batch all).Features

                    use other = compiled once
                    other.eval ()
                    let once = (forward other batch all).Features
                    near every (once * torch.tensor (float compositions.shape[1])) "features"))

        testPropertyWithConfig
            (config 714 60)
            "modules under other numbers, with the controller's columns, are the same network"
        <| singles
            (fun modular -> {
                modular with
                    Pool = { modular.Pool with Units = [ modular.Pool.Units.Head ]; Init = Uniform }
                    // Columns of digits are not those of modules.
                    Controller = if modular.Controller.IsFactored then Linear else modular.Controller
            })
            (fun network ->
                running network (fun graph batch ->
                    let modules = graph.Pools[0].Count
                    let before = features graph batch
                    let logits = (forward graph batch (ModeSelector())).Tape.Entries[0]
                    rotatePool graph.Pools[0]

                    for controller in graph.Nodes |> Seq.collect _.Controllers do
                        // K · M rows, position by position: of a linear map's weight and bias, or of a custom map.
                        let last =
                            List.ofSeq (controller.named_parameters ())
                            |> List.filter (fun (struct (name, _)) ->
                                name = "weight" || name = "bias" || name = "module.map")

                        for struct (_, parameter) in last do
                            use _noGrad = torch.no_grad ()

                            let turned =
                                parameter
                                    .detach()
                                    .view(int64 controller.Choose, int64 modules, -1L)
                                    .roll([| 1L |], [| 1L |])
                                    .clone()

                            parameter.copy_ (turned.view parameter.shape) |> ignore

                    let side =
                        match batch.Side with
                        | null -> null
                        | side ->
                            SideInputs(
                                side.Tasks,
                                (side.Given + torch.tensor 1L).remainder(torch.tensor (int64 modules))
                            )

                    let after = graph.Forward(batch.Inputs, ModeSelector(), side)
                    near after.Features before "features"

                    if logits.Latent then
                        near
                            after.Tape.Entries[0].Distribution.LogProbabilities
                            (logits.Distribution.LogProbabilities.roll ([| 1L |], [| 2L |]))
                            "log p(a|x)"))
    ]
