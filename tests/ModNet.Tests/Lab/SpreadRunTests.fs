/// A run of a network whose modules are spread, opened again, and its spec as JSON.
module ModNet.Tests.SpreadRunTests

open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open ModNet.Tests.Running

let private spread =
    toy
    |> LayerTree.modulars (fun modular -> { modular with Pool = { modular.Pool with Spread = true }; Dispatch = Auto })

[<Tests>]
let tests =
    testList "spread runs" [
        testCase "a pool that is spread is written as JSON and read back, and one that is not is written as before"
        <| fun () ->
            Expect.equal (Network.of_json (Network.to_json spread)) (Ok spread) "read back"
            Expect.stringContains (Network.to_json spread) "\"spread\": true" "said"
            Expect.isFalse ((Network.to_json toy).Contains "spread") "not said"

        testInDirectory "a run whose modules are spread is opened as any other, and evaluates as it did"
        <| fun directory ->
            let run =
                experiment {
                    net spread

                    data (
                        toy_regression {
                            points 128
                            held_out 64
                        }
                    )

                    train (
                        em {
                            batch 32
                            steps 40
                            optimizer (Adam 0.02)
                            unselected Rest
                        }
                    )

                    out (Path.Combine(directory, "run"))
                }

            let outcome = quietly (fun () -> scoped <| fun () -> train Settings.none run)
            let folder = run.Out.Value
            use trained = Trained.load folder
            Expect.isTrue (trained.Graph.Pools[0] :? LinearPool) "all modules are here"

            Trained.within folder (fun again ->
                let test = again.Source.Splits.Test

                let found =
                    scoped (fun () ->
                        Evaluation.Of(again.Graph, test, 64L, again.Device, again.Evaluating).LogLikelihood)

                let seen = outcome.Final["test"].[Metric.LogLikelihood].Value
                Expect.isLessThan (abs (found - seen)) (1e-5 * (1.0 + abs seen)) "evaluated")

        testCase "loose rounds are refused beside modules that are spread"
        <| fun () ->
            let run =
                experiment {
                    net spread
                    data (toy_regression { points 128 })

                    train (
                        static_modules {
                            shards 2
                            loose_rounds 5
                        }
                    )
                }

            let diagnostics = Expect.wantError (Check.experiment run) "refused"

            Expect.equal
                [ for diagnostic in diagnostics -> string diagnostic ]
                [
                    $"{spread.Name}/train/loose_rounds: expected no modules that are `spread`, since each has its weights on one rank alone, got those of pool `modular1/pool` – leave `loose_rounds` out, or `spread`"
                ]
                "the message"
    ]
