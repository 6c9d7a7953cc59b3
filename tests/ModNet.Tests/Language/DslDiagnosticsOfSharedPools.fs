module ModNet.Tests.DslDiagnosticsOfSharedPools

open Expecto
open ModNet
open ModNet.Tests.DslExamples
open ModNet.Tests.DslDiagnosticCases

let private two = linear 2

let private convs =
    pool "convs" {
        modules 3
        unit (conv 2 3 |> same)
    }

/// Faulty by itself, and for vectors.
let private spoilt =
    pool "spoilt" {
        modules 3

        unit (
            chain {
                dropout 2.0
                conv 2 3
            }
        )
    }

/// Whatever comes in, a vector comes out.
let private widened =
    custom "widened" {
        reads (Shape.Vector 1)
        gives (Shape.Vector 4)
        from_function (fun _ x -> x)
    }

let private flat =
    pool "flat" {
        modules 3

        unit (
            chain {
                flatten
                linear 2
            }
        )
    }

let private activations () =
    pool "activations" {
        unit (
            mixed {
                activation Relu
                activation Tanh
            }
        )
    }

/// NaN is unlike itself.
let private doubtful =
    pool "doubtful" {
        modules 2
        unit (dropout nan)
    }

let cases = [
    says
        "a pool with a number that is none is still one pool"
        (network "net" {
            features 2
            modular { from doubtful }
            modular { from doubtful }
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/doubtful/unit/dropout1/rate: expected 0 ≤ rate < 1, got NaN – give the probability with which a value is dropped"
        ]

    says "an empty shared pool" (around (modular { from (pool "shared" { init Uniform }) })) [
        "M_BELOW_ONE net/shared/modules: expected M ≥ 1, got none – say `modules M`"
        "NO_UNIT net/shared/unit: expected what each module is, got nothing – say `unit (linear …)`"
    ]

    says
        "a shared pool's fault is told once"
        (network "net" {
            features 2
            modular { from (pool "shared" { unit two }) }
            modular { from (pool "shared" { unit two }) }
            bernoulli
        })
        [ "M_BELOW_ONE net/shared/modules: expected M ≥ 1, got none – say `modules M`" ]

    says
        "a shared pool that fails for its first user is not told again"
        (network "net" {
            features 2
            modular { from convs }
            modular { from convs }
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/convs/unit/conv1: expected an image [C, H, W], got [2] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a shared pool whose first input is not known is held against the first that is"
        (network "net" {
            features 0
            modular { from spoilt }
            widened
            modular { from spoilt }
            bernoulli
        })
        [
            "NON_POSITIVE_SIZE net/features/width: expected a width ≥ 1, got 0 – give it a positive number"
            "RATE_OUT_OF_RANGE net/spoilt/unit/dropout1/rate: expected 0 ≤ rate < 1, got 2 – give the probability with which a value is dropped"
            "IMAGE_EXPECTED net/spoilt/unit/conv1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

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
        ))
        [ "BAD_NAME net/modular1/from: expected a pool name that is not blank and has no `/`, got `a/b` – rename it" ]

    says
        "a blank pool name"
        (around (
            modular {
                from (
                    pool "" {
                        modules 2
                        unit two
                    }
                )
            }
        ))
        [ "BAD_NAME net/modular1/from: expected a pool name that is not blank and has no `/`, got `` – rename it" ]

    says
        "a pool with two input widths"
        (network "net" {
            features 3
            modular { from words }
            modular { from words }
            bernoulli
        })
        [
            "POOL_SIGNATURES net/modular2/from: expected an input [3], which pool `words` reads in modular1, got [8] – make the two inputs alike, or use two pools"
        ]

    says
        "a pool with two numbers of channels"
        (network "net" {
            image (3, 8, 8)
            modular { from convs }
            modular { from convs }
            flatten
            bernoulli
        })
        [
            "POOL_SIGNATURES net/modular2/from: expected an input [3, 8, 8], which pool `convs` reads in modular1, got [2, 8, 8] – make the two inputs alike, or use two pools"
        ]

    says
        "a pool for an image and a vector"
        (network "net" {
            image (3, 8, 8)
            modular { from convs }
            flatten
            modular { from convs }
            bernoulli
        })
        [
            "POOL_SIGNATURES net/modular2/from: expected an input [3, 8, 8], which pool `convs` reads in modular1, got [128] – make the two inputs alike, or use two pools"
        ]

    says
        "a pool of linear maps for two sizes of image"
        (network "net" {
            image (3, 8, 8)

            sum_of {
                modular { from flat }

                chain {
                    max_pool 2
                    modular { from flat }
                }
            }

            bernoulli
        })
        [
            "POOL_SIGNATURES net/sum_of1/2/modular1/from: expected an input [3, 8, 8], which pool `flat` reads in sum_of1/1/modular1, got [3, 4, 4] – make the two inputs alike, or use two pools"
        ]

    says
        "a pool with two signatures in a repetition, told once"
        (network "net" {
            features 3
            repeat 5 { modular { from words } }
            bernoulli
        })
        [
            "POOL_SIGNATURES net/repeat1/2/modular1/from: expected an input [3], which pool `words` reads in repeat1/1/modular1, got [8] – make the two inputs alike, or use two pools"
        ]

    says
        "a pool shared with a modular GRU, which reads [h, x]"
        (network "net" {
            tokens 9
            embed 8
            modular { from words }

            modular_gru {
                hidden 8
                from words
            }

            softmax 9
        })
        [
            "POOL_SIGNATURES net/modular_gru1/from: expected an input [8], which pool `words` reads in modular1, got [16] – make the two inputs alike, or use two pools"
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
                        init He
                    }
                )
            }

            bernoulli
        })
        [
            "POOL_NAME_TAKEN net/modular2/from: expected pool `words` as in modular1 (15 modules of linear 8 |> relu), got another `words` (5 modules of linear 8 |> no_bias |> tanh, init He) – give one of the two its own name"
        ]

    says
        "the second of one name is told once"
        (network "net" {
            features 2

            modular {
                from (
                    pool "p" {
                        modules 2

                        unit (
                            mixed {
                                two
                                mlp [ 3; 2 ]
                            }
                        )
                    }
                )
            }

            repeat 2 {
                modular {
                    from (
                        pool "p" {
                            modules 3
                            unit two
                        }
                    )
                }
            }

            modular {
                from (
                    pool "p" {
                        modules 3
                        unit two
                    }
                )
            }

            bernoulli
        })
        [
            "POOL_NAME_TAKEN net/repeat1/1/modular1/from: expected pool `p` as in modular1 (2 modules of linear 2, chain { linear 3 |> relu; linear 2 }), got another `p` (3 modules of linear 2) – give one of the two its own name"
        ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of shared pools" [
        yield! List.map test cases

        isSound
            "convolutions share a pool across sizes of image"
            (network "net" {
                image (2, 8, 8)
                modular { from convs }
                max_pool 2
                modular { from convs }
                flatten
                bernoulli
            })

        isSound
            "activations share a pool across widths, however often it is made"
            (network "net" {
                features 2
                modular { from (activations ()) }
                linear 3
                modular { from (activations ()) }
                bernoulli
            })

        testCase "a shared pool is planned once for every shape that it reads"
        <| fun () ->
            let plan =
                Expect.wantOk
                    (Check.plan (
                        network "net" {
                            image (2, 8, 8)

                            repeat 3 {
                                modular { from convs }
                                residual { modular { from convs } }
                            }

                            max_pool 2
                            modular { from convs }
                            modular { from convs }
                            flatten
                            bernoulli
                        }
                    ))
                    "sound"

            let used = plan.Layers |> List.collect _.Unfolded |> List.choose _.Pool
            Expect.hasLength used 8 "uses"
            Expect.hasLength (List.distinctBy LanguagePrimitives.PhysicalHash used) 2 "plans"
            Expect.hasLength plan.Pools 1 "pools"
    ]
