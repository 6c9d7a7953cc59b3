/// What every edit keeps, over generated networks: shared pools, recurrent layers, K > 1, duplicates, all dispatches, mixed units.
module ModNet.Tests.EditLaws

open System
open System.Collections.Generic
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private config seed count = { NetworkRuns.config seed count with arbitrary = [ typeof<Arbitraries> ] }

let private rows = 5
let private times = 3

let private toText: Data =
    Data.Text { Path = ""; Window = times; Vocabulary = None; CarryState = false; Characters = false }

/// Sequences of as many steps.
let private toSequences (width: int) : Data =
    in_memory "drawn" {
        inputs (Array3D.zeroCreate<float32> 8 times width)
        classes 1 (Array2D.zeroCreate 8 times)
    }

let drawnFrom (network: Network) : Batch =
    Batches.draw
        { Datapoints = rows; Steps = times; Seed = 5; DType = torch.ScalarType.Float32; Weighted = false }
        network

/// A network as if it had been trained: its weights, moments of every parameter, steps of every module, and an a*, all drawn.
let trainedOf (network: Network) : TrainedNetwork =
    let experiment =
        experiment {
            net network
            data (toy_regression { points 8 })

            train (
                em {
                    steps 4
                    batch 2
                    unselected Rest
                }
            )
        }

    let experiment =
        match network.Layers.Head with
        | Layer.Tokens _ -> { experiment with Data = toText }
        | Layer.Sequence width -> { experiment with Data = toSequences width }
        | _ -> experiment

    let plan = Expect.wantOk (Check.plan network) "sound"

    Trained.made experiment plan None (fun graph ->
        let tensors = Dictionary<string, torch.Tensor>()
        let own (value: torch.Tensor) = value.DetachFromDisposeScope()
        let mutable seed = 1

        let drawn (shape: int64 array) =
            seed <- seed + 1
            normal seed [ for size in shape -> int size ] |> fun value -> value.to_type torch.ScalarType.Float32

        use _scope = torch.NewDisposeScope()

        for KeyValue(name, value) in graph.state_dict () do
            tensors[name] <- own (value.detach().clone())

        for struct (name, value) in graph.named_parameters () do
            tensors[$"optimizer.{name}.exp_avg"] <- own (drawn value.shape)
            tensors[$"optimizer.{name}.exp_avg_sq"] <- own (drawn(value.shape).abs())
            tensors[$"optimizer.{name}.step"] <- own (torch.tensor [| 3L |])

        for pool in plan.Pools do
            tensors[$"method.module_steps.{pool.Name}"] <-
                own (torch.tensor [| for number in 1 .. pool.Pool.Modules -> int64 number |])

        let x, side = EditSpec.zeros experiment plan graph
        let sites = SiteColumns.Of(graph, x, side)

        let choices = [|
            for site in sites do
                let planned = plan.Pools |> List.find (fun pool -> pool.Name = site.Pool)
                for _ in site.Columns -> planned.Pool.Modules
        |]

        if choices.Length > 0 then
            let random = Random 3

            tensors["em.assignments"] <-
                own (
                    torch
                        .tensor(
                            [|
                                for _ in 1..rows do
                                    for modules in choices -> byte (random.Next modules)
                            |]
                        )
                        .view(int64 rows, int64 choices.Length)
                )

        tensors["run.step"] <- own (torch.tensor [| 4L |])
        4L, new Origin("runs/drawn", lazy (new RunState(tensors, Dictionary(), "drawn")), []))

/// The pools of a network that can be edited: those that only controllers with logits of their own choose from.
let private editable (network: Network) : PlannedPool list =
    let plan = Expect.wantOk (Check.plan network) "sound"

    let choosing =
        plan.Layers
        |> List.collect _.Unfolded
        |> List.choose (fun layer -> layer.Pool |> Option.map (fun pool -> pool.Name, layer))

    plan.Pools
    |> List.filter (fun pool ->
        choosing
        |> List.filter (fst >> (=) pool.Name)
        |> List.forall (fun (_, layer) ->
            match layer.Layer.Choosing.Value.Controller with
            | Given
            | ByTask
            | Factored _
            | Controller.Custom _ -> false
            | _ -> pool.Pool.Name.IsSome || not (layer.Name.StartsWith "repeat" || layer.Name.Contains "/repeat")))

let private sameState (expected: TrainedNetwork) (actual: TrainedNetwork) =
    let was, now = expected.Origin.State.Tensors, actual.Origin.State.Tensors
    Expect.equal (Seq.sort now.Keys |> List.ofSeq) (Seq.sort was.Keys |> List.ofSeq) "names"

    for KeyValue(name, value) in was do
        Expect.equal now[name].dtype value.dtype $"{name}: type"
        Expect.equal now[name].shape value.shape $"{name}: shape"
        Expect.equal (now[name].bytes.ToArray()) (value.bytes.ToArray()) name

let private outputs (run: TrainedNetwork) (batch: Batch) =
    Prediction.Of(run.Graph, batch.Inputs, run.Evaluating, batch.Side)

let private near (expected: torch.Tensor) (actual: torch.Tensor) message =
    let scale = if expected.numel () = 0L then 1.0 else 1.0 + expected.abs().max().ToDouble()
    Expect.isLessThan (distance actual expected / scale) 1e-5 message

let private order (modules: int) (seed: int) = [ 0 .. modules - 1 ] |> List.sortBy (fun m -> hash (m * 7919 + seed), m)

let private eachPool (network: Network) (law: TrainedNetwork -> PlannedPool -> unit) =
    let pools = editable network

    if not pools.IsEmpty then
        scoped (fun () ->
            use run = trainedOf network

            for pool in pools do
                law run pool)

/// Steps of a datapoint's path until its first meeting with these modules: those that must stay as they were.
let private unaffected (said: Prediction) (pool: string) (gone: Set<int>) : bool array =
    let met = Array.create rows false

    for site in said.Choices do
        if site.Pool = pool then
            for row in 0 .. rows - 1 do
                if site.Modules[row] |> Array.exists (fun number -> gone.Contains(int number)) then met[row] <- true

    Array.map not met

let private paths (said: Prediction) (row: int) = [
    for site in said.Choices -> site.Layer, site.Pool, site.Time, List.ofArray site.Modules[row]
]

/// The columns of a* of layers that have other names now are those that they had.
let private columnsFollow (was: TrainedNetwork) (now: TrainedNetwork) (names: (string * string) list) =
    let table (run: TrainedNetwork) = run.Origin.State.Tensors.GetValueOrDefault "em.assignments"

    let sites (run: TrainedNetwork) =
        let x, side = EditSpec.zeros run.Experiment run.Plan run.Graph
        List.ofSeq (SiteColumns.Of(run.Graph, x, side))

    if not (isNull (table was)) then
        for before in sites was do
            for name, other in names do
                if before.Layer = name || before.Layer.StartsWith(name + "/") then
                    let layer = other + before.Layer.Substring name.Length
                    let after = sites now |> List.find (fun site -> site.Layer = layer && site.Time = before.Time)

                    for old, column in Seq.zip before.Columns after.Columns do
                        let values (run: TrainedNetwork) (column: int) =
                            (table run).select(1L, int64 column).to_type(torch.int64) |> TensorArrays.Vector<int64>

                        Expect.equal (values now column) (values was old) $"a* of {layer}, which was {before.Layer}"

[<Tests>]
let tests =
    testList "laws of edits" [
        testPropertyWithConfig
            (config 71 60)
            "relabelling changes no output, and back again gives the same state bit for bit"
        <| fun (network: Network, seed: int) ->
            eachPool network (fun run pool ->
                let modules = pool.Pool.Modules
                let order = order modules seed
                use there = Edit.relabel pool.Name order run
                use was = outputs run (drawnFrom network)
                use now = outputs there (drawnFrom network)
                near was.Features now.Features pool.Name
                let back = [ for m in 0 .. modules - 1 -> List.findIndex ((=) m) order ]
                use back = Edit.relabel pool.Name back there
                Expect.equal back.Experiment.Network network "the network"
                sameState run back)

        testPropertyWithConfig (config 72 60) "excluding what was just added gives the same network and state"
        <| fun (network: Network, PositiveInt more) ->
            eachPool network (fun run pool ->
                if pool.Pool.Units.Length = 1 then
                    let count = 1 + more % 3
                    let modules = pool.Pool.Modules
                    use added = Edit.augment pool.Name count run
                    use was = outputs run (drawnFrom network)
                    use now = outputs added (drawnFrom network)
                    near was.Features now.Features "masked modules change nothing"
                    use back = Edit.exclude pool.Name [ modules .. modules + count - 1 ] added
                    Expect.equal back.Experiment run.Experiment "the experiment"
                    sameState run back)

        testPropertyWithConfig
            (config 73 80)
            "excluding leaves datapoints alone whose path meets no module that is gone"
        <| fun (network: Network, seed: int) ->
            eachPool network (fun run pool ->
                let masked =
                    (Expect.wantOk (Check.plan network) "sound").Layers
                    |> List.collect _.Unfolded
                    |> List.choose _.Layer.Choosing
                    |> List.collect _.Masked

                let most =
                    (Expect.wantOk (Check.plan network) "sound").Layers
                    |> List.collect _.Unfolded
                    |> List.choose _.Layer.Choosing
                    |> List.map _.Choose
                    |> List.max

                let free = [ 0 .. pool.Pool.Modules - 1 ] |> List.except masked

                if pool.Pool.Modules > most && free.Length > 1 then
                    let gone = free[abs (seed % free.Length)]
                    use fewer = Edit.exclude pool.Name [ gone ] run
                    use was = outputs run (drawnFrom network)
                    use now = outputs fewer (drawnFrom network)

                    let renumbered (number: int64) = if number > int64 gone then number - 1L else number

                    unaffected was pool.Name (set [ gone ])
                    |> Array.iteri (fun row stays ->
                        if stays then
                            near was.Features[row] now.Features[row] $"datapoint {row}"

                            let expected = [
                                for layer, name, time, modules in paths was row ->
                                    layer,
                                    name,
                                    time,
                                    (if name = pool.Name then List.map renumbered modules else modules)
                            ]

                            Expect.equal (paths now row) expected $"path of {row}"))

        testPropertyWithConfig
            (config 78 60)
            "a module that is substituted by itself keeps its weights, and the optimiser remembers nothing of it"
        <| fun (network: Network, seed: int) ->
            eachPool network (fun run pool ->
                let number = abs (seed % pool.Pool.Modules)
                use same = Edit.substitute pool.Name number run pool.Name number run
                let was, now = run.Origin.State.Tensors, same.Origin.State.Tensors
                let memories = "optimizer." + poolPath pool.Name
                let own = $"{memories}module{number}."
                Expect.equal (Seq.sort now.Keys |> List.ofSeq) (Seq.sort was.Keys |> List.ofSeq) "names"
                let steps = $"method.module_steps.{pool.Name}"

                for KeyValue(name, value) in was do
                    let isRow =
                        name = steps
                        || name.StartsWith memories
                           && not (name.StartsWith $"{memories}module")
                           && value.dtype = torch.ScalarType.Float32

                    let expected = value.clone ()

                    if isRow then expected.select(0L, int64 number).zero_() |> ignore
                    elif name.StartsWith own then expected.zero_ () |> ignore

                    Expect.equal (now[name].bytes.ToArray()) (expected.bytes.ToArray()) name)

        testPropertyWithConfig (config 74 60) "a clone and its original share the probability of the one"
        <| fun (network: Network, seed: int) ->
            eachPool network (fun run pool ->
                let number = abs (seed % pool.Pool.Modules)
                let modules = pool.Pool.Modules
                use twice = Edit.clone pool.Name number run
                let batch = drawnFrom network

                // The first site over the pool sees the same x in both networks.
                let first (of': TrainedNetwork) =
                    of'.Graph.InEvaluation(fun () ->
                        let tape = of'.Graph.Forward(batch.Inputs, new FirstSelector(), batch.Side).Tape

                        (tape.Entries |> Seq.find (fun entry -> entry.Site.Pool = pool.Name))
                            .Distribution.LogProbabilities.exp())

                let was, now = first run, first twice
                let shared = now.narrow(2, 0L, int64 modules).clone()
                shared.select(2, int64 number).add_(now.select (2, int64 modules)) |> ignore
                near was shared "probabilities"
                near (now.select (2, int64 number)) (now.select (2, int64 modules)) "half each")

        testPropertyWithConfig (config 75 60) "a module that was split off gives what the pool's module gives"
        <| fun (network: Network, seed: int) ->
            eachPool network (fun run pool ->
                let number = abs (seed % pool.Pool.Modules)
                use alone = Edit.split_module pool.Name number run

                let x =
                    match pool.Input with
                    | Shape.Vector width -> normal 3 [ 4; width ]
                    | Shape.Image(channels, height, width) -> normal 3 [ 4; channels; height; width ]
                    | other -> failtest $"{other}"
                    |> fun x -> x.to_type torch.ScalarType.Float32

                let expected =
                    run.Graph.InEvaluation(fun () ->
                        (run.Graph.Pools |> Seq.find (fun known -> known.Name = pool.Name)).Apply(number, x).flatten
                            1L)

                use said = Prediction.Of(alone.Graph, x, alone.Evaluating)
                near expected said.Features "f_m(x)")

        testPropertyWithConfig (config 76 60) "the two parts of a network that was cut give together what it gave"
        <| fun (network: Network) ->
            scoped (fun () ->
                use run = trainedOf network

                for planned in run.Plan.Layers do
                    match planned.Output, Kind.role planned.Layer with
                    | (Shape.Vector _ | Shape.Image _ | Shape.Sequence _), Role.Body when run.Graph.GivenChoices = 0L ->
                        let first, second = Edit.split_at planned.Name run
                        use first = first
                        use second = second
                        let batch = drawnFrom network
                        use expected = outputs run batch
                        use middle = outputs first batch

                        let x =
                            match planned.Output with
                            | Shape.Image(channels, height, width) ->
                                middle.Features.view (-1L, int64 channels, int64 height, int64 width)
                            | _ -> middle.Features

                        use said = Prediction.Of(second.Graph, x, second.Evaluating, batch.Side)
                        near expected.Features said.Features planned.Name
                    | _ -> ())

        testPropertyWithConfig
            (config 77 60)
            "two layers that are swapped twice are in their places again, with the same state"
        <| fun (network: Network) ->
            scoped (fun () ->
                use run = trainedOf network

                let bodies =
                    run.Plan.Layers
                    |> List.filter (fun layer -> Kind.role layer.Layer = Role.Body && layer.Input = layer.Output)

                for first, second in List.allPairs bodies bodies do
                    if first.Name < second.Name && first.Input = second.Input && run.Graph.GivenChoices = 0L then
                        // Where the network is sound with the two exchanged, the other names follow from their new places.
                        let after = NamedLayers.top run.Experiment.Network
                        let place name = after |> List.findIndex (fst >> (=) name)
                        let one, other = place first.Name, place second.Name
                        use there = Edit.swap first.Name second.Name run
                        let now = NamedLayers.top there.Experiment.Network
                        columnsFollow run there [ first.Name, fst now[other]; second.Name, fst now[one] ]
                        use back = Edit.swap (fst now[one]) (fst now[other]) there
                        Expect.equal back.Experiment run.Experiment "the experiment"
                        sameState run back)
    ]
