(**
# Sparsity of activations, with and without L1

The authors' blog post: "Likewise, in a previous experiment, I was able to show that activations in artificial neural networks are already
sparse or can be even more sparse by introducing L1 regularization. The following figure visualizes this phenomenon for the task of
image classification on the CIFAR10 dataset. [...] As we've seen previously, about 90% of all activations can be zero."

    ./modnet reproduce sparsity --data DIR
    ./modnet reproduce sparsity --data DIR --quick

DIR holds CIFAR-10's binary files, or the archive. The post says nothing of its network; this one has three convolutions and a fully
connected layer, all with ReLU. `activity_l1` stands after each: it adds its weight times Σ|x| of an image to the loss.
*)
#load "modnet.fsx"

open ModNet
open ModNet.Figures
open Plotly.NET

let layers = [ "conv1"; "conv2"; "conv3"; "linear1" ]

(** Wide layers have more values to add up: a layer's weight is the penalty over its width, so that it is on the mean. *)

let plain_network name (penalty: float option) =
    let penalised width =
        chain {
            match penalty with
            | Some weight -> activity_l1 (weight / float width)
            | None -> ()
        }

    network name {
        image (3, 32, 32)
        conv 16 3 |> same |> stride 2 |> relu
        penalised (16 * 16 * 16)
        conv 32 3 |> same |> stride 2 |> relu
        penalised (32 * 8 * 8)
        conv 64 3 |> same |> stride 2 |> relu
        penalised (64 * 4 * 4)
        flatten
        linear 128 |> relu
        penalised 128
        softmax 10
    }

let run_of name penalty (scale: Scale) =
    experiment {
        net (plain_network name penalty)

        data (
            cifar10 "" {
                held_out 5_000
                standardise true
            }
        )

        train (
            static_modules {
                batch 128
                steps (scale.Pick(5_000, 500))
                optimizer (Adam 1e-3)
            }
        )

        log_every 50
        validate_every (scale.Pick(1_000, 250))
    }

let without =
    row "without" {
        label "without L1"
        paper_says "zeros [%]" "already sparse"
        run (run_of "sparsity-without" None)
    }

(** With a weight of 1 the penalty wins before anything is learned: all activations are zero after a few steps, and stay so. *)

let with_l1 id weight =
    row id {
        label $"L1, weight {weight}"
        paper_says "zeros [%]" "about 90"
        run (run_of $"sparsity-{id}" (Some weight))
    }

let seen (run: StudyRun) = Activations.ofRun layers 1_000 (0.0, 4.0) 40 run.Folder

/// Over all layers' values.
let zeros (activations: Activations list) =
    let total = activations |> List.sumBy _.Count |> float

    activations |> List.sumBy (fun layer -> 100.0 * layer.Zeros * float layer.Count / total)

let histogram (run: StudyRun) colour (layer: Activations) =
    let width = (layer.Till - layer.From) / float layer.Shares.Length

    let names =
        layer.Shares |> Array.mapi (fun i _ -> Label.number (System.Math.Round(layer.From + width * float i, 2)))

    // On a logarithmic axis, nothing is left out: a share of zero has no bar.
    Chart.Column(
        values = Array.map ((*) 100.0) layer.Shares,
        Keys = names,
        Name = Label.typeset run.Label,
        MarkerColor = Color.fromString colour
    )

let sections (runs: StudyRun list) =
    let all = runs |> List.map (fun run -> run, seen run)

    [
        Section.figure
            "Activations of 1,000 test images"
            "The share of a layer's activations (after ReLU) by size, in steps of 0.1; the first step holds the zeros, the last all that is greater. Logarithmic axis."
            (layers
             |> List.mapi (fun place name ->
                 all
                 |> List.mapi (fun i (run, activations) -> histogram run (Palette.colour i) activations[place])
                 |> Panel.series
                 |> Panel.title name
                 |> Panel.x "activation"
                 |> Panel.y "share [%]"
                 |> Panel.classesX
                 |> Panel.logY
                 |> Panel.yRange 0.001 100.0)
             |> Figure.grid 2)

        Section.make "Zeros" [
            Content.Table(
                "run" :: layers @ [ "all"; "test accuracy [%]" ],
                [
                    for run, activations in all do
                        let each = activations |> List.map (fun layer -> $"%.1f{100.0 * layer.Zeros} %%")

                        let accuracy =
                            run.Test.Accuracy
                            |> Option.map (fun share -> $"%.2f{100.0 * share}")
                            |> Option.defaultValue "–"

                        run.Name :: each @ [ $"%.1f{zeros activations} %%"; accuracy ]
                ]
            )
        ]
    ]

study "sparsity" {
    title "Sparsity of activations on CIFAR-10"
    data_folder "cifar10"
    rows [ without; with_l1 "l1-01" 0.1; with_l1 "l1-03" 0.3; with_l1 "l1-05" 0.5 ]
    measure "zeros [%]" (seen >> zeros >> Some)
    measure "test accuracy [%]" (fun run -> run.Test.Accuracy |> Option.map ((*) 100.0))
    report (fun runs -> runs |> List.filter _.Finished |> sections)
}
|> Study.main fsi.CommandLineArgs
