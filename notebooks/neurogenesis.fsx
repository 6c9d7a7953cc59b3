(**
# Growing for new classes

A network that reconstructs digits 1 and 7 learns the other digits one after the other. Neurogenesis deep learning (Draelos et al. 2016, arXiv 1612.03770) adds units for a class as long as its reconstruction error is high, and replays
earlier classes. Here the unit that is added is a module: a pool of small autoencoders, of which each image runs one.

    ./modnet reproduce neurogenesis --data DIR
    ./modnet reproduce neurogenesis --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. Criteria: at the end, the error on digits 1 and 7 of the network that grows and replays is at most 1.2 times that of a network of as many modules that learns all digits together, for as many
steps; without replay it is at least twice that.

What differs from the paper: modules are added, and not units of every layer of a stacked autoencoder; what is replayed are 100 stored images of each earlier task, and not images drawn from statistics of codes; and old modules go on learning as
they did, where the paper first keeps old units as they are and then lets them learn slowly.
*)
#load "paired.fsx"

open System
open System.IO
open System.Text.Json.Nodes
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp
open Paired

(** ## Tasks *)

/// The digits of the tasks, in order.
let classes = [ [ 1; 7 ]; [ 0 ]; [ 2 ]; [ 3 ]; [ 4 ]; [ 5 ]; [ 6 ]; [ 8 ]; [ 9 ] ]

let name_of (digits: int list) = digits |> List.map string |> String.concat ""

/// Images of some digits as their own targets.
let digits_of (scale: Scale) (digits: int list) =
    mnist "" {
        held_out (scale.Pick(5_000, 100))
        only digits
        reconstruct true
    }

let pixels = 28 * 28

(** ## A pool of autoencoders

With the variance 1/2π, −log p(y|x, a) is π times the squared error of an image. *)

let all_modules = 12

let autoencoder =
    network "neurogenesis" {
        image (1, 28, 28)
        flatten

        modular {
            modules all_modules
            choose 1

            unit (
                chain {
                    linear 16 |> relu
                    linear pixels
                }
            )
        }

        gaussian (variance (1.0 / (2.0 * Math.PI)))
    }

/// The squared error of an image above which a class asks for another module.
let threshold = 36.0

let growing =
    growth "modular1/pool" {
        start 3
        every 50
        above (Math.PI * threshold)
    }

let tasks_of (scale: Scale) = [ for digits in classes -> name_of digits, digits_of scale digits ]

let in_turn (change: StreamData -> StreamData) (scale: Scale) =
    match stream { tasks (tasks_of scale) } with
    | Data.Stream plain -> Data.Stream(change plain)
    | other -> other

let growing_of (stream: StreamData) = { stream with Growth = Some growing }
let replaying (stream: StreamData) = { stream with Replay = Some(Replay.Uniform 64); Memory = Some 100 }
let joint (stream: StreamData) = { stream with Together = true }

let experiment_of (change: StreamData -> StreamData) (scale: Scale) =
    let per_task = scale.Pick(400, 60)

    experiment {
        net autoencoder
        data (in_turn change scale)

        train (
            em {
                samples 4
                m_steps 10
                batch 64
                steps per_task
                optimizer (Adam 1e-3)
                unselected Rest
            }
        )

        log_every 50
        validate_every per_task
    }

let row_of id text change =
    row id {
        label text
        seeds [ 1; 2; 3 ]
        run (experiment_of change)
    }

let grown = row_of "grown" "grows, replays" (growing_of >> replaying)
let alone = row_of "grown-no-replay" "grows, replays nothing" growing_of
let whole = row_of "whole" "all modules from the beginning, replays" replaying
let together = row_of "joint" "all modules, all digits together" joint

(** ## Errors *)

/// The squared error of an image, for each task at the end.
let errors =
    remembered (fun run ->
        let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Folder, "summary.json")))
        let rows = summary["tasks"].["test"].["matrix"].AsArray()
        [ for value in rows[rows.Count - 1].AsArray() -> -value.GetValue<float>() / Math.PI ])

let old (run: StudyRun) = if run.Finished then Some (errors run).Head else None
let all (run: StudyRun) = if run.Finished then Some(List.average (errors run)) else None

/// How many modules may be chosen in the end.
let opened =
    remembered (fun run ->
        use _scope = torch.NewDisposeScope()
        let tensors = Safetensors.Read(Path.Combine(run.Folder, "checkpoint.safetensors"))

        match tensors.TryGetValue "modular1.controller.closed" with
        | true, closed -> TensorArrays.Vector<int64> closed |> Array.filter ((=) 0L) |> Array.length |> float
        | _ -> float all_modules)

let of_row (row: StudyRow) (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = row.Id && run.Finished)

/// The old digits' error beside that of the joint network of the same seed.
let ratios (row: StudyRow) (runs: StudyRun list) = [
    for run in of_row row runs do
        match of_row together runs |> List.tryFind (fun other -> other.Seed = run.Seed) with
        | Some other -> (errors run).Head / (errors other).Head
        | None -> ()
]

let criterion text row is_met runs =
    let found = ratios row runs
    Criteria.row text $"{spread found} times, {found.Length} seeds" (not found.IsEmpty && List.forall is_met found)

let chart (runs: StudyRun list) =
    [
        for place, row in List.indexed [ grown; alone; whole; together ] do
            match of_row row runs |> List.map errors with
            | [] -> ()
            | found ->
                let means = List.transpose found |> List.map List.average
                let places = [| for number in 1 .. means.Length -> float number |]
                Draw.Line(row.Label, places, List.toArray means, Colour = Palette.colour place)
    ]
    |> Panel.over "task"
    |> Panel.xMarks [ for number, digits in List.indexed classes -> float (number + 1), name_of digits ]
    |> Panel.x "digits of the task"
    |> Panel.y "squared error of an image"

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" [
        criterion
            "grows, replays: error on 1 and 7 ≤ 1.2 times the joint network's, for each seed"
            grown
            (fun ratio -> ratio <= 1.2)
            runs
        criterion
            "grows, replays nothing: ≥ 2 times the joint network's, for each seed"
            alone
            (fun ratio -> ratio >= 2.0)
            runs
    ]
    Section.make "Errors at the end" [
        Content.Table(
            [ "network"; "error on 1 and 7"; "beside joint"; "error, mean of tasks"; "modules in the end"; "seconds" ],
            [
                for row in [ grown; alone; whole; together ] do
                    let own = of_row row runs

                    [
                        row.Label
                        own |> List.choose old |> spread
                        ratios row runs |> spread
                        own |> List.choose all |> spread
                        own |> List.map opened |> spread
                        own |> List.map _.Seconds |> spread
                    ]
            ]
        )
    ]
    Section.figure
        "Error of each task at the end"
        "Squared error of a test image after the last task, by the digits of the task, in the order in which they were learned; the mean over seeds."
        (chart runs)
]

study "neurogenesis" {
    title "Modules that are added for new digits"
    data_folder "mnist"
    rows [ grown; alone; whole; together ]
    measure "error on 1 and 7" old
    measure "error, mean of tasks" all
    measure "modules in the end" (fun run -> if run.Finished then Some(opened run) else None)
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
