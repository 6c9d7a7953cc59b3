module ModNet.Tests.DslDiagnosticsOfBranches

open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let private onVectors (layer: Layer) = around layer

let private onImages (layer: Layer) =
    network "net" {
        image (3, 8, 8)
        layer
        flatten
        bernoulli
    }

let cases = [
    says
        "two blocks of one name"
        (network "net" {
            features 2
            block "stem" { linear 2 }

            block "stem" {
                linear 2
                dropout 1.0
            }

            bernoulli
        })
        [
            "DUPLICATE_NAME net/stem: expected a name that is free here, got `stem`, which is taken – give the block another name"
            "RATE_OUT_OF_RANGE net/stem/dropout1/rate: expected 0 ≤ rate < 1, got 1 – give the probability with which a value is dropped"
        ]

    says
        "a block with a layer's name"
        (network "net" {
            features 2
            linear 2
            block "linear1" { linear 2 }
            bernoulli
        })
        [
            "DUPLICATE_NAME net/linear1: expected a name that is free here, got `linear1`, which is taken – give the block another name"
        ]

    says
        "a block with the name of a part of every graph"
        (network "net" {
            features 2
            block "head" { linear 2 }
            block "pools" { linear 2 }
            bernoulli
        })
        [
            "DUPLICATE_NAME net/head: expected a name that is free here, got `head`, which is taken – give the block another name"
            "DUPLICATE_NAME net/pools: expected a name that is free here, got `pools`, which is taken – give the block another name"
        ]

    says
        "blocks of one name in two branches are two"
        (onVectors (
            sum_of {
                block "a" { linear 2 }

                chain {
                    block "a" { linear 3 }
                    block "a" { linear 4 }
                }
            }
        ))
        [
            "DUPLICATE_NAME net/sum_of1/2/a: expected a name that is free here, got `a`, which is taken – give the block another name"
            "BRANCH_SHAPES net/sum_of1/2: expected [2], which branch 1 gives, got [4] – make all branches give one shape"
        ]

    says "a blank block" (onVectors (block "" { linear 2 })) [
        "BAD_NAME net/: expected a block name that is not blank and has no `/`, got `` – rename it"
    ]

    says "a block's name with a slash" (onVectors (block "a/b" { linear 2 })) [
        "BAD_NAME net/a/b: expected a block name that is not blank and has no `/`, got `a/b` – rename it"
    ]

    says "a block's name with a point" (onVectors (block "a.b" { linear 2 })) [
        "BAD_NAME net/a.b: expected a block's name without `.`, which parameters' names have, got `a.b` – rename it"
    ]

    says "an empty block" (onVectors (block "stem" { })) [
        "EMPTY_BLOCK net/stem: expected layers in the block, got none – put layers inside, or leave it out"
    ]

    says
        "a mistake in a block"
        (onVectors (
            block "stem" {
                linear 3
                block "inner" { linear 0 }
            }
        ))
        [ "NON_POSITIVE_SIZE net/stem/inner/linear1/width: expected a width ≥ 1, got 0 – give it a positive number" ]

    says
        "a residual that gives another width"
        (onVectors (
            residual {
                linear 4
                linear 3
            }
        ))
        [
            "RESIDUAL_SHAPE net/residual1: expected layers that give [2], the shape that comes in, got [3] – make the last layer inside give that shape"
        ]

    says "a residual that gives another image" (onImages (residual { conv 3 3 })) [
        "RESIDUAL_SHAPE net/residual1: expected layers that give [3, 8, 8], the shape that comes in, got [3, 6, 6] – make the last layer inside give that shape"
    ]

    says "a residual that flattens" (onImages (residual { flatten })) [
        "RESIDUAL_SHAPE net/residual1: expected layers that give [3, 8, 8], the shape that comes in, got [192] – make the last layer inside give that shape"
    ]

    says
        "a residual on tokens"
        (network "net" {
            tokens 9
            residual { embed 3 }
            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/residual1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says "an empty residual" (onVectors (residual { })) [
        "EMPTY_BLOCK net/residual1: expected layers in the residual, got none – put layers inside, or leave it out"
    ]

    says
        "branches of two widths"
        (onVectors (
            sum_of {
                linear 4
                linear 3
                chain { }
                linear 4
            }
        ))
        [
            "BRANCH_SHAPES net/sum_of1/2: expected [4], which branch 1 gives, got [3] – make all branches give one shape"
            "BRANCH_SHAPES net/sum_of1/3: expected [4], which branch 1 gives, got [2] – make all branches give one shape"
        ]

    says
        "branches of two widths, the first unknown"
        (onVectors (
            sum_of {
                linear 0
                linear 3
                linear 4
            }
        ))
        [
            "NON_POSITIVE_SIZE net/sum_of1/1/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "BRANCH_SHAPES net/sum_of1/3: expected [3], which branch 2 gives, got [4] – make all branches give one shape"
        ]

    says
        "a sum of tokens"
        (network "net" {
            tokens 9

            sum_of {
                chain { }
                embed 3
                embed 3
            }

            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/sum_of1/1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says
        "a concatenation of tokens"
        (network "net" {
            tokens 9

            concat_of {
                chain { }
                embed 3
            }

            softmax 9
        })
        [
            "TOKENS_WITHOUT_EMBED net/concat_of1/1: expected numbers, got token ids [T] – put `embed` between the tokens and this layer"
        ]

    says "no branches in a sum" (onVectors (sum_of { })) [
        "EMPTY_BLOCK net/sum_of1: expected branches side by side, got none – put layers inside, or leave it out"
    ]

    says "no branches in a concatenation" (onVectors (concat_of { })) [
        "EMPTY_BLOCK net/concat_of1: expected branches side by side, got none – put layers inside, or leave it out"
    ]

    says
        "images of two sizes side by side"
        (onImages (
            concat_of {
                conv 2 3
                conv 5 3 |> same
                chain { }
                max_pool 2
            }
        ))
        [
            "BRANCH_SHAPES net/concat_of1/2: expected an image of the size that branch 1 gives, [2, 6, 6], got [5, 8, 8] – make the branches fit side by side"
            "BRANCH_SHAPES net/concat_of1/3: expected an image of the size that branch 1 gives, [2, 6, 6], got [3, 8, 8] – make the branches fit side by side"
            "BRANCH_SHAPES net/concat_of1/4: expected an image of the size that branch 1 gives, [2, 6, 6], got [3, 4, 4] – make the branches fit side by side"
        ]

    says
        "an image beside a vector"
        (onImages (
            concat_of {
                flatten
                conv 2 3

                chain {
                    flatten
                    linear 3
                }
            }
        ))
        [
            "BRANCH_SHAPES net/concat_of1/2: expected the kind of shape that branch 1 gives, [192], got [2, 6, 6] – make the branches fit side by side"
        ]

    says
        "a vector beside an image"
        (onImages (
            concat_of {
                conv 2 3
                flatten
            }
        ))
        [
            "BRANCH_SHAPES net/concat_of1/2: expected an image of the size that branch 1 gives, [2, 6, 6], got [192] – make the branches fit side by side"
        ]

    says
        "a concatenation whose width does not fit the state that follows"
        (network "net" {
            features 2

            concat_of {
                linear 2
                linear 3
            }

            residual { linear 4 }
            bernoulli
        })
        [
            "RESIDUAL_SHAPE net/residual1: expected layers that give [5], the shape that comes in, got [4] – make the last layer inside give that shape"
        ]

    says
        "mistakes in two branches"
        (onVectors (
            concat_of {
                linear 0

                chain {
                    linear 3
                    dropout 2.0
                }

                residual { linear 5 }
            }
        ))
        [
            "NON_POSITIVE_SIZE net/concat_of1/1/linear1/width: expected a width ≥ 1, got 0 – give it a positive number"
            "RATE_OUT_OF_RANGE net/concat_of1/2/dropout1/rate: expected 0 ≤ rate < 1, got 2 – give the probability with which a value is dropped"
            "RESIDUAL_SHAPE net/concat_of1/3/residual1: expected layers that give [2], the shape that comes in, got [5] – make the last layer inside give that shape"
        ]

    says "no rounds" (onVectors (repeat 0 { linear 3 })) [
        "NON_POSITIVE_SIZE net/repeat1/times: expected a number of rounds ≥ 1, got 0 – give it a positive number"
    ]

    says "an empty repetition" (onVectors (repeat 3 { })) [
        "EMPTY_BLOCK net/repeat1: expected layers in the repetition, got none – put layers inside, or leave it out"
    ]

    says
        "one mistake in a repetition is told once"
        (onVectors (
            repeat 4 {
                linear 3
                dropout 1.5
                linear 0
            }
        ))
        [
            "RATE_OUT_OF_RANGE net/repeat1/1/dropout1/rate: expected 0 ≤ rate < 1, got 1.5 – give the probability with which a value is dropped"
            "NON_POSITIVE_SIZE net/repeat1/1/linear2/width: expected a width ≥ 1, got 0 – give it a positive number"
        ]

    says
        "a mistake that the second round makes is told there"
        (onVectors (
            repeat 4 {
                residual { linear 2 }
                linear 3
            }
        ))
        [
            "RESIDUAL_SHAPE net/repeat1/2/residual1: expected layers that give [3], the shape that comes in, got [2] – make the last layer inside give that shape"
        ]

    says "a repetition that runs out of image" (onImages (repeat 4 { max_pool 2 })) [
        "KERNEL_ABOVE_IMAGE net/repeat1/4/max_pool1/window: expected a window that fits into 1 × 1, got 2 × 2 – make the window smaller, or put fewer strides and pooling layers before it"
    ]

    says
        "what follows a faulty repetition is judged"
        (network "net" {
            features 2

            repeat 4 {
                linear 3
                dropout 1.5
            }

            conv 3 3
            bernoulli
        })
        [
            "RATE_OUT_OF_RANGE net/repeat1/1/dropout1/rate: expected 0 ≤ rate < 1, got 1.5 – give the probability with which a value is dropped"
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got [3] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a mistake in a repetition in a repetition"
        (onVectors (
            repeat 2 {
                repeat 2 {
                    linear 2
                    residual { linear 3 }
                }
            }
        ))
        [
            "RESIDUAL_SHAPE net/repeat1/1/repeat1/1/residual1: expected layers that give [2], the shape that comes in, got [3] – make the last layer inside give that shape"
        ]

    says "an empty block within blocks" (onVectors (residual { repeat 2 { sum_of { chain { residual { } } } } })) [
        "EMPTY_BLOCK net/residual1/repeat1/1/sum_of1/1/residual1: expected layers in the residual, got none – put layers inside, or leave it out"
    ]
]

[<Tests>]
let tests =
    testList "DSL diagnostics of branches" [
        yield! List.map test cases

        isSound
            "an empty branch is its input"
            (onVectors (
                sum_of {
                    linear 2
                    chain { }
                }
            ))

        isSound
            "embeddings side by side"
            (network "net" {
                tokens 9

                concat_of {
                    embed 3
                    embed 4
                }

                softmax 9
            })

        isSound "one branch" (onVectors (concat_of { linear 2 }))
    ]
