namespace ModNet

/// What a player of a game reads.
[<RequireQualifiedAccess>]
type Wire =
    /// x of the data.
    | Real
    /// y of the data: of classes as one number for each, 1 for the datapoint's class and 0 for all others.
    | Label
    /// The game's noise, drawn anew for every player and every turn.
    | Latent
    /// What another player gives. The gradient of a turn goes back through it.
    | Output of player: string
    /// The same, and no gradient crosses it.
    | Detached of player: string
    /// What a critic is asked about.
    | Judged

/// Noise that players read.
[<RequireQualifiedAccess>]
type Latent =
    /// Standard normal numbers.
    | Normal of width: int
    /// Uniform numbers on [−1, 1).
    | Uniform of width: int

    /// How many numbers a datapoint gets.
    member latent.Width =
        match latent with
        | Normal width
        | Uniform width -> width

/// How the modules of a player are chosen.
[<RequireQualifiedAccess>]
type PlayerModules =
    /// Modules 0 to K − 1 of every layer, for every datapoint.
    | Static
    /// The k modules with the highest noisy logits, weighted by a softmax over those k (noisy top-k without balance losses).
    | TopK of k: int

/// A player of a game: a network with parameters and an optimiser of its own, of which there may be several.
type Player = {
    Name: string
    /// How many there are, one at each table, ≥ 1 and the same for all players.
    Count: int
    Network: Network
    /// What its network reads. Several wires are joined, their values side by side.
    Reads: Wire list
    /// None where its network has no modules to choose from.
    Modules: PlayerModules option
    /// None takes the game's.
    Optimizer: Optimizer option
}

/// What a turn minimises.
[<RequireQualifiedAccess>]
type TurnLoss =
    /// −mean log p(target | what the player reads), by the player's own head.
    | Fit of target: Wire
    /// −½ (mean log p(1 | genuine) + mean log p(0 | fake)), by the player's own head, which is a critic's.
    | Discriminate of genuine: Wire * fake: Wire
    /// −mean log p(1 | fake), by the head of a critic, whose parameters stay as they are.
    | Deceive of critic: string * fake: Wire

/// One gradient step of a player at every table.
type PlayerTurn = { Player: string; Loss: TurnLoss }

/// The players of this name are dealt to the tables anew after every so many steps.
type Swap = { Player: string; Every: int }

/// For so many steps only these players take their turns.
type Stage = { Steps: int; Players: string list }

/// Players that take turns. A step takes every turn once, in order.
type Game = {
    Players: Player list
    Turns: PlayerTurn list
    Swaps: Swap list
    /// In order, and from the first again after the last; empty lets all take their turns all the time.
    Stages: Stage list
    Latent: Latent option
    /// How many samples of each player that is judged the run's folder gets.
    Samples: int
    /// How gradient steps are taken, by all players.
    Gradient: GradientSteps
}
