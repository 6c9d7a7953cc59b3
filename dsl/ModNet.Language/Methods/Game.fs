namespace ModNet

/// Games in JSON. What is wrong with a game is for `CheckGame` to say, which sees its players' networks.
module internal GameKind =

    let private wire =
        let player word get make = Codec.case word get make (Codec.one "player" Codec.string)

        Codec.union [
            Codec.constant "real" Wire.Real
            Codec.constant "label" Wire.Label
            Codec.constant "latent" Wire.Latent
            Codec.constant "judged" Wire.Judged
            player
                "output"
                (function
                | Wire.Output player -> Some player
                | _ -> None)
                Wire.Output
            player
                "detached"
                (function
                | Wire.Detached player -> Some player
                | _ -> None)
                Wire.Detached
        ]

    let private modules =
        Codec.union [
            Codec.constant "static" PlayerModules.Static
            Codec.case
                "top_k"
                (function
                | PlayerModules.TopK k -> Some k
                | _ -> None)
                PlayerModules.TopK
                (Codec.one "k" Codec.int)
        ]

    let private latent =
        let case word get make = Codec.case word get make (Codec.one "width" Codec.int)

        Codec.union [
            case
                "normal"
                (function
                | Latent.Normal width -> Some width
                | _ -> None)
                Latent.Normal
            case
                "uniform"
                (function
                | Latent.Uniform width -> Some width
                | _ -> None)
                Latent.Uniform
        ]

    let private player =
        Codec.object (
            Codec.fields {
                let! name = Codec.field "name" (fun (player: Player) -> player.Name) Codec.string
                and! count = Codec.field "count" _.Count Codec.int
                and! network = Codec.field "network" _.Network NetworkCodec.network
                and! reads = Codec.field "reads" _.Reads (Codec.list wire)
                and! modules = Codec.field "modules" _.Modules (Codec.option modules)
                and! optimizer = Codec.field "optimizer" _.Optimizer (Codec.option Optimizers.codec)

                return {
                    Player.Name = name
                    Count = count
                    Network = network
                    Reads = reads
                    Modules = modules
                    Optimizer = optimizer
                }
            }
        )

    let private loss =
        Codec.union [
            Codec.case
                "fit"
                (function
                | TurnLoss.Fit target -> Some target
                | _ -> None)
                TurnLoss.Fit
                (Codec.one "target" wire)
            Codec.case
                "discriminate"
                (function
                | TurnLoss.Discriminate(genuine, fake) -> Some(genuine, fake)
                | _ -> None)
                TurnLoss.Discriminate
                (Codec.pair ("genuine", wire) ("fake", wire))
            Codec.case
                "deceive"
                (function
                | TurnLoss.Deceive(critic, fake) -> Some(critic, fake)
                | _ -> None)
                TurnLoss.Deceive
                (Codec.pair ("critic", Codec.string) ("fake", wire))
        ]

    let private turn =
        Codec.object (
            Codec.fields {
                let! player = Codec.field "player" (fun (turn: PlayerTurn) -> turn.Player) Codec.string
                and! loss = Codec.field "loss" _.Loss loss
                return { PlayerTurn.Player = player; Loss = loss }
            }
        )

    let private swap =
        Codec.object (
            Codec.fields {
                let! player = Codec.field "player" (fun (swap: Swap) -> swap.Player) Codec.string
                and! every = Codec.field "every" _.Every Codec.int
                return { Swap.Player = player; Every = every }
            }
        )

    let private stage =
        Codec.object (
            Codec.fields {
                let! steps = Codec.field "steps" (fun (stage: Stage) -> stage.Steps) Codec.int
                and! players = Codec.field "players" _.Players (Codec.list Codec.string)
                return { Stage.Steps = steps; Players = players }
            }
        )

    let private fields =
        Codec.fields {
            let! players = Codec.field "players" (fun (game: Game) -> game.Players) (Codec.list player)
            and! turns = Codec.field "turns" _.Turns (Codec.list turn)
            and! swaps = Codec.field "swaps" _.Swaps (Codec.list swap)
            and! stages = Codec.field "stages" _.Stages (Codec.list stage)
            and! latent = Codec.field "latent" _.Latent (Codec.option latent)
            and! samples = Codec.field "samples" _.Samples Codec.int
            and! gradient = Codec.within _.Gradient MethodKind.gradient

            return {
                Game.Players = players
                Turns = turns
                Swaps = swaps
                Stages = stages
                Latent = latent
                Samples = samples
                Gradient = gradient
            }
        }

    let kind: MethodKind<Game> = {
        Word = "game"
        Get =
            (function
            | Method.Game game -> Some game
            | _ -> None)
        Make = Method.Game
        Fields = fields
        Check = fun _ _ -> ()
    }
