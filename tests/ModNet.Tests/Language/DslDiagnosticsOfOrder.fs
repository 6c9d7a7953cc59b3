module ModNet.Tests.DslDiagnosticsOfOrder

open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let cases = [
    says "an empty network" (network "net" { }) [
        "EMPTY_NETWORK net: expected an input, layers and a head, got no layers – begin with `tokens`, `features` or `image`, end with `softmax`, `gaussian` or `bernoulli`"
    ]

    says
        "no input"
        (network "net" {
            embed 4
            softmax 9
        })
        [ "NO_INPUT net: expected an input at the start, got `embed` – begin with `tokens`, `features` or `image`" ]

    says
        "task ids alone are no input"
        (network "net" {
            tasks 3
            bernoulli
        })
        [ "NO_INPUT net: expected an input at the start, got `tasks` – begin with `tokens`, `features` or `image`" ]

    says
        "no head"
        (network "net" {
            features 2
            linear 3
        })
        [ "NO_HEAD net: expected a head at the end, got `linear` – end with `softmax`, `gaussian` or `bernoulli`" ]

    says "an input alone" (network "net" { features 2 }) [
        "NO_HEAD net: expected a head at the end, got `features` – end with `softmax`, `gaussian` or `bernoulli`"
    ]

    says "a layer alone" (network "net" { linear 2 }) [
        "NO_INPUT net: expected an input at the start, got `linear` – begin with `tokens`, `features` or `image`"
        "NO_HEAD net: expected a head at the end, got `linear` – end with `softmax`, `gaussian` or `bernoulli`"
    ]

    says
        "two inputs"
        (network "net" {
            features 2
            tokens 9
            embed 3
            softmax 9
        })
        [
            "TWO_INPUTS net/tokens: expected one input, `features` at the start, got a second, `tokens` – leave one of them out"
        ]

    says
        "an input that is not first"
        (network "net" {
            linear 2
            features 2
            bernoulli
        })
        [
            "INPUT_NOT_FIRST net/features: expected the input at the start, got `features` at position 2 – move it to the start"
        ]

    says
        "an input after task ids"
        (network "net" {
            tasks 3
            features 2
            bernoulli
        })
        [
            "INPUT_NOT_FIRST net/features: expected the input at the start, got `features` at position 2 – move it to the start"
        ]

    says
        "task ids after a layer"
        (network "net" {
            features 2
            linear 3
            tasks 3

            modular {
                modules 2
                unit (linear 2)
                controller Task
            }

            bernoulli
        })
        [
            "INPUT_NOT_FIRST net/tasks: expected `tasks` right after the input, got `tasks` at position 3 – move it up"
        ]

    says
        "task ids after the head"
        (network "net" {
            features 2
            bernoulli
            tasks 3
        })
        [
            "INPUT_NOT_FIRST net/tasks: expected `tasks` right after the input, got `tasks` at position 3 – move it up"
        ]

    says
        "task ids twice"
        (network "net" {
            features 2
            tasks 3
            tasks 4
            bernoulli
        })
        [ "TWO_INPUTS net/tasks2: expected one `tasks`, of 3, got a second, of 4 – leave one of them out" ]

    says
        "two heads"
        (network "net" {
            features 2
            softmax 9
            softmax 9
        })
        [
            "TWO_HEADS net/softmax2: expected one head, `softmax` at the end, got a second, `softmax` – leave one of them out"
        ]

    says
        "layers after the head, told once"
        (network "net" {
            features 2
            bernoulli
            linear 3
            embed 4
        })
        [
            "LAYER_AFTER_HEAD net/linear1: expected nothing after the head `bernoulli`, got `linear` – move the head to the end"
        ]

    says
        "a blank network name"
        (network " " {
            features 2
            bernoulli
        })
        [ "BAD_NAME network: expected a network name that is not blank and has no `/`, got ` ` – rename it" ]

    says
        "a network name with a slash"
        (network "a/b" {
            features 2
            bernoulli
        })
        [ "BAD_NAME a/b: expected a network name that is not blank and has no `/`, got `a/b` – rename it" ]

    says "a network without a name" ({ Name = null; Layers = [ Layer.Features 2; Layer.Bernoulli ] }: Network) [
        "BAD_NAME network: expected a network name that is not blank and has no `/`, got `` – rename it"
    ]

    says
        "a head inside"
        (network "net" {
            features 2

            residual {
                linear 2
                softmax 2
            }

            bernoulli
        })
        [
            "NOT_INSIDE net/residual1/softmax: expected a layer between input and head, got `softmax` – move it out, to the start or end of the network"
        ]

    says
        "an input inside"
        (network "net" {
            features 2

            sum_of {
                linear 2

                chain {
                    features 2
                    linear 2
                }
            }

            bernoulli
        })
        [
            "NOT_INSIDE net/sum_of1/2/features: expected a layer between input and head, got `features` – move it out, to the start or end of the network"
        ]

    says
        "task ids inside"
        (network "net" {
            features 2

            repeat 2 {
                tasks 3
                linear 2
            }

            bernoulli
        })
        [
            "NOT_INSIDE net/repeat1/1/tasks: expected a layer between input and head, got `tasks` – move it out, to the start or end of the network"
        ]

    says
        "a head in a module"
        (network "net" {
            features 2

            modular {
                modules 2
                unit (softmax 2)
            }

            bernoulli
        })
        [
            "NOT_INSIDE net/modular1/pool/unit/softmax: expected a layer between input and head, got `softmax` – move it out, to the start or end of the network"
        ]
]

[<Tests>]
let tests = testList "DSL diagnostics of order" (List.map test cases)
