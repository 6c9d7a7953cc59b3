module ModNet.Tests.DslDiagnosticsOfPools

open Expecto
open ModNet
open ModNet.Tests.DslExamples
open ModNet.Tests.DslDiagnosticCases

let private two = linear 2

let cases = [
    says
        "K above M"
        (around (
            modular {
                modules 2
                unit two
                choose 3
            }
        ))
        [
            "K_ABOVE_M net/modular1/choose: expected K ≤ M = 2, got K = 3 – choose fewer modules, or give the pool more"
        ]

    says
        "K above a shared pool's M"
        (around (
            modular {
                from words
                choose 16
            }
        ))
        [
            "K_ABOVE_M net/modular1/choose: expected K ≤ M = 15, got K = 16 – choose fewer modules, or give the pool more"
        ]

    says
        "K below one"
        (around (
            modular {
                modules 2
                unit two
                choose 0
            }
        ))
        [ "K_BELOW_ONE net/modular1/choose: expected K ≥ 1, got K = 0 – choose at least one module" ]

    says
        "M below one"
        (around (
            modular {
                modules -1
                unit two
            }
        ))
        [ "M_BELOW_ONE net/modular1/pool/modules: expected M ≥ 1, got M = -1 – say `modules M`" ]

    says "no modules" (around (modular { unit two })) [
        "M_BELOW_ONE net/modular1/pool/modules: expected M ≥ 1, got none – say `modules M`"
    ]

    says "no unit" (around (modular { modules 2 })) [
        "NO_UNIT net/modular1/pool/unit: expected what each module is, got nothing – say `unit (linear …)`"
    ]

    says "no pool" (around (modular { choose 1 })) [
        "NO_POOL net/modular1/pool: expected a pool of modules, got none – say `from POOL`, or `modules M` and `unit (linear …)`"
    ]

    says
        "no pool in a modular GRU"
        (network "net" {
            tokens 9
            embed 3
            modular_gru { hidden 4 }
            softmax 9
        })
        [
            "NO_POOL net/modular_gru1/pool: expected a pool of modules, got none – say `from POOL`, or `modules M` and `unit (linear …)`"
        ]

    says
        "a unit of no width"
        (around (
            modular {
                modules 2
                unit (linear 0)
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/pool/unit/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
        ]

    says
        "a unit of no layers"
        (around (
            modular {
                modules 2
                unit (chain { })
            }
        ))
        [
            "EMPTY_BLOCK net/modular1/pool/unit: expected layers in the module, got none – say what it is, such as `linear 8`"
        ]

    says
        "an MLP of no widths"
        (around (
            modular {
                modules 2
                unit (mlp [])
            }
        ))
        [
            "EMPTY_BLOCK net/modular1/pool/unit: expected layers in the module, got none – say what it is, such as `linear 8`"
        ]

    says
        "modules said one by one, but not M of them"
        (around (
            modular {
                unit (
                    mixed {
                        two
                        two
                    }
                )

                modules 3
            }
        ))
        [
            "UNITS_UNLIKE_M net/modular1/pool/unit: expected one unit for all, or M = 3 of them, got 2 units – leave `modules` out: `mixed` counts them"
        ]

    says
        "modules said one by one of a pool of none"
        (around (
            modular {
                unit (
                    mixed {
                        two
                        two
                    }
                )

                modules 0
            }
        ))
        [ "M_BELOW_ONE net/modular1/pool/modules: expected M ≥ 1, got none – say `modules M`" ]

    says "no modules said one by one" (around (modular { unit (mixed { }) })) [
        "NO_POOL net/modular1/pool: expected a pool of modules, got none – say `from POOL`, or `modules M` and `unit (linear …)`"
    ]

    says
        "modules that give two shapes"
        (around (
            modular {
                unit (
                    mixed {
                        two
                        linear 3

                        chain {
                            linear 4
                            two
                        }

                        linear 4
                    }
                )
            }
        ))
        [
            "UNITS_DISAGREE net/modular1/pool/unit2: expected [2], which unit 1 gives, got [3] – make all modules of the pool give one shape"
            "UNITS_DISAGREE net/modular1/pool/unit4: expected [2], which unit 1 gives, got [4] – make all modules of the pool give one shape"
        ]

    says
        "modules that give two shapes, the first unknown"
        (around (
            modular {
                unit (
                    mixed {
                        linear 0
                        linear 3
                        linear 4
                    }
                )
            }
        ))
        [
            "NON_POSITIVE_SIZE net/modular1/pool/unit1/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "UNITS_DISAGREE net/modular1/pool/unit3: expected [3], which unit 2 gives, got [4] – make all modules of the pool give one shape"
        ]

    says
        "an initialisation of nothing"
        (around (
            modular {
                modules 2
                unit (activation Relu)
                init Glorot
            }
        ))
        [
            "INIT_WITHOUT_WEIGHTS net/modular1/pool/init: expected modules with linear maps or convolutions, got 2 modules of activation Relu – leave `init` out"
        ]

    says
        "too many modules"
        (around (
            modular {
                modules 65_537
                unit two
            }
        ))
        [
            "M_ABOVE_LIMIT net/modular1/pool/modules: expected M ≤ 65,536, got M = 65,537 – give the pool fewer modules"
        ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of pools" [
        yield! List.map test cases

        isSound
            "as many modules as an assignment can name"
            (around (
                modular {
                    modules 65_536
                    unit two
                }
            ))
    ]
