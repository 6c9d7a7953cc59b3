(**
# Decoupled layers: synthetic gradients, heads of their own, and nothing

A deep network's layers wait for each other: the gradient of the first needs the output of the last. Jaderberg et al. (2017, arXiv 1608.05343) cut a network between layers and let a small network at each cut predict the
gradient that is to come, s = g(x), or s = g(x, y) with the label y; g learns to predict the gradient that really comes. Another way is a head of its own for every segment
(Belilovsky et al. 2020, arXiv 1901.08164).

    ./modnet reproduce decoupled --data DIR
    ./modnet reproduce decoupled --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. The network has six hidden layers of 256 units with batch normalisation and ReLU, and a boundary after each of them. Criteria: with labels, synthetic gradients are at most 0.7 points
behind backpropagation in test error; where nothing trains the hidden layers, the error is at least 5 points higher.
*)
#load "modnet.fsx"

open Plotly.NET
open ModNet
open ModNet.Figures

let depth = 6

let layers (cut: Layer option) =
    network "decoupled" {
        image (1, 28, 28)
        flatten

        for _ in 1..depth do
            linear 256
            batch_norm
            activation Relu

            match cut with
            | Some boundary -> boundary
            | None -> ()

        softmax 10
    }

let run_of cut (scale: Scale) =
    experiment {
        net (layers cut)

        data (
            mnist "" {
                held_out (scale.Pick(5_000, 100))
                standardise true
            }
        )

        train (
            static_modules {
                batch 128
                steps (scale.Pick(2_000, 40))
                optimizer (Adam 1e-3)
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(500, 20))
    }

let row_of id text cut =
    row id {
        label text
        seeds [ 1; 2; 3 ]
        run (run_of cut)
    }

let backpropagation = row_of "backpropagation" "backpropagation" None

let synthetic_ = row_of "synthetic" "synthetic gradients" (Some(boundary (synthetic { hidden [ 256 ] })))

let labelled =
    row_of
        "synthetic-label"
        "synthetic gradients that see the label"
        (Some(
            boundary (
                synthetic {
                    hidden [ 256 ]
                    sees_target true
                }
            )
        ))

let linear_labelled =
    row_of "synthetic-label-linear" "the same, linear" (Some(boundary (synthetic { sees_target true })))

let local = row_of "local-heads" "a head for every layer" (Some(boundary Boundary.LocalHead))
let closed = row_of "closed" "only the last layer learns" (Some(boundary Boundary.Closed))
let all = [ backpropagation; synthetic_; labelled; linear_labelled; local; closed ]

let error (run: StudyRun) = run.Test.Accuracy |> Option.map (fun accuracy -> 100.0 * (1.0 - accuracy))

let errors (row: StudyRow) (runs: StudyRun list) =
    runs |> List.filter (fun run -> run.Row = row.Id && run.Finished) |> List.sortBy _.Seed |> List.choose error

(** ## What came out *)

/// The test error of a row less that of backpropagation with the same seed, by seed.
let behind (row: StudyRow) (runs: StudyRun list) = List.map2 (-) (errors row runs) (errors backpropagation runs)

let complete (runs: StudyRun list) =
    all |> List.forall (fun row -> (errors row runs).Length = (errors backpropagation runs).Length)

let said (values: float list) = values |> List.map (fun value -> value.ToString "+0.00;-0.00") |> String.concat ", "

let criteria (runs: StudyRun list) =
    let labels, top = behind labelled runs, behind closed runs

    [
        Criteria.row
            "synthetic gradients that see the label: at most 0.7 points behind backpropagation, mean over seeds"
            $"{said labels}"
            (not labels.IsEmpty && List.average labels <= 0.7)
        Criteria.row
            "only the last layer learns: at least 5 points behind, mean over seeds"
            $"{said top}"
            (not top.IsEmpty && List.average top >= 5.0)
    ]

let curves (runs: StudyRun list) =
    [
        for place, row in List.indexed all do
            for run in runs |> List.filter (fun run -> run.Row = row.Id) |> List.truncate 1 do
                let steps, accuracies = run.Column("validation", "accuracy")

                Chart.Line(
                    x = steps,
                    y = [ for accuracy in accuracies -> 100.0 * (1.0 - accuracy) ],
                    Name = row.Label,
                    ShowMarkers = true,
                    LineColor = Color.fromString (Palette.colour place)
                )
    ]
    |> Panel.series
    |> Panel.x "gradient steps"
    |> Panel.y "validation error [%]"
    |> Panel.logY

let sections (runs: StudyRun list) = [
    if complete runs then Criteria.section "Criteria" (criteria runs)

    Section.figure
        "Error in the course of training"
        "The share of validation images that are named wrongly, of the first seed of each row."
        (curves runs)
]

study "decoupled" {
    title "Decoupled layers on MNIST"
    data_folder "mnist"
    rows all
    measure "test error [%]" error
    report sections
}
|> Study.main fsi.CommandLineArgs
