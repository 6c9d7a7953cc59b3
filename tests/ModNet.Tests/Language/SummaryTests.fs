module ModNet.Tests.SummaryTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private summaryOf network = Expect.wantOk (check network) network.Name

let private lines (text: string) = text.Split '\n' |> List.ofArray

[<Tests>]
let tests =
    testList "DSL summary" [
        // Embedding: 10,000·32. Controller: [8 + 32] → 15 with bias, 615, of 600 products. Pool: 15·(40·8 + 8) = 4,920, of
        // which one is 328, of 320 products. Gates z and r: [40] → [16] with bias, 656, of 640 products.
        // Head: [8] → 10,000 with bias.
        testCase "of the language model"
        <| fun () ->
            Expect.equal
                (string (summaryOf lm) |> lines)
                [
                    "ptb-em-15-1"
                    "layer         kind         output       M  K  pool   parameters  active per step  multiply-adds per step"
                    "tokens        tokens       [T]                                0                0                       0"
                    "embed1        embed        [T, 32]                      320,000               32                       0"
                    "modular_gru1  modular_gru  [T, 8]      15  1  words       6,191            1,599                   1,560"
                    "softmax       softmax      [T, 10000]                    90,000           90,000                  80,000"
                    "total                                                   416,191           91,631                  81,560"
                ]
                "table"

        // Controller: [2] → 2 with bias, 6, of 4 products. Pool: 2·(2·2), of which one is 4.
        testCase "of the toy"
        <| fun () ->
            Expect.equal
                (string (summaryOf toy) |> lines)
                [
                    "toy"
                    "layer     kind      output  M  K  pool  parameters  active per datapoint  multiply-adds per datapoint"
                    "features  features  [2]                          0                     0                            0"
                    "modular1  modular   [2]     2  1                14                    10                            8"
                    "gaussian  gaussian  [2]                          0                     0                            0"
                    "total                                           14                    10                            8"
                ]
                "table"

        // conv1: 3·3²·8 + 8, at 32² places. The filters: 8·3²·8 + 8 = 584 each, of 576 products a place; two of ten run.
        // modular1, where they are counted: a controller of 8·3²·4 + 4 = 292, of 288 products at 32² places, then [4] → 20
        // with bias. residual1/modular1: a controller [8·32·32] → 20 with bias. modular2: [8·8·8] → 20 with bias, at 8² places.
        // modular3: units 512·16 + 16 = 8,208 and 512·32 + 32 + 32·16 + 16 = 16,944, of which the larger counts twice, of
        // 16,896 products; controller 512·8 + 8 + 8·4 + 4.
        testCase "of a classifier of images with a shared pool"
        <| fun () ->
            Expect.equal
                (string (summaryOf (cifar 2)) |> lines)
                [
                    "cifar-2"
                    "layer                  kind        output        M  K  pool     parameters  active per datapoint  multiply-adds per datapoint"
                    "image                  image       [3, 32, 32]                           0                     0                            0"
                    "conv1                  conv        [8, 32, 32]                         224                   224                      221,184"
                    "modular1               modular     [8, 32, 32]  10  2  filters       6,232                 1,560                    1,474,640"
                    "residual1              residual    [8, 32, 32]                           0                     0                            0"
                    "residual1/modular1     modular     [8, 32, 32]  10  2  filters     163,860               165,028                    1,343,488"
                    "residual1/batch_norm1  batch_norm  [8, 32, 32]                          16                    16                            0"
                    "max_pool1              max_pool    [8, 8, 8]                             0                     0                            0"
                    "modular2               modular     [8, 8, 8]    10  2  filters      10,260                11,428                       83,968"
                    "flatten1               flatten     [512]                                 0                     0                            0"
                    "modular3               modular     [32]          2  2               29,292                38,028                       37,920"
                    "softmax                softmax     [10]                                330                   330                          320"
                    "total                                                              210,214               216,614                    3,161,520"
                ]
                "table"

        // custom1: its 8 weights. modular1: a controller [8 + 3] → 8 with bias, 96, of 88 products; four times the 8 weights, of
        // which two run. Each round: 8·8. In the concatenation: 2·8; three units [8] → 2 with bias, 18, of which two run, and
        // no controller. The head: one variance.
        testCase "of custom modules, task ids, given choices, blocks and branches"
        <| fun () ->
            let summary =
                summaryOf (
                    network "mixed" {
                        features 8
                        tasks 3
                        scale

                        modular {
                            modules 4
                            unit scale
                            choose 2
                            controller Task
                        }

                        block "stem" { repeat 2 { residual { linear 8 |> no_bias } } }

                        concat_of {
                            layer_norm
                            chain { }

                            modular {
                                modules 3
                                unit (linear 2)
                                choose 2
                                controller Given
                            }
                        }

                        gaussian (learned_variance 1.0)
                    }
                )

            Expect.equal
                (string summary |> lines)
                [
                    "mixed"
                    "layer                             kind        output  M  K  pool  parameters  active per datapoint  multiply-adds per datapoint"
                    "features                          features    [8]                          0                     0                            0"
                    "tasks                             tasks       [8]                          0                     0                            0"
                    "custom1                           custom      [8]                          8                     8                            8"
                    "modular1                          modular     [8]     4  2               128                   112                          104"
                    "stem                              block       [8]                          0                     0                            0"
                    "stem/repeat1                      repeat      [8]                          0                     0                            0"
                    "stem/repeat1/1/residual1          residual    [8]                          0                     0                            0"
                    "stem/repeat1/1/residual1/linear1  linear      [8]                         64                    64                           64"
                    "stem/repeat1/2/residual1          residual    [8]                          0                     0                            0"
                    "stem/repeat1/2/residual1/linear1  linear      [8]                         64                    64                           64"
                    "concat_of1                        concat_of   [18]                         0                     0                            0"
                    "concat_of1/1/layer_norm1          layer_norm  [8]                         16                    16                            0"
                    "concat_of1/3/modular1             modular     [2]     3  2                54                    36                           32"
                    "gaussian                          gaussian    [18]                         1                     1                            0"
                    "total                                                                    335                   301                          272"
                ]
                "table"

        // The GRU: [3 + 4] → 12 with bias. The controller is the custom module alone; three units [4] → 4 with bias, one of which runs.
        testCase "of a GRU and a custom controller at every step"
        <| fun () ->
            let chooser =
                custom "chooser" {
                    reads (Shape.Vector 4)
                    gives (Shape.Vector 3)
                    parameters 15L
                    multiply_adds 12L
                    from_module (fun () -> TorchSharp.torch.nn.Linear(4L, 3L))
                }

            Expect.equal
                (string (
                    summaryOf (
                        network "steps" {
                            tokens 9
                            embed 3
                            gru 4

                            modular {
                                modules 3
                                unit (linear 4)
                                controller (Custom chooser)
                            }

                            softmax 2
                        }
                    )
                 )
                 |> lines)
                [
                    "steps"
                    "layer     kind     output  M  K  pool  parameters  active per step  multiply-adds per step"
                    "tokens    tokens   [T]                          0                0                       0"
                    "embed1    embed    [T, 3]                      27                3                       0"
                    "gru1      gru      [T, 4]                      96               96                      84"
                    "modular1  modular  [T, 4]  3  1                75               35                      28"
                    "softmax   softmax  [T, 2]                      10               10                       8"
                    "total                                         208              144                     120"
                ]
                "table"

        testCase "a shared pool's parameters are counted once, its active ones wherever it is used"
        <| fun () ->
            let shared =
                pool "shared" {
                    modules 5
                    unit (linear 4)
                }

            let summary =
                summaryOf (
                    network "n" {
                        features 4

                        modular {
                            from shared
                            choose 2
                        }

                        modular {
                            from shared
                            choose 2
                        }

                        gaussian (learned_variance 1.0)
                    }
                )

            let controller, one = 2 * 5 * (4 + 1), 4 * 4 + 4

            Expect.equal
                [ for row in summary.Rows -> int row.Cost.Parameters, int row.Cost.Active ]
                [ 0, 0; controller + 5 * one, controller + 2 * one; controller, controller + 2 * one; 1, 1 ]
                "rows"

        testCase "concatenation is K units wide, sum is one"
        <| fun () ->
            let outputs combination =
                let summary =
                    summaryOf (
                        network "n" {
                            features 3

                            modular {
                                modules 4
                                unit (linear 5)
                                choose 3
                                combine combination
                            }

                            bernoulli
                        }
                    )

                [ for row in summary.Rows -> row.Output ]

            let vectors widths = List.map Shape.Vector widths
            Expect.equal (outputs Concat) (vectors [ 3; 15; 15 ]) "concatenation"
            Expect.equal (outputs Sum) (vectors [ 3; 5; 5 ]) "sum"

        testCase "convolutions and pooling round down"
        <| fun () ->
            let outputs = [
                for row in
                    (summaryOf (
                        network "n" {
                            image (3, 32, 17)
                            conv 4 5
                            conv 5 3 |> same |> stride 2
                            max_pool 3
                            avg_pool 2
                            flatten
                            bernoulli
                        }
                    ))
                        .Rows -> string row.Output
            ]

            Expect.equal
                outputs
                [ "[3, 32, 17]"; "[4, 28, 13]"; "[5, 14, 7]"; "[5, 4, 2]"; "[5, 2, 1]"; "[10]"; "[10]" ]
                "shapes"

        testCase "images are concatenated in channels"
        <| fun () ->
            let outputs = [
                for row in
                    (summaryOf (
                        network "n" {
                            image (3, 8, 8)

                            concat_of {
                                chain { }
                                conv 4 3 |> same
                            }

                            modular {
                                modules 5
                                unit (conv 2 3)
                                choose 3
                                combine Concat
                            }

                            flatten
                            bernoulli
                        }
                    ))
                        .Rows -> row.Name, string row.Output
            ]

            Expect.equal (dict outputs).["concat_of1"] "[7, 8, 8]" "branches"
            Expect.equal (dict outputs).["modular1"] "[6, 6, 6]" "units"

        testCase "a linear layer acts on a vector, or on every step"
        <| fun () ->
            let outputs network = [ for row in (summaryOf network).Rows -> row.Output ]

            Expect.equal
                (outputs (
                    network "n" {
                        tokens 9
                        embed 3
                        linear 4 |> no_bias
                        activation Relu
                        softmax 9
                    }
                ))
                [ Shape.Tokens 9; Shape.Sequence 3; Shape.Sequence 4; Shape.Sequence 4; Shape.Sequence 9 ]
                "sequence"

            Expect.equal
                (outputs (
                    network "n" {
                        features 3
                        linear 4
                        softmax 9
                    }
                ))
                [ Shape.Vector 3; Shape.Vector 4; Shape.Vector 9 ]
                "vector"

        testCase "names count by kind; inputs and heads have none to count"
        <| fun () ->
            let summary =
                summaryOf (
                    network "n" {
                        features 3
                        linear 4
                        activation Tanh
                        linear 4
                        activation Relu
                        activation Tanh
                        softmax 2
                    }
                )

            Expect.equal
                [ for row in summary.Rows -> row.Name ]
                [ "features"; "linear1"; "tanh1"; "linear2"; "relu1"; "tanh2"; "softmax" ]
                "names"

        testCase "the plan names every pool once and knows its signature"
        <| fun () ->
            let plan =
                Expect.wantOk
                    (Check.plan (
                        network "n" {
                            tokens 9
                            embed 3

                            modular_gru {
                                hidden 8
                                from words
                            }

                            linear 3

                            modular_gru {
                                hidden 8
                                from words
                            }

                            modular_gru {
                                hidden 4
                                modules 2
                                unit (linear 4)
                            }

                            softmax 9
                        }
                    ))
                    "plan"

            Expect.equal
                [ for pool in plan.Pools -> pool.Name, pool.Pool.Modules, string pool.Input, string pool.Output ]
                [ "words", 15, "[11]", "[8]"; "modular_gru3/pool", 2, "[12]", "[4]" ]
                "pools"
    ]
