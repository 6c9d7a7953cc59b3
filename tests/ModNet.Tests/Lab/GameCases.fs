/// Small games, and what is left of them.
module ModNet.Tests.GameCases

open System.IO
open ModNet.Runtime
open ModNet
open ModNet.Tests.Running
open TorchSharp

/// Points around two middles, labelled by them. The game's seed is taken out again, so that all games have the same points.
let clumps (chance: int) =
    generated "clumps" {
        features 2
        classes 2
        points 70
        held_out 20
        seed_offset -chance

        draw (fun random ->
            let label = random.Next 2
            let at = float32 (2 * label - 1)
            Datapoint.labelled [| at + 0.1f * random.NextSingle(); at |] label)
    }

/// With all that a network can remember beside its parameters: running averages, and a place in the stream of dropout.
let generator =
    network "generator" {
        features 3
        linear 6 |> relu
        batch_norm
        dropout 0.1
        linear 2
        gaussian (variance 1.0)
    }

let critic =
    network "critic" {
        features 2
        linear 6 |> relu
        batch_norm
        linear 1
        bernoulli
    }

let pairs (count: int) (chance: int) =
    game "pairs" {
        players count "g" generator
        players count "d" critic
        turn "d" (discriminate "g")
        turn "g" (deceive "d")
        latent 3
        samples 12
        data (clumps chance)
        batch 16
        steps 23
        seed chance
        log_every 1
        validate_every 10
    }

let rules (change: Game -> Game) (experiment: Experiment) =
    match experiment.Method with
    | Method.Game game -> { experiment with Method = Method.Game(change game) }
    | _ -> experiment

/// Plays in this process, and gives what `see` makes of the game.
let playing (experiment: Experiment) (see: Runtime.Game -> 'Seen) : 'Seen =
    use _scope = torch.NewDisposeScope()
    let sound = Check.experiment experiment |> Refusal.orRaise
    use splits = (Source.load sound).Splits
    use streams = new RandomStreams(int64 experiment.Seed)

    match experiment.Method with
    | Method.Game game ->
        use playing = CompileGame.make game sound splits.Train streams torch.CPU
        see playing
    | _ -> invalidArg (nameof experiment) "expected a game"

/// The bytes of a network's parameters and running averages, by name.
let weights (graph: Graph) : (string * byte array) list = [
    for KeyValue(name, value) in graph.state_dict () |> Seq.sortBy _.Key -> name, value.cpu().bytes.ToArray()
]

/// The same as float32, all together.
let numbers (graph: Graph) : float array = [|
    for KeyValue(_, value) in graph.state_dict () |> Seq.sortBy _.Key do
        yield! TensorArrays.Vector<float32> value |> Array.map float
|]

let played (directory: string) (folder: string) (settings: Settings) (experiment: Experiment) : string =
    let path = Path.Combine(directory, folder)
    quietly (fun () -> train settings { experiment with Out = Some path } |> ignore)
    path
