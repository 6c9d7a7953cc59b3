(**
# A learned loss: fewer steps than with the squared error

What gradient descent makes small need not be what is asked for at the end. Here a loss ℓ_ψ(ŷ, y) is a small network of a prediction and its target, and is trained by min_ψ L(θ − η ∇_θ ℓ_ψ): after gradient steps of θ on the learned loss, the squared error L on other points of the same task has to be small.
The gradient of ψ goes through the gradient steps, so it has second derivatives (Bechtle et al. 2019, arXiv 1906.05374, and others).

A task is a sine A sin(x + φ) with A in 0.5 … 3, φ in 0 … 2π and x in −3 … 3; θ are the weights of a network of one number with two hidden layers of 24 units, which starts at random, and has ten points to learn from. What is learned is ψ alone, not the start. The learned loss is part of
the network of the `experiment`: that reads a task and gives what θ predicts for ten other points after each of 15 steps, and its target is what the sine is there.

    ./modnet reproduce learned-loss
    ./modnet reproduce learned-loss --quick

Criterion: on 256 tasks that were not trained on, with starts that were not, the mean squared error of other points comes to 0.5 after fewer steps on the learned loss than on the squared error. The rate of the squared error is the one that needs the fewest steps on 256 validation tasks.

The second derivatives are checked in every run, also in the quick version: the gradient of L in a random direction of ψ, in float64, beside the difference quotient of L.
*)
#load "paired.fsx"

open System
open ModNet
open ModNet.Figures
open TorchSharp
open Paired

let points = 10
let inner = 15
let most = 100
let target = 0.5
let hidden = 24L
let width = 32L
let rate_of_learned = 0.1

(** ## Tasks

A row is the number of a start, then x and y of the points to learn from, then x of the points that are asked for. *)

let features_of_one = 1 + 3 * points
let training_starts = 2_048

let rows_and_answers (seed: int) (first_start: int) (starts: int) (count: int) : float32[,] * float32[,] =
    let random = Random seed
    let rows = Array2D.zeroCreate count features_of_one
    let answers = Array2D.zeroCreate count points

    for task in 0 .. count - 1 do
        let amplitude = 0.5 + 2.5 * random.NextDouble()
        let phase = 2.0 * Math.PI * random.NextDouble()
        let x () = 6.0 * random.NextDouble() - 3.0
        let sine x = float32 (amplitude * sin (x + phase))
        rows[task, 0] <- float32 (first_start + random.Next starts)

        for point in 0 .. points - 1 do
            let learned, asked = x (), x ()
            rows[task, 1 + point] <- float32 learned
            rows[task, 1 + points + point] <- sine learned
            rows[task, 1 + 2 * points + point] <- float32 asked
            answers[task, point] <- sine asked

    rows, answers

(** ## The network that learns a task

Starts are drawn once. Those up to 2,047 are used in training, the others for new tasks. *)

let starts: torch.Tensor list =
    let generator = new torch.Generator(7UL)
    let count = int64 (training_starts + 1_024)

    let drawn (deviation: float) (shape: int64 list) =
        deviation * torch.randn (Array.ofList (count :: shape), generator = generator)

    let between = 1.0 / sqrt (float hidden)

    [
        drawn 1.0 [ 1L; hidden ]
        drawn 1.0 [ 1L; hidden ]
        drawn between [ hidden; hidden ]
        drawn between [ 1L; hidden ]
        drawn between [ hidden; 1L ]
        drawn between [ 1L; 1L ]
    ]

/// y [N, points, 1] of x [N, points, 1].
let predicted (theta: torch.Tensor list) (x: torch.Tensor) =
    match theta with
    | [ w1; b1; w2; b2; w3; b3 ] ->
        let first = (x.bmm w1 + b1).tanh()
        (first.bmm w2 + b2).tanh().bmm w3 + b3
    | _ -> failwith "three layers"

type Tasks = { Theta: torch.Tensor list; X: torch.Tensor; Y: torch.Tensor; Asked: torch.Tensor }

let split (rows: torch.Tensor) =
    let start = rows.select(1L, 0L).``to``(torch.int64)
    let part place = rows.narrow(1L, int64 (1 + place * points), int64 points).unsqueeze 2L

    {
        Theta = [ for all in starts -> all.``to``(rows.device).``to``(rows.dtype).index_select(0L, start) ]
        X = part 0
        Y = part 1
        Asked = part 2
    }

/// What θ says of the points that are asked for, before and after each of so many gradient steps on the loss, which is given as the sum over tasks; differentiable in what the loss is made of if wanted.
let descended (differentiable: bool) (tasks: Tasks) (rate: float) (steps: int) loss : torch.Tensor list =
    // An answer outside training is computed without gradients, but a step needs them.
    use _gradients = torch.enable_grad ()
    let mutable theta = [ for start in tasks.Theta -> start.detach().requires_grad_ true ]

    [
        predicted theta tasks.Asked

        for _ in 1..steps do
            let total: torch.Tensor = loss (predicted theta tasks.X) tasks.Y

            let slopes =
                torch.autograd.grad (
                    [| total |],
                    Array.ofList theta,
                    retain_graph = differentiable,
                    create_graph = differentiable
                )

            theta <- [
                for weight, slope in Seq.zip theta slopes ->
                    let stepped = weight - rate * slope
                    if differentiable then stepped else stepped.detach().requires_grad_ true
            ]

            predicted theta tasks.Asked
    ]

(** ## The learned loss *)

let squared_error (said: torch.Tensor) (y: torch.Tensor) = (said - y).square().mean([| 1L; 2L |]).sum()

/// ℓ_ψ, averaged over points and summed over tasks.
let learned_error (psi: torch.Tensor list) (said: torch.Tensor) (y: torch.Tensor) =
    match psi with
    | [ w1; b1; w2; b2; w3 ] ->
        let pair = torch.cat ([| said; y |], 2L)
        let first = torch.nn.functional.linear(pair, w1, b1).tanh()
        let second = torch.nn.functional.linear(first, w2, b2).tanh()
        torch.nn.functional.linear(second, w3).mean([| 1L; 2L |]).sum()
    | _ -> failwith "three layers"

let names = [ "w1"; "b1"; "w2"; "b2"; "w3" ]

type LearnedLoss() as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("learned_loss")

    let weight (bound: float) (shape: int64 list) =
        torch.nn.Parameter(torch.rand (Array.ofList shape) * (2.0 * bound) - bound)

    let between = 1.0 / sqrt (float width)

    let own =
        List.zip names [
            weight 0.7 [ width; 2L ]
            weight 0.7 [ width ]
            weight between [ width; width ]
            weight between [ width ]
            weight 1.0 [ 1L; width ]
        ]

    do
        for name, parameter in own do
            this.register_parameter (name, parameter)

    override _.forward rows =
        let psi = [ for name in names -> this.get_parameter name :> torch.Tensor ]
        let said = descended (torch.is_grad_enabled ()) (split rows) rate_of_learned inner (learned_error psi)
        torch.cat (Array.ofList said.Tail, 1L) |> _.squeeze(2L)

let parameters_of_psi = 2L * width + width + width * width + width + width

let learned =
    custom "learned-loss" {
        reads (Shape.Vector features_of_one)
        gives (Shape.Vector(inner * points))
        parameters parameters_of_psi
        // Forward, back and the points that are asked for: about four passes through θ, three through ψ.
        multiply_adds (
            int64 (inner * points) * (4L * (2L * hidden + hidden * hidden) + 3L * (3L * width + width * width))
        )

        from_module (fun () -> new LearnedLoss())
    }

let experiment_of (scale: Scale) =
    let count = scale.Pick(8_192, 96)
    let rows, answers = rows_and_answers 1 0 training_starts count

    experiment {
        net (
            network "learned-loss" {
                features features_of_one
                learned
                // Half a squared error divided by this is half the mean squared error of all steps and points.
                gaussian (variance (float (inner * points)))
            }
        )

        data (
            in_memory "sines" {
                inputs rows
                values (Array2D.init count (inner * points) (fun task place -> answers[task, place % points]))
                held_out (scale.Pick(256, 32))
            }
        )

        train (
            static_modules {
                batch 32
                steps (scale.Pick(2_000, 3))
                optimizer (Adam 3e-3)
                schedule Cosine
            }
        )

        log_every (scale.Pick(20, 1))
        validate_every (scale.Pick(200, 3))
    }

(** ## Steps to the target *)

/// The mean squared error at 0 … `most` steps on a loss.
let errors (rows: torch.Tensor, answers: torch.Tensor) (rate: float) loss : float array =
    use _scope = torch.NewDisposeScope()
    let said = descended false (split rows) rate most loss
    [| for said in said -> (said.detach().squeeze 2L - answers).square().mean().ToDouble() |]

let steps_to (curve: float array) = curve |> Array.tryFindIndex (fun error -> error <= target)

let rates = [ 0.01; 0.02; 0.03; 0.05; 0.07; 0.1; 0.15; 0.2; 0.3; 0.5 ]

/// The gradient of L in a direction of ψ, and the relative difference of the difference quotient from it.
let second_derivatives (seed: int) (psi: torch.Tensor list) : float =
    use _scope = torch.NewDisposeScope()
    let generator = new torch.Generator(uint64 seed)
    let rows, answers = rows_and_answers (3_000 + seed) training_starts 1_024 4
    let tasks = split (torch.tensor(rows).``to``(torch.float64))
    let answers = torch.tensor(answers).``to``(torch.float64)
    let at = [ for weight in psi -> weight.detach().``to``(torch.float64) ]
    let way = [ for weight in at -> torch.randn (weight.shape, dtype = torch.float64, generator = generator) ]

    let after (psi: torch.Tensor list) =
        let said = descended true tasks rate_of_learned 5 (learned_error psi)
        (List.last said |> _.squeeze(2L) |> fun said -> said - answers).square().mean()

    let leaves = [ for weight in at -> weight.clone().requires_grad_ true ]
    let slopes = torch.autograd.grad ([| after leaves |], Array.ofList leaves)
    let along = Seq.zip slopes way |> Seq.sumBy (fun (slope, way) -> (slope * way).sum().ToDouble())
    let moved (step: float) = List.map2 (fun (weight: torch.Tensor) way -> weight + step * way) at way
    let value step = (after (moved step)).ToDouble()
    let quotient = (value 1e-5 - value -1e-5) / 2e-5
    abs (along - quotient) / abs along

type Found = { Learned: float array; Squared: float array; Rate: float; Difference: float }

let found =
    remembered (fun run ->
        use _scope = torch.NewDisposeScope()
        let count = if int run.Planned < 100 then 32 else 256

        let tasks seed =
            let rows, answers = rows_and_answers (seed + run.Seed) training_starts 1_024 count
            torch.tensor rows, torch.tensor answers

        use network = run.Folder |> Trained.load_as run.WithCode

        let psi = [
            for name in names ->
                network.Graph.named_parameters ()
                |> Seq.find (fun struct (full, _) -> full.EndsWith $".{name}")
                |> fun struct (_, weight) -> weight.detach ()
        ]

        let validation, test = tasks 1_000, tasks 2_000

        // Fewest steps; of the rates that never come there, or come there together, the least error in the end.
        let rate =
            rates
            |> List.map (fun rate -> rate, errors validation rate squared_error)
            |> List.filter (fun (_, curve) -> Double.IsFinite(Array.last curve))
            |> List.minBy (fun (_, curve) -> steps_to curve |> Option.defaultValue (most + 1), Array.last curve)
            |> fst

        {
            Learned = errors test rate_of_learned (learned_error psi)
            Squared = errors test rate squared_error
            Rate = rate
            Difference = second_derivatives run.Seed psi
        })

(** ## What came out *)

let steps_of part (run: StudyRun) = if run.Finished then steps_to (part (found run)) |> Option.map float else None

let steps_text (curve: float array) =
    match steps_to curve with
    | Some steps -> string steps
    | None -> $"more than {most}"

let criteria (runs: StudyRun list) =
    let fewer =
        runs
        |> List.filter (fun run ->
            match steps_to (found run).Learned, steps_to (found run).Squared with
            | Some ours, Some theirs -> ours < theirs
            | Some _, None -> true
            | None, _ -> false)

    let texts (part: Found -> float array) =
        runs |> List.map (fun run -> steps_text (part (found run))) |> String.concat ", "

    let largest = runs |> List.map (fun run -> (found run).Difference) |> List.max

    [
        Criteria.row
            $"squared error {target} after fewer steps than on the squared error, with each seed"
            $"{texts _.Learned} beside {texts _.Squared} steps"
            (fewer.Length = runs.Length)
        Criteria.row
            "second derivatives agree with finite differences to 1 in 10,000"
            $"largest relative difference %.1e{largest}"
            (largest < 1e-4)
    ]

let curves (runs: StudyRun list) =
    [
        for place, (name, part) in
            List.indexed [
                "learned loss", (fun (found: Found) -> found.Learned)
                "squared error, best rate", _.Squared
            ] do
            let means = [| for step in 0..most -> runs |> List.averageBy (fun run -> (part (found run))[step]) |]
            Draw.Line(name, [| for step in 0..most -> float step |], means, Colour = Palette.colour place)
    ]
    |> Panel.over "inner steps"
    |> Panel.y "squared error of other points"
    |> Panel.reference target "target"
    |> Panel.logY

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" (criteria runs)
    Section.figure
        "Error against inner steps"
        $"The mean squared error on tasks that were not trained on, averaged over seeds. The learned loss was trained for the first {inner} steps."
        (curves runs)
    Section.make "Steps to the target" [
        Content.Table(
            [
                "seed"
                "learned loss"
                "squared error"
                "its rate"
                $"error after {inner} steps, learned"
                "squared"
                $"after {most}, learned"
                "squared"
            ],
            [
                for run in runs ->
                    let it = found run

                    [
                        string run.Seed
                        steps_text it.Learned
                        steps_text it.Squared
                        string it.Rate
                        $"%.3f{it.Learned[inner]}"
                        $"%.3f{it.Squared[inner]}"
                        $"%.3f{it.Learned[most]}"
                        $"%.3f{it.Squared[most]}"
                    ]
            ]
        )
    ]
]

study "learned-loss" {
    title "A learned loss on sines"

    rows [
        row "learned" {
            label "learned loss"
            seeds [ 1; 2; 3 ]
            run experiment_of
        }
    ]

    measure "steps to the target" (steps_of _.Learned)
    measure "on the squared error" (steps_of _.Squared)

    measure $"squared error after {inner} steps" (fun run ->
        if run.Finished then Some (found run).Learned[inner] else None)

    measure "second derivatives: relative difference" (fun run ->
        if run.Finished then Some (found run).Difference else None)

    report (fun runs ->
        match List.filter _.Finished runs with
        | [] -> []
        | runs -> sections runs)
}
|> Study.main fsi.CommandLineArgs
