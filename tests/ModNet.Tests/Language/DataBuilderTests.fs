/// Blocks that say where data come from.
module ModNet.Tests.DataBuilderTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

[<Tests>]
let tests =
    testList "DSL builders of experiments" [
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
            let standard: ImageData = {
                Path = "d"
                HeldOut = 5_000
                Standardise = false
                SplitSeed = 1
                Only = []
                Renumber = false
                Permuted = None
                OneVsRest = None
                Reconstruct = false
            }

            Expect.equal (mnist "d" { }) (Data.Mnist standard) "defaults"
            Expect.equal (cifar10 "d" { }) (Data.Cifar10 standard) "defaults"

            let said =
                cifar10 "d" {
                    held_out 7
                    standardise true
                    split_seed 3
                    only [ 4; 2 ]
                    renumber true
                    permuted 9
                    reconstruct true
                }

            Expect.equal
                said
                (Data.Cifar10 {
                    Path = "d"
                    HeldOut = 7
                    Standardise = true
                    SplitSeed = 3
                    Only = [ 4; 2 ]
                    Renumber = true
                    Permuted = Some 9
                    OneVsRest = None
                    Reconstruct = true
                })
                "all said"

            Expect.equal
                (mnist "d" { one_vs_rest 3 })
                (Data.Mnist { standard with OneVsRest = Some 3 })
                "one against the rest"

        testCase "a stream keeps its tasks and settings"
        <| fun () ->
            let digits = mnist "d" { }

            let said =
                stream {
                    task "a" digits
                    tasks [ for name in [ "b"; "c" ] -> name, digits ]
                    steps_of "b" 7
                    replay (Replay.ByModule 5)
                    memory 9
                    plasticity 0.25
                    consolidation 10.0
                    fisher 50

                    grow (
                        growth "words" {
                            start 2
                            add 3
                            every 50
                            above 0.5
                            datapoints 70
                        }
                    )
                }

            Expect.equal
                said
                (Data.Stream {
                    Tasks = [ for name in [ "a"; "b"; "c" ] -> { Name = name; Data = digits } ]
                    Together = false
                    Steps = [ "b", 7 ]
                    Replay = Some(Replay.ByModule 5)
                    Memory = Some 9
                    Plasticity = Some 0.25
                    Consolidation = Some 10.0
                    Fisher = Some 50
                    Growth = Some { Pool = "words"; Start = 2; Add = 3; Every = 50; Above = 0.5; Datapoints = 70 }
                })
                "all said"

            Expect.equal
                (stream { together })
                (Data.Stream {
                    Tasks = []
                    Together = true
                    Steps = []
                    Replay = None
                    Memory = None
                    Plasticity = None
                    Consolidation = None
                    Fisher = None
                    Growth = None
                })
                "defaults"

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
