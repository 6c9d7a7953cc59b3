namespace ModNet

open ModNet.Runtime
open TorchSharp

/// A game's rules and networks as the runtime has them.
module internal CompileGame =

    let private number (game: ModNet.Game) (name: string) =
        game.Players |> List.findIndex (fun player -> player.Name = name)

    let private wire (game: ModNet.Game) (y: Target) (wire: Wire) : GameWire =
        match wire with
        | Wire.Real -> GameWire.Real()
        | Wire.Label ->
            match y with
            | Target.Classes count -> GameWire.Label(int64 count)
            | Target.Values _ -> GameWire.Label 0L
        | Wire.Latent ->
            let latent = game.Latent.Value
            GameWire.Latent(int64 latent.Width, latent.IsUniform)
        | Wire.Output player -> GameWire.Output(number game player, false)
        | Wire.Detached player -> GameWire.Output(number game player, true)
        | Wire.Judged -> GameWire.Judged()

    /// In how many gradient steps of a game so long a player takes its turns.
    let private stepsOf (game: ModNet.Game) (player: Player) : int =
        let turns = game.Turns |> List.filter (fun turn -> turn.Player = player.Name) |> List.length
        let cycle = game.Stages |> List.sumBy _.Steps

        let played =
            if cycle = 0 then
                game.Gradient.Steps
            else
                let within (steps: int) =
                    game.Stages
                    |> List.fold
                        (fun (left, sum) stage ->
                            let here = min left stage.Steps
                            left - here, (if List.contains player.Name stage.Players then sum + here else sum))
                        (steps, 0)
                    |> snd

                game.Gradient.Steps / cycle * within cycle + within (game.Gradient.Steps % cycle)

        max 1 (played * turns)

    let private sizes (plan: Plan) : int64 array =
        match (plan.Layers |> List.find (fun layer -> Kind.role layer.Layer = Role.Input)).Output with
        | Shape.Image(channels, height, width) -> [| int64 channels; int64 height; int64 width |]
        | shape -> [| ShapeRules.Values shape |]

    let private player (game: ModNet.Game) y (player: Player) (plan: Plan) : PlayerPlan =
        let gradient = {
            game.Gradient with
                Steps = stepsOf game player
                Optimizer = defaultArg player.Optimizer game.Gradient.Optimizer
        }

        PlayerPlan(
            player.Name,
            [| for read in player.Reads -> wire game y read |],
            sizes plan,
            CompileMethod.gradient None gradient,
            (match player.Modules with
             | Some(PlayerModules.TopK k) -> System.Nullable k
             | _ -> System.Nullable())
        )

    /// The turns, whose losses are called after their players; a second turn of one player gets a number.
    let private turns (game: ModNet.Game) y : GameTurn list = [
        for place, turn in List.indexed game.Turns do
            let earlier =
                game.Turns |> List.take place |> List.filter (fun other -> other.Player = turn.Player) |> List.length

            let name = if earlier = 0 then turn.Player else $"{turn.Player} {earlier + 1}"

            let loss: GameLoss =
                match turn.Loss with
                | TurnLoss.Fit Wire.Label -> GameLoss.Fit null
                | TurnLoss.Fit target -> GameLoss.Fit(wire game y target)
                | TurnLoss.Discriminate(genuine, fake) -> GameLoss.Discriminate(wire game y genuine, wire game y fake)
                | TurnLoss.Deceive(critic, fake) -> GameLoss.Deceive(number game critic, wire game y fake)

            GameTurn(name, number game turn.Player, loss)
    ]

    /// The rules of a sound game.
    let rules (game: ModNet.Game) (data: Data) (plans: Plan list) : GamePlan =
        let y =
            match GameData.find data with
            | Ok data -> data.Y
            | Error got -> Refusal.refuse "data" "data of a game" got "take other data"

        GamePlan(
            game.Players.Head.Count,
            List.map2 (player game y) game.Players plans |> List.toArray,
            List.toArray (turns game y),
            [| for swap in game.Swaps -> GameSwap(number game swap.Player, int64 swap.Every) |],
            [|
                for stage in game.Stages ->
                    GameStage(int64 stage.Steps, [| for player in stage.Players -> number game player |])
            |]
        )

    /// A game with fresh networks.
    let make
        (game: ModNet.Game)
        (sound: CheckedExperiment)
        (train: Dataset)
        streams
        (device: torch.Device)
        : Runtime.Game =
        let plans = List.toArray sound.Players

        let network (player: int) (own: RandomStreams) =
            Compile.ofPlan (Initialiser(own.Init, device = device)) own.Dropout plans[player]

        new Runtime.Game(rules game sound.Experiment.Data sound.Players, network, train, streams, device)

    /// The players whose samples are judged, in the order of the turns.
    let sampled (game: ModNet.Game) : string list =
        game.Turns
        |> List.collect (fun turn ->
            match turn.Loss with
            | TurnLoss.Discriminate(_, fake)
            | TurnLoss.Deceive(_, fake) -> [ fake ]
            | TurnLoss.Fit _ -> [])
        |> List.choose (function
            | Wire.Output player
            | Wire.Detached player -> Some player
            | _ -> None)
        |> List.distinct
