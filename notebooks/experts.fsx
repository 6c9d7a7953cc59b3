(**
# Digits by ten modules

A network for MNIST whose datapoints meet one of ten modules, and a dense one of as many parameters, for `forgetting.fsx` and `base-camp.fsx`, which ask different things of the same runs.
*)
#load "modnet.fsx"

open ModNet
open ModNet.Runtime
open TorchSharp

(** ## Two networks of equal size

Ten modules of 64 units each, of which every digit meets one; and one layer of 640 units. *)

let module_count = 10
let width = 64

let experts =
    pool "experts" {
        modules module_count
        unit (linear width |> relu)
    }

let modular_one =
    network "forgetting-modular" {
        image (1, 28, 28)
        flatten

        modular {
            from experts
            choose 1
        }

        softmax 10
    }

let dense_one =
    network "forgetting-dense" {
        image (1, 28, 28)
        flatten
        linear (module_count * width) |> relu
        softmax 10
    }

let digits =
    mnist "" {
        held_out 5_000
        standardise true
    }

let by_em (scale: Scale) =
    experiment {
        net modular_one
        data digits

        train (
            em {
                samples 5
                m_steps 10
                batch 128
                steps (scale.Pick(10_000, 300))
                optimizer (Adam 1e-3)
            }
        )

        log_every 100
        validate_every (scale.Pick(2_000, 150))
    }

let without_choice (scale: Scale) =
    experiment {
        net dense_one
        data digits

        train (
            static_modules {
                batch 128
                steps (scale.Pick(10_000, 300))
                optimizer (Adam 1e-3)
            }
        )

        log_every 100
        validate_every (scale.Pick(2_000, 150))
    }

let rows_of_digits = [
    row "modular" {
        label "ten modules, one chosen"
        seeds [ 1; 2; 3 ]
        run by_em
    }
    row "dense" {
        label "dense"
        seeds [ 1; 2; 3 ]
        run without_choice
    }
]

(** ## What a network says of datapoints *)

/// What a network says of some datapoints: their classes, the most probable ones, p of every class, −log p(y | x, a), and for each the modules that it met.
type Said = {
    Classes: int array
    Predicted: int array
    Probabilities: float32 array array
    Loss: float array
    Met: int array array
}

let say (network: TrainedNetwork) (parts: Dataset seq) : Said =
    let classes, predicted, losses, met = ResizeArray(), ResizeArray(), ResizeArray(), ResizeArray()
    let probabilities = ResizeArray()

    for part in parts do
        for start in 0L .. 500L .. part.Count - 1L do
            use _scope = torch.NewDisposeScope()
            let batch = part.Range(start, min 500L (part.Count - start))
            use said = Prediction.Of(network.Graph, batch.Inputs, network.Evaluating, null, batch.Targets)
            classes.AddRange(TensorArrays.Vector<int64> batch.Targets |> Array.map int)
            predicted.AddRange(TensorArrays.Vector<int64> said.Mode |> Array.map int)
            probabilities.AddRange(TensorArrays.Vector<float32> said.Probabilities |> Array.chunkBySize 10)
            losses.AddRange(TensorArrays.Vector<float32> said.LogLikelihood |> Array.map (fun value -> -(float value)))

            for row in 0 .. int batch.Targets.shape[0] - 1 do
                met.Add [|
                    for site in said.Choices do
                        for number in site.Modules[row] do
                            int number
                |]

    {
        Classes = classes.ToArray()
        Predicted = predicted.ToArray()
        Probabilities = probabilities.ToArray()
        Loss = losses.ToArray()
        Met = met.ToArray()
    }
