(**
# Does choosing modules by EM forget less?

Tasks come one after the other. Does a modular network that is trained by EM forget less of the earlier ones than a dense network does, when both replay as much, and when the dense one is given as many multiply-adds for
a datapoint or as many parameters? And what do elastic weight consolidation (Kirkpatrick et al. 2017) and replay by modules add?

    ./modnet reproduce lifelong --data DIR
    ./modnet reproduce lifelong --data DIR --quick

DIR has folders `mnist` and `cifar10`. There are three streams of five tasks: two digits of MNIST each, with a head for each task; all digits of MNIST under five orders of the pixels, with one head; and two classes of CIFAR-10 each, with a head for
each task, from images of half their size. Every row trains for as many steps of as many datapoints. Criteria: in each stream, the modular network forgets less than each dense one, without replay, with uniform replay, and with consolidation; and
with replay by modules less than with uniform replay, at as many replayed datapoints. A difference counts if it has p < 0.05 in a two-sided paired t-test over the seeds.
*)
#load "paired.fsx"

open System.IO
open System.Text.Json.Nodes
open ModNet
open ModNet.Figures
open Plotly.NET
open Paired

(** ## Streams *)

type Tasks = {
    Id: string
    Title: string
    Folder: string
    /// Each with data of its own.
    All: Scale -> (string * Data) list
    /// Whether a task has a head of its own, for two classes.
    HasHeads: bool
    Input: Chain
    /// Gradient steps of each task.
    Steps: int
    /// What consolidation's λ is chosen from.
    Strengths: float list
}

let held_out_points (scale: Scale) = scale.Pick(5_000, 100)

let pairs (source: int list -> Data) = [ for first in 0..2..8 -> $"{first}{first + 1}", source [ first; first + 1 ] ]

let streams = [
    {
        Id = "digits"
        Title = "split MNIST"
        Folder = "mnist"
        All =
            fun scale ->
                pairs (fun classes ->
                    mnist "" {
                        held_out (held_out_points scale)
                        standardise true
                        only classes
                        renumber true
                    })
        HasHeads = true
        Input = chain { flatten }
        Steps = 300
        Strengths = [ 100.0; 1_000.0; 10_000.0 ]
    }
    {
        Id = "orders"
        Title = "permuted MNIST"
        Folder = "mnist"
        All =
            fun scale -> [
                for number in 1..5 ->
                    $"order {number}",
                    mnist "" {
                        held_out (held_out_points scale)
                        standardise true
                        permuted number
                    }
            ]
        HasHeads = false
        Input = chain { flatten }
        Steps = 1_000
        Strengths = [ 1.0; 10.0; 100.0; 1_000.0 ]
    }
    {
        Id = "objects"
        Title = "split CIFAR-10"
        Folder = "cifar10"
        All =
            fun scale ->
                pairs (fun classes ->
                    cifar10 "" {
                        held_out (held_out_points scale)
                        standardise true
                        only classes
                        renumber true
                    })
        HasHeads = true
        Input =
            chain {
                avg_pool 2
                flatten
            }
        Steps = 600
        Strengths = [ 10.0; 100.0; 1_000.0; 10_000.0 ]
    }
]

(** ## Networks

The modular network has two layers of eight modules, two of which run. Of its 65,000 multiply-adds and 222,000 parameters before the head, at 784 inputs, the dense networks have as many of one or of the other; CIFAR-10's 768 inputs are nearly as many. *)

type Architecture = { Name: string; About: string; Layers: Chain; IsModular: bool }

let dense width =
    chain {
        linear width |> relu
        linear width |> relu
    }

let architectures = [
    {
        Name = "modular"
        About = "modular, 2 of 8"
        Layers =
            chain {
                for _ in 1..2 do
                    modular {
                        modules 8
                        unit (linear 32 |> relu)
                        choose 2
                    }
            }
        IsModular = true
    }
    { Name = "dense-work"; About = "dense, equal multiply-adds"; Layers = dense 76; IsModular = false }
    { Name = "dense-size"; About = "dense, equal parameters"; Layers = dense 221; IsModular = false }
]

let network_of (stream: Tasks) (architecture: Architecture) =
    let shape = if stream.Folder = "mnist" then 1, 28, 28 else 3, 32, 32

    network $"{stream.Id}-{architecture.Name}" {
        image shape
        tasks 5
        stream.Input
        architecture.Layers

        if stream.HasHeads then task_heads 5 2 else linear 10

        categorical
    }

(** ## Ways not to forget *)

/// Its id, its name, and what it makes of a stream.
let consolidated (strength: float) =
    $"ewc-{strength}",
    $"consolidation, λ = {strength:N0}",
    (fun (stream: StreamData) -> { stream with Consolidation = Some strength })

let replayed = 32
let stored = 200

let with_replay (how: Replay) (stream: StreamData) = { stream with Replay = Some how; Memory = Some stored }

let ways (stream: Tasks) = [
    "none", "nothing", id
    "uniform", "uniform replay", with_replay (Replay.Uniform replayed)
    for strength in stream.Strengths do
        consolidated strength
]

let by_module = "by-module", "replay by modules", with_replay (Replay.ByModule replayed)

let ways_of stream architecture = if architecture.IsModular then ways stream @ [ by_module ] else ways stream

let experiment_of (stream: Tasks) (architecture: Architecture) (change: StreamData -> StreamData) (scale: Scale) =
    let source =
        match ModNet.StreamSource.stream { tasks (stream.All scale) } with
        | Data.Stream plain -> Data.Stream(change plain)
        | other -> other

    let per_task = scale.Pick(stream.Steps, 8)

    experiment {
        net (network_of stream architecture)
        data source

        train (
            if architecture.IsModular then
                em {
                    samples 5
                    m_steps 2
                    e_batch 256
                    batch 64
                    steps per_task
                    optimizer (Adam 1e-3)
                    unselected Rest
                }
            else
                static_modules {
                    batch 64
                    steps per_task
                    optimizer (Adam 1e-3)
                    unselected Rest
                }
        )

        log_every 50
        validate_every (if stream.HasHeads then per_task / 2 else per_task)
    }

let id_of (stream: Tasks) (architecture: Architecture) (way: string) = $"{stream.Id}-{architecture.Name}-{way}"

let all_rows = [
    for stream in streams do
        for architecture in architectures do
            for way, about, change in ways_of stream architecture do
                row (id_of stream architecture way) {
                    label $"{stream.Title}: {architecture.About}, {about}"
                    seeds [ 1; 2; 3 ]
                    data_folder stream.Folder
                    run (experiment_of stream architecture change)
                }
]

(** ## Measures

R_ij is the test accuracy of task j after the training on task i. Final accuracy is the mean of R's last row, forgetting the mean over all tasks but the last of max_i R_ij − R_Tj, and forward transfer the mean over all tasks but the first of R_(j−1)j minus what task j came to before
any training. λ is chosen by the mean accuracy after the last task on the validation sets, over all seeds. *)

let of_final (name: string) (run: StudyRun) = run.Train[name] |> Option.map ((*) 100.0)
let accuracy = of_final "average_accuracy"
let forgetting = of_final "forgetting"
let transfer = of_final "forward_transfer"

/// The tasks' part of a run's summary.
let tasks_of =
    remembered (fun run ->
        let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(run.Folder, "summary.json")))
        summary["tasks"])

let validated (run: StudyRun) : float option =
    if run.Finished then
        let tasks = tasks_of run
        let average = tasks["validation"].["average"]
        Some(100.0 * (average.GetValue<float>()))
    else
        None

/// H_a as a share of log M on the test sets of all tasks, in percent.
let undecided (run: StudyRun) =
    run.Test.SelectionEntropy
    |> Option.filter (fun entropy -> entropy > 0.0)
    |> Option.map (fun entropy -> 100.0 * entropy / log 8.0)

let matrix (run: StudyRun) : float[,] =
    let tasks = tasks_of run
    let rows = tasks["test"].["matrix"]

    array2D [ for row in rows.AsArray() -> [ for value in row.AsArray() -> 100.0 * (value.GetValue<float>()) ] ]

let of_row id (runs: StudyRun list) = runs |> List.filter (fun run -> run.Row = id && run.Finished)

let best_strength (stream: Tasks) (architecture: Architecture) (runs: StudyRun list) : string option =
    [
        for strength in stream.Strengths do
            let way, _, _ = consolidated strength

            match of_row (id_of stream architecture way) runs |> List.choose validated with
            | [] -> ()
            | found -> way, List.average found
    ]
    |> function
        | [] -> None
        | found -> Some(fst (List.maxBy snd found))

/// What stands for a way of a row: of consolidation, that with the chosen λ.
let chosen stream architecture way runs =
    if way = "consolidation" then best_strength stream architecture runs else Some way

let runs_of stream architecture way runs =
    chosen stream architecture way runs
    |> Option.map (fun way -> of_row (id_of stream architecture way) runs)
    |> Option.defaultValue []

(** ## What it says *)

let table stream runs =
    Section.make stream.Title [
        Content.Table(
            [
                "network"
                "against forgetting"
                "final accuracy [%]"
                "forgetting [points]"
                "forward transfer [points]"
                "validation [%]"
                "H_a [% of log M]"
                "seconds"
            ],
            [
                for architecture in architectures do
                    for way, about, _ in ways_of stream architecture do
                        let own = of_row (id_of stream architecture way) runs
                        let is_chosen = best_strength stream architecture runs = Some way

                        [
                            architecture.About
                            (if is_chosen then $"{about} (chosen)" else about)
                            own |> List.choose accuracy |> spread
                            own |> List.choose forgetting |> spread
                            own |> List.choose transfer |> spread
                            own |> List.choose validated |> spread
                            own |> List.choose undecided |> spread
                            own |> List.map _.Seconds |> spread
                        ]
            ]
        )
    ]

let measured (found: Difference) =
    $"%+.2f{found.Mean} ± %.2f{found.Deviation} points, p = %.3f{found.P}, {found.Seeds} seeds"

let is_less (found: Difference) = found.Mean < 0.0 && found.P < 0.05
let compared = [ "none"; "uniform"; "consolidation" ]

/// What is compared with what in a stream: its name, and the runs of both. Where they have not two seeds in common, there is nothing to say yet.
let comparisons (stream: Tasks) (runs: StudyRun list) = [
    let modular = architectures.Head

    for way in compared do
        for other in architectures.Tail do
            $"{stream.Title}, {way}: {modular.About} and {other.About}",
            runs_of stream modular way runs,
            runs_of stream other way runs

    $"{stream.Title}: replay by modules and uniform replay",
    runs_of stream modular "by-module" runs,
    runs_of stream modular "uniform" runs
]

let criteria (runs: StudyRun list) = [
    for stream in streams do
        for name, one, other in comparisons stream runs do
            match difference forgetting one other with
            | Some found -> Criteria.row $"{name}: the first forgets less" (measured found) (is_less found)
            | None -> ()
]

/// Forgetting is less where less was learned, so accuracy stands beside it.
let beside (runs: StudyRun list) = [
    for stream in streams do
        for name, one, other in comparisons stream runs do
            match difference accuracy one other with
            | Some found -> [ $"{name}: the first minus the second"; measured found ]
            | None -> ()
]

/// The accuracy on the tasks so far over the training, a mean over seeds.
let course (architecture: Architecture) stream (runs: StudyRun list) =
    [
        for place, way in List.indexed (compared @ (if architecture.IsModular then [ "by-module" ] else [])) do
            match runs_of stream architecture way runs |> List.map (fun run -> run.Column("test", "accuracy")) with
            | [] -> ()
            | columns ->
                let steps = fst columns.Head

                let values = [|
                    for i in 0 .. steps.Length - 1 -> 100.0 * (columns |> List.averageBy (fun (_, each) -> each[i]))
                |]

                Draw.Line(way, steps, values, Colour = Palette.colour place)
    ]
    |> Panel.over "step"
    |> Panel.y "accuracy, tasks so far [%]"
    |> Panel.title architecture.About

let courses stream runs =
    Section.figure
        $"{stream.Title}: accuracy over the training"
        "Test accuracy on the tasks that have been trained on so far, over all five tasks; the mean over seeds, with consolidation's chosen λ."
        (Figure.beside [ for architecture in architectures -> course architecture stream runs ])

let matrices stream runs =
    let panels = [
        for architecture in architectures.Head :: [ architectures[1] ] do
            for way in [ "none"; "uniform"; "consolidation" ] do
                match runs_of stream architecture way runs with
                | [] -> ()
                | run :: _ ->
                    let values = matrix run
                    let names = [| for number in 1 .. Array2D.length2 values -> string number |]

                    Panel.series [
                        Draw.Heat(names, (0.0, 100.0), values, Rows = [| for name in names -> $"after {name}" |])
                    ]
                    |> Panel.classesX
                    |> Panel.classesY
                    |> Panel.downwards
                    |> Panel.x "task"
                    |> Panel.left 80
                    |> Panel.title $"{architecture.Name}, {way}"
    ]

    if panels.IsEmpty then
        []
    else
        [
            Section.figure
                $"{stream.Title}: every task after every task"
                "Test accuracy in percent of each task (column) after the training on each task (row), of the first seed."
                (Figure.grid 3 panels)
        ]

let sections (runs: StudyRun list) =
    let begun = streams |> List.filter (fun stream -> runs |> List.exists (fun run -> run.Row.StartsWith stream.Id))

    [
        Criteria.section "Criteria" (criteria runs)
        Section.make "Final accuracy, paired differences" [ Content.Table([ "difference"; "measured" ], beside runs) ]
        for stream in begun do
            table stream runs
            courses stream runs
            yield! matrices stream runs
    ]

study "lifelong" {
    title "Modules, replay and consolidation on streams of tasks"
    rows all_rows
    measure "final accuracy [%]" accuracy
    measure "forgetting [points]" forgetting
    measure "forward transfer [points]" transfer
    measure "validation accuracy [%]" validated
    measure "H_a [% of log M]" undecided
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
