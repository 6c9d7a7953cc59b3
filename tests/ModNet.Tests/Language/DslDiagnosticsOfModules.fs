module ModNet.Tests.DslDiagnosticsOfModules

open Expecto
open ModNet
open ModNet.Tests.DslExamples
open ModNet.Tests.DslDiagnosticCases

let private two = linear 2

/// A modular layer on images [3, 8, 8].
let private onImages (layer: Layer) =
    network "net" {
        image (3, 8, 8)
        layer
        flatten
        bernoulli
    }

let cases = [
    says
        "a choice in a module"
        (around (
            modular {
                modules 2

                unit (
                    chain {
                        two

                        modular {
                            modules 3
                            unit two
                        }

                        linear 5
                    }
                )
            }
        ))
        [
            "CHOICE_IN_MODULE net/modular1/pool/unit/modular1: expected a module that makes no choices itself, got `modular` – put the modular layer into the network, before or after this one"
        ]

    says
        "a modular GRU in a module"
        (around (
            modular {
                modules 2

                unit (
                    chain {
                        residual {
                            modular_gru {
                                hidden 2
                                modules 2
                                unit two
                            }
                        }
                    }
                )
            }
        ))
        [
            "CHOICE_IN_MODULE net/modular1/pool/unit/residual1/modular_gru1: expected a module that makes no choices itself, got `modular_gru` – put the modular layer into the network, before or after this one"
        ]

    says
        "a GRU in a module"
        (around (
            modular {
                modules 2
                unit (gru 2)
            }
        ))
        [
            "SEQUENCE_EXPECTED net/modular1/pool/unit/gru1: expected a sequence [T, n], got [2] – modules read a sequence step by step: use `linear`, or `modular_gru` around them"
        ]

    says
        "a batch normalisation in a module"
        (around (
            modular {
                modules 2

                unit (
                    chain {
                        two
                        batch_norm
                    }
                )
            }
        ))
        [
            "BATCH_NORM_IN_MODULE net/modular1/pool/unit/batch_norm1: expected a module that treats every datapoint by itself, got `batch_norm` – use `layer_norm`"
        ]

    says
        "a penalty in a module"
        (around (
            modular {
                modules 2

                unit (
                    chain {
                        two
                        activity_l1 0.1
                    }
                )
            }
        ))
        [
            "PENALTY_IN_MODULE net/modular1/pool/unit/activity_l11: expected a module that does nothing but map its input, got `activity_l1` – put it after the modular layer"
        ]

    says
        "a batch normalisation in a residual in a shared pool's module"
        (around (
            modular {
                from (
                    pool "tools" {
                        unit (
                            mixed {
                                two
                                chain { residual { batch_norm } }
                            }
                        )
                    }
                )
            }
        ))
        [
            "BATCH_NORM_IN_MODULE net/tools/unit2/residual1/batch_norm1: expected a module that treats every datapoint by itself, got `batch_norm` – use `layer_norm`"
        ]

    says
        "every position has its place in a concatenation"
        (around (
            modular {
                modules 3
                unit two
                choose 2
                combine Concat
                duplicates Once
            }
        ))
        [
            "ONCE_WITH_CONCAT net/modular1/duplicates: expected `Every` with `combine Concat`, where every position has its place, got `Once` – say `combine Sum`, or leave `duplicates` out"
        ]

    says
        "gathering convolutions"
        (onImages (
            modular {
                modules 3
                unit (conv 2 3 |> same |> relu |> stride 2)
                dispatch Gather
            }
        ))
        [
            "DISPATCH_UNFIT net/modular1/dispatch: expected a pool of equal linear units for `Gather`, got conv 2 3 |> stride 2 |> padding 1 |> relu – say `dispatch Auto`, or leave it out"
        ]

    says
        "gathering chains"
        (around (
            modular {
                modules 3

                unit (
                    chain {
                        two |> relu
                        dropout 0.5
                        activation Sigmoid
                        residual { two }
                    }
                )

                dispatch Gather
            }
        ))
        [
            "DISPATCH_UNFIT net/modular1/dispatch: expected a pool of equal linear units for `Gather`, got chain { linear 2 |> relu; dropout 0.5; activation Sigmoid; residual { … } } – say `dispatch Auto`, or leave it out"
        ]

    says
        "gathering mixed units"
        (around (
            modular {
                unit (
                    mixed {
                        two
                        two |> relu
                    }
                )

                dispatch Gather
            }
        ))
        [
            "DISPATCH_UNFIT net/modular1/dispatch: expected a pool of equal linear units for `Gather`, got 2 mixed units – say `dispatch Auto`, or leave it out"
        ]

    says
        "a Task controller without task ids"
        (around (
            modular {
                modules 2
                unit two
                controller Task
            }
        ))
        [
            "TASK_WITHOUT_TASKS net/modular1/controller: expected task ids beside the input for `Task`, got none – say `tasks COUNT` after the network's input"
        ]

    says
        "a Task controller without task ids in a modular GRU"
        (network "net" {
            tokens 9
            embed 2

            modular_gru {
                hidden 2
                modules 2
                unit two
                controller Task
            }

            softmax 9
        })
        [
            "TASK_WITHOUT_TASKS net/modular_gru1/controller: expected task ids beside the input for `Task`, got none – say `tasks COUNT` after the network's input"
        ]

    says
        "a convolutional controller on a vector"
        (around (
            modular {
                modules 2
                unit two
                controller (Conv(4, 3))
            }
        ))
        [
            "IMAGE_EXPECTED net/modular1/controller: expected an image [C, H, W] for `Conv`, got [2] – use `Linear` or `Mlp`, which read vectors"
        ]

    says
        "a convolutional controller on a sequence"
        (network "net" {
            tokens 9
            embed 2

            modular {
                modules 2
                unit two
                controller (Conv(4, 3))
            }

            softmax 9
        })
        [
            "IMAGE_EXPECTED net/modular1/controller: expected an image [C, H, W] for `Conv`, got [2] – use `Linear` or `Mlp`, which read vectors"
        ]

    says
        "a convolutional controller larger than the image"
        (onImages (
            modular {
                modules 2
                unit (conv 2 3)
                controller (Conv(4, 9))
            }
        ))
        [
            "KERNEL_ABOVE_IMAGE net/modular1/controller: expected a kernel that fits into 8 × 8, got 9 × 9 – make the kernel smaller"
        ]

    says
        "a convolutional controller of nothing"
        (onImages (
            modular {
                modules 2
                unit (conv 2 3)
                controller (Conv(0, 0))
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/controller: expected a number of channels ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/modular1/controller: expected a kernel's size ≥ 1, got 0 – give it a positive number"
        ]

    says
        "an MLP controller without hidden widths"
        (around (
            modular {
                modules 2
                unit two
                controller (Mlp [])
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/controller: expected at least one hidden width for `Mlp`, got none – give it one, or use `Linear`"
        ]

    says
        "an MLP controller with a width below one"
        (around (
            modular {
                modules 2
                unit two
                controller (Mlp [ 4; 0 ])
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/controller: expected a hidden width ≥ 1, got 0 – give it a positive number"
        ]

    says
        "everything about a modular layer at once"
        (around (
            modular {
                modules 2
                unit (linear 0)
                choose 3
                combine Concat
                controller Task
                duplicates Once
                dispatch Gather
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/pool/unit/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "K_ABOVE_M net/modular1/choose: expected K ≤ M = 2, got K = 3 – choose fewer modules, or give the pool more"
            "TASK_WITHOUT_TASKS net/modular1/controller: expected task ids beside the input for `Task`, got none – say `tasks COUNT` after the network's input"
            "ONCE_WITH_CONCAT net/modular1/duplicates: expected `Every` with `combine Concat`, where every position has its place, got `Once` – say `combine Sum`, or leave `duplicates` out"
        ]

    says
        "everything about a modular layer with convolutions at once"
        (around (
            modular {
                modules 0
                unit (conv 2 3)
                choose 0
                combine Concat
                controller (Conv(0, 3))
                duplicates Once
                dispatch Gather
            }
        ))
        [
            "M_BELOW_ONE net/modular1/pool/modules: expected M ≥ 1, got none – say `modules M`"
            "IMAGE_EXPECTED net/modular1/pool/unit/conv1: expected an image [C, H, W], got [2] – begin the network with `image`, and put `flatten` after the last layer that reads images"
            "K_BELOW_ONE net/modular1/choose: expected K ≥ 1, got K = 0 – choose at least one module"
            "NON_POSITIVE_SIZE net/modular1/controller: expected a number of channels ≥ 1, got 0 – give it a positive number"
            "IMAGE_EXPECTED net/modular1/controller: expected an image [C, H, W] for `Conv`, got [2] – use `Linear` or `Mlp`, which read vectors"
            "ONCE_WITH_CONCAT net/modular1/duplicates: expected `Every` with `combine Concat`, where every position has its place, got `Once` – say `combine Sum`, or leave `duplicates` out"
            "DISPATCH_UNFIT net/modular1/dispatch: expected a pool of equal linear units for `Gather`, got conv 2 3 – say `dispatch Auto`, or leave it out"
        ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of modules" [
        yield! List.map test cases

        isSound
            "modular layers choose at every step of a sequence"
            (network "net" {
                tokens 9
                embed 3

                modular {
                    modules 2
                    unit two
                    choose 2
                    combine Concat
                    controller (Mlp [ 5 ])
                }

                softmax 9
            })

        isSound
            "task ids wherever they are read"
            (network "net" {
                features 2
                tasks 3

                modular {
                    modules 2
                    unit two
                    controller Task
                }

                repeat 2 {
                    residual {
                        modular {
                            from words
                            controller Task
                        }

                        two
                    }
                }

                bernoulli
            })

        isSound
            "a convolutional controller as large as the image"
            (onImages (
                modular {
                    modules 2
                    unit (conv 2 3)
                    controller (Conv(4, 8))
                }
            ))

        isSound
            "linear units may be gathered"
            (around (
                modular {
                    modules 3
                    unit (two |> no_bias |> relu)
                    dispatch Gather
                }
            ))
    ]
