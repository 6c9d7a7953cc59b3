/// Sizes near the largest integer, and more layers than anybody means.
module ModNet.Tests.DslDiagnosticsOfLimits

open System
open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let private most = Int32.MaxValue

/// 2⁶⁴ values in all, which a product of 64 bits would take for none.
let private wrapping = 1 <<< 22, 1 <<< 21, 1 <<< 21

let rec private nested depth (inner: Layer) = if depth = 0 then inner else nested (depth - 1) (residual { inner })

let cases = [
    says
        "an image larger than a tensor"
        (network "net" {
            image (most, most, most)
            flatten
            bernoulli
        })
        [
            "TOO_LARGE net/image: expected a number of values ≤ 2,147,483,647, got 9,223,372,036,854,775,807 or more – make it smaller"
        ]

    says
        "an image of 2^64 values"
        (network "net" {
            image wrapping
            flatten
            bernoulli
        })
        [
            "TOO_LARGE net/image: expected a number of values ≤ 2,147,483,647, got 9,223,372,036,854,775,807 or more – make it smaller"
        ]

    says
        "a convolution that gives more than a tensor"
        (network "net" {
            image (1, 1, 1)
            conv most most |> padding (most - 1)
            flatten
            bernoulli
        })
        [
            "TOO_LARGE net/conv1: expected a number of values ≤ 2,147,483,647, got 9,223,372,036,854,775,807 or more – make it smaller"
        ]

    says
        "a convolution that gives one value too many"
        (network "net" {
            image (1, 1 <<< 15, 1 <<< 15)
            conv 2 1
            flatten
            bernoulli
        })
        [ "TOO_LARGE net/conv1: expected a number of values ≤ 2,147,483,647, got 2,147,483,648 – make it smaller" ]

    says
        "a window beyond any image"
        (network "net" {
            image (1, 2, 2)
            max_pool most
            flatten
            bernoulli
        })
        [
            "KERNEL_ABOVE_IMAGE net/max_pool1/window: expected a window that fits into 2 × 2, got 2147483647 × 2147483647 – make the window smaller, or put fewer strides and pooling layers before it"
        ]

    says
        "branches side by side of one value too many"
        (network "net" {
            features 1

            concat_of {
                linear most
                linear 1
            }

            bernoulli
        })
        [
            "TOO_LARGE net/concat_of1: expected a number of values ≤ 2,147,483,647, got 2,147,483,648 – make it smaller"
        ]

    says
        "units side by side of too many values"
        (network "net" {
            features 1

            modular {
                modules 16
                unit (linear most)
                choose 16
                combine Concat
            }

            bernoulli
        })
        [ "TOO_LARGE net/modular1/combine: expected K · unit ≤ 2,147,483,647, got 34,359,738,352 – make it smaller" ]

    says
        "more logits than a tensor holds"
        (network "net" {
            features 1

            modular {
                modules 65_536
                unit (linear 1)
                choose 32_768
            }

            bernoulli
        })
        [ "TOO_LARGE net/modular1/choose: expected K · M ≤ 2,147,483,647, got 2,147,483,648 – make it smaller" ]

    says
        "more modules than anybody can name"
        (network "net" {
            features 1

            modular {
                modules most
                unit (linear 1)
            }

            bernoulli
        })
        [
            "M_ABOVE_LIMIT net/modular1/pool/modules: expected M ≤ 65,536, got M = 2,147,483,647 – give the pool fewer modules"
        ]

    says
        "a state beside an input of one value too many"
        (network "net" {
            tokens most
            embed most

            modular_gru {
                hidden 1
                modules 2
                unit (linear 1)
            }

            softmax most
        })
        [
            "TOO_LARGE net/modular_gru1: expected a width of [h, x] ≤ 2,147,483,647, got 2,147,483,648 – make it smaller"
        ]

    says
        "repetitions without end"
        (network "net" {
            features 3
            repeat most { repeat most { linear 3 } }
            bernoulli
        })
        [
            "TOO_LARGE net/repeat1/1/repeat1/99998/linear1: expected at most 100,000 layers, repetitions unrolled, got more – repeat less often"
        ]

    says
        "a repetition without end in a module"
        (network "net" {
            features 3

            modular {
                modules 3
                unit (chain { repeat most { linear 3 } })
            }

            bernoulli
        })
        [
            "TOO_LARGE net/modular1/pool/unit/repeat1/99998/linear1: expected at most 100,000 layers, repetitions unrolled, got more – repeat less often"
        ]

    says
        "a repetition without end of a mistake"
        (network "net" {
            features 3

            repeat most {
                linear 3

                repeat most {
                    dropout 1.0
                    repeat most { }
                }
            }

            linear 0
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/repeat1/1/repeat1/1/dropout1/rate: expected 0 ≤ rate < 1, got 1 – give the probability with which a value is dropped"
            "EMPTY_BLOCK net/repeat1/1/repeat1/1/repeat1: expected layers in the repetition, got none – put layers inside, or leave it out"
            "NON_POSITIVE_SIZE net/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
        ]

    says
        "a repetition without end after a mistake"
        (network "net" {
            features 3

            repeat most {
                dropout 1.0

                concat_of {
                    linear 3
                    chain { }
                }
            }

            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/repeat1/1/dropout1/rate: expected 0 ≤ rate < 1, got 1 – give the probability with which a value is dropped"
            "TOO_LARGE net/repeat1/33333/concat_of1/1/linear1: expected at most 100,000 layers, repetitions unrolled, got more – repeat less often"
        ]

    says
        "a shared pool that becomes too many layers when it is reused"
        (let convs =
            pool "convs" {
                modules 2
                unit (chain { repeat 40_000 { activation Relu } })
            } in

         network "net" {
             features 2
             modular { from convs }
             linear 3
             modular { from convs }
             linear 4
             modular { from convs }
             bernoulli
         })
        [
            "TOO_LARGE net/convs/unit/repeat1/19992/relu1: expected at most 100,000 layers, repetitions unrolled, got more – repeat less often"
        ]

    says
        "layers within a hundred and one"
        (network "net" {
            features 2
            nested 101 (Layer.Linear(linear 2))
            bernoulli
        })
        [
            "TOO_LARGE net/"
            + String.replicate 100 "residual1/"
            + "residual1: expected at most 100 layers around a layer, got more – say the inner ones one after the other"
        ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of limits" [
        yield! List.map test cases

        isSound
            "a stride beyond any image"
            (network "net" {
                image (1, 2, 2)
                conv 1 2 |> stride most
                conv most most |> padding (most - 1) |> stride most
                flatten
                bernoulli
            })

        isSound
            "layers within a hundred"
            (network "net" {
                features 2
                nested 100 (Layer.Linear(linear 2))
                bernoulli
            })

        testCase "the largest sizes are counted, not wrapped"
        <| fun () ->
            let summary =
                Expect.wantOk
                    (check (
                        network "net" {
                            features most

                            modular {
                                modules 32_768
                                unit (linear most)
                                choose 65
                                controller (Mlp [ most; most ])
                            }

                            softmax most
                        }
                    ))
                    "sound"

            for row in summary.Rows.Tail do
                Expect.isGreaterThan row.Cost.Parameters (int64 most * int64 most) row.Name

            Expect.equal summary.Total.Parameters Int64.MaxValue "parameters"
            Expect.equal summary.Total.MultiplyAdds Int64.MaxValue "multiply-adds"

        testCase "ten thousand layers within one another are told, not a stack overflow"
        <| fun () ->
            let deep =
                network "net" {
                    features 2
                    nested 10_000 (Layer.Linear(linear 2))
                    bernoulli
                }

            Expect.hasLength (told deep) 1 "one line"
    ]
