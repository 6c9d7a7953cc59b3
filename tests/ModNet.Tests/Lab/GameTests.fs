/// Games of several players, and their laws.
module ModNet.Tests.GameTests

open System.IO
open Expecto
open ModNet.Runtime
open ModNet
open ModNet.Tests.GameCases

let private step (game: Runtime.Game) (count: int) =
    for _ in 1..count do
        game.Step()

let private classifier =
    network "classifier" {
        features 2

        modular {
            modules 3
            unit (linear 6 |> tanh)
        }

        dropout 0.1
        softmax 2
    }

/// A game of one player, and a plain run of its network.
let private alone modules' method' =
    let one =
        game "alone" {
            player "net" classifier
            modules "net" modules'
            turn "net" fit
            data (clumps 4)
            batch 16
            steps 25
            optimizer (Adam 1e-2)
            seed 4
            log_every 1
            validate_every 10
        }

    let plain =
        experiment {
            net classifier
            data (clumps 4)
            train method'
            seed 4
            log_every 1
            validate_every 10
            keep_best false
        }

    one, plain

/// What the weights of `a` become in one step, where `b` reads what `a` gives by two wires.
let private through (first: Wire) (second: Wire) =
    let linear' name inputs outputs =
        network name {
            features inputs
            linear outputs
            gaussian (variance 1.0)
        }

    let mine =
        game "through" {
            player "a" (linear' "a" 3 2)
            player "b" (linear' "b" 4 2)
            player "d" (linear' "d" 2 1)
            reads "b" [ first; second ]
            turn "a" (deceive_by (Wire.Output "b") "d")
            latent 3
            data (clumps 2)
            batch 16
            steps 1
            optimizer (Sgd(1.0, 0.0))
            seed 2
        }

    playing mine (fun game ->
        let before = numbers (game.GraphOf 0)
        game.Step()
        Array.map2 (-) (numbers (game.GraphOf 0)) before)

[<Tests>]
let tests =
    testSequenced
    <| testList "games" [
        for turning, other in [ 0, 1; 1, 0 ] do
            testCase $"a turn changes its player alone, running averages included: player {turning}"
            <| fun () ->
                let only (game: Game) = {
                    game with
                        Turns = game.Turns |> List.filter (fun turn -> turn.Player = [ "g"; "d" ][turning])
                }

                playing (pairs 2 3 |> rules only) (fun game ->
                    let before = [ for table in 0..1 -> weights (game.GraphOf(other, table)) ]
                    let own = weights (game.GraphOf(turning, 1))
                    step game 3
                    Expect.equal [ for table in 0..1 -> weights (game.GraphOf(other, table)) ] before "the other's"
                    Expect.notEqual (weights (game.GraphOf(turning, 1))) own "its own")

        testCase "swaps are permutations, of the players that they name alone"
        <| fun () ->
            let law every =
                let mine =
                    pairs 4 every |> rules (fun game -> { game with Swaps = [ { Player = "d"; Every = every } ] })

                playing mine (fun game ->
                    let mutable dealt = 0
                    let mutable last = [ 0L; 1L; 2L; 3L ]

                    for taken in 0..7 do
                        game.Step()
                        let now = [ for table in 0..3 -> game.At(1, table) ]
                        Expect.equal (List.sort now) [ 0L; 1L; 2L; 3L ] "every one at one table"
                        Expect.equal [ for table in 0..3 -> game.At(0, table) ] [ 0L; 1L; 2L; 3L ] "the others stay"

                        if now <> last then
                            dealt <- dealt + 1
                            Expect.isTrue (taken > 0 && taken % every = 0) "only when it is time"

                        last <- now

                    Expect.isTrue (dealt > 0) "some are dealt anew")

            for every in 1..3 do
                law every

        testCase "tables without swaps play as games by themselves, bit for bit"
        <| fun () ->
            let together =
                playing (pairs 3 5) (fun game ->
                    step game 12
                    [ for table in 0..2 -> [ for player in 0..1 -> weights (game.GraphOf(player, table)) ] ])

            let apart = [
                for table in 0..2 ->
                    playing (pairs 1 (5 + table)) (fun game ->
                        step game 12
                        [ for player in 0..1 -> weights (game.GraphOf player) ])
            ]

            Expect.equal together apart "weights and running averages"
            Expect.notEqual together[0] together[1] "tables differ"

        for name, modules', method' in
            [
                "static modules",
                PlayerModules.Static,
                static_modules {
                    batch 16
                    steps 25
                    optimizer (Adam 1e-2)
                }
                "noisy top-k",
                PlayerModules.TopK 2,
                noisy_topk {
                    k 2
                    batch 16
                    steps 25
                    optimizer (Adam 1e-2)
                }
            ] do
            testInDirectory $"one player that fits y is a plain run by {name}, bit for bit"
            <| fun directory ->
                let one, plain = alone modules' method'
                let game = played directory "game" Settings.none one
                let run = played directory "run" Settings.none plain
                let own = "players.net.0."

                let learned = [
                    for name, value in Learned.tensorsOf game do
                        for start in [ ""; "optimizer."; "method." ] do
                            if name.StartsWith(start + own) then
                                let rest = name[(start + own).Length ..]
                                (if start = "method." then rest else start + rest), value
                ]

                Expect.equal
                    (List.sort learned)
                    (Learned.tensorsOf run |> List.filter (fun (name, _) -> name <> "run.step") |> List.sort)
                    "weights, optimiser, places, random streams"

                Expect.equal (Learned.metricsOf game) (Learned.metricsOf run) "lines of metrics"

        testInDirectory "a game goes on as if it had not been stopped"
        <| fun directory ->
            let mine =
                pairs 3 6
                |> rules (fun game -> {
                    game with
                        Swaps = [ { Player = "d"; Every = 4 } ]
                        Stages = [ { Steps = 3; Players = [ "d" ] }; { Steps = 5; Players = [ "g"; "d" ] } ]
                })

            let whole = played directory "whole" Settings.none mine

            for stop in [ 4; 11 ] do
                let parts = $"parts {stop}"
                played directory parts { Settings.none with Steps = Some stop } mine |> ignore
                let parts = played directory parts { Settings.none with Resume = true } mine
                Expect.equal (Learned.tensorsOf parts) (Learned.tensorsOf whole) $"{stop}: bit for bit"

                Expect.equal
                    (File.ReadAllBytes(Path.Combine(parts, GameSamples.FileName)))
                    (File.ReadAllBytes(Path.Combine(whole, GameSamples.FileName)))
                    "samples"

        testCase "in a stage the players that it does not name are frozen"
        <| fun () ->
            let mine =
                pairs 1 7
                |> rules (fun game -> {
                    game with
                        Stages = [ { Steps = 2; Players = [ "d" ] }; { Steps = 2; Players = [ "g" ] } ]
                })

            playing mine (fun game ->
                for _ in 1..2 do
                    for moving in [ 1; 0 ] do
                        let before = [ for player in 0..1 -> weights (game.GraphOf player) ]
                        step game 2

                        for player in 0..1 do
                            Expect.equal
                                (weights (game.GraphOf player) = before[player])
                                (player <> moving)
                                $"player {player} while {moving} moves")

        testCase "no gradient crosses a detached wire: the parts of two wires add up to the whole"
        <| fun () ->
            let whole = through (Wire.Output "a") (Wire.Output "a")
            let first = through (Wire.Output "a") (Wire.Detached "a")
            let second = through (Wire.Detached "a") (Wire.Output "a")

            for place in 0 .. whole.Length - 1 do
                Expect.floatClose Accuracy.medium (first[place] + second[place]) whole[place] "sum"

            Expect.isTrue (first |> Array.exists (fun change -> abs change > 1e-6)) "the first wire carries some"
            Expect.isTrue (second |> Array.exists (fun change -> abs change > 1e-6)) "and so does the second"

        testInDirectory "a run leaves samples, a report that draws them, and losses of turns"
        <| fun directory ->
            let folder = played directory "run" Settings.none (pairs 2 8)
            let samples = GameSamples.read folder "g"
            Expect.equal [ for table in samples -> table.Table, table.Values.Length ] [ 0, 12; 1, 12 ] "tables"
            Expect.equal samples[0].Values[0].Length 2 "points"
            let html = File.ReadAllText(Path.Combine(folder, "report.html"))
            Expect.stringContains html "Samples of g" "samples"
            Expect.stringContains html "Losses of the turns" "losses"
            let log = (MetricsLog.OfFolder folder).Lines

            Expect.isTrue
                (log |> Seq.exists (fun line -> line.Phase = "validation" && line.Values.ContainsKey "loss/d"))
                "held out"

            Expect.throwsC (fun () -> Trained.load folder |> ignore) (fun refused ->
                Expect.stringContains refused.Message "a game" "not opened as one network")

        testCase "JSON gives a game back"
        <| fun () ->
            let mine =
                pairs 2 1
                |> rules (fun game -> {
                    game with
                        Swaps = [ { Player = "d"; Every = 4 } ]
                        Stages = [ { Steps = 3; Players = [ "d" ] } ]
                        Latent = Some(Latent.Uniform 3)
                        Players = [
                            for player in game.Players ->
                                { player with Modules = Some(PlayerModules.TopK 2); Optimizer = Some(Sgd(0.1, 0.9)) }
                        ]
                })

            let text = Experiment.to_json mine
            let read = Experiment.of_json text |> Result.map (Experiment.with_code_of mine)
            Expect.equal (read |> Result.map Experiment.to_json) (Ok text) "the same text"

        for name, broken, place, part in
            [
                let changed change = pairs 2 1 |> rules change

                let player name change (game: Game) = {
                    game with
                        Players = [ for player in game.Players -> if player.Name = name then change player else player ]
                }

                let turns losses (game: Game) = {
                    game with
                        Turns = [ for player, loss in losses -> { Player = player; Loss = loss player } ]
                }

                "no turns", changed (turns []), "pairs/turns", "at least one turn"

                "unequal tables",
                changed (player "d" (fun d -> { d with Count = 3 })),
                "pairs/d",
                "2 players of each name"

                "an unknown critic", changed (turns [ "g", deceive "x" ]), "pairs/turn1", "the name of a player"

                "a critic that reads nothing judged",
                changed (player "d" (fun d -> { d with Reads = [ Wire.Real ] })),
                "pairs/turn1",
                "reads what it is asked about"

                "no noise", changed (fun game -> { game with Latent = None }), "pairs/g/reads", "say `latent 16`"

                "another width of noise",
                changed (fun game -> { game with Latent = Some(Latent.Normal 5) }),
                "pairs/g/features",
                "say `features 5`"

                "a circle",
                changed (player "g" (fun g -> { g with Reads = [ Wire.Output "g" ] })),
                "pairs/g/reads",
                "a circle"

                "a sample that the player has no part in",
                changed (turns [ "g", deceive_by (Wire.Detached "g") "d" ]),
                "pairs/turn1",
                "with a gradient"

                "one player to swap",
                pairs 1 1 |> rules (fun game -> { game with Swaps = [ { Player = "d"; Every = 4 } ] }),
                "pairs/swap/d",
                "at least 2 players"

                "a stage of nobody",
                changed (fun game -> { game with Stages = [ { Steps = 3; Players = [ "x" ] } ] }),
                "pairs/stage1",
                "players that have a turn"

                "modules without a word",
                changed (player "d" (fun d -> { d with Network = classifier })),
                "pairs/d/modules",
                "no `em`"
            ] do
            testCase $"check tells what is wrong: {name}"
            <| fun () ->
                match Check.experiment broken with
                | Ok _ -> failtest "expected a mistake"
                | Error found ->
                    let said = found |> List.map string |> List.filter (fun line -> line.StartsWith $"{place}:")
                    Expect.equal said.Length 1 $"one message at {place} of {found |> List.map string}"
                    Expect.stringContains said.Head part "what it says"
    ]
