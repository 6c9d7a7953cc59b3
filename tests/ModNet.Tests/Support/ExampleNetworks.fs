/// The two networks of the project's main jobs, as their scripts say them, and two that say what those do not.
module ModNet.Tests.ExampleNetworks

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

/// A custom module.
let scale =
    custom "scale" {
        reads (Shape.Vector 8)
        gives (Shape.Vector 8)
        weight "scale" [ 8 ]
        multiply_adds 8L
        from_function (fun weights x -> x * weights["scale"])
    }

/// Convolutions that keep channels and size, for images of any size.
let filters =
    pool "filters" {
        modules 10
        unit (conv 8 3 |> same |> relu)
        init He
    }

/// Six layers on CIFAR-10, three of which share a pool.
let cifar k =
    network $"cifar-{k}" {
        image (3, 32, 32)
        conv 8 3 |> same |> relu

        modular {
            from filters
            choose k
            controller (Conv(4, 3))
        }

        residual {
            modular {
                from filters
                choose k
            }

            batch_norm
        }

        max_pool 4

        modular {
            from filters
            choose k
            duplicates Once
        }

        flatten

        modular {
            unit (
                mixed {
                    linear 16 |> relu
                    mlp [ 32; 16 ]
                }
            )

            choose 2
            combine Concat
            controller (Mlp [ 8 ])
            stop_gradient
        }

        softmax 10
    }
