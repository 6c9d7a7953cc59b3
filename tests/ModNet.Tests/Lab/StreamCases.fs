/// Streams of small tasks, and runs on them.
module ModNet.Tests.StreamCases

open System
open System.IO
open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running

/// Two classes on two sides of a line whose direction is the task's own.
let side name angle points' =
    let x, y = cos angle, sin angle

    generated name {
        features 2
        classes 2
        points points'
        held_out 40
        test 30

        draw (fun random ->
            let a, b = random.NextDouble() * 2.0 - 1.0, random.NextDouble() * 2.0 - 1.0
            Datapoint.labelled [| float32 a; float32 b |] (if a * x + b * y > 0.0 then 1 else 0))
    }

let sides = [ "up", side "up" 1.6 60; "right", side "right" 0.0 50; "down", side "down" 4.7 70 ]

let plain =
    network "sides" {
        features 2

        modular {
            modules 4
            unit (linear 8 |> tanh)
        }

        dropout 0.1
        softmax 2
    }

let headed =
    network "sides" {
        features 2
        tasks 3

        modular {
            modules 4
            unit (linear 8 |> tanh)
            choose 2
        }

        task_heads 3 2
        categorical
    }

let run (directory: string) (folder: string) mine source method' =
    experiment {
        net mine
        data source
        train method'
        seed 3
        log_every 5
        validate_every 10
        out (Path.Combine(directory, folder))
    }

let trained (experiment: Experiment) : string =
    quietly (fun () -> train Settings.none experiment |> ignore)
    experiment.Out.Value

let byEm =
    em {
        samples 3
        m_steps 4
        e_batch 16
        batch 8
        steps 23
        optimizer (Adam 0.02)
        schedule (Warmup(3, Cosine))
    }

let methods: (string * Method) list = [
    "em", byEm
    "em from a sweep",
    em {
        samples 3
        m_steps 7
        e_batch 16
        batch 8
        steps 23
        start Sweep
        unselected Rest
    }
    "reinforce",
    reinforce {
        batch 8
        steps 23
    }
    "noisy top-k",
    noisy_topk {
        k 2
        batch 8
        steps 23
    }
    "loss-free top-k",
    loss_free_topk {
        k 2
        batch 8
        steps 23
    }
    "static",
    static_modules {
        batch 8
        steps 23
        average_weights 0.9
    }
]

/// A line of metrics without the fields of single tasks.
let withoutTasks (line: string) = Regex.Replace(line, ",\"[a-z_]+/[^\"]*\":[^,}]*", "")

let summaryOf (folder: string) = (RunFiles.summary folder).Value
