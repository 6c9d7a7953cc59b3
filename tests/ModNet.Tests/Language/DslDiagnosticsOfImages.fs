module ModNet.Tests.DslDiagnosticsOfImages

open Expecto
open ModNet
open ModNet.Tests.DslDiagnosticCases

let cases = [
    says
        "an image of no size"
        (network "net" {
            image (0, 4, -1)
            flatten
            bernoulli
        })
        [
            "NON_POSITIVE_SIZE net/image: expected a size ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/image: expected a size ≥ 1, got -1 – give it a positive number"
        ]

    says
        "a convolution on a vector"
        (network "net" {
            features 4
            conv 2 3
            flatten
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a convolution on a sequence"
        (network "net" {
            tokens 9
            embed 4
            conv 2 3
            softmax 9
        })
        [
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got [T, 4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a convolution on tokens"
        (network "net" {
            tokens 9
            conv 2 3
            softmax 9
        })
        [
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got token ids [T] below 9 – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a convolution after flatten"
        (network "net" {
            image (1, 4, 4)
            flatten
            conv 2 3
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got [16] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "pooling on a vector"
        (network "net" {
            features 4
            max_pool 2
            avg_pool 2
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/max_pool1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "flatten on a vector"
        (network "net" {
            features 4
            flatten
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/flatten1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a linear map on an image"
        (network "net" {
            image (1, 4, 4)
            linear 3
            bernoulli
        })
        [
            "VECTOR_EXPECTED net/linear1: expected a vector [n] or a sequence [T, n], got an image [1, 4, 4] – put `flatten` before it"
        ]

    says
        "a softmax on an image"
        (network "net" {
            image (1, 4, 4)
            softmax 3
        })
        [
            "VECTOR_EXPECTED net/softmax: expected a vector [n] or a sequence [T, n], got an image [1, 4, 4] – put `flatten` before it"
        ]

    says
        "a Gaussian on an image"
        (network "net" {
            image (1, 4, 4)
            gaussian (variance 1.0)
        })
        [
            "VECTOR_EXPECTED net/gaussian: expected one vector [n] per datapoint, got an image [1, 4, 4] – put `flatten` before it"
        ]

    says
        "a Bernoulli on an image"
        (network "net" {
            image (1, 4, 4)
            bernoulli
        })
        [
            "VECTOR_EXPECTED net/bernoulli: expected one vector [n] per datapoint, got an image [1, 4, 4] – put `flatten` before it"
        ]

    says
        "linear units on an image"
        (network "net" {
            image (1, 4, 4)

            modular {
                modules 2
                unit (linear 3)
            }

            bernoulli
        })
        [
            "VECTOR_EXPECTED net/modular1/pool/unit/linear1: expected a vector [n] or a sequence [T, n], got an image [1, 4, 4] – put `flatten` before it"
        ]

    says
        "convolutions as units on a vector"
        (network "net" {
            features 4

            modular {
                modules 2
                unit (conv 2 3)
            }

            flatten
            bernoulli
        })
        [
            "IMAGE_EXPECTED net/modular1/pool/unit/conv1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "convolutions as units on a sequence"
        (network "net" {
            tokens 9
            embed 4

            modular {
                modules 2
                unit (conv 2 3)
            }

            softmax 9
        })
        [
            "IMAGE_EXPECTED net/modular1/pool/unit/conv1: expected an image [C, H, W], got [4] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a kernel larger than the image"
        (network "net" {
            image (3, 8, 5)
            conv 2 6
            flatten
            bernoulli
        })
        [
            "KERNEL_ABOVE_IMAGE net/conv1/kernel: expected a kernel that fits into 8 × 5, got 6 × 6 – make the kernel smaller, or put fewer strides and pooling layers before it"
        ]

    says
        "a kernel larger than the padded image"
        (network "net" {
            image (3, 2, 2)
            conv 2 7 |> padding 2
            flatten
            bernoulli
        })
        [
            "KERNEL_ABOVE_IMAGE net/conv1/kernel: expected a kernel that fits into 2 × 2 with 2 zeros on every side, got 7 × 7 – make the kernel smaller, or put fewer strides and pooling layers before it"
        ]

    says
        "an image pooled away"
        (network "net" {
            image (3, 4, 4)
            max_pool 2
            max_pool 2
            max_pool 2
            flatten
            bernoulli
        })
        [
            "KERNEL_ABOVE_IMAGE net/max_pool3/window: expected a window that fits into 1 × 1, got 2 × 2 – make the window smaller, or put fewer strides and pooling layers before it"
        ]

    says
        "a convolution of no channels and no kernel"
        (network "net" {
            image (3, 4, 4)
            conv 0 0
            flatten
            bernoulli
        })
        [
            "NON_POSITIVE_SIZE net/conv1/channels: expected a number of channels ≥ 1, got 0 – give it a positive number"
            "NON_POSITIVE_SIZE net/conv1/kernel: expected a size ≥ 1, got 0 – give it a positive number"
        ]

    says
        "a window below one"
        (network "net" {
            image (3, 4, 4)
            avg_pool 0
            flatten
            bernoulli
        })
        [ "NON_POSITIVE_SIZE net/avg_pool1/window: expected a size ≥ 1, got 0 – give it a positive number" ]

    says
        "a stride below one"
        (network "net" {
            image (3, 4, 4)
            conv 2 3 |> stride 0
            flatten
            bernoulli
        })
        [ "STRIDE_OUT_OF_RANGE net/conv1/stride: expected a stride ≥ 1, got 0 – make it 1 or more" ]

    says
        "a padding below zero"
        (network "net" {
            image (3, 4, 4)
            conv 2 3 |> padding -1
            flatten
            bernoulli
        })
        [
            "PADDING_OUT_OF_RANGE net/conv1/padding: expected 0 ≤ padding < 3, the kernel's size, got -1 – say `same`, or a padding below the kernel's size"
        ]

    says
        "a padding of the kernel's size"
        (network "net" {
            image (3, 4, 4)
            conv 2 3 |> padding 3
            flatten
            bernoulli
        })
        [
            "PADDING_OUT_OF_RANGE net/conv1/padding: expected 0 ≤ padding < 3, the kernel's size, got 3 – say `same`, or a padding below the kernel's size"
        ]

    says
        "pooling with a stride below one"
        (ofLayers [ Layer.Image(1, 4, 4); Layer.MaxPool { Window = 2; Stride = -1 }; Layer.Flatten; Layer.Bernoulli ])
        [ "STRIDE_OUT_OF_RANGE net/max_pool1/stride: expected a stride ≥ 1, got -1 – make it 1 or more" ]

    says
        "everything about a convolution at once"
        (network "net" {
            features 3
            conv 0 2 |> stride -1 |> padding 2
            bernoulli
        })
        [
            "NON_POSITIVE_SIZE net/conv1/channels: expected a number of channels ≥ 1, got 0 – give it a positive number"
            "STRIDE_OUT_OF_RANGE net/conv1/stride: expected a stride ≥ 1, got -1 – make it 1 or more"
            "PADDING_OUT_OF_RANGE net/conv1/padding: expected 0 ≤ padding < 2, the kernel's size, got 2 – say `same`, or a padding below the kernel's size"
            "IMAGE_EXPECTED net/conv1: expected an image [C, H, W], got [3] – begin the network with `image`, and put `flatten` after the last layer that reads images"
        ]

    says
        "a residual of convolutions that shrink the image"
        (network "net" {
            image (3, 4, 4)

            residual {
                modular {
                    modules 2
                    unit (conv 3 3)
                }
            }

            flatten
            bernoulli
        })
        [
            "RESIDUAL_SHAPE net/residual1: expected layers that give [3, 4, 4], the shape that comes in, got [3, 2, 2] – make the last layer inside give that shape"
        ]
]

[<Tests>]
let tests = testList "DSL diagnostics of images" (List.map test cases)
