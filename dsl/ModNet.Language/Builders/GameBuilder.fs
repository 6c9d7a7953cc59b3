namespace ModNet

open System.ComponentModel

module internal MissingOfGame =

    [<Literal>]
    let Message = "A game needs `data`; it is missing here."

/// A game half said. Whether its data were said is in its type, so that the compiler refuses a game without.
[<EditorBrowsable(EditorBrowsableState.Never)>]
type GameDraft<'Data> = internal {
    Rules: Game
    DraftData: 'Data
    DraftRun: RunDraft
    /// What was said of players by their names, the first word first.
    Said: (string * (Player -> Player)) list
}

/// Sets the fields of a game; made by `game`.
[<Sealed>]
type GameBuilder internal (name: string) =

    inherit
        SettingsBlock<GameDraft<Missing>>(
            {
                Rules = {
                    Players = []
                    Turns = []
                    Swaps = []
                    Stages = []
                    Latent = None
                    Samples = 256
                    Gradient = { MethodKind.plain with Steps = 10_000; Optimizer = Adam 1e-3 }
                }
                DraftData = Missing
                DraftRun = {
                    Seed = 1
                    Device = Cpu
                    LogEvery = 10
                    ValidateEvery = 500
                    CheckpointEvery = None
                    KeepCheckpoints = 2
                    KeepBest = false
                    Tracing = { Every = None; Rows = 128; AtEnd = 10_000 }
                    Frozen = []
                    Out = None
                }
                Said = []
            }
        )

    let rules (change: Game -> Game) (draft: GameDraft<'Data>) = { draft with Rules = change draft.Rules }

    let gradient (change: GradientSteps -> GradientSteps) draft =
        draft |> rules (fun game -> { game with Gradient = change game.Gradient })

    let running (change: RunDraft -> RunDraft) (draft: GameDraft<'Data>) = {
        draft with
            DraftRun = change draft.DraftRun
    }

    let ofPlayer (name: string) (change: Player -> Player) (draft: GameDraft<'Data>) = {
        draft with
            Said = draft.Said @ [ name, change ]
    }

    let player (name: string) (count: int) (network: Network) : Player = {
        Name = name
        Count = count
        Network = network
        Reads = []
        Modules = None
        Optimizer = None
    }

    /// So many players of a name, each with this network and with parameters and an optimiser of its own. There are as many tables, with one of them
    /// at each; all names of a game have as many players.
    /// Example: `players 4 "g" toy`
    [<CustomOperation "players">]
    member _.Players(draft: GameDraft<'Data>, count: int, name: string, network: Network) =
        draft |> rules (fun game -> { game with Players = game.Players @ [ player name count network ] })

    /// One player of a name: `players 1`.
    /// Example: `player "shrink" toy`
    [<CustomOperation "player">]
    member builder.Player(draft: GameDraft<'Data>, name: string, network: Network) =
        builder.Players(draft, 1, name, network)

    /// What a player reads: `Wire.Real`, x of the data; `Wire.Label`, y; `Wire.Latent`, noise; `Wire.Output name` and `Wire.Detached name`, what another
    /// player gives, with and without a gradient; `Wire.Judged`, what a critic is asked about. Several are joined, their values side by side. Unless
    /// said, a critic reads `[ Wire.Judged ]`, a player that fits `[ Wire.Real ]`, and all others `[ Wire.Latent ]`.
    /// Example: `reads "fine" [ Wire.Latent; Wire.Label; Wire.Detached "coarse" ]`
    [<CustomOperation "reads">]
    member _.Reads(draft: GameDraft<'Data>, player: string, wires: Wire list) =
        draft |> ofPlayer player (fun player -> { player with Reads = wires })

    /// How the modules of a player's network are chosen: `PlayerModules.Static` or `PlayerModules.TopK k`. It must be said of networks that have some.
    /// Example: `modules "g" (PlayerModules.TopK 2)`
    [<CustomOperation "modules">]
    member _.Modules(draft: GameDraft<'Data>, player: string, modules: PlayerModules) =
        draft |> ofPlayer player (fun player -> { player with Modules = Some modules })

    /// The optimiser of one player; the game's unless said.
    /// Example: `optimizer_of "d" (Adam 2e-4)`
    [<CustomOperation "optimizer_of">]
    member _.OptimizerOf(draft: GameDraft<'Data>, player: string, optimizer: Optimizer) =
        draft |> ofPlayer player (fun player -> { player with Optimizer = Some optimizer })

    /// A turn: a gradient step of this player, whose parameters it changes, and of no other. A step takes the turns in the order in which they are
    /// said. Losses: `discriminate "g"`, `discriminate_between genuine fake`, `deceive "d"`, `deceive_by wire "d"`, `fit`, `fit_to wire`.
    /// Example: `turn "d" (discriminate "g")`
    [<CustomOperation "turn">]
    member _.Turn(draft: GameDraft<'Data>, player: string, loss: string -> TurnLoss) =
        draft |> rules (fun game -> { game with Turns = game.Turns @ [ { Player = player; Loss = loss player } ] })

    /// Deals the players of a name to the tables anew after every so many steps, ≥ 1: a permutation, each as likely as any other.
    /// Example: `swap "d" 200`
    [<CustomOperation "swap">]
    member _.Swap(draft: GameDraft<'Data>, player: string, every: int) =
        draft |> rules (fun game -> { game with Swaps = game.Swaps @ [ { Player = player; Every = every } ] })

    /// A stage of so many steps, ≥ 1, in which only these players take their turns, and all others are frozen. Stages follow one another in the order in
    /// which they are said, and begin again after the last. All take their turns all the time unless said.
    /// Example: `stage 2_000 [ "coarse"; "coarse critic" ]`
    [<CustomOperation "stage">]
    member _.Stage(draft: GameDraft<'Data>, steps: int, players: string list) =
        draft |> rules (fun game -> { game with Stages = game.Stages @ [ { Steps = steps; Players = players } ] })

    /// `Wire.Latent` carries so many standard normal numbers, ≥ 1.
    /// Example: `latent 16`
    [<CustomOperation "latent">]
    member _.Latent(draft: GameDraft<'Data>, width: int) =
        draft |> rules (fun game -> { game with Latent = Some(Latent.Normal width) })

    /// `Wire.Latent` carries so many uniform numbers on [−1, 1), ≥ 1.
    /// Example: `uniform_latent 16`
    [<CustomOperation "uniform_latent">]
    member _.UniformLatent(draft: GameDraft<'Data>, width: int) =
        draft |> rules (fun game -> { game with Latent = Some(Latent.Uniform width) })

    /// How many samples of every player that is judged the run's folder gets at its end (`samples.safetensors`), from each table, ≥ 1; 256 unless said.
    /// Example: `samples 1_000`
    [<CustomOperation "samples">]
    member _.Samples(draft: GameDraft<'Data>, count: int) = draft |> rules (fun game -> { game with Samples = count })

    /// The data, which carry `Wire.Real` and `Wire.Label`.
    /// Example: `data (mnist "data/mnist" { held_out 5_000 })`
    [<CustomOperation "data">]
    member _.Data(draft: GameDraft<'Data>, data: Data) = {
        Rules = draft.Rules
        DraftData = data
        DraftRun = draft.DraftRun
        Said = draft.Said
    }

    /// Datapoints in a minibatch, ≥ 1; 128 unless said.
    /// Example: `batch 64`
    [<CustomOperation "batch">]
    member _.Batch(draft: GameDraft<'Data>, size: int) = draft |> gradient (fun steps -> { steps with Batch = size })

    /// The number of steps in all, ≥ 1, each of which takes every turn; 10,000 unless said.
    /// Example: `steps 5_000`
    [<CustomOperation "steps">]
    member _.Steps(draft: GameDraft<'Data>, count: int) = draft |> gradient (fun steps -> { steps with Steps = count })

    /// What takes the gradient steps of players that have no optimiser of their own; `Adam 1e-3` unless said.
    /// Example: `optimizer (Adam 2e-4)`
    [<CustomOperation "optimizer">]
    member _.Optimizer(draft: GameDraft<'Data>, optimizer: Optimizer) =
        draft |> gradient (fun steps -> { steps with Optimizer = optimizer })

    /// How the rate goes over a player's own steps; `Constant` unless said.
    /// Example: `schedule Cosine`
    [<CustomOperation "schedule">]
    member _.Schedule(draft: GameDraft<'Data>, schedule: Schedule) =
        draft |> gradient (fun steps -> { steps with Schedule = schedule })

    /// The greatest norm of the gradients of a player's parameters together; they are taken as they are unless said.
    /// Example: `clip_norm 1.0`
    [<CustomOperation "clip_norm">]
    member _.ClipNorm(draft: GameDraft<'Data>, norm: float) =
        draft |> gradient (fun steps -> { steps with ClipNorm = Some norm })

    /// The decay of a moving average of every player's weights, in (0, 1), by which held-out losses and samples are made; none is kept unless said.
    /// Example: `average_weights 0.999`
    [<CustomOperation "average_weights">]
    member _.AverageWeights(draft: GameDraft<'Data>, decay: float) =
        draft |> gradient (fun steps -> { steps with AverageWeights = Some decay })

    /// The one number from which all chance comes; 1 unless said. Table t plays as a game by itself with this seed and t more would, if there are no swaps.
    /// Example: `seed 1`
    [<CustomOperation "seed">]
    member _.Seed(draft: GameDraft<'Data>, seed: int) = draft |> running (fun run -> { run with Seed = seed })

    /// What tensors are computed on: `Cpu` or `Cuda index`; `Cpu` unless said.
    /// Example: `device (Cuda 0)`
    [<CustomOperation "device">]
    member _.Device(draft: GameDraft<'Data>, device: Device) =
        draft |> running (fun run -> { run with Device = device })

    /// A line of metrics every so many steps, ≥ 1; 10 unless said.
    /// Example: `log_every 100`
    [<CustomOperation "log_every">]
    member _.LogEvery(draft: GameDraft<'Data>, steps: int) = draft |> running (fun run -> { run with LogEvery = steps })

    /// The turns' losses on held-out data every so many steps, ≥ 1; 500 unless said.
    /// Example: `validate_every 1_000`
    [<CustomOperation "validate_every">]
    member _.ValidateEvery(draft: GameDraft<'Data>, steps: int) =
        draft |> running (fun run -> { run with ValidateEvery = steps })

    /// A checkpoint every so many steps, ≥ 1; with every evaluation unless said.
    /// Example: `checkpoint_every 1_000`
    [<CustomOperation "checkpoint_every">]
    member _.CheckpointEvery(draft: GameDraft<'Data>, steps: int) =
        draft |> running (fun run -> { run with CheckpointEvery = Some steps })

    /// How many checkpoints stay in the run's folder, the newest among them, ≥ 1; 2 unless said.
    /// Example: `keep_checkpoints 1`
    [<CustomOperation "keep_checkpoints">]
    member _.KeepCheckpoints(draft: GameDraft<'Data>, count: int) =
        draft |> running (fun run -> { run with KeepCheckpoints = count })

    /// The run's folder; `runs/` and the game's name unless said.
    /// Example: `out "runs/gap"`
    [<CustomOperation "out">]
    member _.Out(draft: GameDraft<'Data>, folder: string) = draft |> running (fun run -> { run with Out = Some folder })

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    member _.Run(draft: GameDraft<Data>) : Experiment =
        let turns = draft.Rules.Turns

        let plainly (player: Player) =
            let critic =
                turns
                |> List.exists (fun turn ->
                    match turn.Loss with
                    | TurnLoss.Discriminate _ -> turn.Player = player.Name
                    | TurnLoss.Deceive(critic, _) -> critic = player.Name
                    | TurnLoss.Fit _ -> false)

            let fits = turns |> List.exists (fun turn -> turn.Loss.IsFit && turn.Player = player.Name)

            if critic then [ Wire.Judged ]
            elif fits then [ Wire.Real ]
            else [ Wire.Latent ]

        // `check` says of a player that nobody has made that there is none.
        let unmade =
            draft.Said
            |> List.map fst
            |> List.distinct
            |> List.except (draft.Rules.Players |> List.map _.Name)
            |> List.map (fun name -> player name 0 { Name = name; Layers = [] })

        let said (player: Player) =
            draft.Said
            |> List.filter (fst >> (=) player.Name)
            |> List.fold (fun player (_, change) -> change player) { player with Reads = plainly player }

        let players = draft.Rules.Players @ unmade |> List.map said

        {
            Network = { Name = name; Layers = [] }
            Data = draft.DraftData
            Method = Method.Game { draft.Rules with Players = players }
            Seed = draft.DraftRun.Seed
            Device = draft.DraftRun.Device
            LogEvery = draft.DraftRun.LogEvery
            ValidateEvery = draft.DraftRun.ValidateEvery
            CheckpointEvery = draft.DraftRun.CheckpointEvery
            KeepCheckpoints = draft.DraftRun.KeepCheckpoints
            KeepBest = draft.DraftRun.KeepBest
            Tracing = draft.DraftRun.Tracing
            Frozen = draft.DraftRun.Frozen
            Out = draft.DraftRun.Out
        }

    [<EditorBrowsable(EditorBrowsableState.Never)>]
    [<CompilerMessage(MissingOfGame.Message, WrongChild.Code, IsError = true)>]
    member _.Run(_: GameDraft<Missing>) : Experiment = invalidOp MissingOfGame.Message

[<AutoOpen>]
module Games =

    /// The turn's player is a critic that tells x of the data from what a player gives: −½ (mean log p(1 | x) + mean log p(0 | sample)), by the critic's
    /// own head. With a `bernoulli` head that is the loss of Goodfellow et al. (2014), with a `gaussian` one that of least squares (Mao et al. 2017).
    /// Example: `(discriminate "g")`
    let discriminate (generator: string) : string -> TurnLoss =
        fun _ -> TurnLoss.Discriminate(Wire.Real, Wire.Detached generator)

    /// The same between any two wires, of which the first is genuine.
    /// Example: `(discriminate_between (Wire.Detached "shrink") (Wire.Detached "coarse"))`
    let discriminate_between (genuine: Wire) (fake: Wire) : string -> TurnLoss =
        fun _ -> TurnLoss.Discriminate(genuine, fake)

    /// The turn's player is to be taken for genuine by a critic: −mean log p(1 | sample).
    /// Example: `(deceive "d")`
    let deceive (critic: string) : string -> TurnLoss = fun player -> TurnLoss.Deceive(critic, Wire.Output player)

    /// The same where the critic sees what another player makes of what the turn's player gives.
    /// Example: `(deceive_by (Wire.Output "compose") "d")`
    let deceive_by (wire: Wire) (critic: string) : string -> TurnLoss = fun _ -> TurnLoss.Deceive(critic, wire)

    /// The turn's player predicts y of the data: −mean log p(y | what it reads), by its own head.
    /// Example: `fit`
    let fit: string -> TurnLoss = fun _ -> TurnLoss.Fit Wire.Label

    /// The same with another target, which no gradient reaches.
    /// Example: `(fit_to Wire.Real)`
    let fit_to (target: Wire) : string -> TurnLoss = fun _ -> TurnLoss.Fit target

    /// An experiment of several players, each a network with parameters and an optimiser of its own, that take turns. `players` or `player`, `turn` and `data` must be said.
    /// Settings: `players`, `player`, `reads`, `modules`, `optimizer_of`, `turn`, `swap`, `stage`, `latent`, `uniform_latent`, `samples`, `data`, `batch`,
    /// `steps`, `optimizer`, `schedule`, `clip_norm`, `average_weights`, `seed`, `device`, `log_every`, `validate_every`, `checkpoint_every`,
    /// `keep_checkpoints`, `out`.
    /// Example: `game "gan" { player "g" toy; player "d" toy; turn "d" (discriminate "g"); turn "g" (deceive "d"); latent 2; data (toy_regression { }) }`
    let game (name: string) = GameBuilder name
