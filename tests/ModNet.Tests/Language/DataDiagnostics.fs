/// What `check` says of each kind of data, and of network and data together.
module ModNet.Tests.DataDiagnostics

open Expecto
open ModNet
open ModNet.Tests.ExperimentDiagnostics

let private classifier (inputs: int) (count: int) =
    network "net" {
        features inputs
        softmax count
    }

let private regression (inputs: int) (outputs: int) =
    network "net" {
        features inputs
        linear outputs
        gaussian (variance 1.0)
    }

let private digits =
    network "net" {
        image (1, 28, 28)
        flatten
        softmax 10
    }

let private on (source: Data) (mine: Network) =
    experiment {
        net mine
        data source
        train (em { batch 2 })
    }

let private sound name experiment = testCase name <| fun () -> Expect.isOk (Check.experiment experiment) name

let private table = csv "x.csv" { target "y" }

[<Tests>]
let files =
    testList "DSL diagnostics of data in files" [
        sound "numbers from a CSV file" (regression 4 1 |> on table)

        sound
            "classes from a CSV file"
            (classifier 2 3
             |> on (
                 csv "x.csv" {
                     target "y"
                     classes 3
                     features [ "a"; "b" ]
                 }
             ))

        sound "a blank path, left to --data" (digits |> on (mnist "" { }))

        experimentSays "no target" (regression 4 1 |> on (csv "x.csv" { classes 0 })) [
            "NO_TARGET"
            "NON_POSITIVE_SIZE"
            "HEAD_UNLIKE_DATA"
        ] [
            "net/data/target: expected the column to predict, got none – say `target \"COLUMN\"`, or `targets` with several"
            "net/data/classes: expected a number of classes ≥ 1, got 0 – give it a positive number"
            "net/data: expected data for the network's head `gaussian`, got a CSV file, which needs `softmax 0` – end the network with `softmax 0`, or take other data"
        ]

        experimentSays
            "classes of several columns, and columns said twice"
            (classifier 2 3
             |> on (
                 csv "x.csv" {
                     targets [ "y"; "z" ]
                     classes 3
                     features [ "y"; "a" ]
                     task "a"
                 }
             )) [ "NO_TARGET"; "COLUMN_TWICE"; "COLUMN_TWICE" ] [
                "net/data/classes: expected one target column of labels, got 2 columns – name one with `target`, or leave `classes` out"
                "net/data: expected every column to be one of target, feature and task, got `y` 2 times – name it once"
                "net/data: expected every column to be one of target, feature and task, got `a` 2 times – name it once"
            ]

        experimentSays
            "no features"
            (regression 4 1
             |> on (
                 csv "x.csv" {
                     target "y"
                     features []
                 }
             )) [ "NON_POSITIVE_SIZE"; "WIDTH_UNLIKE_DATA" ] [
                "net/data/features: expected at least one column, got none – name one, or leave `features` out to take all others"
                "net/features: expected width 0, the data's features, got width 4 – say `features 0`"
            ]

        experimentSays
            "shares that are none"
            (regression 4 1
             |> on (
                 csv "x.csv" {
                     target "y"
                     held_out -0.1
                     test 1.0
                 }
             )) [ "HELD_OUT_OUT_OF_RANGE"; "HELD_OUT_OUT_OF_RANGE" ] [
                "net/data/held_out: expected a share of the rows in [0, 1), got -0.1 – say 0.2 for a fifth"
                "net/data/test: expected a share of the rows in [0, 1), got 1 – say 0.2 for a fifth"
            ]

        experimentSays
            "shares that leave nothing"
            (regression 4 1
             |> on (
                 csv "x.csv" {
                     target "y"
                     held_out 0.5
                     test 0.5
                 }
             )) [ "HELD_OUT_OUT_OF_RANGE" ] [
                "net/data/test: expected shares whose sum is below 1, so that rows are left to train on, got 1 – hold fewer out"
            ]

        experimentSays
            "a CSV file's widths and classes"
            (classifier 4 2
             |> on (
                 csv "x.csv" {
                     target "y"
                     classes 3
                     features [ "a"; "b" ]
                 }
             )) [ "WIDTH_UNLIKE_DATA"; "CLASSES_UNLIKE_DATA" ] [
                "net/features: expected width 2, the data's features, got width 4 – say `features 2`"
                "net/softmax/classes: expected 3, the data's classes, got 2 – say `softmax 3`"
            ]

        experimentSays
            "a CSV file's targets, and the head's width"
            (regression 4 3 |> on (csv "x.csv" { targets [ "y"; "z" ] })) [ "WIDTH_UNLIKE_DATA" ] [
                "net/gaussian: expected width 2, the data's values, got width 3 – let the layer before `gaussian` give 2"
            ]

        experimentSays "numbers for a softmax" (classifier 4 2 |> on table) [ "HEAD_UNLIKE_DATA" ] [
            "net/data: expected data for the network's head `softmax`, got a CSV file, which needs `gaussian` or `bernoulli` – end the network with `gaussian` or `bernoulli`, or take other data"
        ]

        experimentSays "MNIST for a network of features" (classifier 784 9 |> on (mnist "d" { })) [
            "INPUT_UNLIKE_DATA"
            "CLASSES_UNLIKE_DATA"
        ] [
            "net/data: expected data for the network's input `features`, got MNIST, which needs `image (1, 28, 28)` – begin the network with `image (1, 28, 28)`, or take other data"
            "net/softmax/classes: expected 10, the data's classes, got 9 – say `softmax 10`"
        ]

        experimentSays "CIFAR-10 for a network of digits" (digits |> on (cifar10 "d" { held_out 50_000 })) [
            "HELD_OUT_OUT_OF_RANGE"
            "IMAGE_UNLIKE_DATA"
        ] [
            "net/data/held_out: expected fewer than 50,000, the number of datapoints, got 50000 – hold fewer out"
            "net/image: expected [3, 32, 32], the data's images, got [1, 28, 28] – say `image (3, 32, 32)`"
        ]

        experimentSays "fewer than none held out" (digits |> on (mnist "d" { held_out -1 })) [ "HELD_OUT_OUT_OF_RANGE" ] [
            "net/data/held_out: expected a number of datapoints ≥ 0, got -1 – hold none or more out"
        ]
    ]

let private square = array2D [ [ 0.0f; 0.0f ]; [ 0.0f; 1.0f ]; [ 1.0f; 0.0f ]; [ 1.0f; 1.0f ] ]

[<Tests>]
let arrays =
    testList "DSL diagnostics of arrays and generators" [
        sound
            "arrays"
            (classifier 2 2
             |> on (
                 in_memory "xor" {
                     inputs square
                     classes 2 [| 0; 1; 1; 0 |]
                     held_out 1
                     test 1
                 }
             ))

        experimentSays
            "arrays that disagree"
            (classifier 2 2
             |> on (
                 in_memory "xor" {
                     inputs square
                     classes 2 [| 0; 1; 2 |]
                     tasks 2 [| 0; 1; -1; 0; 1 |]
                     given (array2D [ [ 0; 1 ] ])
                 }
             )) [ "ARRAYS_DISAGREE"; "ARRAYS_DISAGREE"; "ARRAYS_DISAGREE"; "ARRAYS_DISAGREE"; "ARRAYS_DISAGREE" ] [
                "net/data/classes: expected 4 classes, one for each of the inputs, got 3 – make them as many"
                "net/data/classes: expected classes from 0 to 1, got 2 at datapoint 3 – mend it"
                "net/data/tasks: expected 4 task ids, one for each of the inputs, got 5 – make them as many"
                "net/data/tasks: expected task ids from 0 to 1, got -1 at datapoint 3 – mend it"
                "net/data/given: expected 4 rows of choices, one for each of the inputs, got 1 – make them as many"
            ]

        experimentSays
            "arrays all of which are held out"
            (regression 2 1
             |> on (
                 in_memory "line" {
                     inputs square
                     values (array2D [ [ 1.0f ]; [ 1.0f ]; [ 1.0f ]; [ 1.0f ] ])
                     held_out 3
                     test 1
                 }
             )) [ "HELD_OUT_OUT_OF_RANGE" ] [
                "net/data/held_out: expected fewer than 4, the number of datapoints, got 4 – hold fewer out"
            ]

        experimentSays
            "no arrays"
            (regression 2 1
             |> on (
                 in_memory "a/b" {
                     inputs (Array2D.zeroCreate<float32> 0 2)
                     values (Array2D.zeroCreate<float32> 0 1)
                     held_out -1
                 }
             )) [ "BAD_NAME"; "NON_POSITIVE_SIZE"; "HELD_OUT_OUT_OF_RANGE" ] [
                "net/data/name: expected a data name that is not blank and has no `/`, got `a/b` – rename it"
                "net/data/inputs: expected a number of datapoints ≥ 1, got 0 – give it a positive number"
                "net/data/held_out: expected a number of datapoints ≥ 0, got -1 – hold none or more out"
            ]

        experimentSays
            "arrays of another process"
            (classifier 2 2
             |> on (
                 Data.InMemory {
                     Name = "elsewhere"
                     Input = Shape.Vector 2
                     Target = Target.Classes 2
                     Tasks = None
                     Given = None
                     Points = 4
                     HeldOut = 0
                     Test = 0
                     SplitSeed = 1
                     Checksum = "00"
                     Arrays = Carried.none
                 }
             )) [ "DATA_UNKNOWN" ] [
                "net/data: expected the arrays of `elsewhere`, got none, since JSON does not hold them – take them from the script's own experiment, by `Experiment.with_code_of`"
            ]

        experimentSays
            "a batch above what is left to train on"
            {
                (classifier 2 2
                 |> on (
                     in_memory "xor" {
                         inputs square
                         classes 2 [| 0; 1; 1; 0 |]
                         held_out 1
                         test 1
                     }
                 )) with
                    Method = em { batch 3 }
            } [ "BATCH_ABOVE_DATA" ] [
                "net/train/batch: expected at most 2, the data's points, got 3 – make the batch smaller"
            ]

        experimentSays
            "a generator's settings"
            (regression 2 1
             |> on (
                 generated "g" {
                     features 0
                     values 0
                     points 0
                     held_out -1
                     test -2
                     draw (fun _ -> Datapoint.valued [||] [||])
                 }
             )) [
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "HELD_OUT_OUT_OF_RANGE"
                "HELD_OUT_OUT_OF_RANGE"
                "WIDTH_UNLIKE_DATA"
            ] [
                "net/data/features: expected a number of features ≥ 1, got 0 – give it a positive number"
                "net/data/values: expected a number of values ≥ 1, got 0 – give it a positive number"
                "net/data/points: expected a number of points ≥ 1, got 0 – give it a positive number"
                "net/data/held_out: expected a number of datapoints ≥ 0, got -1 – hold none or more out"
                "net/data/test: expected a number of datapoints ≥ 0, got -2 – hold none or more out"
                "net/features: expected width 0, the data's features, got width 2 – say `features 0`"
            ]

        experimentSays
            "a generator of another process, of images"
            (digits
             |> on (
                 Data.Generated {
                     Name = "elsewhere"
                     Input = Shape.Image(0, 28, 28)
                     Target = Target.Classes 10
                     Tasks = None
                     Given = None
                     Points = 4
                     HeldOut = 0
                     Test = 0
                     SeedOffset = 0
                     Draw = Carried.none
                 }
             )) [ "NON_POSITIVE_SIZE"; "DATA_UNKNOWN"; "IMAGE_UNLIKE_DATA" ] [
                "net/data/image: expected an image's size ≥ 1, got 0 – give it a positive number"
                "net/data: expected the datapoints of `elsewhere`, got none, since JSON does not hold them – take them from the script's own experiment, by `Experiment.with_code_of`"
                "net/image: expected [0, 28, 28], the data's images, got [1, 28, 28] – say `image (0, 28, 28)`"
            ]

        experimentSays
            "data of a shape that none has"
            (regression 2 1
             |> on (
                 Data.Generated {
                     Name = "g"
                     Input = Shape.Sequence 2
                     Target = Target.Values 1
                     Tasks = None
                     Given = None
                     Points = 4
                     HeldOut = 0
                     Test = 0
                     SeedOffset = 0
                     Draw = Carried.some (fun _ -> Datapoint.valued [||] [||])
                 }
             )) [ "INPUT_UNLIKE_DATA" ] [
                "net/data: expected vectors [n] or images [C, H, W], got [T, 2] – give it x of one of these shapes"
            ]
    ]

let private tasked (count: int) =
    network "net" {
        features 2
        tasks count

        modular {
            modules 2
            unit (linear 2)
            controller Task
        }

        softmax 2
    }

let private chosen =
    network "net" {
        features 2

        modular {
            modules 3
            unit (linear 2)
            choose 2
            controller Given
        }

        repeat 2 {
            modular {
                modules 2
                unit (linear 2)
                controller Given
            }
        }

        softmax 2
    }

let private beside (tasks': int option) (choices: int option) =
    generated "beside" {
        features 2
        classes 2
        draw (fun _ -> Datapoint.labelled [| 0.0f; 0.0f |] 0)
    }
    |> function
        | Data.Generated data -> Data.Generated { data with Tasks = tasks'; Given = choices }
        | other -> other

[<Tests>]
let sides =
    testList "DSL diagnostics of side inputs" [
        sound "task ids from a generator" (tasked 3 |> on (beside (Some 3) None))

        sound
            "task ids from a CSV file, as many as there will be"
            (tasked 3
             |> on (
                 csv "x.csv" {
                     target "y"
                     classes 2
                     task "t"
                 }
             ))

        sound "task ids that nobody reads" (classifier 2 2 |> on (beside (Some 3) None))
        sound "given choices, in rounds too" (chosen |> on (beside None (Some 4)))

        experimentSays
            "no task ids"
            (tasked 3
             |> on (
                 csv "x.csv" {
                     target "y"
                     classes 2
                 }
             )) [ "NO_TASK_IDS" ] [
                "net/tasks: expected data with task ids below 3, got data without – give the data task ids (`task` of `csv`, `tasks` of `in_memory` and `generated`), or leave `tasks` out"
            ]

        experimentSays "other task ids" (tasked 3 |> on (beside (Some 4) None)) [ "TASKS_UNLIKE_DATA" ] [
            "net/tasks: expected 4, the data's task ids, got 3 – say `tasks 4`"
        ]

        experimentSays "task ids that are none" (classifier 2 2 |> on (beside (Some 0) None)) [ "NON_POSITIVE_SIZE" ] [
            "net/data/tasks: expected a number of task ids ≥ 1, got 0 – give it a positive number"
        ]

        experimentSays "no given choices" (chosen |> on (beside None None)) [ "NO_GIVEN_CHOICES" ] [
            "net/modular1/controller: expected data that bring choices along, for `Given`, got data without – give the data choices (`given` of `in_memory` and `generated`), or take another controller"
        ]

        experimentSays "other given choices" (chosen |> on (beside None (Some 3))) [ "GIVEN_UNLIKE_DATA" ] [
            "net/data/given: expected 4 choices per datapoint, K of every layer whose controller is `Given`, got 3 – bring as many along"
        ]
    ]
