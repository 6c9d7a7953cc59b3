module ModNet.Tests.DslDiagnostics

open Expecto
open ModNet
open ModNet.Tests.DslExamples

let private told result =
    match result with
    | Ok _ -> []
    | Error diagnostics -> List.map string diagnostics

/// The network's diagnostics are these lines and have these faults.
let private says name (network: Network) faults lines =
    testCase name
    <| fun () ->
        Expect.equal (told (check network)) lines name

        match check network with
        | Ok _ -> failtest "the network was found sound"
        | Error diagnostics -> Expect.equal [ for d in diagnostics -> d.Fault.Id ] faults "ids"

let private two = linear 2

[<Tests>]
let order =
    testList "DSL diagnostics of order" [
        says "an empty network" (network "net" { }) [ "EMPTY_NETWORK" ] [
            "net: expected an input, layers and a head, got no layers – begin with `tokens` or `features`, end with `softmax`, `gaussian` or `bernoulli`"
        ]

        says
            "no input"
            (network "net" {
                embed 4
                softmax 9
            }) [ "NO_INPUT" ] [
                "net: expected an input at the start, got `embed` – begin with `tokens` or `features`"
            ]

        says
            "no head"
            (network "net" {
                features 2
                linear 3
            }) [ "NO_HEAD" ] [
                "net: expected a head at the end, got `linear` – end with `softmax`, `gaussian` or `bernoulli`"
            ]

        says
            "two inputs"
            (network "net" {
                features 2
                tokens 9
                embed 3
                softmax 9
            }) [ "TWO_INPUTS" ] [
                "net/tokens: expected one input, `features` at the start, got a second, `tokens` – leave one of them out"
            ]

        says
            "an input that is not first"
            (network "net" {
                linear 2
                features 2
                bernoulli
            }) [ "INPUT_NOT_FIRST" ] [
                "net/features: expected the input at the start, got `features` at position 2 – move it to the start"
            ]

        says
            "two heads"
            (network "net" {
                features 2
                softmax 9
                softmax 9
            }) [ "TWO_HEADS" ] [
                "net/softmax2: expected one head, `softmax` at the end, got a second, `softmax` – leave one of them out"
            ]

        says
            "a layer after the head"
            (network "net" {
                features 2
                bernoulli
                linear 3
            }) [ "LAYER_AFTER_HEAD" ] [
                "net/linear1: expected nothing after the head `bernoulli`, got `linear` – move the head to the end"
            ]

        says
            "a blank name"
            (network " " {
                features 2
                bernoulli
            }) [ "BAD_NAME" ] [
                "network: expected a network name that is not blank and has no `/`, got ` ` – rename it"
            ]
    ]

[<Tests>]
let shapes =
    testList "DSL diagnostics of shapes" [
        says
            "sizes below one"
            (network "net" {
                tokens 0
                embed 0
                linear -1
                softmax 0
            }) [
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
            ] [
                "net/tokens/vocabulary: expected a vocabulary ≥ 1, got 0 – give it a positive number"
                "net/embed1/width: expected a width ≥ 1, got 0 – give it a positive number"
                "net/linear1/width: expected a width ≥ 1, got -1 – give it a positive number"
                "net/softmax/classes: expected a number of classes ≥ 1, got 0 – give it a positive number"
            ]

        says
            "no features"
            (network "net" {
                features 0
                bernoulli
            }) [ "NON_POSITIVE_SIZE" ] [
                "net/features/width: expected a width ≥ 1, got 0 – give it a positive number"
            ]

        says
            "variances that are none"
            (network "net" {
                features 2
                gaussian (variance 0.0)
            }) [ "NON_POSITIVE_VARIANCE" ] [
                "net/gaussian/variance: expected a variance > 0, got 0 – give σ² in the square of the target's unit"
            ]

        says
            "a learned variance that starts nowhere"
            (network "net" {
                features 2
                gaussian (learned_variance nan)
            }) [ "NON_POSITIVE_VARIANCE" ] [
                "net/gaussian/variance: expected a variance > 0, got NaN – give σ² in the square of the target's unit"
            ]

        says
            "an embedding without tokens"
            (network "net" {
                features 2
                embed 3
                softmax 9
            }) [ "EMBED_WITHOUT_TOKENS" ] [
                "net/embed1: expected token ids [T], got [2] – begin the network with `tokens`, or leave `embed` out"
            ]

        says
            "tokens without an embedding, told once"
            (network "net" {
                tokens 9
                linear 3
                linear 4
                softmax 9
            }) [ "TOKENS_WITHOUT_EMBED" ] [
                "net/linear1: expected a vector [n] or a sequence [T, n], got token ids [T] – put `embed` between the tokens and this layer"
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
            }) [ "TOKENS_WITHOUT_EMBED" ] [
                "net/modular1: expected one vector [n] per datapoint, got token ids [T] – put `embed` between the tokens and this layer"
            ]

        says
            "a modular layer on a sequence"
            (network "net" {
                tokens 9
                embed 3

                modular {
                    modules 2
                    unit two
                }

                bernoulli
            }) [ "VECTOR_EXPECTED" ] [
                "net/modular1: expected one vector [n] per datapoint, got [T, 3] – use `modular_gru`, which chooses at every step"
            ]

        says
            "a recurrent layer on a vector"
            (network "net" {
                features 3

                modular_gru {
                    hidden 2
                    modules 2
                    unit two
                }

                softmax 9
            }) [ "SEQUENCE_EXPECTED" ] [
                "net/modular_gru1: expected a sequence [T, n], got [3] – begin with `tokens` and `embed`, or use `modular`"
            ]

        says
            "a Gaussian on a sequence"
            (network "net" {
                tokens 9
                embed 3
                gaussian (variance 1.0)
            }) [ "VECTOR_EXPECTED" ] [
                "net/gaussian: expected one vector [n] per datapoint, got [T, 3] – use `softmax`, the head for sequences"
            ]

        says
            "a Bernoulli on a sequence"
            (network "net" {
                tokens 9
                embed 3
                bernoulli
            }) [ "VECTOR_EXPECTED" ] [
                "net/bernoulli: expected one vector [n] per datapoint, got [T, 3] – use `softmax`, the head for sequences"
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
            }) [ "UNIT_UNLIKE_HIDDEN" ] [
                "net/modular_gru1/hidden: expected units that give a state of width 3, got width 2, the unit's width – make the unit's width or `hidden` fit the other"
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
            }) [ "UNIT_UNLIKE_HIDDEN" ] [
                "net/modular_gru1/hidden: expected units that give a state of width 3, got width 4, K = 2 units side by side – make the unit's width or `hidden` fit the other"
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
            }) [ "NON_POSITIVE_SIZE" ] [
                "net/modular_gru1/hidden: expected a width ≥ 1, got 0 – give it a positive number"
            ]
    ]

/// A network whose one modular layer is this one.
let private around (layer: Layer) =
    network "net" {
        features 2
        layer
        bernoulli
    }

[<Tests>]
let pools =
    testList "DSL diagnostics of pools" [
        says
            "K above M"
            (around (
                modular {
                    modules 2
                    unit two
                    choose 3
                }
            )) [ "K_ABOVE_M" ] [
                "net/modular1/choose: expected K ≤ M = 2, got K = 3 – choose fewer modules, or give the pool more"
            ]

        says
            "K below one"
            (around (
                modular {
                    modules 2
                    unit two
                    choose 0
                }
            )) [ "K_BELOW_ONE" ] [
                "net/modular1/choose: expected K ≥ 1, got K = 0 – choose at least one module"
            ]

        says
            "M below one"
            (around (
                modular {
                    modules -1
                    unit two
                }
            )) [ "M_BELOW_ONE" ] [ "net/modular1/pool/modules: expected M ≥ 1, got M = -1 – say `modules M`" ]

        says "no modules" (around (modular { unit two })) [ "M_BELOW_ONE" ] [
            "net/modular1/pool/modules: expected M ≥ 1, got none – say `modules M`"
        ]

        says "no unit" (around (modular { modules 2 })) [ "NO_UNIT" ] [
            "net/modular1/pool/unit: expected what each module is, got nothing – say `unit (linear …)`"
        ]

        says
            "a unit of no width"
            (around (
                modular {
                    modules 2
                    unit (linear 0)
                }
            )) [ "NON_POSITIVE_SIZE" ] [
                "net/modular1/pool/unit: expected a unit width ≥ 1, got 0 – give it a positive number"
            ]

        says "no pool" (around (modular { choose 1 })) [ "NO_POOL" ] [
            "net/modular1/pool: expected a pool of modules, got none – say `from POOL`, or `modules M` and `unit (linear …)`"
        ]

        says
            "a shared pool's fault is told once"
            (network "net" {
                features 2
                modular { from (pool "shared" { unit two }) }
                modular { from (pool "shared" { unit two }) }
                bernoulli
            }) [ "M_BELOW_ONE" ] [ "net/shared/modules: expected M ≥ 1, got none – say `modules M`" ]

        says
            "a pool's name with a slash"
            (around (
                modular {
                    from (
                        pool "a/b" {
                            modules 2
                            unit two
                        }
                    )
                }
            )) [ "BAD_NAME" ] [
                "net/a/b: expected a pool name that is not blank and has no `/`, got `a/b` – rename it"
            ]

        says
            "a pool with two input widths"
            (network "net" {
                features 3
                modular { from words }
                modular { from words }
                bernoulli
            }) [ "POOL_INPUT_WIDTHS" ] [
                "net/modular2/from: expected an input of width 3, which pool `words` reads in modular1, got width 8 – make the two inputs equally wide, or use two pools"
            ]

        says
            "two pools of one name"
            (network "net" {
                features 8
                modular { from words }

                modular {
                    from (
                        pool "words" {
                            modules 5
                            unit (linear 8 |> no_bias |> tanh)
                        }
                    )
                }

                bernoulli
            }) [ "POOL_NAME_TAKEN" ] [
                "net/modular2/from: expected pool `words` as in modular1 (15 modules of linear 8 |> relu), got another `words` (5 modules of linear 8 |> no_bias |> tanh) – give one of the two its own name"
            ]

        says
            "several at once, in order of place"
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
                    unit two
                    choose 4
                }

                gaussian (variance -1.0)
                linear 0
            }) [
                "K_ABOVE_M"
                "EMBED_WITHOUT_TOKENS"
                "NON_POSITIVE_SIZE"
                "K_ABOVE_M"
                "UNIT_UNLIKE_HIDDEN"
                "VECTOR_EXPECTED"
                "NON_POSITIVE_VARIANCE"
                "LAYER_AFTER_HEAD"
                "NON_POSITIVE_SIZE"
            ] [
                "net/modular1/choose: expected K ≤ M = 15, got K = 16 – choose fewer modules, or give the pool more"
                "net/embed1: expected token ids [T], got [8] – begin the network with `tokens`, or leave `embed` out"
                "net/embed1/width: expected a width ≥ 1, got 0 – give it a positive number"
                "net/modular_gru1/choose: expected K ≤ M = 3, got K = 4 – choose fewer modules, or give the pool more"
                "net/modular_gru1/hidden: expected units that give a state of width 4, got width 2, the unit's width – make the unit's width or `hidden` fit the other"
                "net/gaussian: expected one vector [n] per datapoint, got [T, 4] – use `softmax`, the head for sequences"
                "net/gaussian/variance: expected a variance > 0, got -1 – give σ² in the square of the target's unit"
                "net/linear1: expected nothing after the head `gaussian`, got `linear` – move the head to the end"
                "net/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
            ]
    ]
