namespace ModNet

open ModNet.Pictures
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

/// What a run trains: a network by its method, or the players of a game.
type internal Trainee = {
    /// The graph; of a game that of its first player.
    Graph: Graph
    Training: Training
    /// The method whose choices are traced; None for a game.
    Method: TrainingMethod option
    Parameters: int64
    /// What the trained networks come to, and what the report says of it.
    Judge: RunFolder -> Verdict
    /// Drawings of the networks.
    Architecture: Section list
}

module internal Trainee =

    let private drawn heading caption (plan: Plan) =
        Sketching.ofPlan plan |> Layout.ofSketch |> Svg.ofPicture |> Section.drawing heading caption

    let private legend =
        "The network, from input to head, with the shape that each layer gives. Modular layers choose K of a pool's M modules; "
        + "a dotted line leads to a pool that has a name, which every layer with a line to it shares."

    let private ofGame
        (sound: CheckedExperiment)
        (experiment: Experiment)
        (game: ModNet.Game)
        (source: Source)
        streams
        device
        : Trainee =
        let playing = CompileGame.make game sound source.Splits.Train streams device

        {
            Graph = playing.GraphOf 0
            Training = playing
            Method = None
            Parameters = playing.ParameterCount
            Judge =
                fun folder ->
                    use _average = playing.UseAverage()
                    GameReport.judge experiment game playing source.Splits.Train folder
            Architecture = [
                for (player: Player), plan in List.zip game.Players sound.Players do
                    let many = if player.Count > 1 then $" ({player.Count} of them)" else ""
                    drawn $"Player {player.Name}" $"The network of `{player.Name}`{many}." plan
            ]
        }

    let private ofMethod
        (ranks: Ranks)
        (sound: CheckedExperiment)
        (experiment: Experiment)
        (tasks: TaskStream option)
        (source: Source)
        (streams: RandomStreams)
        device
        : Trainee =
        let graph = Compile.onRanks ranks (Initialiser(streams.Init, device = device)) streams.Dropout sound.Plan
        Compile.freeze sound.Plan experiment.Frozen graph

        let method = CompileMethod.streamed ranks tasks experiment.Method graph source.Splits.Train streams device

        {
            Graph = graph
            Training = method
            Method = Some method
            Parameters = graph.ParameterCount
            Judge =
                fun _ ->
                    // The network is judged as it was evaluated.
                    use _average = method.UseAverage()
                    source.Judge graph method.Evaluating device
            Architecture = [ drawn "Architecture" legend sound.Plan ]
        }

    /// What a sound experiment trains, its length in steps, on its data.
    let make ranks (sound: CheckedExperiment) (experiment: Experiment) tasks source streams device : Trainee =
        match experiment.Method with
        | Method.Game game ->
            if (ranks: Ranks).Count > 1 then
                Refusal.refuse
                    experiment.Network.Name
                    "one process, since a game's players are not shared out"
                    $"{ranks.Count} ranks"
                    "start it without mpirun"

            ofGame sound experiment game source streams device
        | _ -> ofMethod ranks sound experiment tasks source streams device
