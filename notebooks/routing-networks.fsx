(**
# Routing networks: ten tasks that share blocks

Rosenbaum, Klinger, Riemer 2018 ("Routing networks"): a network for several tasks is made of blocks, of which a router chooses one at every depth, by the task, by the datapoint, or by both. Kirsch, Kunze and Barber
write of it (section 5): conditioning on the task shows promising results there, while a single agent that is conditioned on task and datapoint fails to use more than one or two modules; EM in this setting is their future work. Here it is: `controller Task` reads
the hidden input and the task id, and a* is found for each datapoint, or, with `assign PerTask`, for each task.

A task tells one digit of MNIST from all others, from about 1,000 images of it and as many of the others, which come from the same 10,000 images for all tasks. All networks have three layers of 48 units and a head for each task:

* **EM, each datapoint**, **EM, each task**, **REINFORCE**: ten blocks at every depth, chosen by a controller that reads the task;
* **separate**: the same blocks, of which task t has block t at every depth: a network for each task, equal parameters;
* **shared**: one block at every depth: equal computation;
* **shared, wide**: one block of 304 units at every depth: equal parameters.

The criterion: a routed network is as accurate on the test images as the shared trunk of equal computation and as the separate networks, and it does not collapse. Steps and settings are the same for all, and were not tuned.

    ./modnet reproduce routing-networks --data DIR
    ./modnet reproduce routing-networks --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them.
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures

(** ## The tasks *)

let digits (scale: Scale) =
    stream {
        tasks [
            for digit in 0..9 ->
                $"{digit}",
                mnist "" {
                    held_out (scale.Pick(50_000, 50))
                    one_vs_rest digit
                }
        ]

        together
    }

(** ## The networks *)

let width, wide, blocks, depth = 48, 304, 10, 3

let routed how =
    network "routing-networks" {
        image (1, 28, 28)
        tasks 10
        flatten

        for _ in 1..depth do
            modular {
                modules blocks
                unit (linear width |> relu)
                controller how
            }

        task_heads 10 2
        categorical
    }

let trunk units =
    network "trunk" {
        image (1, 28, 28)
        tasks 10
        flatten

        for _ in 1..depth do
            linear units |> relu

        task_heads 10 2
        categorical
    }

/// A stream's `steps` are those of one task.
let steps_of (scale: Scale) = scale.Pick(400, 4)

let experiment_of network how (scale: Scale) =
    experiment {
        net network
        data (digits scale)
        train (how (steps_of scale))
        log_every (scale.Pick(50, 4))
        validate_every (scale.Pick(1_000, 40))
        trace_at_end 20_000
    }

let by_em each count =
    em {
        assign each
        samples 5
        m_steps 10
        batch 128
        e_batch (if each = PerTask then 4_000 else 512)
        steps count
        optimizer (Adam 1e-3)
    }

let by_reinforce count =
    reinforce {
        batch 128
        steps count
        optimizer (Adam 1e-3)
    }

let without_choice count =
    static_modules {
        batch 128
        steps count
        optimizer (Adam 1e-3)
    }

let all_rows = [
    "em-datapoint", "EM, each datapoint", experiment_of (routed Task) (by_em PerDatapoint)
    "em-task", "EM, each task", experiment_of (routed Task) (by_em PerTask)
    "reinforce", "REINFORCE", experiment_of (routed Task) by_reinforce
    "separate", "separate", experiment_of (routed ByTask) without_choice
    "shared", "shared", experiment_of (trunk width) without_choice
    "shared-wide", "shared, wide", experiment_of (trunk wide) without_choice
]

let routed_rows = [ "em-datapoint"; "em-task"; "reinforce" ]
let is_routed (run: StudyRun) = List.contains run.Row routed_rows

(** ## What came out *)

let accuracy (run: StudyRun) = run.Test.Accuracy |> Option.map (fun share -> 100.0 * share)

let layers = [ for layer in 1..depth -> $"modular{layer}" ]

/// How often each block runs for each task, layer by layer, on the test images.
let tables =
    remembered (fun run ->
        let trace = Trace.load run.Folder
        [ for layer in layers -> Inspect.by_task layer trace ])

/// exp of the entropy of the blocks that ran, the mean over the depths.
let effective (run: StudyRun) =
    let of_layer (table: SelectionTable) =
        let counts = [ for block in 0 .. blocks - 1 -> Array.sum table.Counts[*, block] |> float ]
        let all = List.sum counts

        counts
        |> List.filter (fun count -> count > 0.0)
        |> List.sumBy (fun count -> -count / all * log (count / all))
        |> exp

    if is_routed run && run.Finished then tables run |> List.averageBy of_layer |> Some else None

/// How much the task tells of the module, in nats, the mean over layers: log 10 where every task has a module of its own.
let information (run: StudyRun) =
    if is_routed run && run.Finished then tables run |> List.averageBy _.Information |> Some else None

let reached (runs: StudyRun list) (row: string) =
    runs
    |> List.filter (fun run -> run.Row = row && run.Finished)
    |> List.choose (fun run -> accuracy run |> Option.map (fun share -> run.Seed, share))

let deviation (values: float list) =
    let mean = List.average values

    if values.Length < 2 then
        0.0
    else
        sqrt ((values |> List.sumBy (fun value -> (value - mean) ** 2.0)) / float (values.Length - 1))

let criteria (runs: StudyRun list) =
    Criteria.section "Criteria" [
        for row, label, _ in all_rows do
            if List.contains row routed_rows then
                let ours = reached runs row

                for other, against in [ "shared", "shared"; "separate", "separate" ] do
                    let theirs = Map.ofList (reached runs other)

                    let differences =
                        ours
                        |> List.choose (fun (seed, share) ->
                            theirs.TryFind seed |> Option.map (fun other -> share - other))

                    if not differences.IsEmpty then
                        Criteria.row
                            $"{label}: at least as accurate as {against}"
                            $"%+.2f{List.average differences} ± %.2f{deviation differences} points"
                            (List.average differences >= 0.0)

                match runs |> List.filter (fun run -> run.Row = row && run.Finished) |> List.choose effective with
                | [] -> ()
                | effective ->
                    Criteria.row
                        $"{label}: no collapse, more than two of {blocks} blocks in use at every depth, in the mean"
                        $"%.1f{List.average effective}"
                        (List.min effective > 2.0)
    ]

let use_of (runs: StudyRun list) = [
    for row in routed_rows do
        match runs |> List.filter (fun run -> run.Row = row) with
        | [] -> ()
        | run :: _ ->
            Section.figure
                $"{run.Label}: the blocks of each task"
                "How often each block runs for the test images of each task, at the three depths; a row sums to 1. The first seed."
                (tables run
                 |> List.map (fun table ->
                     Draw.Heat(
                         [| for block in 0 .. blocks - 1 -> string block |],
                         (0.0, 1.0),
                         table.Shares,
                         Rows = table.Labels
                     )
                     |> List.singleton
                     |> Panel.series
                     |> Panel.x "block"
                     |> Panel.y "task"
                     |> Panel.title table.Layer)
                 |> Figure.grid 3)
]

let by_task (runs: StudyRun list) =
    Section.make "Accuracy of each task" [
        Content.Table(
            "" :: [ for digit in 0..9 -> string digit ] @ [ "all [%]" ],
            [
                for row, label, _ in all_rows do
                    match runs |> List.filter (fun run -> run.Row = row) with
                    | [] -> ()
                    | runs ->
                        let mean (field: string) =
                            match runs |> List.choose (fun run -> run.Test[field]) with
                            | [] -> "–"
                            | shares -> $"%.2f{100.0 * List.average shares}"

                        let all = runs |> List.choose accuracy
                        let total = if all.IsEmpty then "–" else $"%.2f{List.average all} ± %.2f{deviation all}"
                        label :: [ for digit in 0..9 -> mean $"accuracy/{digit}" ] @ [ total ]
            ]
        )
    ]

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter _.Finished
    if runs.IsEmpty then [] else criteria runs :: by_task runs :: use_of runs

study "routing-networks" {
    title "Routing networks: ten tasks of MNIST"
    data_folder "mnist"

    rows [
        for id, name, experiment in all_rows ->
            row id {
                label name
                seeds [ 1; 2; 3 ]
                run experiment
            }
    ]

    measure "test accuracy [%]" (fun run -> if run.Finished then accuracy run else None)

    measure "validation accuracy [%]" (fun run ->
        if run.Finished then run.Validation.Accuracy |> Option.map (fun share -> 100.0 * share) else None)

    measure "H_b" (fun run -> if is_routed run then run.Test.BatchSelectionEntropy else None)
    measure "effective modules" effective
    measure "information of task and module" information
    report sections
}
|> Study.main fsi.CommandLineArgs
