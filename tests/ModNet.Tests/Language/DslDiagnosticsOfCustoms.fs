module ModNet.Tests.DslDiagnosticsOfCustoms

open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let private said name input output =
    custom name {
        reads input
        gives output
        from_function (fun _ x -> x)
    }

let private same = said "same" (Shape.Vector 2) (Shape.Vector 2)

/// A custom module that no code was said for, as a spec from elsewhere may have it.
let private unsaid: Custom = { same with Name = "unsaid"; Code = Carried.none }

let cases = [
    says
        "a custom layer that reads another width"
        (around (Layer.Custom(said "wide" (Shape.Vector 3) (Shape.Vector 2))))
        [
            "CUSTOM_INPUT net/custom1: expected [3], which custom `wide` reads, got [2] – change what it `reads`, or what comes before"
        ]

    says
        "a custom layer that reads a sequence"
        (around (Layer.Custom(said "steps" (Shape.Sequence 2) (Shape.Vector 2))))
        [
            "CUSTOM_INPUT net/custom1: expected [T, 2], which custom `steps` reads, got [2] – change what it `reads`, or what comes before"
        ]

    says
        "a custom layer for another vocabulary"
        (network "net" {
            tokens 9
            said "words" (Shape.Tokens 8) (Shape.Sequence 3)
            softmax 9
        })
        [
            "CUSTOM_INPUT net/custom1: expected token ids [T] below 8, which custom `words` reads, got token ids [T] below 9 – change what it `reads`, or what comes before"
        ]

    says "a custom layer without code" (around (Layer.Custom unsaid)) [
        "CUSTOM_UNKNOWN net/custom1: expected the code of custom `unsaid`, got none, since JSON holds only its name – give it by `Network.with_customs` or `Experiment.with_code_of`"
    ]

    says
        "a custom unit without code"
        (around (
            modular {
                modules 2
                unit unsaid
            }
        ))
        [
            "CUSTOM_UNKNOWN net/modular1/pool/unit/custom1: expected the code of custom `unsaid`, got none, since JSON holds only its name – give it by `Network.with_customs` or `Experiment.with_code_of`"
        ]

    says
        "a custom controller without code"
        (around (
            modular {
                modules 2
                unit same
                controller (Custom unsaid)
            }
        ))
        [
            "CUSTOM_UNKNOWN net/modular1/controller: expected the code of custom `unsaid`, got none, since JSON holds only its name – give it by `Network.with_customs` or `Experiment.with_code_of`"
        ]

    says
        "a custom layer that gives nothing"
        (around (Layer.Custom(said "nothing" (Shape.Vector 2) (Shape.Image(1, 0, 3)))))
        [ "NON_POSITIVE_SIZE net/custom1/gives: expected sizes ≥ 1, got [1, 0, 3] – give it positive numbers" ]

    says
        "a custom layer that gives more than a tensor holds"
        (around (Layer.Custom(said "much" (Shape.Vector 2) (Shape.Image(1, 65536, 65536)))))
        [
            "TOO_LARGE net/custom1/gives: expected a number of values ≤ 2,147,483,647, got 4,294,967,296 – make it smaller"
        ]

    says
        "a custom layer of negative counts"
        (around (Layer.Custom { same with Parameters = -1L; MultiplyAdds = -2000L }))
        [
            "NON_POSITIVE_SIZE net/custom1/parameters: expected a number of parameters ≥ 0, got -1 – count them, or leave it out"
            "NON_POSITIVE_SIZE net/custom1/multiply_adds: expected a number of multiply-adds ≥ 0, got -2,000 – count them, or leave it out"
        ]

    says
        "a custom unit that reads another width"
        (around (
            modular {
                modules 2
                unit (said "wide" (Shape.Vector 3) (Shape.Vector 2))
            }
        ))
        [
            "CUSTOM_INPUT net/modular1/pool/unit/custom1: expected [3], which custom `wide` reads, got [2] – change what it `reads`, or what comes before"
        ]

    says
        "a custom unit that gives a sequence"
        (around (
            modular {
                modules 2
                unit (said "steps" (Shape.Vector 2) (Shape.Sequence 2))
            }
        ))
        [
            "BAD_UNIT_OUTPUT net/modular1/pool/unit: expected a module that gives a vector [n] or an image [C, H, W], got [T, 2] – end it with a layer that gives one"
        ]

    says
        "custom units that give what no module may"
        (around (
            modular {
                unit (
                    mixed {
                        said "steps" (Shape.Vector 2) (Shape.Sequence 2)
                        said "words" (Shape.Vector 2) (Shape.Tokens 2)
                        linear 3
                        linear 4
                    }
                )
            }
        ))
        [
            "BAD_UNIT_OUTPUT net/modular1/pool/unit1: expected a module that gives a vector [n] or an image [C, H, W], got [T, 2] – end it with a layer that gives one"
            "BAD_UNIT_OUTPUT net/modular1/pool/unit2: expected a module that gives a vector [n] or an image [C, H, W], got token ids [T] below 2 – end it with a layer that gives one"
            "UNITS_DISAGREE net/modular1/pool/unit4: expected [3], which unit 3 gives, got [4] – make all modules of the pool give one shape"
        ]

    says
        "custom units that give images at every step"
        (network "net" {
            tokens 9
            embed 2

            modular {
                modules 2
                unit (said "images" (Shape.Vector 2) (Shape.Image(1, 2, 1)))
            }

            softmax 9
        })
        [
            "BAD_UNIT_OUTPUT net/modular1: expected units that give a vector [n] at every step, got [1, 2, 1] – end the units with `flatten`"
        ]

    says
        "a custom controller that does not give K · M logits"
        (around (
            modular {
                modules 3
                unit same
                choose 2
                controller (Custom(said "few" (Shape.Vector 2) (Shape.Vector 5)))
            }
        ))
        [
            "CONTROLLER_UNLIKE_CHOICES net/modular1/controller: expected K · M = [6] logits, got [5] from custom `few` – make it give a logit for every position and module"
        ]

    says
        "a custom controller that gives a sequence"
        (around (
            modular {
                modules 3
                unit same
                choose 2
                controller (Custom(said "steps" (Shape.Vector 2) (Shape.Sequence 6)))
            }
        ))
        [
            "CONTROLLER_UNLIKE_CHOICES net/modular1/controller: expected K · M = [6] logits, got [T, 6] from custom `steps` – make it give a logit for every position and module"
        ]

    says
        "a custom controller that reads a sequence, where rows are steps"
        (network "net" {
            tokens 9
            embed 2

            modular {
                modules 3
                unit same
                controller (Custom(said "steps" (Shape.Sequence 2) (Shape.Vector 3)))
            }

            softmax 9
        })
        [
            "CUSTOM_INPUT net/modular1/controller: expected [T, 2], which custom `steps` reads, got [2] for every choice – change what it `reads`, or what comes before"
        ]

    says
        "an initialisation for custom modules"
        (around (
            modular {
                modules 2
                unit same
                init He
            }
        ))
        [
            "INIT_WITHOUT_WEIGHTS net/modular1/pool/init: expected modules with linear maps or convolutions, got 2 modules of custom `same` – leave `init` out"
        ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of custom modules" [
        yield! List.map test cases

        isSound
            "a custom layer, unit and controller"
            (network "net" {
                features 2
                same

                modular {
                    modules 3
                    unit same
                    choose 2
                    controller (Custom(said "logits" (Shape.Vector 2) (Shape.Vector 6)))
                }

                bernoulli
            })
    ]
