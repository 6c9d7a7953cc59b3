/// The two networks of the project's main jobs, as their scripts say them.
module ModNet.Tests.DslExamples

open ModNet

let words =
    pool "words" {
        modules 15
        unit (linear 8 |> relu)
    }

let lm =
    network "ptb-em-15-1" {
        tokens 10_000
        embed 32

        modular_gru {
            hidden 8
            from words
            choose 1
            combine Sum
            controller Linear
        }

        softmax 10_000
    }

let toy =
    network "toy" {
        features 2

        modular {
            modules 2
            unit (linear 2 |> no_bias)
            choose 1
        }

        gaussian (variance 0.1)
    }
