namespace ModNet

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open ModNet.Runtime
open TorchSharp

/// A trained network as it is for one task: all datapoints run the same composition, which was found from a few datapoints of the task
/// (`TrainedNetwork.Adapt`). Its weights are those of the trained network, or, after `FineTune`, its own. Dispose it to free what is its own.
[<Sealed>]
type AdaptedNetwork private (asked: Asked, plan: Plan, found: FoundComposition, own: IDisposable list) =

    // A new task has no task id, which the controllers of the trained network may read.
    let beside (x: torch.Tensor) (side: SideInputs) =
        TaskComposition.Beside(asked.Graph, side, x.shape[0], asked.Device)

    /// The modules of every layer, on sequences the same at every step.
    member _.Composition: TaskComposition = found.Composition

    /// Σ_n log p(y_n|x_n, a) of the datapoints that the composition was found from, in nats; after `FineTune` of those that were learned from.
    member _.LogLikelihood: float = found.LogLikelihood

    /// N, the number of these datapoints.
    member _.Datapoints: int64 = found.Datapoints

    /// How many different compositions the search scored.
    member _.Scored: int = found.Scored

    /// Whether the search scored all compositions that there are.
    member _.IsExact: bool = found.IsExact

    /// The graph, in evaluation mode; the trained network's own, unless `FineTune` gave this network.
    member _.Graph: Graph = asked.Graph

    /// The most probable classes [B] (of a sequence [B, T]), means [B, D] or bits for x [B, …] under the composition. x and `side` are as in
    /// `TrainedNetwork.Predict`. The caller disposes of the answer.
    /// Example: `adapted.Predict(x)`
    member _.Predict
        (x: torch.Tensor, [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs)
        : torch.Tensor =
        asked.Predict(x, beside x side)

    /// All that the network says of x [B, …] under the composition; with `targets`, also how probable these are. The caller disposes of the answer.
    /// Example: `adapted.Examine(x, y)`
    member _.Examine
        (
            x: torch.Tensor,
            [<Optional; DefaultParameterValue(null: torch.Tensor)>] targets: torch.Tensor,
            [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs
        ) : Prediction =
        asked.Examine(x, targets, beside x side, null)

    /// The network with the composition built in and without libtorch's tensors, as `TrainedNetwork.Predictor`.
    /// Example: `adapted.Predictor()`
    member _.Predictor() : Predictor = asked.Predictor plan

    /// A copy whose weights have had so many gradient steps on −mean log p(y|x, a) of all given datapoints, with the composition as it is and a fresh optimiser: the inner steps of
    /// meta-learning. Only the modules of the composition and the layers around them change. The trained network stays as it is. Raises UserException where x or y do
    /// not fit, or the steps end in a number that is not finite.
    /// Example: `adapted.FineTune(x, y, 10, Adam 1e-3)`
    member _.FineTune
        (
            x: torch.Tensor,
            y: torch.Tensor,
            steps: int,
            optimizer: Optimizer,
            [<Optional; DefaultParameterValue(null: SideInputs)>] side: SideInputs
        ) : AdaptedNetwork =
        if steps < 0 then Refusal.refuse "FineTune" "a number of steps of 0 or more" (string steps) "give another"

        let streams = new RandomStreams(int64 asked.Experiment.Seed)

        try
            let graph = Compile.ofPlan (Initialiser(streams.Init, device = asked.Device)) streams.Dropout plan

            try
                let tuned = AdaptedNetwork.Tuned(asked, graph, found, x, y, steps, optimizer, side)
                new AdaptedNetwork({ asked with Graph = graph }, plan, tuned, [ graph; streams ])
            with _ ->
                graph.Dispose()
                reraise ()
        with _ ->
            streams.Dispose()
            reraise ()

    /// Takes inner steps on a fresh graph with the weights of the network that is asked.
    static member private Tuned
        (
            asked: Asked,
            graph: Graph,
            found: FoundComposition,
            x: torch.Tensor,
            y: torch.Tensor,
            steps: int,
            optimizer: Optimizer,
            side: SideInputs
        ) : FoundComposition =
        use _scope = torch.NewDisposeScope()
        let x, y = AdaptedNetwork.Task(asked, x, y)
        let weights = Dictionary<string, torch.Tensor>()

        for KeyValue(name, value) in asked.Graph.state_dict () do
            weights[name] <- value.detach().cpu().clone()

        use state = new RunState(weights, Dictionary(), asked.Experiment.Network.Name)
        state.Load(graph, false)
        graph.eval ()
        let kind = CompileMethod.optimizer optimizer

        let struct (_, after) =
            InnerSteps.Take(graph, found.Composition, x, y, steps, kind, Asking.beside asked.Device side)

        FoundComposition(found.Composition, after, x.shape[0], found.Scored, found.IsExact)

    /// x and y of a task, as the network reads them.
    static member private Task(asked: Asked, x: torch.Tensor, y: torch.Tensor) : torch.Tensor * torch.Tensor =
        if isNull y then
            Refusal.refuse
                $"{asked.Experiment.Network.Name}/targets"
                "what is to be predicted of each datapoint of the task"
                "nothing"
                "give y"

        let x = asked.Prepared x
        x, asked.Targets(x, y)

    /// Searches for the composition of a task.
    static member internal Find
        (asked: Asked, plan: Plan, x: torch.Tensor, y: torch.Tensor, side: SideInputs, settings: SearchSettings)
        : AdaptedNetwork =
        match asked.Experiment.Method with
        | Method.NoisyTopK _
        | Method.LossFreeTopK _ ->
            Refusal.refuse
                asked.Experiment.Network.Name
                "a network whose method runs the modules of a composition as they are"
                "one whose method weighs them by a gate"
                "train it by em, reinforce or exact"
        | Method.Em _
        | Method.Reinforce _
        | Method.Exact _
        | Method.StaticModules _
        | Method.Game _ -> ()

        if settings.Restarts < 1 then
            Refusal.refuse "Adapt" "restarts ≥ 1" (string settings.Restarts) "give a positive number"

        if settings.Most < 0 then Refusal.refuse "Adapt" "most ≥ 0" (string settings.Most) "give another number"

        use _scope = torch.NewDisposeScope()
        let x, y = AdaptedNetwork.Task(asked, x, y)
        let found = CompositionSearch.Run(asked.Graph, x, y, Asking.beside asked.Device side, settings)
        new AdaptedNetwork({ asked with Selector = found.Composition.Selector() }, plan, found, [])

    interface IDisposable with
        member _.Dispose() = own |> List.iter _.Dispose()
