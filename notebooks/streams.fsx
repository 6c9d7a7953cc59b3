(**
# Digits, two classes at a time

Five tasks one after the other, each of them two digits of MNIST: what becomes of the earlier ones? Four runs learn the same stream with the same network: without replay, with stored
datapoints of earlier tasks drawn uniformly, with stored datapoints whose a* meets the modules of the minibatch, and with all tasks mixed from the start, which is what the
others can reach at best.

    ./modnet train notebooks/streams.fsx --data DIR
    ./modnet train notebooks/streams.fsx --data DIR --steps 1000
    ./modnet compare runs/streams-*

DIR holds MNIST's four idx files. Each task trains for 200 steps unless `--steps` says otherwise. A run's `report.html` shows the accuracy of every task after every task.
*)
#load "modnet.fsx"

open ModNet

let script = Script fsi.CommandLineArgs

(** Every task has a head of its own, which its task id chooses; all else is shared, and modules are chosen by what the image looks like. *)

let digits =
    network "streams" {
        image (1, 28, 28)
        tasks 5
        flatten
        linear 64 |> relu

        for _ in 1..2 do
            modular {
                modules 8
                unit (linear 32 |> relu)
                choose 2
            }

        task_heads 5 2
        categorical
    }

(** The images of digits 2k and 2k + 1 are task k. They become its classes 0 and 1. *)

let pairs = [
    for first in 0..2..8 ->
        $"{first}{first + 1}",
        mnist (script.Data "") {
            only [ first; first + 1 ]
            renumber true
        }
]

let in_turn = stream { tasks pairs }

let uniform =
    stream {
        tasks pairs
        replay (Replay.Uniform 32)
        memory 200
    }

let by_module =
    stream {
        tasks pairs
        replay (Replay.ByModule 32)
        memory 200
    }

let mixed =
    stream {
        tasks pairs
        together
    }

let run name mine =
    experiment {
        net digits
        data mine

        train (
            em {
                samples 5
                m_steps 10
                batch 64
                steps 200
                optimizer (Adam 1e-3)
                unselected Rest
            }
        )

        seed 1
        log_every 20
        validate_every 100
        out $"runs/streams-{name}"
    }

script.RunAll [ run "in-turn" in_turn; run "uniform" uniform; run "by-module" by_module; run "together" mixed ]
