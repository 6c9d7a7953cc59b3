(**
# A learned optimiser: gradient descent learned by gradient descent

Andrychowicz et al. 2016 (arXiv 1606.04474) let a recurrent network g, with weights φ, say how parameters change: θₜ₊₁ = θₜ + g_φ(∇f(θₜ)). The network is the same for every coordinate of θ, and each coordinate has a state of its own. φ is trained so that the sum of the losses f(θₜ)
along the steps is small, for functions f that are drawn at random; then g is used for functions that it has not seen.

Here f(θ) = ‖Wθ − y‖² has ten coordinates, and W, y and the start θ₀ are standard normal. The learned optimiser is the network of the `experiment`: it reads a quadratic (W, y, θ₀) and gives ‖Wθₜ − y‖ for t = 1 … 100. All targets are zero, so the squared error of this network is the sum of the losses.

    ./modnet reproduce learned-optimiser
    ./modnet reproduce learned-optimiser --quick

Criteria: after 100 steps the mean loss over 512 quadratics that were not trained on is below that of gradient descent, and below that of Adam. The rate of each has the least mean loss after 100 steps on 512 validation quadratics.

As in the paper, gradients of f are inputs of g that no derivative goes through, backpropagation is cut after some steps (20 here), and g is the same for all coordinates. The rest of the settings are our own: g is one LSTM layer of 20 units that reads a gradient as its logarithm and its sign; φ takes
one step for all 100 steps of f; and training draws from 4,000 quadratics, not from new ones each time.
*)
#load "paired.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp
open Paired

let coordinates = 10
let unrolled = 100
let cut = 20
let units = 20
let features_of_one = coordinates * coordinates + 2 * coordinates

(** ## Quadratics *)

/// W, y and the start of these quadratics, a row each.
let quadratics (seed: int) (count: int) : float32[,] =
    let random = Random seed

    let normal () =
        let radius = sqrt (-2.0 * log (1.0 - random.NextDouble()))
        float32 (radius * cos (2.0 * Math.PI * random.NextDouble()))

    Array2D.init count features_of_one (fun _ _ -> normal ())

type Quadratics = { W: torch.Tensor; Y: torch.Tensor; Start: torch.Tensor }

/// W [N, 10, 10], y and the start [N, 10, 1] of rows [N, 120].
let split (rows: torch.Tensor) =
    let size = int64 coordinates

    {
        W = rows.narrow(1L, 0L, size * size).view(-1L, size, size)
        Y = rows.narrow(1L, size * size, size).unsqueeze 2L
        Start = rows.narrow(1L, size * size + size, size).unsqueeze 2L
    }

/// Wθ − y, [N, 10, 1].
let residual (f: Quadratics) (theta: torch.Tensor) = f.W.bmm theta - f.Y

/// ∇f(θ) = 2 Wᵀ(Wθ − y), [N, 10, 1].
let slope (f: Quadratics) (residual: torch.Tensor) = 2.0f * f.W.transpose(1L, 2L).bmm residual

(** ## The learned optimiser *)

/// A gradient as two numbers in [−1, ∞) and [−1, 1]: the logarithm of its size, over p, and its sign; gradients smaller than e⁻ᵖ differ in the second.
let told (gradient: torch.Tensor) =
    let p = 10.0
    let least: float = exp -p
    let size = gradient.abs().clamp_min(least).log() / p
    torch.cat ([| size; (gradient / least).clamp_max(1.0).clamp_min(-1.0) |], 1L)

type LearnedOptimiser() as this =
    inherit torch.nn.Module<torch.Tensor, torch.Tensor>("learned_optimiser")

    let weight (fan: int) (shape: int64 list) =
        let bound = 1.0 / sqrt (float fan)
        torch.nn.Parameter(torch.rand (Array.ofList shape) * (2.0 * bound) - bound)

    let own = [
        "gates", weight units [ int64 (4 * units); int64 (2 + units) ]
        "gates_bias", weight units [ int64 (4 * units) ]
        "change", weight units [ 1L; int64 units ]
        "change_bias", weight units [ 1L ]
    ]

    do
        for name, parameter in own do
            this.register_parameter (name, parameter)

    override _.forward rows =
        let value name = this.get_parameter name
        let gates, bias = value "gates", value "gates_bias"
        let f = split rows
        let count = rows.shape[0] * int64 coordinates
        let mutable theta = f.Start
        let mutable state = torch.zeros ([| count; int64 units |], dtype = rows.dtype, device = rows.device)
        let mutable cell = torch.zeros_like state
        let mutable left = residual f theta

        let sizes = [|
            for step in 1..unrolled do
                if step % cut = 1 then
                    theta <- theta.detach ()
                    state <- state.detach ()
                    cell <- cell.detach ()

                let gradient = (slope f left).detach().reshape(count, 1L)

                let all =
                    torch.nn.functional.linear(torch.cat ([| told gradient; state |], 1L), gates, bias).chunk(4L, 1L)

                cell <- all[0].sigmoid() * cell + all[1].sigmoid() * all[2].tanh()
                state <- all[3].sigmoid() * cell.tanh ()
                let change = torch.nn.functional.linear (state, value "change", value "change_bias")
                theta <- theta + 0.1f * change.view_as theta
                left <- residual f theta
                left.square().sum([| 1L; 2L |]).sqrt()
        |]

        torch.stack (sizes, 1L)

let parameters_of_g = 4 * units * (2 + units) + 4 * units + units + 1

let learned =
    custom "learned-optimiser" {
        reads (Shape.Vector features_of_one)
        gives (Shape.Vector unrolled)
        parameters (int64 parameters_of_g)

        multiply_adds (
            int64 (unrolled * (2 * coordinates * coordinates + coordinates * (4 * units * (2 + units) + units)))
        )

        from_module (fun () -> new LearnedOptimiser())
    }

let experiment_of (scale: Scale) =
    let count = scale.Pick(4_096, 96)

    experiment {
        net (
            network "learned-optimiser" {
                features features_of_one
                learned
                // Half a squared error divided by this is the mean loss of the 100 steps.
                gaussian (variance 50.0)
            }
        )

        data (
            in_memory "quadratics" {
                inputs (quadratics 1 count)
                values (Array2D.zeroCreate count unrolled)
                held_out (scale.Pick(96, 32))
            }
        )

        train (
            static_modules {
                batch 32
                steps (scale.Pick(1_500, 3))
                optimizer (Adam 1e-2)
                schedule Cosine
            }
        )

        log_every (scale.Pick(20, 1))
        validate_every (scale.Pick(200, 3))
    }

(** ## Gradient descent and Adam *)

type Rule =
    | Descent
    | ByAdam

/// The loss of each quadratic at steps 0 … 100, averaged.
let losses (f: Quadratics) (rule: Rule) (rate: float) : float array =
    use _scope = torch.NewDisposeScope()
    use _no_gradient = torch.no_grad ()
    let mutable theta = f.Start
    let mutable first = torch.zeros_like theta
    let mutable second = torch.zeros_like theta

    [|
        for step in 0..unrolled do
            let left = residual f theta
            left.square().sum([| 1L; 2L |]).mean().ToDouble()

            let gradient = slope f left

            match rule with
            | Descent -> theta <- theta - rate * gradient
            | ByAdam ->
                first <- 0.9 * first + 0.1 * gradient
                second <- 0.999 * second + 0.001 * gradient.square ()
                let count = float (step + 1)
                let scaled = (second / (1.0 - 0.999 ** count)).sqrt() + 1e-8
                theta <- theta - rate / (1.0 - 0.9 ** count) * first / scaled
    |]

let rates rule =
    match rule with
    | Descent -> [ 0.001; 0.002; 0.003; 0.005; 0.007; 0.01; 0.015; 0.02; 0.03 ]
    | ByAdam -> [ 0.01; 0.02; 0.03; 0.05; 0.07; 0.1; 0.15; 0.2; 0.3; 0.5; 0.7; 1.0; 1.5; 2.0; 3.0; 5.0 ]

/// A rate at the end of its list would mean that the list is too short.
let tuned (validation: Quadratics) (rule: Rule) : float =
    rates rule
    |> List.map (fun rate -> rate, Array.last (losses validation rule rate))
    |> List.filter (snd >> Double.IsFinite)
    |> List.minBy snd
    |> fst

type Found = { Learned: float array; Descent: float array; Adam: float array; DescentRate: float; AdamRate: float }

/// The quadratics of a run are drawn by its seed, and are not among those of the training.
let found =
    remembered (fun run ->
        use _scope = torch.NewDisposeScope()
        let count = if int run.Planned < 100 then 32 else 512
        let validation = torch.tensor (quadratics (1_000 + run.Seed) count)
        let test = torch.tensor (quadratics (2_000 + run.Seed) count)
        let test_f = split test
        use network = run.Folder |> Trained.load_as run.WithCode
        let sizes = network.Predict test
        let start = (residual test_f test_f.Start).square().sum([| 1L; 2L |]).mean().ToDouble()
        let descent, adam = tuned (split validation) Descent, tuned (split validation) ByAdam

        {
            Learned = Array.append [| start |] (TensorArrays.Vector<float>(sizes.square().mean([| 0L |])))
            Descent = losses test_f Descent descent
            Adam = losses test_f ByAdam adam
            DescentRate = descent
            AdamRate = adam
        })

let last (part: Found -> float array) (run: StudyRun) =
    if run.Finished then Some(Array.last (part (found run))) else None

(** ## What came out *)

let compared: (string * (Found -> float array)) list = [
    "learned optimiser", _.Learned
    "gradient descent", _.Descent
    "Adam", _.Adam
]

let ours = last _.Learned

let criteria (runs: StudyRun list) = [
    for name, part in compared.Tail do
        let pairs = runs |> List.map (fun run -> Array.last (found run).Learned, Array.last (part (found run)))
        let lower = pairs |> List.filter (fun (one, other) -> one < other)

        Criteria.row
            $"mean loss at 100 steps below {name}, its rate tuned"
            $"{spread (List.map fst pairs)} and {spread (List.map snd pairs)}; lower with {lower.Length} of {pairs.Length} seeds"
            (List.averageBy fst pairs < List.averageBy snd pairs)
]

let curves (runs: StudyRun list) =
    [
        for place, (name, part) in List.indexed compared do
            let means = [| for step in 0..unrolled -> runs |> List.averageBy (fun run -> (part (found run))[step]) |]
            Draw.Line(name, [| for step in 0..unrolled -> float step |], means, Colour = Palette.colour place)
    ]
    |> Panel.over "steps"
    |> Panel.y "mean loss"
    |> Panel.logY

let sections (runs: StudyRun list) = [
    Criteria.section "Criteria" (criteria runs)
    Section.figure
        "Loss against steps"
        "The mean loss of quadratics that were not trained on, averaged over seeds."
        (curves runs)
    Section.make "Loss after 100 steps" [
        Content.Table(
            [ "seed"; "learned"; "gradient descent"; "its rate"; "Adam"; "its rate" ],
            [
                for run in runs ->
                    let it = found run

                    [
                        string run.Seed
                        $"%.3f{Array.last it.Learned}"
                        $"%.3f{Array.last it.Descent}"
                        string it.DescentRate
                        $"%.3f{Array.last it.Adam}"
                        string it.AdamRate
                    ]
            ]
        )
    ]
]

study "learned-optimiser" {
    title "A learned optimiser on quadratics"

    rows [
        row "learned" {
            label "learned optimiser"
            seeds [ 1; 2; 3 ]
            run experiment_of
        }
    ]

    measure "loss at 100 steps" ours
    measure "gradient descent" (last _.Descent)
    measure "Adam" (last _.Adam)

    report (fun runs ->
        match List.filter _.Finished runs with
        | [] -> []
        | runs -> sections runs)
}
|> Study.main fsi.CommandLineArgs
