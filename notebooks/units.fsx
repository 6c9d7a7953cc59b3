// What the studies of units have in common (coactivity, locality, sparse-inference): load it by `#load "units.fsx"`. Dense networks on MNIST,
// without a penalty, with L1 on activations, and with locality. The studies share the runs.
#load "modnet.fsx"

open ModNet
open ModNet.Figures

/// The layer whose units are looked at: the first hidden one.
let layer = "linear1"

let width = 256

/// 784 → 256 → 256 → 10 with ReLU. The penalty, if there is one, stands after each hidden layer.
let network_of name (penalty: Layer option) =
    let penalised =
        chain {
            match penalty with
            | Some layer -> layer
            | None -> ()
        }

    network name {
        image (1, 28, 28)
        flatten
        linear width |> relu
        penalised
        linear width |> relu
        penalised
        softmax 10
    }

let run_of name penalty (scale: Scale) =
    experiment {
        net (network_of name penalty)

        data (
            mnist "" {
                held_out 5_000
                standardise true
            }
        )

        train (
            static_modules {
                batch 128
                steps (scale.Pick(2_000, 40))
                optimizer (Adam 1e-3)
            }
        )

        log_every 50
        validate_every (scale.Pick(1_000, 20))
    }

let row_of id text penalty =
    row id {
        label text
        seeds [ 1; 2; 3 ]
        run (run_of $"units-{id}" penalty)
    }

let without = row_of "without" "no penalty" None

(** The weight of `activity_l1` is a sum's: 0.3 on the mean of a layer. *)

let l1 = row_of "l1" "L1 on activations" (Some(activity_l1 (0.3 / float width)))

/// The weights of `locality` among which the validation set chooses.
let strengths = [ 3.0; 10.0; 30.0 ]

let locality_id (strength: float) = $"locality-{strength}"

let localities = [
    for strength in strengths -> row_of (locality_id strength) $"locality, weight {strength}" (Some(locality strength))
]

(** The graph of units: |r| over 1,000 test images. Links below 0.2 are left out, where chance gives 0.03. *)

let datapoints = 1_000
let least = 0.2

let opened (run: StudyRun) = run.Folder |> Trained.load_as run.WithCode

let communities_of =
    remembered (fun run ->
        use trained = opened run
        trained |> Structure.of_activity [ layer ] datapoints least |> Structure.communities)

let against_of = remembered (fun run -> (communities_of run).Graph |> Structure.against_rewired 10 1)

let accuracy (run: StudyRun) = run.Test.Accuracy |> Option.map ((*) 100.0)

let text (digits: int) (value: float) = if System.Double.IsFinite value then value.ToString($"F{digits}") else "–"

/// The finished runs of a row, by seed.
let of_row (id: string) (runs: StudyRun list) =
    runs |> List.filter (fun run -> run.Row = id && run.Finished) |> List.sortBy _.Seed

/// Runs of two rows with the same seed.
let paired (one: string) (other: string) (runs: StudyRun list) = [
    for first in of_row one runs do
        for second in of_row other runs do
            if first.Seed = second.Seed then first, second
]

/// Criteria as a section; they are printed, too.
let verdicts (rows: string list list) =
    for row in rows do
        printfn $"""{String.concat " · " row}"""

    Criteria.section "Criteria" rows
