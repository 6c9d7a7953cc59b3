(**
# Porting a pool: what learned modules are worth elsewhere

A pool of modules that was trained in one network is put into another one, for another task, and stays as it is there: only the new controller and the new head learn. How many datapoints does that save? The source
network reads handwritten digits, at half their size, by six convolutional modules, two of which it chooses for every digit. The new task shows two digits side by side, drawn from images that the source was not trained on, and asks for the larger one. Three
networks of one form learn it from 50 to 5,000 pairs:

* **ported**: the modules of the source, frozen;
* **random**: modules as they were drawn, frozen, as a control: what do controller and head learn by themselves?
* **scratch**: everything learns.

The criterion: at 500 pairs or fewer, the ported pool is at least as accurate as a network that learns from scratch.

    ./modnet reproduce port --data DIR
    ./modnet reproduce port --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them.
*)
#load "modnet.fsx"

open System
open System.IO
open Plotly.NET
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

(** ## The pool and its two networks *)

let features_pool =
    pool "features" {
        modules 6

        unit (
            chain {
                conv 8 3 |> relu
                max_pool 2
                conv 16 3 |> relu
            }
        )
    }

/// A network whose first layer chooses two modules of the pool.
let over_pool name width classes =
    network name {
        image (1, 28, width)
        avg_pool 2

        modular {
            from features_pool
            choose 2
            controller (Conv(4, 3))
        }

        flatten
        softmax classes
    }

let by_em batch_size count =
    em {
        samples 5
        m_steps 10
        batch batch_size
        e_batch batch_size
        steps count
        optimizer (Adam 1e-3)
    }

let source_of (scale: Scale) =
    experiment {
        net (over_pool "port-source" 28 10)

        data (
            mnist "" {
                held_out 15_000
                standardise true
            }
        )

        train (by_em 64 (scale.Pick(4_000, 60)))
        log_every 50
        validate_every (scale.Pick(1_000, 60))
    }

(** ## The new task

Pairs for learning and for validation come from the images that were held out from the source's training, and pairs for the test from MNIST's test images. *)

let sizes (scale: Scale) = scale.Pick([ 50; 150; 500; 5_000 ], [ 50; 150 ])
let validation_pairs = 500
let test_pairs = 5_000
let steps_of (scale: Scale) = scale.Pick(600, 20)

/// Images [N, 1, 28, 28] in pairs side by side, [count, 1, 28, 56], and the larger digit of each.
let pairs (random: Random) (count: int) (x: torch.Tensor, y: torch.Tensor) : torch.Tensor * int array =
    let classes = TensorArrays.Vector<int64> y
    let draw () = Array.init count (fun _ -> random.Next classes.Length)
    let left, right = draw (), draw ()
    let half (places: int array) = x.index_select (0L, torch.tensor (Array.map int64 places))
    let beside = torch.cat ([| half left; half right |], 3L)
    beside, Array.map2 (fun one other -> int (max classes[one] classes[other])) left right

let all (parts: Dataset seq) : torch.Tensor * torch.Tensor =
    torch.cat [| for part in parts -> part.Range(0L, part.Count).Inputs |],
    torch.cat [| for part in parts -> part.Targets |]

let task (scale: Scale) (number: int) (x: torch.Tensor, y: int array) =
    experiment {
        net (over_pool "port-larger" 56 10)

        data (
            in_memory "pairs" {
                inputs x
                classes 10 y
                held_out validation_pairs
            }
        )

        train (by_em (min 64 (y.Length - validation_pairs)) (steps_of scale))
        seed number
        log_every 50
        validate_every (scale.Pick(100, 20))
    }

(** ## Three ways to learn it *)

let arms = [ "ported"; "random"; "scratch" ]

/// Accuracy on the validation pairs at a step of a run.
let validated (folder: string) (step: int64) : float =
    (MetricsLog.OfFolder folder).Lines
    |> Seq.filter (fun line -> line.Phase = "validation" && line.Step = step)
    |> Seq.choose (fun line -> line[Metric.Accuracy] |> Option.ofNullable)
    |> Seq.last

/// Trains the network of an arm in a folder, or goes on there. Of its last step and of the step with which the validation pairs were the most probable, it gives the one at which
/// more of them were right.
let trained (source: TrainedNetwork) (target: Experiment) (arm: string) (folder: string) : TrainedNetwork =
    match arm with
    | "ported" ->
        use fresh = Edit.port "features" source "features" target
        use _last = Edit.go_on target.Method.Steps folder fresh
        ()
    | _ ->
        let frozen = if arm = "random" then [ "features" ] else []

        match Check.experiment { target with Frozen = frozen; Out = Some folder } with
        | Error faults -> failwith $"{faults}"
        | Ok sound ->
            let outcome = Train.run { Settings.none with Resume = true } sound
            if not outcome.Finished then raise (OperationCanceledException $"{folder}: stopped")

    let best = Trained.load_best_as (Experiment.with_code_of target) folder
    let last = Trained.load_as (Experiment.with_code_of target) folder

    let chosen, other = if validated folder last.Step > validated folder best.Step then last, best else best, last

    (other :> IDisposable).Dispose()
    chosen

type Learned = { Arm: string; Pairs: int; Accuracy: float; Step: int64 }

let accuracy (network: TrainedNetwork) (x: torch.Tensor, y: int array) : float =
    use _scope = torch.NewDisposeScope()

    let right =
        Seq.sum (
            seq {
                for start in 0L .. 500L .. x.shape[0] - 1L do
                    use said = network.Predict(x.narrow (0L, start, min 500L (x.shape[0] - start)))
                    let said = TensorArrays.Vector<int64> said
                    said |> Seq.indexed |> Seq.filter (fun (n, digit) -> int digit = y[int start + n]) |> Seq.length
            }
        )

    float right / float y.Length

let learned =
    remembered (fun run ->
        let scale = if int run.Planned = (source_of Scale.Full).Method.Steps then Scale.Full else Scale.Quick
        use _scope = torch.NewDisposeScope()
        use source = Trained.load run.Folder

        let held_out, test =
            Trained.within run.Folder (fun opened ->
                let held_out, test = all opened.Source.Splits.Validation, all opened.Source.Splits.Test
                let kept (x: torch.Tensor, y: torch.Tensor) = x.clone (), y.clone ()
                kept held_out, kept test)

        let test = pairs (Random 1) test_pairs test

        [
            for count in sizes scale do
                let drawn = pairs (Random(run.Seed)) (count + validation_pairs) held_out
                let target = task scale run.Seed drawn

                for arm in arms do
                    let folder = Path.Combine(run.Folder, "edits", $"{arm}-{count}")
                    use best = trained source target arm folder
                    { Arm = arm; Pairs = count; Accuracy = 100.0 * accuracy best test; Step = best.Step }
        ])

let seen (run: StudyRun) : Learned list = if run.Finished then learned run else []

let reached (arm: string) (count: int) (run: StudyRun) : float option =
    seen run |> List.tryFind (fun found -> found.Arm = arm && found.Pairs = count) |> Option.map _.Accuracy

let difference (count: int) (run: StudyRun) = Option.map2 (-) (reached "ported" count run) (reached "scratch" count run)

(** ## What it says *)

let counts (runs: StudyRun list) = runs |> List.collect seen |> List.map _.Pairs |> List.distinct |> List.sort

let of_all (arm: string) (count: int) (runs: StudyRun list) = runs |> List.choose (reached arm count)

let panel (runs: StudyRun list) =
    [
        for place, arm in List.indexed arms do
            let counts = counts runs

            Chart.Line(
                x = [ for count in counts -> string count ],
                y = [ for count in counts -> runs |> of_all arm count |> List.average ],
                Name = arm,
                ShowMarkers = true,
                LineColor = Color.fromString (Palette.colour place)
            )
    ]
    |> Panel.series
    |> Panel.x "pairs to learn from"
    |> Panel.y "test accuracy [%]"
    |> Panel.classesX

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter (seen >> List.isEmpty >> not)
    let text (value: float option) = value |> Option.map (sprintf "%.2f") |> Option.defaultValue "–"

    if runs.IsEmpty then
        []
    else
        [
            Section.figure
                "Accuracy by how much there is to learn from"
                "Test accuracy in naming the larger of two digits, after the last step or at the step with which the validation pairs were the most probable, whichever names more of them rightly; the mean over seeds."
                (panel runs)
            Section.make "Every seed" [
                Content.Table(
                    [ "pairs"; "seed"; yield! arms |> List.map (sprintf "%s [%%]"); "ported − scratch [points]" ],
                    [
                        for count in counts runs do
                            for run in runs do
                                [
                                    string count
                                    string run.Seed
                                    yield! arms |> List.map (fun arm -> text (reached arm count run))
                                    difference count run |> Option.map (sprintf "%+.2f") |> Option.defaultValue "–"
                                ]
                    ]
                )
            ]
        ]

study "port" {
    title "A pool ported to another task"
    data_folder "mnist"

    rows [
        row "source" {
            label "source: one digit"
            seeds [ 1; 2; 3 ]
            run source_of
        }
    ]

    measure "ported, 50 pairs [%]" (reached "ported" 50)
    measure "scratch, 50 pairs [%]" (reached "scratch" 50)
    measure "random, 50 pairs [%]" (reached "random" 50)
    measure "ported − scratch, 50 pairs" (difference 50)
    measure "ported − scratch, 500 pairs" (difference 500)
    measure "ported − scratch, 5,000 pairs" (difference 5_000)
    report sections
}
|> Study.main fsi.CommandLineArgs
