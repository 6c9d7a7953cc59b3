namespace ModNet

open System
open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// Changes the structure of trained networks. Every edit gives a new network, which can be asked, edited on, saved and trained on, and leaves the one
/// that it was given as it is. All that belongs to a pool's modules follows: their weights, the rows of every controller that chooses from the pool, masks,
/// frozen modules, moving averages, what the optimiser remembers, how many steps each module has had, and a*.
[<RequireQualifiedAccess>]
module Edit =

    let private words (modules: int seq) = modules |> Seq.map string<int> |> String.concat " "

    /// The network after an edit: of this experiment, with the state that `change` makes of the old one and of the new graph.
    let private edited
        (step: EditStep)
        (experiment: Experiment)
        (change: Graph -> Dictionary<string, torch.Tensor>)
        (run: TrainedNetwork)
        : TrainedNetwork =
        let plan = Check.plan experiment.Network |> Refusal.orRaise

        Trained.made experiment plan run.Preparation (fun graph ->
            let state = run.Origin.State.With(change graph)

            try
                state.Load(graph, averaged = true)
                run.Step, new Origin(run.Origin.Folder, lazy state, run.Edits @ [ step ])
            with _ ->
                state.Dispose()
                reraise ())

    let private isThere (run: TrainedNetwork) (pool: string) (modules: int seq) =
        let planned = EditSpec.pool run.Plan pool
        let last = planned.Pool.Modules - 1

        for number in modules do
            if number < 0 || number > last then
                Refusal.refuse
                    $"pool {pool}"
                    $"modules from 0 to {last}"
                    (string number)
                    "modules are counted from 0, as `./modnet inspect` shows them"

    /// The places of a pool's choices in a*.
    let private columns (run: TrainedNetwork) (pool: string) : int array =
        use _scope = torch.NewDisposeScope()
        let x, side = EditSpec.zeros run.Experiment run.Plan run.Graph

        [|
            for site in SiteColumns.Of(run.Graph, x, side) do
                if site.Pool = pool then yield! site.Columns
        |]

    let private withRows
        (step: EditStep)
        (rows: ModuleRows)
        (respec: Experiment -> Experiment)
        (change: Dictionary<string, torch.Tensor> -> Graph -> unit)
        (run: TrainedNetwork)
        : TrainedNetwork =
        let pool = step.Pool.Value
        let experiment = run.Experiment |> EditSpec.rows run.Plan pool rows |> respec

        run
        |> edited step experiment (fun graph ->
            let state = PoolEdit.Apply(run.Origin.State.Tensors, run.Graph, graph, pool, rows, columns run pool)

            change state graph
            state)

    let private rowsOf (run: TrainedNetwork) (pool: string) = (EditSpec.pool run.Plan pool).Pool.Modules

    /// The network without some modules of a pool. Controllers share their probabilities out among the modules that are left. A datapoint whose path
    /// met none of them keeps its path and its output. In a run trained by EM, choices in a* of a module that is gone are made anew when the network is
    /// saved, or by `repair`. Raises UserException where a module is not there, or too few are left.
    /// Example: `Trained.load "runs/ptb" |> Edit.exclude "words" [ 3 ]`
    let exclude (pool: string) (modules: int seq) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool modules
        let gone = Seq.distinct modules |> Seq.sort |> Seq.toList
        let before = rowsOf run pool

        if gone.Length = before then
            Refusal.refuse
                $"pool {pool}"
                $"fewer modules than its M = {before}"
                "all of them"
                "leave at least one: a layer over a pool chooses some module"

        let rows = ModuleRows.Without(before, gone)

        run
        |> withRows
            {
                Words = $"exclude {pool} {words gone}"
                Pool = Some pool
                From = List.ofSeq rows.From
                Touches = Modules gone
            }
            rows
            id
            (fun _ _ -> ())

    /// The same network with the modules of a pool in another order: its module m is the one that was `order[m]`. Nothing else changes: not what the
    /// network computes, nor what training goes on to do.
    /// Example: `Edit.relabel "words" [ 2; 0; 1 ] trained`
    let relabel (pool: string) (order: int seq) (run: TrainedNetwork) : TrainedNetwork =
        let order = List.ofSeq order
        let before = rowsOf run pool

        if List.sort order <> [ 0 .. before - 1 ] then
            Refusal.refuse
                $"pool {pool}"
                $"each module from 0 to {before - 1} once"
                (words order)
                "give the order in which they are to stand"

        run
        |> withRows
            { Words = $"relabel {pool} {words order}"; Pool = Some pool; From = order; Touches = Nothing }
            (ModuleRows.Of(before, order))
            id
            (fun _ _ -> ())

    let private maskedWith (plan: Plan) pool (change: int list -> int list) (experiment: Experiment) = {
        experiment with
            Network =
                experiment.Network
                |> EditSpec.overPool plan pool (fun modular -> {
                    modular with
                        Masked = change modular.Masked |> List.distinct |> List.sort
                })
    }

    /// The network with so many more modules in a pool, at its end. They begin anew, and are masked in every layer over the pool, so that nothing
    /// changes until `unmask`. Raises UserException for a pool whose modules are units of several kinds: `clone` one of those.
    /// Example: `Edit.augment "words" 2 trained |> Edit.unmask "words" [ 15; 16 ]`
    let augment (pool: string) (count: int) (run: TrainedNetwork) : TrainedNetwork =
        let planned = EditSpec.pool run.Plan pool
        let before = planned.Pool.Modules

        if count < 1 then
            Refusal.refuse $"pool {pool}" "a number of new modules ≥ 1" (string count) "give a positive number"

        if planned.Pool.Units.Length > 1 then
            Refusal.refuse
                $"pool {pool}"
                "a pool whose modules are all of one unit"
                $"{planned.Pool.Units.Length} units of their own"
                "clone the module that the new one is to be like"

        let rows = ModuleRows.With(before, Seq.replicate count ModuleRows.Fresh)
        let more = [ before .. before + count - 1 ]

        run
        |> withRows
            { Words = $"augment {pool} {count}"; Pool = Some pool; From = List.ofSeq rows.From; Touches = Nothing }
            rows
            (fun experiment ->
                let plan = Check.plan { experiment.Network with Name = experiment.Network.Name } |> Refusal.orRaise
                maskedWith plan pool (fun masked -> masked @ more) experiment)
            (fun _ _ -> ())

    /// The network with a module twice: once more at the end of its pool. Both have the logit of the one minus log 2, so that the probability of each
    /// output y given x stays as it is (with `duplicates Every`), and training can tell the two apart. The most probable module may be another one now.
    /// Example: `Edit.clone "words" 3 trained`
    let clone (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool [ number ]
        let before = rowsOf run pool
        let rows = ModuleRows.With(before, [ number ])

        run
        |> withRows
            {
                Words = $"clone {pool} {number}"
                Pool = Some pool
                From = List.ofSeq rows.From
                Touches = Modules [ number ]
            }
            rows
            id
            (fun state graph -> PoolEdit.AddToLogits(state, graph, pool, [| number; before |], -log 2.0))

    /// The same modules, of which these may be chosen again by every layer over the pool.
    /// Example: `Edit.unmask "words" [ 15 ] trained`
    let unmask (pool: string) (modules: int seq) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool modules
        let modules = List.ofSeq modules

        run
        |> edited
            { Words = $"unmask {pool} {words modules}"; Pool = None; From = []; Touches = Everything }
            (maskedWith run.Plan pool (List.except modules) run.Experiment)
            (fun graph -> LayerMoves.Apply(run.Origin.State.Tensors, []))

    /// The network with a module replaced by a module of another trained network, or of its own, of the same unit. What the optimiser remembers of it
    /// begins anew. Raises UserException where the two differ in shape.
    /// Example: `Edit.substitute "words" 3 trained "words" 0 trained`
    let substitute
        (pool: string)
        (number: int)
        (source: TrainedNetwork)
        (sourcePool: string)
        (sourceNumber: int)
        (run: TrainedNetwork)
        : TrainedNetwork =
        isThere run pool [ number ]
        isThere source sourcePool [ sourceNumber ]

        run
        |> edited
            {
                Words = $"substitute {pool} {number} {sourcePool} {sourceNumber}"
                Pool = Some pool
                From = []
                Touches = Modules [ number ]
            }
            run.Experiment
            (fun _ ->
                PoolEdit.Replace(
                    run.Origin.State.Tensors,
                    run.Graph,
                    pool,
                    number,
                    source.Origin.State.Tensors,
                    source.Graph,
                    sourcePool,
                    sourceNumber
                ))

    /// The network with a module replaced by a new one of the same unit, which was taught to give what the old one gives, on rows of the run's training
    /// data; and R² of the new one on the rows that are routed to it. Raises UserException where the data are gone, or no row is routed to the module.
    /// Example: `let there, fit = Edit.distil "words" 3 (Runtime.Distillation()) trained`
    let distil (pool: string) (number: int) (how: Distillation) (run: TrainedNetwork) : TrainedNetwork * float =
        isThere run pool [ number ]
        let sound = Check.experiment run.Experiment |> Refusal.orRaise
        let source = Source.load sound
        use splits = source.Splits
        use _scope = torch.NewDisposeScope()

        let rows (only: System.Nullable<int>) =
            RoutedRows.Of(run.Graph, run.Evaluating, splits.Train, pool, only, splits.Train.Count, how.Rows, run.Device)

        let routed = rows (System.Nullable number)

        if routed.shape[0] = 0L then
            Refusal.refuse
                $"pool {pool}, module {number}"
                "a module that is run on some row of the training data"
                "one that is run on none"
                "exclude it, or put another module in its place by `substitute`"

        use streams = new RandomStreams(how.Seed)
        use fresh = Compile.ofPlan (Initialiser streams.Init) streams.Dropout run.Plan
        let known (graph: Graph) = graph.Pools |> Seq.find (fun known -> known.Name = pool)
        // Both learn and are compared on the CPU, where the state is.
        use teacher = Compile.ofPlan (Initialiser streams.Init) streams.Dropout run.Plan
        CompileMethod.evaluating run.Experiment.Method teacher |> ignore
        run.Origin.State.Load(teacher, averaged = true)
        teacher.eval ()
        fresh.eval ()
        how.Teach(known teacher, known fresh, number, (if how.Routed then routed else rows (System.Nullable())))
        let fit = Distillation.Fit(known teacher, known fresh, number, routed)

        let taught =
            run
            |> edited
                { Words = $"distil {pool} {number}"; Pool = Some pool; From = []; Touches = Modules [ number ] }
                run.Experiment
                (fun _ ->
                    PoolEdit.Replace(
                        run.Origin.State.Tensors,
                        run.Graph,
                        pool,
                        number,
                        fresh.state_dict (),
                        fresh,
                        pool,
                        number
                    ))

        taught, fit

    /// The network with two of its layers in each other's places, such as two residual blocks. Both stand between input and head, in no other layer.
    /// Raises UserException where the network is none any more.
    /// Example: `Edit.swap "residual1" "residual2" trained`
    let swap (first: string) (second: string) (run: TrainedNetwork) : TrainedNetwork =
        let before = NamedLayers.top run.Experiment.Network

        let place (name: string) =
            match before |> List.tryFindIndex (fun (known, layer) -> known = name && Kind.role layer = Role.Body) with
            | Some place -> place
            | None ->
                let known =
                    before
                    |> List.filter (fun (_, layer) -> Kind.role layer = Role.Body)
                    |> List.map (fst >> sprintf "`%s`")

                Refusal.refuse
                    run.Experiment.Network.Name
                    "a layer that stands in no other"
                    $"`{name}`"
                    ("it has " + String.concat ", " known)

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
        |> edited
            { Words = $"swap {first} {second}"; Pool = None; From = []; Touches = Everything }
            experiment
            (fun graph ->
                let state = LayerMoves.Apply(run.Origin.State.Tensors, List.toArray moves)

                match state.TryGetValue PoolEdit.Assignments with
                | true, held ->
                    let was = sites run.Experiment run.Plan run.Graph

                    let columns = [|
                        for site in sites experiment (Check.plan network |> Refusal.orRaise) graph do
                            yield!
                                (was |> Seq.find (fun old -> became old.Layer = site.Layer && old.Time = site.Time))
                                    .Columns
                    |]

                    state[PoolEdit.Assignments] <- LayerMoves.Columns(held, columns)
                    held.Dispose()
                | _ -> ()

                state)

    /// The same network, of which training from here on leaves these parts as they are, by the names that `frozen` takes, beside those that it leaves
    /// already.
    /// Example: `Edit.freeze [ "words" ] trained`
    let freeze (parts: string seq) (run: TrainedNetwork) : TrainedNetwork =
        let experiment = { run.Experiment with Frozen = run.Experiment.Frozen @ List.ofSeq parts |> List.distinct }
        let notes = Notes()
        FrozenParts.check notes $"{run.Experiment.Network.Name}/frozen" run.Plan experiment.Frozen
        (if notes.Count = 0 then Ok() else Error notes.All) |> Refusal.orRaise

        run
        |> edited
            { Words = "freeze " + String.concat " " parts; Pool = None; From = []; Touches = Nothing }
            experiment
            (fun _ -> LayerMoves.Apply(run.Origin.State.Tensors, []))

    /// Data that a part of a network reads and gives, which only whoever uses it has.
    let private rowsData (name: string) (input: Shape) (width: int) : Data =
        Data.InMemory {
            Name = name
            Input = input
            Target = Target.Values width
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

    /// A part of a network as a network of its own, with weights alone.
    let private part
        (preparation: Preparation option)
        (step: EditStep)
        (network: Network)
        (data: Data)
        (weights: Graph -> Dictionary<string, torch.Tensor>)
        (run: TrainedNetwork)
        : TrainedNetwork =
        let experiment = { run.Experiment with Network = network; Data = data; Frozen = []; Out = None }
        let plan = Check.plan network |> Refusal.orRaise

        Trained.made experiment plan preparation (fun graph ->
            let state = new RunState(weights graph, Dictionary(), run.Origin.State.Source)

            try
                state.Load(graph, averaged = false)
                run.Step, new Origin(run.Origin.Folder, lazy state, run.Edits @ [ step ])
            with _ ->
                state.Dispose()
                reraise ())

    let private inputOf (shape: Shape) : Layer option =
        match shape with
        | Shape.Vector width -> Some(Layer.Features width)
        | Shape.Image(channels, height, width) -> Some(Layer.Image(channels, height, width))
        | _ -> None

    /// The layers that end a part which gives this shape, and the width of what it gives: what flows there is the mean of a Gaussian head.
    let private ended (shape: Shape) =
        let gaussian = Layer.Gaussian(Variance.Fixed 1.0)

        match shape with
        | Shape.Image _ -> [ Layer.Flatten; gaussian ], int (ShapeRules.Values shape)
        | _ -> [ gaussian ], int (ShapeRules.Values shape)

    /// One module as a network: x as a row of the pool → f_m(x), the mean of a Gaussian head; an image that it gives is flattened. It has weights alone:
    /// `save` writes them as `Trained.export` does.
    /// Example: `Edit.split_module "words" 3 trained`
    let split_module (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool [ number ]
        let planned = EditSpec.pool run.Plan pool
        let layers = planned.Pool.Units[if planned.Pool.Units.Length = 1 then 0 else number]
        let endings, width = ended planned.Output

        let network = {
            Name = $"{run.Experiment.Network.Name}-{pool.Replace('/', '-')}-{number}"
            Layers = (inputOf planned.Input |> Option.toList) @ layers @ endings
        }

        let alone = NamedLayers.top network |> List.item 1 |> fst

        run
        |> part
            None
            { Words = $"split-module {pool} {number}"; Pool = None; From = []; Touches = Everything }
            network
            (rowsData $"rows of {pool}" planned.Input width)
            (fun _ -> PoolEdit.Module(run.Graph.state_dict (), run.Graph, pool, number, alone))

    /// The network cut after one of its layers: f₁, which gives what that layer gives (flattened, if it is an image), and f₂, which reads it, so that
    /// f = f₂ ∘ f₁. Both have weights alone. Raises UserException where no vector and no image flows there.
    /// Example: `let first, second = Edit.split_at "linear1" trained`
    let split_at (layer: string) (run: TrainedNetwork) : TrainedNetwork * TrainedNetwork =
        let layers = NamedLayers.top run.Experiment.Network

        let place =
            match layers |> List.tryFindIndex (fun (name, known) -> name = layer && Kind.role known = Role.Body) with
            | Some place -> place
            | None ->
                Refusal.refuse
                    run.Experiment.Network.Name
                    "a layer that stands in no other"
                    $"`{layer}`"
                    "give the name of one that `check` shows, without a `/` in it"

        let shape = (run.Plan.Layers |> List.find (fun planned -> planned.Name = layer)).Output

        let input =
            match inputOf shape with
            | Some input -> input
            | None ->
                Refusal.refuse
                    $"{run.Experiment.Network.Name}/{layer}"
                    "a layer that gives a vector or an image"
                    (ShapeRules.Describe shape)
                    "cut where no sequence flows, or split off a module"

        let endings, width = ended shape
        let tasks = layers |> List.choose (fun (_, layer) -> if layer.IsTasks then Some layer else None)
        let name = run.Experiment.Network.Name
        let step half = { Words = $"split-at {layer}, {half} part"; Pool = None; From = []; Touches = Everything }
        let shared = run.Plan.Pools |> List.choose _.Pool.Name |> List.toArray

        let weights (moves: struct (string * string) list) (graph: Graph) =
            use _scope = torch.NewDisposeScope()
            let moved = LayerMoves.Apply(run.Graph.state_dict (), List.toArray moves, only = shared)
            let wanted = graph.state_dict ()

            for KeyValue(name, tensor) in Seq.toArray moved do
                if not (wanted.ContainsKey name) then
                    tensor.Dispose()
                    moved.Remove name |> ignore

            moved

        let before = layers |> List.take (place + 1) |> List.map snd
        let after = layers |> List.skip (place + 1)
        let second = { Name = $"{name}-2"; Layers = input :: tasks @ List.map snd after }
        let now = NamedLayers.top second |> List.skip (1 + tasks.Length)

        let moves = (struct ("head", "head")) :: [ for (was, _), (now, _) in List.zip after now -> struct (was, now) ]

        let f1 =
            run
            |> part
                run.Preparation
                (step "first")
                { Name = $"{name}-1"; Layers = before @ endings }
                (rowsData $"what {name} reads" run.Plan.Layers.Head.Output width)
                (weights [ for was, _ in List.take (place + 1) layers -> struct (was, was) ])

        try
            f1, run |> part None (step "second") second (rowsData $"what {layer} gives" shape 1) (weights moves)
        with _ ->
            (f1 :> IDisposable).Dispose()
            reraise ()

    /// The part of the network that some data use: without the modules that none of x [N, …] meets. x and `side` are as in `Predict`. What it says of these
    /// datapoints is what the network says.
    /// Example: `Edit.split_used (x, null) trained`
    let split_used (x: torch.Tensor, side: SideInputs) (run: TrainedNetwork) : TrainedNetwork =
        use said = run.Examine(x, null, side)

        let used =
            said.Choices
            |> Seq.groupBy _.Pool
            |> Seq.map (fun (pool, sites) ->
                pool, sites |> Seq.collect _.Modules |> Seq.collect id |> Seq.map int |> Set.ofSeq)
            |> List.ofSeq

        let unused =
            used
            |> List.map (fun (pool, used) -> pool, Set.difference (set [ 0 .. rowsOf run pool - 1 ]) used)
            |> List.filter (fun (_, unused) -> not unused.IsEmpty)

        match unused with
        | [] ->
            edited
                { Words = "split-used"; Pool = None; From = []; Touches = Nothing }
                run.Experiment
                (fun _ -> LayerMoves.Apply(run.Origin.State.Tensors, []))
                run
        | (pool, first) :: rest ->
            let mutable part = exclude pool first run

            for pool, unused in rest do
                use before = part
                part <- exclude pool unused before

            part

    /// A new network for another experiment, whose pool has the modules of a trained one; all else begins anew. Training leaves the pool as it is. It has had
    /// no gradient step, and `save` makes a run of it that `train` goes on with. Raises UserException where the two pools are of different units or sizes.
    /// Example: `Edit.port "words" trained "words" run`
    let port (sourcePool: string) (source: TrainedNetwork) (pool: string) (target: Experiment) : TrainedNetwork =
        let experiment = { target with Frozen = pool :: target.Frozen |> List.distinct }
        let sound = Check.experiment experiment |> Refusal.orRaise
        let there, here = EditSpec.pool source.Plan sourcePool, EditSpec.pool sound.Plan pool

        if there.Pool.Modules <> here.Pool.Modules then
            Refusal.refuse
                $"pool {pool}"
                $"M = {there.Pool.Modules}, as the pool {sourcePool} that is ported"
                $"M = {here.Pool.Modules}"
                "give it as many modules, or exclude some of the source's first"

        Trained.made experiment sound.Plan None (fun graph ->
            let mutable weights = graph.state_dict () :> IReadOnlyDictionary<_, _>
            let mutable owned = LayerMoves.Apply(weights, [])

            for number in 0 .. here.Pool.Modules - 1 do
                let next =
                    PoolEdit.Replace(
                        owned,
                        graph,
                        pool,
                        number,
                        source.Graph.state_dict (),
                        source.Graph,
                        sourcePool,
                        number
                    )

                for tensor in owned.Values do
                    tensor.Dispose()

                owned <- next

            let state = new RunState(owned, Dictionary(), source.Origin.State.Source)
            state.Load(graph, averaged = false)

            let step = {
                Words = $"port {sourcePool} of {source.Origin.Folder} as {pool}"
                Pool = None
                From = []
                Touches = Everything
            }

            0L, new Origin("", lazy state, [ step ]))

    /// Makes the choices anew that an edit left without a module, in a run trained by EM, from the run's data: the most probable ones, and then by an
    /// E-step of these datapoints alone. `save` does it, too. Gives the network and the number of datapoints that were concerned.
    /// Example: `let whole, count = Edit.repair trained`
    let repair (run: TrainedNetwork) : TrainedNetwork * int64 =
        let count, table = EditSave.repaired run

        let repaired =
            edited
                { Words = "repair"; Pool = None; From = []; Touches = Nothing }
                run.Experiment
                (fun _ ->
                    let state = LayerMoves.Apply(run.Origin.State.Tensors, [])

                    table
                    |> Option.iter (fun table ->
                        state[PoolEdit.Assignments].Dispose()
                        state[PoolEdit.Assignments] <- table)

                    state)
                run

        repaired, count

    /// Writes an edited network as a run into a new folder, from which it is loaded, asked, inspected and edited on, and which
    /// `./modnet train FOLDER` goes on to train. A part of a network, which has weights alone, is written as `Trained.export` writes weights. Raises
    /// UserException where the folder holds something, or the run's data are gone that an a* has to be repaired with.
    /// Example: `Trained.load "runs/ptb" |> Edit.exclude "words" [ 3 ] |> Edit.save "runs/ptb-14"`
    let save (folder: string) (run: TrainedNetwork) : unit = EditSave.save folder run
