module ModNet.Tests.DslSummary

open Expecto
open ModNet
open ModNet.Tests.DslExamples

let private summaryOf network =
    Expect.wantOk (check network) network.Name

let private lines (text: string) = text.Split '\n' |> List.ofArray

[<Tests>]
let tests =
    testList "DSL summary" [
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
                [
                    0, 0
                    controller + 5 * one, controller + 2 * one
                    controller, controller + 2 * one
                    1, 1
                ]
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
                [
                    Shape.Tokens 9
                    Shape.Sequence 3
                    Shape.Sequence 4
                    Shape.Sequence 4
                    Shape.Sequence 9
                ]
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
                [ for pool in plan.Pools -> pool.Name, pool.Modules, pool.Input, pool.Output ]
                [ "words", 15, 11, 8; "modular_gru3/pool", 2, 12, 4 ]
                "pools"
    ]
