/// Many mistakes in one network, and whether every kind of mistake has a test.
module ModNet.Tests.DslDiagnosticsTogether

open Expecto
open Microsoft.FSharp.Reflection
open ModNet
open ModNet.Tests.DslExamples
open ModNet.Tests.DslDiagnosticCases

let private convs =
    pool "convs" {
        modules 3
        unit (conv 2 3 |> same)
    }

let private cases = [
    says
        "mistakes in a language model"
        (network "net" {
            features 3

            modular {
                from words
                choose 16
            }

            embed 0

            modular_gru {
                hidden 4
                modules 3
                unit (linear 2)
                choose 4
            }

            gaussian (variance -1.0)
            linear 0
        })
        [
            "K_ABOVE_M net/modular1/choose: expected K ≤ M = 15, got K = 16 – choose fewer modules, or give the pool more"
            "NON_POSITIVE_SIZE net/embed1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "EMBED_WITHOUT_TOKENS net/embed1: expected token ids [T], got [8] – begin the network with `tokens`, or leave `embed` out"
            "K_ABOVE_M net/modular_gru1/choose: expected K ≤ M = 3, got K = 4 – choose fewer modules, or give the pool more"
            "VECTOR_EXPECTED net/gaussian: expected one vector [n] per datapoint, got [T, 4] – use `softmax`, the head for sequences"
            "NON_POSITIVE_VARIANCE net/gaussian/variance: expected a variance > 0, got -1 – give σ² in the square of the target's unit"
            "LAYER_AFTER_HEAD net/linear1: expected nothing after the head `gaussian`, got `linear` – move the head to the end"
            "NON_POSITIVE_SIZE net/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
        ]

    says
        "mistakes in an image classifier"
        (network "net" {
            image (3, 32, 32)
            conv 8 33
            tasks 2

            residual {
                modular {
                    from convs
                    choose 4
                }

                conv 8 3 |> padding 3
            }

            sum_of {
                modular {
                    from convs
                    dispatch Gather
                }

                chain {
                    conv 2 3 |> same
                    batch_norm
                    softmax 3
                }
            }

            repeat 3 { dropout 1.0 }
            concat_of { }

            modular {
                modules 2

                unit (
                    chain {
                        batch_norm
                        modular { from words }
                    }
                )

                controller (Mlp [ 0 ])
            }

            flatten
            features 2
            softmax 0
        })
        [
            "KERNEL_ABOVE_IMAGE net/conv1/kernel: expected a kernel that fits into 32 × 32, got 33 × 33 – make the kernel smaller, or put fewer strides and pooling layers before it"
            "INPUT_NOT_FIRST net/tasks: expected `tasks` right after the input, got `tasks` at position 3 – move it up"
            "K_ABOVE_M net/residual1/modular1/choose: expected K ≤ M = 3, got K = 4 – choose fewer modules, or give the pool more"
            "PADDING_OUT_OF_RANGE net/residual1/conv1/padding: expected 0 ≤ padding < 3, the kernel's size, got 3 – say `same`, or a padding below the kernel's size"
            "DISPATCH_UNFIT net/sum_of1/1/modular1/dispatch: expected a pool of equal linear units for `Gather`, got conv 2 3 |> padding 1 – say `dispatch Auto`, or leave it out"
            "NOT_INSIDE net/sum_of1/2/softmax: expected a layer between input and head, got `softmax` – move it out, to the start or end of the network"
            "RATE_OUT_OF_RANGE net/repeat1/1/dropout1/rate: expected 0 ≤ rate < 1, got 1 – give the probability with which a value is dropped"
            "EMPTY_BLOCK net/concat_of1: expected branches side by side, got none – put layers inside, or leave it out"
            "BATCH_NORM_IN_MODULE net/modular1/pool/unit/batch_norm1: expected a module that treats every datapoint by itself, got `batch_norm` – use `layer_norm`"
            "CHOICE_IN_MODULE net/modular1/pool/unit/modular1: expected a module that makes no choices itself, got `modular` – put the modular layer into the network, before or after this one"
            "NON_POSITIVE_SIZE net/modular1/controller: expected a hidden width ≥ 1, got 0 – give it a positive number"
            "TWO_INPUTS net/features: expected one input, `image` at the start, got a second, `features` – leave one of them out"
            "NON_POSITIVE_SIZE net/softmax/classes: expected a number of classes ≥ 1, got 0 – give it a positive number"
        ]
]

/// Faults that a network alone cannot have: of experiments, of compilation, of JSON.
let private elsewhere = [
    Fault.NonPositiveRate
    Fault.NonPositiveScale
    Fault.SBelowOne
    Fault.CustomShape
    Fault.CustomParameters
    Fault.InputUnlikeData
    Fault.HeadUnlikeData
    Fault.VocabularyUnlikeData
    Fault.WidthUnlikeData
    Fault.BatchAboveData
    Fault.ClassesUnlikeData
    Fault.ImageUnlikeData
    Fault.NoTaskIds
    Fault.TasksUnlikeData
    Fault.NoGivenChoices
    Fault.GivenUnlikeData
    Fault.HeldOutOutOfRange
    Fault.NoTarget
    Fault.ColumnTwice
    Fault.DataUnknown
    Fault.ArraysDisagree
    Fault.DecayOutOfRange
    Fault.MomentumOutOfRange
    Fault.ScheduleOutOfRange
    Fault.SWithoutFresh
    Fault.MethodUnfit
    Fault.TooManyCompositions
    Fault.DeviceOutOfRange
    Fault.BadJson
]

[<Tests>]
let tests =
    testList "DSL diagnostics together" [
        yield! List.map test cases

        testCase "every fault of a network is pinned"
        <| fun () ->
            let pinned =
                set [
                    for case in
                        DslDiagnosticsOfOrder.cases
                        @ DslDiagnosticsOfShapes.cases
                        @ DslDiagnosticsOfImages.cases
                        @ DslDiagnosticsOfPools.cases
                        @ DslDiagnosticsOfSharedPools.cases
                        @ DslDiagnosticsOfModules.cases
                        @ DslDiagnosticsOfBranches.cases
                        @ DslDiagnosticsOfCustoms.cases
                        @ DslDiagnosticsOfLimits.cases do
                        for line in case.Lines do
                            line.Split(' ')[0]
                ]

            let faults: Fault list = [
                for case in FSharpType.GetUnionCases typeof<Fault> -> FSharpValue.MakeUnion(case, [||]) :?> Fault
            ]

            Expect.equal
                [
                    for fault in faults do
                        if not (pinned.Contains fault.Id) then fault
                ]
                elsewhere
                "not pinned"

            Expect.equal (faults |> List.distinctBy _.Id |> List.length) faults.Length "ids are unique"
    ]
