(**
# Figure 4: module selection over training

H_a and H_b (Eqs. 15, 16) of generalised Viterbi EM, REINFORCE and noisy top-k on Penn Treebank, at every logged minibatch of the training. The
paper: "modular networks are less noisy during optimization compared to REINFORCE and more deterministic than noisy top-k. Our method
uses all modules at the end of training, shown by a large batch module selection entropy."

The paper does not say of which M the figure is; here are both. The runs are those of Table 1: what `reproduce table1` has finished, here
or where the logs in `results/logs` come from, is read; what is missing is run.

    ./modnet reproduce fig4 --data DIR
*)
#load "language.fsx"

open ModNet
open ModNet.Figures
open Language

let ``M = 5`` = [ em_5_1; reinforce_5_1; topk_5 ]
let ``M = 15`` = [ em_15_1; reinforce_15_1; topk_15 ]

(**
How noisy a curve is: the standard deviation of the difference between neighbouring logged minibatches, divided by √2, over the
last fifth of the training. The division makes it the standard deviation of one minibatch's value around a slow trend, whatever that
trend is.
*)

let lastFifth (run: StudyRun) field =
    let steps, values = run.Column("train", field)
    let from = 0.8 * float run.Planned

    Array.zip steps values |> Array.filter (fun (step, _) -> step > from) |> Array.map snd

let noise (values: float[]) =
    let squares = values |> Array.pairwise |> Array.map (fun (a, b) -> (b - a) ** 2.0)
    sqrt (Array.average squares / 2.0)

let median (values: float[]) = (Array.sort values)[values.Length / 2]

let summary (runs: StudyRun list) field =
    let cells (run: StudyRun) =
        let values = lastFifth run field

        if values.Length < 2 then
            []
        else
            [
                [
                    run.Name
                    $"%.4f{Array.min values}"
                    $"%.4f{median values}"
                    $"%.4f{Array.max values}"
                    $"%.2g{noise values}"
                ]
            ]

    Content.Table([ "last fifth of the steps"; "lowest"; "median"; "highest"; "noise" ], List.collect cells runs)

let figure (runs: StudyRun list) (rows: StudyRow list) (modules: int) =
    let drawn = runs |> List.filter (fun run -> run.Seed = 1 && rows |> List.exists (fun row -> row.Id = run.Row))

    let panel field heading =
        drawn
        |> List.map (fun run -> run.Name, run.Metrics)
        |> Curves.compare field heading "train"
        |> Panel.reference (log (float modules)) $"log {modules}"
        |> Panel.yRange (-0.03 * log (float modules)) (1.12 * log (float modules))

    if drawn.IsEmpty then
        []
    else
        [
            Section.make $"M = {modules}" [
                Content.Prose
                    "Of every logged minibatch, pale, with its running mean; in nats. Left H_a: how undecided the controller is about one word. Right H_b: how evenly the probabilities of the minibatch spread over the modules."
                Content.Chart(
                    Figure.beside [
                        panel "selection_entropy" "H_a [nats]"
                        panel "batch_selection_entropy" "H_b [nats]"
                    ]
                )
                Content.Prose "H_a:"
                summary drawn "selection_entropy"
                Content.Prose "H_b:"
                summary drawn "batch_selection_entropy"
            ]
        ]

study "fig4" {
    title "Figure 4: module selection entropies on Penn Treebank"
    data_folder "ptb"
    runs_of "table1"
    logs_suffice true
    rows [ for row in ``M = 5`` @ ``M = 15`` -> { row with Paper = []; Seeds = [ 1 ] } ]
    measure "H_a [nats]" (fun run -> run.Validation.SelectionEntropy)
    measure "H_b [nats]" (fun run -> run.Validation.BatchSelectionEntropy)
    report (fun runs -> figure runs ``M = 5`` 5 @ figure runs ``M = 15`` 15)
}
|> Study.main fsi.CommandLineArgs
