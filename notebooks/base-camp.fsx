(**
# Base camp: correct some errors, and change nothing else

Burges (2016) asks that a trained system can be corrected in one part while all else stays as it is: what works is a base camp that later steps do not lose. In a network that chooses modules
one module can be trained anew on the digits that it gets wrong, with everything else frozen. Datapoints whose path does not meet it keep their output, bit for bit. Beside it stands plain fine-tuning on the same
digits, of all weights.

    ./modnet reproduce base-camp --data DIR
    ./modnet reproduce base-camp --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. The runs are those of `forgetting`.
*)
#load "experts.fsx"

open System.IO
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp
open Experts

(** ## The patch

Of the validation set's errors those are taken whose path meets the module that most of them meet; the first 20. The module learns from them, each counted ten times, and from 2,000 training digits that meet it.
*)

let wanted = 20
let patch_steps = 300

let chosen_rows (parts: Dataset list) (rows: int array) : torch.Tensor * int array =
    let x = torch.cat [| for part in parts -> part.Range(0L, part.Count).Inputs |]
    let y = torch.cat [| for part in parts -> part.Targets |]
    let places = torch.tensor (Array.map int64 rows)
    x.index_select (0L, places), y.index_select (0L, places) |> TensorArrays.Vector<int64> |> Array.map int

let where (ask: int -> bool) (said: Said) = [| 0 .. said.Classes.Length - 1 |] |> Array.filter ask

type Patch = {
    Module: int
    Errors: int
    Fixed: int
    Affected: int
    AffectedRepaired: int
    AffectedBroken: int
    Unaffected: int
    UnaffectedRepaired: int
    UnaffectedBroken: int
    LargestChange: float
}

(** ## What it does to the test set *)

let compare (number: int) (errors: int) (validation: Dataset list, rows: int array) (test: Dataset) before after =
    use _scope = torch.NewDisposeScope()
    let was, now = say before [ test ], say after [ test ]
    let meets row = Array.contains number was.Met[row]
    let right (said: Said) row = said.Predicted[row] = said.Classes[row]
    let affected, unaffected = was |> where meets, was |> where (meets >> not)
    let repaired rows = rows |> Array.filter (fun row -> not (right was row) && right now row) |> Array.length
    let broken rows = rows |> Array.filter (fun row -> right was row && not (right now row)) |> Array.length
    let patched = say after validation

    let change row =
        Array.map2 (fun one other -> abs (float one - float other)) was.Probabilities[row] now.Probabilities[row]
        |> Array.max

    {
        Module = number
        Errors = errors
        Fixed = rows |> Array.filter (right patched) |> Array.length
        Affected = affected.Length
        AffectedRepaired = repaired affected
        AffectedBroken = broken affected
        Unaffected = unaffected.Length
        UnaffectedRepaired = repaired unaffected
        UnaffectedBroken = broken unaffected
        LargestChange = if unaffected.Length = 0 then nan else unaffected |> Array.map change |> Array.max
    }

let correct (run: StudyRun) : (string * Patch) list =
    Trained.within run.Folder (fun opened ->
        use _scope = torch.NewDisposeScope()
        use network = Trained.load run.Folder
        let splits = opened.Source.Splits
        let validation, test = List.ofSeq splits.Validation, Seq.head splits.Test
        let held_out = say network validation
        let errors = held_out |> where (fun row -> held_out.Predicted[row] <> held_out.Classes[row])

        let number =
            [ 0 .. module_count - 1 ]
            |> List.maxBy (fun number ->
                errors |> Array.filter (fun row -> Array.contains number held_out.Met[row]) |> Array.length)

        let rows = errors |> Array.filter (fun row -> Array.contains number held_out.Met[row]) |> Array.truncate wanted

        let train = say network [ splits.Train ]

        let others = train |> where (fun row -> Array.contains number train.Met[row]) |> Array.truncate 2_000

        let wrong, wrong_classes = chosen_rows validation rows
        let same, same_classes = chosen_rows [ splits.Train ] others

        let patch =
            in_memory "errors" {
                inputs (torch.cat [| wrong; same |])
                classes 10 (Array.append wrong_classes same_classes)
                weights (Array.append (Array.replicate rows.Length 10.0f) (Array.replicate others.Length 1.0f))
            }

        let onto = {
            network.Experiment with
                Data = patch
                // Choices are drawn from the controllers, which stay as they are.
                Method =
                    reinforce {
                        batch 64
                        steps patch_steps
                        optimizer (Adam 1e-3)
                    }
        }

        let corrected name (kept: TrainedNetwork -> TrainedNetwork) =
            use patched =
                network
                |> Edit.fine_tune onto
                |> kept
                |> Edit.go_on patch_steps (Path.Combine(run.Folder, "edits", name))

            name, compare number errors.Length (validation, rows) test network patched

        [ corrected "one module" (Edit.freeze_but [ $"experts/{number}" ]); corrected "all weights" id ])

let corrected = remembered correct

let seen (run: StudyRun) : (string * Patch) list = if run.Finished && run.Row = "modular" then corrected run else []

let of_patch name (number: Patch -> int) (run: StudyRun) =
    seen run |> List.tryFind (fun (known, _) -> known = name) |> Option.map (snd >> number >> float)

let sections (runs: StudyRun list) = [
    if runs |> List.exists (seen >> List.isEmpty >> not) then
        Section.make "Twenty errors corrected" [
            Content.Prose
                "Fixed are errors of the validation set that the patch was made for. Repaired and broken are digits of the test set that were wrong before and right after, or the other way round. Affected are digits whose path met the module before the patch."
            Content.Table(
                [
                    "run"
                    "what learned"
                    "module"
                    $"fixed, of {wanted}"
                    "affected"
                    "repaired"
                    "broken"
                    "unaffected"
                    "repaired"
                    "broken"
                    "largest change"
                ],
                [
                    for run in runs do
                        for name, patch in seen run do
                            [
                                run.Name
                                name
                                string patch.Module
                                string patch.Fixed
                                string patch.Affected
                                string patch.AffectedRepaired
                                string patch.AffectedBroken
                                string patch.Unaffected
                                string patch.UnaffectedRepaired
                                string patch.UnaffectedBroken
                                $"%.2g{patch.LargestChange}"
                            ]
                ]
            )
        ]
]

study "base-camp" {
    title "Base camp: twenty errors corrected"
    data_folder "mnist"
    runs_of "forgetting"
    rows (rows_of_digits |> List.filter (fun row -> row.Id = "modular"))
    measure "fixed" (of_patch "one module" _.Fixed)
    measure "broken, unaffected" (of_patch "one module" _.UnaffectedBroken)
    measure "broken, affected" (of_patch "one module" _.AffectedBroken)
    measure "fixed by fine-tuning" (of_patch "all weights" _.Fixed)
    measure "broken, unaffected, by fine-tuning" (of_patch "all weights" _.UnaffectedBroken)
    measure "broken, affected, by fine-tuning" (of_patch "all weights" _.AffectedBroken)
    report sections
}
|> Study.main fsi.CommandLineArgs
