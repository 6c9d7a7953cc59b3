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
                            controller_weight 0.25
                            start Sweep
                            held Among
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

        testCase "text keeps its settings"
        <| fun () ->
            let data =
                text "book.txt" {
                    window 5
                    vocabulary 100
                    carry_state true
                    characters true
                }

            Expect.equal
                data
                (Data.Text {
                    Path = "book.txt"
                    Window = 5
                    Vocabulary = Some 100
                    CarryState = true
                    Characters = true
                })
                "text"

        testCase "a CSV file keeps its settings"
        <| fun () ->
            let standard: CsvData = {
                Path = "x.csv"
                Targets = [ "y" ]
                Classes = None
                Features = None
                Categorical = []
                Coded = []
                Dates = []
                Missing = None
                UnseenLevels = None
                Task = None
                Weight = None
                Header = true
                Separator = Comma
                Standardise = false
                HeldOut = 0.2
                Test = 0.2
                SplitSeed = 1
            }

            Expect.equal (csv "x.csv" { target "y" }) (Data.Csv standard) "defaults"

            let said =
                csv "x.csv" {
                    targets [ "y"; "z" ]
                    classes 3
                    features [ "a"; "b"; "c"; "d" ]
                    categorical [ "a" ]
                    coded [ "b" ]
                    dates [ "c" ]
                    missing Drop
                    unseen_levels Zeros
                    task "t"
                    weight "w"
                    header false
                    separator Semicolon
                    standardise true
                    held_out 0.1
                    test 0.3
                    split_seed 9
                }

            Expect.equal
                said
                (Data.Csv {
                    Path = "x.csv"
                    Targets = [ "y"; "z" ]
                    Classes = Some 3
                    Features = Some [ "a"; "b"; "c"; "d" ]
                    Categorical = [ "a" ]
                    Coded = [ "b" ]
                    Dates = [ "c" ]
                    Missing = Some Drop
                    UnseenLevels = Some Zeros
                    Task = Some "t"
                    Weight = Some "w"
                    Header = false
                    Separator = Semicolon
                    Standardise = true
                    HeldOut = 0.1
                    Test = 0.3
                    SplitSeed = 9
                })
                "all said"

        testCase "sets of images keep their settings"
        <| fun () ->
            let standard: ImageData = { Path = "d"; HeldOut = 5_000; Standardise = false; SplitSeed = 1 }

            Expect.equal (mnist "d" { }) (Data.Mnist standard) "defaults"
            Expect.equal (cifar10 "d" { }) (Data.Cifar10 standard) "defaults"

            let said =
                cifar10 "d" {
                    held_out 7
                    standardise true
                    split_seed 3
                }

            Expect.equal said (Data.Cifar10 { Path = "d"; HeldOut = 7; Standardise = true; SplitSeed = 3 }) "all said"

        testCase "arrays in memory are a name, shapes, counts and a checksum"
        <| fun () ->
            let weighing (last: float32) (weight: float32) =
                in_memory "xor" {
                    inputs (array2D [ [ 0.0f; 0.0f ]; [ 0.0f; 1.0f ]; [ 1.0f; 0.0f ]; [ 1.0f; last ] ])
                    classes 2 [| 0; 1; 1; 0 |]
                    tasks 3 [| 0; 1; 2; 0 |]
                    given (array2D [ [ 0 ]; [ 1 ]; [ 1 ]; [ 0 ] ])
                    weights [| 1.0f; 1.0f; 1.0f; weight |]
                    held_out 1
                    test 2
                    split_seed 5
                }

            let xor (last: float32) = weighing last 2.0f

            match xor 1.0f with
            | Data.InMemory data ->
                Expect.equal
                    data
                    {
                        Name = "xor"
                        Input = Shape.Vector 2
                        Steps = 1
                        Target = Target.Classes 2
                        EachStep = false
                        Tasks = Some 3
                        Given = Some 1
                        Weighted = true
                        Points = 4
                        HeldOut = 1
                        Test = 2
                        SplitSeed = 5
                        Checksum = data.Checksum
                        Arrays = Carried.none
                    }
                    "all said"
            | other -> failtest $"%A{other}"

            Expect.equal (xor 1.0f) (xor 1.0f) "equal arrays are equal data"
            Expect.notEqual (xor 1.0f) (xor 0.5f) "other arrays are others"
            Expect.notEqual (weighing 1.0f 2.0f) (weighing 1.0f 3.0f) "other weights are others"

        testCase "images and tensors are arrays too"
        <| fun () ->
            let shape data =
                match data with
                | Data.InMemory data -> data.Input, data.Target, data.Points
                | other -> failtest $"%A{other}"

            let images =
                in_memory "images" {
                    inputs (Array4D.create 5 3 4 6 0.5f)
                    values (array2D [ for i in 1..5 -> [ float32 i; 0.0f ] ])
                }

            Expect.equal (shape images) (Shape.Image(3, 4, 6), Target.Values 2, 5) "images"

            scoped
            <| fun () ->
                let tensors =
                    in_memory "images" {
                        inputs (TorchSharp.torch.full ([| 5L; 3L; 4L; 6L |], TorchSharp.Scalar.op_Implicit 0.5))
                        values (TorchSharp.torch.tensor (array2D [ for i in 1..5 -> [ float32 i; 0.0f ] ]))
                    }

                Expect.equal tensors images "the same values, the same data"

        testCase "generated data keep their settings"
        <| fun () ->
            let said =
                generated "g" {
                    image (1, 2, 3)
                    values 4
                    tasks 5
                    given 6
                    points 7
                    held_out 8
                    test 9
                    seed_offset 10
                    draw (fun _ -> Datapoint.valued [||] [||])
                }

            Expect.equal
                said
                (Data.Generated {
                    Name = "g"
                    Input = Shape.Image(1, 2, 3)
                    Target = Target.Values 4
                    Tasks = Some 5
                    Given = Some 6
                    Points = 7
                    HeldOut = 8
                    Test = 9
                    SeedOffset = 10
                    Draw = Carried.none
                })
                "all said"

            let standard =
                generated "g" {
                    features 2
                    classes 3
                    draw (fun _ -> Datapoint.labelled [||] 0)
                }

            Expect.equal
                standard
                (Data.Generated {
                    Name = "g"
                    Input = Shape.Vector 2
                    Target = Target.Classes 3
                    Tasks = None
                    Given = None
                    Points = 1024
                    HeldOut = 1024
                    Test = 0
                    SeedOffset = 0
                    Draw = Carried.none
                })
                "defaults"
    ]
