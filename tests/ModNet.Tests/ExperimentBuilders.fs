module ModNet.Tests.ExperimentBuilders

open Expecto
open ModNet
open ModNet.Tests.DslExamples

[<Tests>]
let tests =
    testList "DSL builders of experiments" [
        testCase "an experiment says the paper's settings unless told otherwise"
        <| fun () ->
            let run =
                experiment {
                    net lm
                    data (text "ptb" { })
                    train (em { })
                }

            Expect.equal
                run
                {
                    Network = lm
                    Data =
                        Data.Text {
                            Path = "ptb"
                            Window = 35
                            Vocabulary = None
                        }
                    Method =
                        Method.Em {
                            Samples = 10
                            MSteps = 15
                            Batch = 128
                            EBatch = 128
                            Steps = 50_000
                            Optimizer = Adam 1e-3
                        }
                    Seed = 1
                    LogEvery = 10
                    ValidateEvery = 500
                    Out = None
                }
                "defaults"

        testCase "every setting of an experiment lands in its field"
        <| fun () ->
            let run =
                experiment {
                    train (
                        em {
                            samples 2
                            m_steps 3
                            batch 4
                            e_batch 5
                            steps 6
                            optimizer (Adam 0.7)
                        }
                    )

                    data (
                        toy_regression {
                            dimensions 3
                            points 8
                            held_out 9
                            separation 1.5
                            spread 0.25
                            seed_offset 11
                        }
                    )

                    net toy
                    seed 12
                    log_every 13
                    validate_every 14
                    out "runs/fifteen"
                }

            Expect.equal
                run
                {
                    Network = toy
                    Data =
                        Data.ToyRegression {
                            Dimensions = 3
                            Points = 8
                            HeldOut = 9
                            Separation = 1.5
                            Spread = 0.25
                            SeedOffset = 11
                        }
                    Method =
                        Method.Em {
                            Samples = 2
                            MSteps = 3
                            Batch = 4
                            EBatch = 5
                            Steps = 6
                            Optimizer = Adam 0.7
                        }
                    Seed = 12
                    LogEvery = 13
                    ValidateEvery = 14
                    Out = Some "runs/fifteen"
                }
                "all said"

        testCase "the E-batch follows the batch, wherever it is said"
        <| fun () ->
            let eBatch method =
                match method with
                | Method.Em em -> em.EBatch

            Expect.equal (eBatch (em { batch 7 })) 7 "as batch"

            let both =
                em {
                    e_batch 9
                    batch 7
                }

            Expect.equal (eBatch both) 9 "as said"

        testCase "text keeps its settings"
        <| fun () ->
            let data =
                text "book.txt" {
                    window 5
                    vocabulary 100
                }

            Expect.equal
                data
                (Data.Text {
                    Path = "book.txt"
                    Window = 5
                    Vocabulary = Some 100
                })
                "text"
    ]
