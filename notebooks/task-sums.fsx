(**
# Sums of two functions, one sum for each task

Each of 28 tasks is the sum of another two of eight functions of one number. Eight modules could learn one function each, if each task found the two modules that are its own. A task is known by 32 to 40
points, and one point tells little: with `assign PerDatapoint` each point looks for two modules by itself; with `assign PerTask` all points of a task look for them together, which is modular meta-learning
(Alet, Lozano-Pérez, Kaelbling 2018) with Viterbi EM in the place of its search.

    ./modnet train notebooks/task-sums.fsx
    ./modnet train notebooks/task-sums.fsx --seed 2
    ./modnet compare runs/task-sums-*
*)
#load "modnet.fsx"

open ModNet

let script = Script fsi.CommandLineArgs

let functions: (float -> float) list = [
    (fun x -> sin (3.0 * x))
    (fun x -> x * x)
    abs
    (fun x -> exp x - 1.0)
    (fun x -> cos (5.0 * x))
    (fun x -> x * x * x)
    (fun x -> tanh (4.0 * x))
    (fun x -> -x)
]

let pairs = [|
    for first in 0 .. functions.Length - 1 do
        for second in first + 1 .. functions.Length - 1 -> first, second
|]

let points = 40 * pairs.Length

(** The same points for every seed of a run; x is drawn from U(−1, 1). *)

let x =
    let random = System.Random 7
    Array2D.init points 1 (fun _ _ -> float32 (2.0 * random.NextDouble() - 1.0))

let task = Array.init points (fun point -> point % pairs.Length)

let y =
    Array2D.init points 1 (fun point _ ->
        let first, second = pairs[task[point]]
        let at = float x[point, 0]
        float32 (functions[first] at + functions[second] at))

(** The controller reads the task id beside x. *)

let sums =
    network "task-sums" {
        features 1
        tasks pairs.Length

        modular {
            modules functions.Length
            unit (mlp [ 16; 1 ])
            choose 2
            controller Task
        }

        gaussian (variance 0.01)
    }

let run name how =
    experiment {
        net sums

        data (
            in_memory "sums" {
                inputs x
                values y
                tasks pairs.Length task
                held_out 200
            }
        )

        train (
            em {
                assign how
                samples 10
                m_steps 10
                batch 128
                e_batch 400
                steps 3_000
                optimizer (Adam 3e-3)
            }
        )

        seed 1
        log_every 500
        validate_every 1_000
        out $"runs/task-sums-{name}"
    }

script.RunAll [ run "per-task" PerTask; run "per-datapoint" PerDatapoint ]
