namespace ModNet

open System
open System.Collections.Generic
open ModNet.Runtime
open TorchSharp

/// Edits of the modules of a pool.
[<RequireQualifiedAccess>]
module internal EditModules =

    let private words (modules: int seq) = modules |> Seq.map string<int> |> String.concat " "

    /// Refuses modules that a pool does not have.
    let isThere (run: TrainedNetwork) (pool: string) (modules: int seq) =
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

    /// The network whose pool has the modules that the rows say, in an experiment that is changed besides; `change` may change the new state, too.
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
        |> EditedNetwork.make step experiment (fun graph ->
            let state = PoolEdit.Apply(run.Origin.State.Tensors, run.Graph, graph, pool, rows, columns run pool)

            change state graph
            state)

    let private rowsOf (run: TrainedNetwork) (pool: string) = (EditSpec.pool run.Plan pool).Pool.Modules

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
        |> withRows (EditStep.ofRows $"exclude {pool} {words gone}" pool rows (Modules gone)) rows id (fun _ _ -> ())

    let relabel (pool: string) (order: int seq) (run: TrainedNetwork) : TrainedNetwork =
        let order = List.ofSeq order
        let before = rowsOf run pool

        if List.sort order <> [ 0 .. before - 1 ] then
            Refusal.refuse
                $"pool {pool}"
                $"each module from 0 to {before - 1} once"
                (words order)
                "give the order in which they are to stand"

        let rows = ModuleRows.Of(before, order)

        run |> withRows (EditStep.ofRows $"relabel {pool} {words order}" pool rows Nothing) rows id (fun _ _ -> ())

    let private maskedWith (plan: Plan) pool (change: int list -> int list) (experiment: Experiment) = {
        experiment with
            Network =
                experiment.Network
                |> EditSpec.overPool plan pool (fun modular -> {
                    modular with
                        Masked = change modular.Masked |> List.distinct |> List.sort
                })
    }

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
            (EditStep.ofRows $"augment {pool} {count}" pool rows Nothing)
            rows
            // The layers over the pool are those of before.
            (maskedWith run.Plan pool (fun masked -> masked @ more))
            (fun _ _ -> ())

    let clone (pool: string) (number: int) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool [ number ]
        let before = rowsOf run pool
        let rows = ModuleRows.With(before, [ number ])

        run
        |> withRows
            (EditStep.ofRows $"clone {pool} {number}" pool rows (Modules [ number ]))
            rows
            id
            (fun state graph -> PoolEdit.AddToLogits(state, graph, pool, [| number; before |], -log 2.0))

    let unmask (pool: string) (modules: int seq) (run: TrainedNetwork) : TrainedNetwork =
        isThere run pool modules
        let modules = List.ofSeq modules

        run
        |> EditedNetwork.withExperiment
            (EditStep.ofNetwork $"unmask {pool} {words modules}" Everything)
            (maskedWith run.Plan pool (List.except modules) run.Experiment)

    /// The network with one module's weights taken from a module of a pool of a graph, in a state.
    let private replaced
        (words: string)
        (pool: string, number: int)
        (source: IReadOnlyDictionary<string, torch.Tensor>, sourceGraph: Graph)
        (sourcePool: string, sourceNumber: int)
        (run: TrainedNetwork)
        : TrainedNetwork =
        run
        |> EditedNetwork.make (EditStep.ofModules words pool [ number ]) run.Experiment (fun _ ->
            PoolEdit.Replace(
                run.Origin.State.Tensors,
                run.Graph,
                pool,
                [| number |],
                source,
                sourceGraph,
                sourcePool,
                [| sourceNumber |]
            ))

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
        |> replaced
            $"substitute {pool} {number} {sourcePool} {sourceNumber}"
            (pool, number)
            (source.Origin.State.Tensors, source.Graph)
            (sourcePool, sourceNumber)

    /// The rows of the run's training data that are routed to a module, and those that a module learns from which is taught what it does.
    let private lessons (pool: string) (number: int) (how: Distillation) (run: TrainedNetwork) =
        Trained.withData run (fun _ opened ->
            let train = opened.Source.Splits.Train

            let rows (only: Nullable<int>) =
                RoutedRows.Of(run.Graph, run.Evaluating, train, pool, only, train.Count, how.Rows, run.Device)

            let routed = rows (Nullable number)

            if routed.shape[0] = 0L then
                Refusal.refuse
                    $"pool {pool}, module {number}"
                    "a module that is run on some row of the training data"
                    "one that is run on none"
                    "exclude it, or put another module in its place by `substitute`"

            routed, (if how.Routed then routed else rows (Nullable())))

    /// A fresh graph for `plan` whose module of that number is taught what the trained one does, and how well it does it: R² on the rows routed to it. Both learn and
    /// are compared on the CPU, where the state is.
    let private taught (pool: string) (number: int) (how: Distillation) (plan: Plan) (run: TrainedNetwork) =
        let routed, learned = lessons pool number how run
        use streams = new RandomStreams(how.Seed)
        let graph (plan: Plan) = Compile.ofPlan (Initialiser streams.Init) streams.Dropout plan
        let fresh = graph plan
        let known (graph: Graph) = graph.Pools |> Seq.find (fun known -> known.Name = pool)
        use teacher = graph run.Plan
        CompileMethod.evaluating run.Experiment teacher |> ignore
        run.Origin.State.Load(teacher, averaged = true)
        teacher.eval ()
        fresh.eval ()
        how.Teach(known teacher, known fresh, number, learned)
        fresh, Distillation.Fit(known teacher, known fresh, number, routed)

    let distil (pool: string) (number: int) (how: Distillation) (run: TrainedNetwork) : TrainedNetwork * float =
        isThere run pool [ number ]
        use _scope = torch.NewDisposeScope()
        let fresh, fit = taught pool number how run.Plan run
        use fresh = fresh

        let network =
            run |> replaced $"distil {pool} {number}" (pool, number) (fresh.state_dict (), fresh) (pool, number)

        network, fit

    let distilInto
        (pool: string)
        (number: int)
        (Chain unit)
        (how: Distillation)
        (run: TrainedNetwork)
        : TrainedNetwork * float =
        isThere run pool [ number ]
        use _scope = torch.NewDisposeScope()

        let units =
            match (EditSpec.pool run.Plan pool).Pool with
            | { Units = [ alike ]; Modules = count } -> List.replicate count alike
            | several -> several.Units

        let change (modular: Modular) = {
            modular with
                Pool = { modular.Pool with Units = units |> List.updateAt number unit }
                // Modules of several units are run module by module.
                Dispatch = if modular.Dispatch.IsForLinear then ModNet.Dispatch.Auto else modular.Dispatch
        }

        let experiment = { run.Experiment with Network = EditSpec.overPool run.Plan pool change run.Experiment.Network }

        let plan = Check.plan experiment.Network |> Refusal.orRaise
        let fresh, fit = taught pool number how plan run
        use fresh = fresh

        let network =
            run
            |> EditedNetwork.make
                (EditStep.ofModules $"distil-into {pool} {number}" pool [ number ])
                experiment
                (fun _ -> PoolApart.Apply(run.Origin.State.Tensors, run.Graph, fresh, pool, number))

        network, fit

    let splitUsed (x: torch.Tensor, side: SideInputs) (run: TrainedNetwork) : TrainedNetwork =
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
        | [] -> run |> EditedNetwork.withExperiment (EditStep.ofNetwork "split-used" Nothing) run.Experiment
        | (pool, first) :: rest ->
            let mutable part = exclude pool first run

            for pool, unused in rest do
                use before = part
                part <- exclude pool unused before

            part

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

        let step = EditStep.ofNetwork $"port {sourcePool} of {source.Origin.Folder} as {pool}" Everything
        let modules = [| 0 .. here.Pool.Modules - 1 |]

        source
        |> EditedNetwork.start step sound (fun graph ->
            PoolEdit.Replace(
                graph.state_dict (),
                graph,
                pool,
                modules,
                source.Graph.state_dict (),
                source.Graph,
                sourcePool,
                modules
            ))
