module ModNet.Tests.DslDiagnosticsOfShapes

open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let private two = linear 2

let cases = [
    says
        "sizes below one"
        (network "net" {
            tokens 0
            embed 0
            linear -1
            gru 0
            softmax 0
        })
        [
            "NON_POSITIVE_SIZE net/tokens/vocabulary: expected a vocabulary ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/embed1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/linear1/width: expected a width ≥ 1, got -1 – give it a positive number"
            "NON_POSITIVE_SIZE net/gru1/hidden: expected a width ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/softmax/classes: expected a number of classes ≥ 1, got 0 – give it a positive number"
        ]

    says
        "no features"
        (network "net" {
            features 0
            bernoulli
        })
        [ "NON_POSITIVE_SIZE net/features/width: expected a width ≥ 1, got 0 – give it a positive number" ]

    says
        "no task ids"
        (network "net" {
            features 2
            tasks 0

            modular {
                modules 2
                unit two
                controller Task
            }

            bernoulli
        })
        [ "NON_POSITIVE_SIZE net/tasks/count: expected a number of tasks ≥ 1, got 0 – give it a positive number" ]

    says
        "a variance that is none"
        (network "net" {
            features 2
            gaussian (variance 0.0)
        })
        [
            "NON_POSITIVE_VARIANCE net/gaussian/variance: expected a variance > 0, got 0 – give σ² in the square of the target's unit"
        ]

    says
        "a learned variance that starts nowhere"
        (network "net" {
            features 2
            gaussian (learned_variance nan)
        })
        [
            "NON_POSITIVE_VARIANCE net/gaussian/variance: expected a variance > 0, got NaN – give σ² in the square of the target's unit"
        ]

    says
        "an infinite variance"
        (network "net" {
            features 2
            gaussian (variance infinity)
        })
        [
            "NON_POSITIVE_VARIANCE net/gaussian/variance: expected a variance > 0, got Infinity – give σ² in the square of the target's unit"
        ]

    says
        "a dropout rate of one"
        (network "net" {
            features 2
            dropout 1.0
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/dropout1/rate: expected 0 ≤ rate < 1, got 1 – give the probability with which a value is dropped"
        ]

    says
        "a dropout rate below zero"
        (network "net" {
            features 2
            dropout -0.5
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/dropout1/rate: expected 0 ≤ rate < 1, got -0.5 – give the probability with which a value is dropped"
        ]

    says
        "a dropout rate that is no number"
        (network "net" {
            features 2
            dropout nan
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/dropout1/rate: expected 0 ≤ rate < 1, got NaN – give the probability with which a value is dropped"
        ]

    says
        "an embedding without tokens, told once"
        (network "net" {
            features 2
            embed 3
            gaussian (variance 1.0)
        })
        [
            "EMBED_WITHOUT_TOKENS net/embed1: expected token ids [T], got [2] – begin the network with `tokens`, or leave `embed` out"
        ]

    says
        "an embedding twice"
        (network "net" {
            tokens 9
            embed 3
            embed 4
            softmax 9
        })
        [
            "EMBED_WITHOUT_TOKENS net/embed2: expected token ids [T], got [T, 3] – begin the network with `tokens`, or leave `embed` out"
        ]

    says
        "tokens without an embedding, told once"
        (network "net" {
            tokens 9
            linear 3
            linear 4
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/linear1: expected a vector [n] or a sequence [T, n], got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a modular layer on tokens"
        (network "net" {
            tokens 9

            modular {
                modules 2
                unit two
            }

            bernoulli
        })
        [
            "TOKENS_WITHOUT_EMBED net/modular1: expected a vector [n], a sequence [T, n] or an image [C, H, W], got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a modular GRU on tokens"
        (network "net" {
            tokens 9

            modular_gru {
                hidden 2
                modules 2
                unit two
            }

            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/modular_gru1: expected a sequence [T, n], got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a GRU on tokens"
        (network "net" {
            tokens 9
            gru 2
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/gru1: expected a sequence [T, n], got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a head on tokens"
        (network "net" {
            tokens 9
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/softmax: expected a vector [n] or a sequence [T, n], got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "an activation on tokens"
        (network "net" {
            tokens 9
            activation Relu
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/relu1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a penalty of no weight"
        (network "net" {
            features 4
            activity_l1 0.0
            bernoulli
        })
        [
            "WEIGHT_OUT_OF_RANGE net/activity_l11/weight: expected a weight > 0, got 0 – give what Σ|x| is multiplied by in the loss"
        ]

    says
        "logits of a sequence"
        (network "net" {
            tokens 5
            embed 4
            categorical
        })
        [
            "VECTOR_EXPECTED net/categorical: expected one vector [n] per datapoint, got [T, 4] – use `softmax`, the head for sequences"
        ]

    says
        "a dropout on tokens"
        (network "net" {
            tokens 9
            dropout 0.5
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/dropout1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a normalisation on tokens"
        (network "net" {
            tokens 9
            layer_norm
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/layer_norm1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a batch normalisation on tokens"
        (network "net" {
            tokens 9
            batch_norm
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/batch_norm1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a modular GRU on a vector, told once"
        (network "net" {
            features 3

            modular_gru {
                hidden 2
                modules 2
                unit two
            }

            bernoulli
        })
        [
            "SEQUENCE_EXPECTED net/modular_gru1: expected a sequence [T, n], got [3] – begin with `tokens` and `embed`, or use `modular`"
        ]

    says
        "a GRU on a vector, told once"
        (network "net" {
            features 3
            gru 2
            bernoulli
        })
        [
            "SEQUENCE_EXPECTED net/gru1: expected a sequence [T, n], got [3] – begin with `tokens` and `embed`, or use `linear`"
        ]

    says
        "a GRU on an image"
        (network "net" {
            image (1, 4, 4)
            gru 2
            softmax 2
        })
        [
            "SEQUENCE_EXPECTED net/gru1: expected a sequence [T, n], got [1, 4, 4] – begin with `tokens` and `embed`, or use `linear`"
        ]

    says
        "a Gaussian on a sequence"
        (network "net" {
            tokens 9
            embed 3
            gaussian (variance 1.0)
        })
        [
            "VECTOR_EXPECTED net/gaussian: expected one vector [n] per datapoint, got [T, 3] – use `softmax`, the head for sequences"
        ]

    says
        "a Bernoulli on a sequence"
        (network "net" {
            tokens 9
            embed 3
            bernoulli
        })
        [
            "VECTOR_EXPECTED net/bernoulli: expected one vector [n] per datapoint, got [T, 3] – use `softmax`, the head for sequences"
        ]

    says
        "a unit unlike the state"
        (network "net" {
            tokens 9
            embed 3

            modular_gru {
                hidden 3
                modules 2
                unit two
            }

            softmax 9
        })
        [
            "UNIT_UNLIKE_HIDDEN net/modular_gru1/hidden: expected units that give a state [3], got [2], the unit's output – make the unit's width or `hidden` fit the other"
        ]

    says
        "concatenated units unlike the state"
        (network "net" {
            tokens 9
            embed 3

            modular_gru {
                hidden 3
                modules 2
                unit two
                choose 2
                combine Concat
            }

            softmax 9
        })
        [
            "UNIT_UNLIKE_HIDDEN net/modular_gru1/hidden: expected units that give a state [3], got [4], K = 2 units side by side – make the unit's width or `hidden` fit the other"
        ]

    says
        "no state"
        (network "net" {
            tokens 9
            embed 3

            modular_gru {
                modules 2
                unit two
            }

            softmax 9
        })
        [ "NON_POSITIVE_SIZE net/modular_gru1/hidden: expected a width ≥ 1, got none – say `hidden WIDTH`" ]
]

[<Tests>]
let tests = testList "DSL diagnostics of shapes" (List.map test cases)
