(**
# ThalNet: recurrent modules around a centre

Hafner et al. 2017 (arXiv 1706.05744) connect recurrent modules through a centre: at each step module i reads what it wants of all modules' features, cᵢ, φᵢ = fᵢ(cᵢ, Rᵢ·[φ₁ … φ_M]); the first module reads the input as well, and the last one's features are the output. What
was read at one step comes one step later, so an input needs several steps to come to the output.

Here the 28 rows of an MNIST image come one after the other, and the digit is asked for at the end. The modules are GRUs of one step with equal sizes, and reading is linear with weights of length one (the paper's weight normalisation). The baseline is one GRU with as many parameters.

    ./modnet reproduce thalnet --data DIR
    ./modnet reproduce thalnet --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. Criterion: ThalNet's mean test accuracy is at least the GRU's.

What differs from the paper: its experiments are on MNIST in another form and on CIFAR-10 and text, with up to a million parameters.
*)
#load "paired.fsx"

open ModNet
open ModNet.Figures
open TorchSharp
open Paired

let rows_of_image = 28
let row_width = 28

(** ## Cells *)

/// One step of GRUs beside each other: inputs [M, B, i], states [M, B, h], and weights [M, i, 3h] and [M, h, 3h] with biases [M, 1, 3h].
let step (w: torch.Tensor) (u: torch.Tensor) (b: torch.Tensor) (c: torch.Tensor) (x: torch.Tensor) (h: torch.Tensor) =
    let own = (b + x.bmm w).chunk(3L, 2L)
    let past = (c + h.bmm u).chunk(3L, 2L)
    let reset = (own[0] + past[0]).sigmoid()
    let update = (own[1] + past[1]).sigmoid()
    let candidate = (own[2] + reset * past[2]).tanh()
    candidate + update * (h - candidate)

let modules, state, reading = 4, 32, 32

type ThalNet() as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("thalnet")

    // As linear maps: all gates of a unit have its inputs as fan-in.
    let weight (fan: int) (shape: int list) =
        let bound = 1.0 / sqrt (float fan)
        torch.nn.Parameter((torch.rand [| for size in shape -> int64 size |]) * (2.0 * bound) - bound)

    let own = [
        "read", weight (modules * state) [ modules; modules * state; reading ]
        "from_reading", weight reading [ modules; reading; 3 * state ]
        "from_state", weight state [ modules; state; 3 * state ]
        "from_input", weight row_width [ row_width; 3 * state ]
        "bias", weight state [ modules; 1; 3 * state ]
        "state_bias", weight state [ modules; 1; 3 * state ]
    ]

    do
        for name, parameter in own do
            this.register_parameter (name, parameter)

    override _.forward image =
        let value name = this.get_parameter name
        let batch = image.shape[0]
        let read = torch.nn.functional.normalize (value "read", dim = 1L)
        let of_reading, of_state = value "from_reading", value "from_state"
        let bias, state_bias = value "bias", value "state_bias"

        // Only the first module reads the input, so all rows are read at once.
        let inputs = image.view(batch, int64 rows_of_image, int64 row_width).matmul(value "from_input")

        let others =
            torch.zeros (
                [| int64 (modules - 1); batch; int64 (3 * state) |],
                dtype = image.dtype,
                device = image.device
            )

        let mutable states =
            torch.zeros ([| int64 modules; batch; int64 state |], dtype = image.dtype, device = image.device)

        for row in 0 .. rows_of_image - 1 do
            let centre = states.transpose(0L, 1L).reshape(1L, batch, -1L)
            let found = centre.expand(int64 modules, -1L, -1L).bmm read
            let seen = torch.cat ([| inputs.select(1L, int64 row).unsqueeze 0L; others |], 0L)
            states <- step of_reading of_state (bias + seen) state_bias found states

        states.select (0L, int64 (modules - 1))

let thalnet_parameters =
    modules * (modules * state * reading + reading * 3 * state + state * 3 * state + 2 * 3 * state)
    + row_width * 3 * state

let thalnet =
    custom "thalnet" {
        reads (Shape.Image(1, rows_of_image, row_width))
        gives (Shape.Vector state)
        parameters (int64 thalnet_parameters)

        multiply_adds (
            int64 rows_of_image
            * int64 (
                modules * (modules * state * reading + reading * 3 * state + state * 3 * state) + row_width * 3 * state
            )
        )

        from_module (fun () -> new ThalNet())
    }

(** A GRU of so many units that it has as many parameters, with the layer that names digits, or a little more. *)

let classes = 10
let gru_parameters units = 3 * units * (row_width + units) + 6 * units + classes * (units + 1)

let gru_units =
    Seq.initInfinite id
    |> Seq.find (fun units -> gru_parameters units >= thalnet_parameters + classes * (state + 1))

type PlainGru() as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("gru")
    let cells = torch.nn.GRU(int64 row_width, int64 gru_units, batchFirst = true)

    do this.register_module ("cells", cells)

    override _.forward image =
        let struct (states, _) = cells.call (image.view (image.shape[0], int64 rows_of_image, int64 row_width))
        states.select (1L, int64 (rows_of_image - 1))

let plain_gru =
    custom "gru" {
        reads (Shape.Image(1, rows_of_image, row_width))
        gives (Shape.Vector gru_units)
        parameters (int64 (gru_parameters gru_units - classes * (gru_units + 1)))
        multiply_adds (int64 (rows_of_image * 3 * gru_units * (row_width + gru_units)))
        from_module (fun () -> new PlainGru())
    }

(** ## Training *)

let experiment_of name (layer: Custom) (scale: Scale) =
    experiment {
        net (
            network name {
                image (1, rows_of_image, row_width)
                layer
                softmax classes
            }
        )

        data (
            mnist "" {
                held_out (scale.Pick(5_000, 100))
                standardise true
            }
        )

        train (
            static_modules {
                batch 64
                steps (scale.Pick(3_000, 20))
                optimizer (Adam 2e-3)
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(500, 10))
    }

let compared = [
    "thalnet", $"ThalNet, {modules} modules of {state} units", thalnet
    "gru", $"GRU of {gru_units} units", plain_gru
]

(** ## What came out *)

let accuracy (run: StudyRun) = run.Test.Accuracy |> Option.map ((*) 100.0)
let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let criteria (runs: StudyRun list) =
    match difference accuracy (of_row "thalnet" runs) (of_row "gru" runs) with
    | Some found -> [
        Criteria.row
            "ThalNet's mean accuracy is at least the GRU's"
            $"%+.2f{found.Mean} ± %.2f{found.Deviation} points, p = %.3f{found.P}, {found.Seeds} seeds"
            (found.Mean >= 0.0)
      ]
    | None -> []

let curves (runs: StudyRun list) =
    [
        for place, (id, text, _) in List.indexed compared do
            for run in of_row id runs |> List.truncate 1 do
                let at, accuracies = run.Column("validation", "accuracy")

                Draw.Line(
                    text,
                    at,
                    [| for accuracy in accuracies -> 100.0 * (1.0 - accuracy) |],
                    Colour = Palette.colour place
                )
    ]
    |> Panel.over "gradient steps"
    |> Panel.y "validation error [%]"
    |> Panel.logY

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" (criteria runs)
    Section.make "Test accuracy" [
        Content.Table(
            [ "network"; "parameters"; "test accuracy [%]"; "seconds" ],
            [
                for id, text, layer in compared ->
                    let outputs =
                        match layer.Output with
                        | Shape.Vector width -> width
                        | other -> failwith $"expected a vector, got {other}"

                    let own = of_row id runs

                    [
                        text
                        $"{layer.Parameters + int64 (classes * (outputs + 1)):N0}"
                        own |> List.choose accuracy |> spread
                        own |> List.map _.Seconds |> spread
                    ]
            ]
        )
    ]
    Section.figure
        "Error in the course of training"
        "The share of validation images that are named wrongly, of the first seed of each row."
        (curves runs)
]

study "thalnet" {
    title "ThalNet: recurrent modules around a centre"
    data_folder "mnist"

    rows [
        for id, text, layer in compared do
            row id {
                label text
                seeds [ 1; 2; 3 ]
                run (experiment_of id layer)
            }
    ]

    measure "test accuracy [%]" accuracy
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
