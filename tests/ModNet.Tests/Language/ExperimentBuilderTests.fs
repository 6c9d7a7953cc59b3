module ModNet.Tests.ExperimentBuilderTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

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
                            CarryState = false
                            Characters = false
                        }
                    Method =
                        Method.Em {
                            Samples = 10
                            MSteps = 15
                            EBatch = 128
                            ControllerWeight = 1.0
                            Start = AtRandom
                            Held = Beside
                            Assign = PerDatapoint
                            Gradient = {
                                Batch = 128
                                Steps = 50_000
                                Optimizer = Adam 1e-3
                                Unselected = Drift
                                Schedule = Constant
                                ClipNorm = None
                                EarlyStopping = None
                                Epochs = None
                                LabelSmoothing = 0.0
                                AverageWeights = None
                                Shards = None
                                LooseRounds = None
                                Precision = Float32Products
                            }
                        }
                    Seed = 1
                    Device = Cpu
                    LogEvery = 10
                    ValidateEvery = 500
                    CheckpointEvery = None
                    KeepCheckpoints = 2
                    KeepBest = true
                    Tracing = { Every = None; Rows = 128; AtEnd = 10_000 }
                    Frozen = []
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
                            optimizer (AdamW(0.7, 0.2))
                            unselected Rest
                            schedule (Warmup(3, Decay(2, 0.5)))
                            clip_norm 0.75
                            early_stopping 21
                            label_smoothing 0.125
                            average_weights 0.875
                            shards 4
                            loose_rounds 50
                            precision Bfloat16Products
                            controller_weight 0.25
                            start Sweep
                            held Among
                            assign PerTask
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
                    checkpoint_every 16
                    keep_checkpoints 20
                    keep_best false
                    trace_every 17
                    trace_rows 18
                    trace_at_end 19
                    device (Cuda 2)
                    frozen [ "linear1" ]
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
                            EBatch = 5
                            ControllerWeight = 0.25
                            Start = Sweep
                            Held = Among
                            Assign = PerTask
                            Gradient = {
                                Batch = 4
                                Steps = 6
                                Optimizer = AdamW(0.7, 0.2)
                                Unselected = Rest
                                Schedule = Warmup(3, Decay(2, 0.5))
                                ClipNorm = Some 0.75
                                EarlyStopping = Some 21
                                Epochs = None
                                LabelSmoothing = 0.125
                                AverageWeights = Some 0.875
                                Shards = Some 4
                                LooseRounds = Some 50
                                Precision = Bfloat16Products
                            }
                        }
                    Seed = 12
                    Device = Cuda 2
                    LogEvery = 13
                    ValidateEvery = 14
                    CheckpointEvery = Some 16
                    KeepCheckpoints = 20
                    KeepBest = false
                    Tracing = { Every = Some 17; Rows = 18; AtEnd = 19 }
                    Frozen = [ "linear1" ]
                    Out = Some "runs/fifteen"
                }
                "all said"

        testCase "the E-batch follows the batch, wherever it is said"
        <| fun () ->
            let eBatch method =
                match method with
                | Method.Em em -> em.EBatch
                | other -> failtest $"{other}"

            Expect.equal (eBatch (em { batch 7 })) 7 "as batch"

            let both =
                em {
                    e_batch 9
                    batch 7
                }

            Expect.equal (eBatch both) 9 "as said"
    ]
