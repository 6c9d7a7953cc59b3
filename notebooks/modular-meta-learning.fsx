(**
# Modular meta-learning: sums of two functions, also sums that were never seen

Alet, Lozano-Pérez, Kaelbling 2018 ("Modular meta-learning"): what many tasks have in common can be kept in modules, and a new task is then learned by finding which modules it is made
of, from a few points. Here each task is the sum of two of 16 functions. A network of 20 modules learns 80 of the 120 tasks by EM with one composition for each task (`assign PerTask`: their BounceGrad as Viterbi EM); for
each of 20 other tasks, whose pairs of functions it has never seen, `Adapt` finds the composition from 2 to 32 points. What it is compared with:

* **EM, each datapoint**: the same network, of which each point of training has a composition of its own;
* **pooled**: one dense network of as many parameters for all tasks, which does not know of tasks;
* **fine-tuned**: the pooled network after gradient steps on the points of the new task;
* **MAML** (Finn, Abbeel, Levine 2017): such a network whose weights were learned so that five gradient steps on the points of a task serve the rest of it, by second derivatives.

For each number of points, the optimiser, its rate and the number of its steps are those with the least error on 20 validation tasks, whose pairs are in neither of the other sets. The criterion: from 8 points, the error on new tasks is below that of
each of the others.

    ./modnet reproduce modular-meta-learning
    ./modnet reproduce modular-meta-learning --quick
*)
#load "modnet.fsx"

open System
open System.Collections.Generic
open System.IO
open System.Text.Json
open Plotly.NET
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

(** ## The tasks

All functions have mean 0 and deviation 1 over U(−1, 1), from which x is drawn. *)

let functions: (float -> float) array =
    let normed (f: float -> float) =
        let at = [| for i in 0..2000 -> f (-1.0 + float i / 1000.0) |]
        let mean = Array.average at
        let deviation = at |> Array.averageBy (fun y -> (y - mean) ** 2.0) |> sqrt
        fun x -> (f x - mean) / deviation

    [|
        id
        abs
        (fun x -> x * x)
        (fun x -> x ** 3.0)
        (fun x -> exp (2.0 * x))
        (fun x -> exp (-3.0 * x))
        (fun x -> tanh (5.0 * x))
        (fun x -> exp (-12.0 * x * x))
        (fun x -> max 0.0 x)
        (fun x -> sqrt (abs x))
        (fun x -> sin (Math.PI * x))
        (fun x -> cos (Math.PI * x))
        (fun x -> sin (2.0 * Math.PI * x))
        (fun x -> cos (2.0 * Math.PI * x))
        (fun x -> x * sin (5.0 * x))
        (fun x -> tanh (8.0 * (x - 0.5)))
    |]
    |> Array.map normed

/// All pairs of functions in an order drawn once, and to which set each belongs.
let pairs = [|
    for first in 0..15 do
        for second in first + 1 .. 15 -> first, second
|]

Random(7).Shuffle pairs
let training, validation, test = pairs[..79], pairs[80..99], pairs[100..]

let points = 64

let draw (random: Random) (count: int) ((first, second): int * int) =
    let x = Array.init count (fun _ -> 2.0 * random.NextDouble() - 1.0)
    Array.map float32 x, x |> Array.map (fun x -> float32 (functions[first] x + functions[second] x))

/// x and y [tasks, count, 1] of these tasks.
let drawn (seed: int) (count: int) (tasks: (int * int) array) : torch.Tensor * torch.Tensor =
    let random = Random seed
    let all = tasks |> Array.map (draw random count)

    let shaped (part: float32 array array) = torch.tensor(Array.concat part).view(int64 tasks.Length, int64 count, 1L)

    shaped (Array.map fst all), shaped (Array.map snd all)

let learned_x, learned_y = drawn 1 points training

let in_rows (values: torch.Tensor) =
    let flat = TensorArrays.Vector<float32> values
    Array2D.init flat.Length 1 (fun row _ -> flat[row])

let tasks_in_memory =
    in_memory "sums" {
        inputs (in_rows learned_x)
        values (in_rows learned_y)
        tasks training.Length (Array.init (training.Length * points) (fun row -> row / points))
        held_out 512
    }

(** ## The networks *)

let hidden = 32
let wide = 150

let modular_net =
    network "modular-meta-learning" {
        features 1

        modular {
            modules 20
            unit (mlp [ hidden; hidden; 1 ])
            choose 2
        }

        gaussian (variance 0.01)
    }

let dense =
    network "pooled" {
        features 1
        linear wide |> relu
        linear wide |> relu
        linear 1
        gaussian (variance 0.01)
    }

let steps_of (scale: Scale) = scale.Pick(4_000, 40)

let by_em how (scale: Scale) =
    experiment {
        net modular_net
        data tasks_in_memory

        train (
            em {
                assign how
                samples 20
                m_steps 10
                batch 256
                e_batch 1_280
                steps (steps_of scale)
                optimizer (Adam 3e-3)
                schedule Cosine
            }
        )

        log_every 500
        validate_every (scale.Pick(2_000, 40))
    }

let pooled (scale: Scale) =
    experiment {
        net dense
        data tasks_in_memory

        train (
            static_modules {
                batch 256
                steps (steps_of scale)
                optimizer (Adam 3e-3)
                schedule Cosine
            }
        )

        log_every 500
        validate_every (scale.Pick(2_000, 40))
    }

(** ## Dense networks of many tasks at once

Weights are lists of tensors that have a network for each task in their first dimension, so all tasks take their gradient steps together. *)

type Weights = torch.Tensor list

let of_each (count: int64) (weights: Weights) : Weights =
    weights |> List.map (fun weight -> weight.unsqueeze(0L).expand(Array.append [| count |] weight.shape))

/// y of x [tasks, N, 1].
let forward (weights: Weights) (x: torch.Tensor) =
    match weights with
    | [ w1; b1; w2; b2; w3; b3 ] ->
        let layer (w: torch.Tensor) (b: torch.Tensor) (h: torch.Tensor) =
            h.matmul (w.transpose (1L, 2L)) + b.unsqueeze 1L

        (x |> layer w1 b1).relu() |> layer w2 b2 |> _.relu() |> layer w3 b3
    | _ -> failwith "three layers"

/// The mean squared error of each task, [tasks].
let errors (weights: Weights) (x: torch.Tensor, y: torch.Tensor) = (forward weights x - y).square().mean [| 1L; 2L |]

let slopes (differentiable: bool) (weights: Weights) (task: torch.Tensor * torch.Tensor) : torch.Tensor list =
    let loss = (errors weights task).sum()

    torch.autograd.grad ([| loss |], Array.ofList weights, retain_graph = differentiable, create_graph = differentiable)
    |> List.ofSeq

type Tuning =
    | GradientDescent of float
    | ByAdam of float

let tuning_text =
    function
    | GradientDescent rate -> $"gradient descent {rate}"
    | ByAdam rate -> $"Adam {rate}"

/// After how many steps the error is looked at.
let looked = [ 0; 1; 2; 3; 5; 10; 20; 50; 100 ]

/// The errors on `query` after these numbers of steps on `support`, of each task, and y at `at` after the last of them.
let tuned (start: Weights) (tuning: Tuning) (looked: int list) support query (at: torch.Tensor) =
    let leaf (weight: torch.Tensor) = weight.detach().clone().requires_grad_ true
    let tasks = (fst support: torch.Tensor).shape[0]
    let mutable weights = start |> of_each tasks |> List.map leaf
    let mutable moments: (torch.Tensor * torch.Tensor) list = []
    let found = ResizeArray<float array>()
    let most = List.max looked

    for step in 0..most do
        use _step = torch.NewDisposeScope()
        if List.contains step looked then found.Add(TensorArrays.Vector<float>((errors weights query).detach()))

        if step < most then
            let slope = slopes false weights support

            let change, after =
                match tuning with
                | GradientDescent rate -> slope |> List.map (fun slope -> rate * slope), []
                | ByAdam rate ->
                    let before =
                        if moments.IsEmpty then
                            slope |> List.map (fun slope -> torch.zeros_like slope, torch.zeros_like slope)
                        else
                            moments

                    let after =
                        List.map2
                            (fun (m: torch.Tensor, v: torch.Tensor) (g: torch.Tensor) ->
                                0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g.square ())
                            before
                            slope

                    let count = float (step + 1)

                    let change =
                        after
                        |> List.map (fun (m, v) ->
                            let v = v / (1.0 - 0.999 ** count)
                            rate / (1.0 - 0.9 ** count) * m / (v.sqrt () + 1e-8))

                    change, after

            let old = weights @ List.collect (fun (m, v) -> [ m; v ]) moments

            weights <-
                List.map2
                    (fun (weight: torch.Tensor) (change: torch.Tensor) -> leaf (weight.detach () - change))
                    weights
                    change

            moments <- after
            old |> List.iter _.Dispose()

            for kept in weights @ List.collect (fun (m, v) -> [ m; v ]) moments do
                kept.MoveToOuterDisposeScope() |> ignore

    found.ToArray(), TensorArrays.Vector<float>((forward weights at).detach())

(** ## MAML

Each meta-step draws 16 tasks and a number of points from 2 to 32; the network takes five gradient steps on these points, and the gradient of the error on the task's other points goes through
all five. *)

let maml_inner = 0.02

let maml (scale: Scale) (seed: int) : Weights =
    use _scope = torch.NewDisposeScope()
    let generator = new torch.Generator(uint64 seed)
    let random = Random seed

    let uniform inputs (shape: int64 array) =
        let bound = 1.0 / sqrt (float inputs)
        let weight = torch.rand (shape, generator = generator) * (2.0 * bound) - bound
        new Modules.Parameter(weight.detach ())

    let width = int64 wide

    let weights = [
        uniform 1 [| width; 1L |]
        uniform 1 [| width |]
        uniform wide [| width; width |]
        uniform wide [| width |]
        uniform wide [| 1L; width |]
        uniform wide [| 1L |]
    ]

    let steps = scale.Pick(2_000, 3)
    let optimizer = torch.optim.Adam(weights, 1e-3)

    for step in 1..steps do
        use _step = torch.NewDisposeScope()
        let chosen = torch.tensor [| for _ in 1..16 -> int64 (random.Next training.Length) |]
        let order = torch.rand([| 16L; int64 points |], generator = generator).argsort(1L).unsqueeze 2L
        let of_task (all: torch.Tensor) = all.index_select(0L, chosen).gather(1L, order)
        let x, y = of_task learned_x, of_task learned_y
        let count = int64 (1 <<< random.Next(1, 6))
        let part (from: int64) (length: int64) = x.narrow (1L, from, length), y.narrow (1L, from, length)
        let mutable fast = weights |> List.map (fun weight -> weight :> torch.Tensor) |> of_each 16L

        for _ in 1..5 do
            fast <-
                List.map2
                    (fun (weight: torch.Tensor) slope -> weight - maml_inner * slope)
                    fast
                    (slopes true fast (part 0L count))

        optimizer.zero_grad ()
        (errors fast (part count (int64 points - count))).mean().backward()

        for group in optimizer.ParamGroups do
            group.LearningRate <- 0.5 * 1e-3 * (1.0 + cos (Math.PI * float step / float steps))

        optimizer.step () |> ignore

    weights |> List.map (fun weight -> weight.detach().clone().MoveToOuterDisposeScope())

(** ## New tasks

The points of a new task are drawn by the run's seed, the same for all networks of a seed. *)

let counts = [ 2; 4; 8; 16; 32 ]
let asked = 200

type Task = { Support: torch.Tensor * torch.Tensor; Query: torch.Tensor * torch.Tensor }

let new_tasks (seed: int) (tasks: (int * int) array) = {
    Support = drawn (1_000 + seed) (List.max counts) tasks
    Query = drawn (2_000 + seed) asked tasks
}

/// The validation and test tasks; of the quick version a few.
let sets (scale: Scale) =
    let of_scale tasks = scale.Pick(tasks, Array.truncate 4 tasks)
    of_scale validation, of_scale test

let first (count: int) (x: torch.Tensor, y: torch.Tensor) =
    x.narrow (1L, 0L, int64 count), y.narrow (1L, 0L, int64 count)

/// Tasks whose predictions are drawn, and where.
let shown_tasks, shown_count = [ 0..3 ], 8
let grid = [| for i in 0..100 -> -1.0 + float i / 50.0 |]
let grid_x = torch.tensor(Array.map float32 grid).view(-1L, 1L)

/// What a run says of new tasks: by the name of a way, the mean squared error of the test tasks for each number of points, and of the validation tasks; what was
/// chosen by validation; and the predictions on the grid.
type Found() =
    member val Test = Dictionary<string, float array>() with get, set
    member val Validation = Dictionary<string, float array>() with get, set
    member val Chosen = Dictionary<string, string array>() with get, set
    member val Curves = Dictionary<string, float array array>() with get, set
    member val Seconds = Dictionary<string, float>() with get, set

let squared (said: torch.Tensor) (y: torch.Tensor) = (said - y).square().mean().ToDouble()

/// Ways by composition: as it was found, and after inner steps.
let of_modules (scale: Scale) (run: StudyRun) (tunings: int list) (found: Found) =
    let validation, test = sets scale
    use network = run.Folder |> Trained.load_as run.WithCode
    let clock = Diagnostics.Stopwatch.StartNew()

    let each (tasks: (int * int) array) (count: int) = [|
        use _scope = torch.NewDisposeScope()
        let all = new_tasks run.Seed tasks

        for task in 0 .. tasks.Length - 1 do
            use _task = torch.NewDisposeScope()
            let of_task (x: torch.Tensor, y: torch.Tensor) = x[int64 task], y[int64 task]
            let x, y = first count all.Support |> of_task
            let asked, answers = of_task all.Query
            use adapted = network.Adapt(x, y)

            [|
                for steps in tunings do
                    use tuned = adapted.FineTune(x, y, steps, Adam 1e-3)
                    let curve = TensorArrays.Vector<float>(tuned.Predict grid_x)
                    squared (tuned.Predict asked) answers, curve
            |]
    |]

    let of_validation, of_test =
        [ for count in counts -> each validation count ], [ for count in counts -> each test count ]

    let mean (tuning: int) (all: (float * float array) array array) =
        all |> Array.averageBy (fun ways -> fst ways[tuning])

    let put name (choose: (float * float array) array array -> int) =
        let chosen = of_validation |> List.map choose
        found.Validation[name] <- Array.ofList (List.map2 mean chosen of_validation)
        found.Test[name] <- Array.ofList (List.map2 mean chosen of_test)
        found.Chosen[name] <- [| for tuning in chosen -> $"{tunings[tuning]} steps of Adam 0.001" |]
        let place = List.findIndex ((=) shown_count) counts

        found.Curves[name] <-
            [|
                for task in shown_tasks do
                    let ways: (float * float array) array = of_test[place][task]
                    snd ways[chosen[place]]
            |]

    put "composition" (fun _ -> 0)

    put "composition and inner steps" (fun all ->
        [ 0 .. tunings.Length - 1 ] |> List.minBy (fun tuning -> mean tuning all))

    found.Seconds["adaptation"] <- clock.Elapsed.TotalSeconds

/// Ways by gradient steps from weights that are given.
let of_weights
    (scale: Scale)
    (run: StudyRun)
    (name: string)
    (start: Weights)
    (tunings: Tuning list)
    (looked: int list)
    (found: Found)
    =
    use _scope = torch.NewDisposeScope()
    let validation, test = sets scale
    let of_validation, of_test = new_tasks run.Seed validation, new_tasks run.Seed test
    let at = grid_x.unsqueeze(0L).expand(int64 test.Length, -1L, -1L)

    let curves (tasks: Task) tuning looked count =
        use _way = torch.NewDisposeScope()
        tuned start tuning looked (first count tasks.Support) tasks.Query at

    let each = [
        for count in counts do
            let error, steps, tuning =
                [
                    for tuning in tunings do
                        let errors, _ = curves of_validation tuning looked count
                        for steps, errors in Seq.zip looked errors -> Array.average errors, steps, tuning
                ]
                |> List.filter (fun (error, _, _) -> Double.IsFinite error)
                |> List.minBy (fun (error, _, _) -> error)

            let errors, curve = curves of_test tuning [ steps ] count

            if count = shown_count then
                found.Curves[name] <-
                    [| for task in shown_tasks -> curve[task * grid.Length .. (task + 1) * grid.Length - 1] |]

            error, Array.average errors[0], $"{steps} steps of {tuning_text tuning}"
    ]

    found.Validation[name] <- [| for error, _, _ in each -> error |]
    found.Test[name] <- [| for _, error, _ in each -> error |]
    found.Chosen[name] <- [| for _, _, chosen in each -> chosen |]

let of_dense (scale: Scale) (run: StudyRun) (found: Found) =
    use _scope = torch.NewDisposeScope()
    use network = run.Folder |> Trained.load_as run.WithCode

    let weights = network.Graph.state_dict ()

    let pooled = [
        for layer in 1..3 do
            for part in [ "weight"; "bias" ] -> weights[$"linear{layer}.{part}"].detach().clone()
    ]

    let looked = scale.Pick(looked, [ 0; 1; 2 ])

    let ways =
        [ for rate in [ 0.01; 0.03; 0.1 ] -> GradientDescent rate ]
        @ [ for rate in [ 3e-4; 1e-3; 3e-3 ] -> ByAdam rate ]

    let ways = scale.Pick(ways, List.truncate 1 ways)
    of_weights scale run "pooled" pooled [ GradientDescent 0.0 ] [ 0 ] found
    of_weights scale run "fine-tuned" pooled ways looked found
    let clock = Diagnostics.Stopwatch.StartNew()
    let learned = maml scale run.Seed
    found.Seconds["MAML"] <- clock.Elapsed.TotalSeconds

    of_weights
        scale
        run
        "MAML"
        learned
        (GradientDescent maml_inner :: ways)
        (5 :: looked |> List.distinct |> List.sort)
        found

/// It is kept in the run's folder, so that it is found once.
let found =
    remembered (fun run ->
        let path = Path.Combine(run.Folder, "new-tasks.json")

        if File.Exists path then
            JsonSerializer.Deserialize<Found>(File.ReadAllText path)
        else
            printfn $"{run.Name}: new tasks"
            let scale = if int run.Planned = steps_of Scale.Full then Scale.Full else Scale.Quick
            let found = Found()

            match run.Row with
            | "pooled" -> of_dense scale run found
            | _ -> of_modules scale run (scale.Pick([ 0; 20 ], [ 0; 1 ])) found

            WholeFile.Write(path, JsonSerializer.Serialize found)
            found)

let place = List.findIndex ((=) shown_count) counts

let reached (way: string) (run: StudyRun) =
    if not run.Finished then
        None
    else
        match (found run).Test.TryGetValue way with
        | true, errors -> Some errors
        | _ -> None

let main_way (row: string) = if row = "pooled" then "pooled" else "composition"

(** ## What it says *)

let ways = [
    "per-task", "composition", "EM, each task"
    "per-task", "composition and inner steps", "EM, each task, inner steps"
    "per-datapoint", "composition", "EM, each datapoint"
    "pooled", "pooled", "pooled"
    "pooled", "fine-tuned", "fine-tuned"
    "pooled", "MAML", "MAML"
]

let of_way (runs: StudyRun list) (row, way, _) =
    runs
    |> List.filter (fun run -> run.Row = row)
    |> List.choose (fun run -> reached way run |> Option.map (fun errors -> run, errors))

let deviation (values: float list) =
    let mean = List.average values

    if values.Length < 2 then
        0.0
    else
        sqrt ((values |> List.sumBy (fun value -> (value - mean) ** 2.0)) / float (values.Length - 1))

let spread (values: float list) = $"%.4f{List.average values} ± %.4f{deviation values}"

let by_points (runs: StudyRun list) =
    [
        for number, way in List.indexed ways do
            let _, _, name = way
            let all = of_way runs way |> List.map snd

            if not all.IsEmpty then
                Chart.Line(
                    x = [ for count in counts -> string count ],
                    y = [ for place in 0 .. counts.Length - 1 -> all |> List.averageBy (fun errors -> errors[place]) ],
                    Name = name,
                    ShowMarkers = true,
                    LineColor = Color.fromString (Palette.colour number)
                )
    ]
    |> Panel.series
    |> Panel.x "points of the new task"
    |> Panel.y "mean squared error"
    |> Panel.classesX
    |> Panel.logY

let first_points (seed: int) (task: int) =
    let x, y = first shown_count (new_tasks seed test).Support
    let of_task (values: torch.Tensor) = TensorArrays.Vector<float> values[int64 task]
    Array.zip (of_task x) (of_task y)

let predictions (runs: StudyRun list) (task: int) =
    let first, second = test[task]

    let line number name (y: float array) =
        Chart.Line(x = grid, y = y, Name = name, LineColor = Color.fromString (Palette.colour number))

    [
        let seed = runs.Head.Seed
        let points = first_points seed task

        Chart.Line(
            x = grid,
            y = [ for x in grid -> functions[first] x + functions[second] x ],
            Name = "the task",
            LineColor = Color.fromString Palette.grey,
            LineDash = StyleParam.DrawingStyle.Dot
        )

        Chart.Point(xy = points, Name = "its points", MarkerColor = Color.fromString Palette.grey)

        for number, (row, way, name) in List.indexed ways do
            match runs |> List.tryFind (fun run -> run.Row = row && run.Seed = seed) with
            | Some run when way <> "composition and inner steps" && row <> "per-datapoint" ->
                let curves: float array array = (found run).Curves[way]
                line number name curves[task]
            | _ -> ()
    ]
    |> Panel.series
    |> Panel.x "x"
    |> Panel.y "y"
    |> Panel.title $"functions {first + 1} and {second + 1}"

let criteria (runs: StudyRun list) =
    let ours = of_way runs ways.Head |> List.map (fun (run, errors) -> run.Seed, errors[place])

    Criteria.section "Criteria" [
        for way in ways[2..] do
            let _, _, name = way
            let theirs = of_way runs way |> List.map (fun (run, errors) -> run.Seed, errors[place]) |> Map.ofList

            let paired =
                ours |> List.choose (fun (seed, error) -> theirs.TryFind seed |> Option.map (fun other -> error, other))

            if not paired.IsEmpty then
                let mean part = paired |> List.averageBy part
                let better = paired |> List.filter (fun (ours, other) -> ours < other) |> List.length

                Criteria.row
                    $"from {shown_count} points, below {name}"
                    $"%.4f{mean fst} and %.4f{mean snd}; lower in {better} of {paired.Length} seeds"
                    (mean fst < mean snd)
    ]

let table (runs: StudyRun list) =
    Section.make "Error on new tasks" [
        Content.Table(
            "" :: [ for count in counts -> $"{count} points" ],
            [
                for way in ways do
                    let _, _, name = way
                    let all = of_way runs way |> List.map snd

                    if not all.IsEmpty then
                        name
                        :: [
                            for place in 0 .. counts.Length - 1 ->
                                all |> List.map (fun errors -> errors[place]) |> spread
                        ]
            ]
        )
        Content.Table(
            "run" :: "way" :: [ for count in counts -> $"chosen for {count} points" ],
            [
                for run in runs do
                    for KeyValue(way, chosen) in (found run).Chosen do
                        run.Name :: way :: List.ofArray chosen
            ]
        )
        Content.Prose(
            [
                for run in runs do
                    for KeyValue(what, seconds) in (found run).Seconds -> $"{run.Name}: {what} %.0f{seconds} s"
            ]
            |> String.concat "; "
        )
    ]

let sections (runs: StudyRun list) =
    let runs = runs |> List.filter _.Finished

    if runs.IsEmpty then
        []
    else
        [
            criteria runs
            Section.figure
                "Error by the number of points"
                "Mean squared error on 20 tasks whose pairs of functions were never seen, the mean over seeds. What was chosen by validation was chosen for each number of points by itself."
                (by_points runs |> List.singleton |> Figure.beside)
            Section.figure
                $"Four new tasks from {shown_count} points"
                "The functions that each way predicts for four of the new tasks, for the first seed."
                (shown_tasks |> List.map (predictions runs) |> Figure.grid 2)
            table runs
        ]

study "modular-meta-learning" {
    title "Modular meta-learning: sums of two functions"

    rows [
        row "per-task" {
            label "EM, each task"
            seeds [ 1; 2; 3 ]
            run (by_em PerTask)
        }
        row "per-datapoint" {
            label "EM, each datapoint"
            seeds [ 1; 2; 3 ]
            run (by_em PerDatapoint)
        }
        row "pooled" {
            label "pooled"
            seeds [ 1; 2; 3 ]
            run pooled
        }
    ]

    measure "squared error on new tasks, 8 points" (fun run ->
        reached (main_way run.Row) run |> Option.map (fun errors -> errors[place]))

    measure "after gradient steps" (fun run ->
        reached (if run.Row = "pooled" then "fine-tuned" else "composition and inner steps") run
        |> Option.map (fun errors -> errors[place]))

    measure "MAML" (fun run -> reached "MAML" run |> Option.map (fun errors -> errors[place]))

    measure "on validation tasks" (fun run ->
        if not run.Finished then
            None
        else
            let errors: float array = (found run).Validation[main_way run.Row]
            Some errors[place])

    report sections
}
|> Study.main fsi.CommandLineArgs
