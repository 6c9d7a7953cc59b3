namespace ModNet

open ModNet.Runtime

/// A training method's settings as the runtime has them.
module internal CompileMethod =

    let optimizer (optimizer: Optimizer) : OptimizerKind =
        match optimizer with
        | Adam rate -> AdamKind rate
        | AdamW(rate, decay) -> AdamWKind(rate, decay)
        | Sgd(rate, momentum) -> SgdKind(rate, momentum)

    let private unselected (unselected: ModNet.Unselected) =
        match unselected with
        | Drift -> Runtime.Unselected.Drift
        | Rest -> Runtime.Unselected.Rest

    let rec private schedule (steps: int) (schedule': ModNet.Schedule) : Runtime.Schedule =
        match schedule' with
        | Constant -> ConstantSchedule()
        | Cosine -> CosineSchedule(int64 steps)
        | Decay(every, factor) -> DecaySchedule(int64 every, factor)
        | Warmup(warm, after) -> WarmupSchedule(int64 warm, schedule (steps - warm) after)

    let private precision (precision: ModNet.Precision) =
        match precision with
        | Float32Products -> Runtime.Precision.Weights
        | Bfloat16Products -> Runtime.Precision.Bfloat16Products

    /// The schedule over so many steps; of a stream, one for every task.
    let private scheduled (stream: TaskStream option) (gradient: GradientSteps) : Runtime.Schedule =
        match stream with
        | None -> schedule gradient.Steps gradient.Schedule
        | Some stream ->
            StreamSchedule [|
                for task in stream.Tasks -> struct (task.Steps, schedule (int task.Steps) gradient.Schedule)
            |]

    /// How gradient steps are taken; of a stream with its tasks.
    let gradient (stream: TaskStream option) (gradient: GradientSteps) : GradientSettings =
        GradientSettings(
            int64 gradient.Batch,
            Optimizer = optimizer gradient.Optimizer,
            Unselected = unselected gradient.Unselected,
            Schedule = scheduled stream gradient,
            Stream = Option.toObj stream,
            ClipNorm = Option.toNullable gradient.ClipNorm,
            LabelSmoothing = gradient.LabelSmoothing,
            AverageWeights = Option.toNullable gradient.AverageWeights,
            Shards = defaultArg gradient.Shards 1,
            LooseRounds = (gradient.LooseRounds |> Option.map int64 |> Option.toNullable),
            Precision = precision gradient.Precision
        )

    let private em (stream: TaskStream option) (em: Em) : EmSettings =
        EmSettings(
            gradient stream em.Gradient,
            Samples = em.Samples,
            MSteps = em.MSteps,
            EBatch = int64 em.EBatch,
            ControllerWeight = em.ControllerWeight,
            Start =
                (match em.Start with
                 | AtRandom -> EmStart.AtRandom
                 | Sweep -> EmStart.Sweep),
            Held =
                (match em.Held with
                 | Beside -> EmHeld.Beside
                 | Among -> EmHeld.Among),
            Assign =
                match em.Assign with
                | PerDatapoint -> EmAssign.PerDatapoint
                | PerTask -> EmAssign.PerTask
        )

    let private growth (growth: ModNet.Growth) =
        GrowthPlan(growth.Pool, growth.Start, growth.Add, int64 growth.Every, growth.Above, int64 growth.Datapoints)

    /// How an experiment's method chooses modules in evaluation, of a graph that gets what else the method learns; without its data.
    let evaluating (experiment: Experiment) (graph: Graph) : Selector =
        match experiment.Data with
        | Data.Stream { Together = false; Growth = Some growing } -> TaskStream.Close(graph, growth growing)
        | _ -> ()

        match experiment.Method with
        | Method.NoisyTopK settings ->
            Runtime.NoisyTopK.AddNoise graph
            new NoisyTopKSelector(settings.K)
        | Method.LossFreeTopK settings ->
            Runtime.LossFreeTopK.AddBalance graph
            new LossFreeTopKSelector(settings.K, graph)
        | Method.StaticModules _ -> new FirstSelector()
        | Method.Em _
        | Method.Reinforce _
        | Method.Exact _ -> new ModeSelector()
        | Method.Game _ -> invalidArg (nameof experiment) "expected an experiment with one network, got a game"

    /// The tasks that an experiment trains on one after the other; None where it has all its data at once.
    let stream (experiment: Experiment) (data: DataSplits) : TaskStream option =
        match experiment.Data with
        | Data.Stream stream when not stream.Together ->
            let spans = [|
                for task, steps in Seq.zip data.Tasks (stream.StepsOfTasks experiment.Method.Steps) ->
                    TaskSpan(task.Name, task.First, task.Count, int64<int> steps)
            |]

            let replay =
                stream.Replay
                |> Option.map (fun replay ->
                    ReplayPlan(
                        int64 replay.Datapoints,
                        replay.IsByModule,
                        Memory = (stream.Memory |> Option.map int64<int> |> Option.toNullable)
                    ))

            let consolidation =
                stream.Consolidation
                |> Option.map (fun weight -> ConsolidationPlan(weight, int64 stream.FisherDatapoints))

            Some(
                TaskStream(
                    spans,
                    Replay = Option.toObj replay,
                    Plasticity = Option.toNullable stream.Plasticity,
                    Consolidation = Option.toObj consolidation,
                    Growth = (stream.Growth |> Option.map growth |> Option.toObj)
                )
            )
        | _ -> None

    /// The method on a graph and its data, which may be a stream, with the ranks that train together. Its length must be said in steps (`Epochs.resolved`).
    let streamed
        (ranks: Ranks)
        (stream: TaskStream option)
        (method: Method)
        (graph: Graph)
        (data: Dataset)
        (streams: RandomStreams)
        device
        : TrainingMethod =
        match method with
        | Method.Em settings -> new ViterbiEm(graph, data, em stream settings, streams, device, Ranks = ranks)
        | Method.Reinforce settings ->
            let own = ReinforceSettings(settings.Decay, Gradient = gradient stream settings.Gradient)
            new Runtime.Reinforce(graph, data, own, streams, device, Ranks = ranks)
        | Method.NoisyTopK settings ->
            let own =
                NoisyTopKSettings(
                    settings.K,
                    settings.Importance,
                    settings.Load,
                    Gradient = gradient stream settings.Gradient
                )

            new Runtime.NoisyTopK(graph, data, own, streams, device, Ranks = ranks)
        | Method.LossFreeTopK settings ->
            let own =
                LossFreeTopKSettings(settings.K, settings.UpdateRate, Gradient = gradient stream settings.Gradient)

            new Runtime.LossFreeTopK(graph, data, own, streams, device, Ranks = ranks)
        | Method.StaticModules settings ->
            new StaticModules(graph, data, gradient stream settings, streams, device, Ranks = ranks)
        | Method.Exact settings ->
            new ExactLikelihood(graph, data, gradient stream settings, streams, device, Ranks = ranks)
        | Method.Game _ -> invalidArg (nameof method) "expected a method that trains one network, got a game"

    /// The same on data that are no stream.
    let on ranks method graph data streams device : TrainingMethod =
        streamed ranks None method graph data streams device

    /// The same in this process alone.
    let make method graph data streams device : TrainingMethod = on Ranks.Alone method graph data streams device
