/// Small runs by every training method, to be opened again.
module ModNet.Tests.TrainedRuns

open System
open System.IO
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running

let net' =
    network "mine" {
        features 4
        linear 6 |> relu

        modular {
            modules 3
            unit (linear 5 |> tanh)
            choose 2
        }

        residual {
            modular {
                modules 2
                unit (linear 5)
            }
        }

        softmax 3
    }

let private csvOf (directory: string) =
    let random = Random 1

    let number () = random.NextDouble().ToString("F4", Globalization.CultureInfo.InvariantCulture)

    write
        directory
        "points.csv"
        (String.concat "\n" [
            "a,b,c,d,y"
            for i in 1..60 do
                $"{number ()},{number ()},{number ()},{number ()},{i % 3}"
        ])

let methods = [
    em {
        steps 20
        batch 16
    }
    reinforce {
        steps 20
        batch 16
    }
    noisy_topk {
        k 2
        steps 20
        batch 16
    }
    loss_free_topk {
        k 2
        update_rate 0.1
        steps 20
        batch 16
    }
    static_modules {
        steps 20
        batch 16
    }
    exact {
        steps 20
        batch 16
    }
]

let experimentOf directory method' network' =
    let path = csvOf directory
    let folder = Path.Combine(directory, "run")

    experiment {
        net network'

        data (
            csv path {
                target "y"
                classes 3
            }
        )

        train method'
        checkpoint_every 5
        out folder
    }

/// A run in a folder, whose data are then gone, and what its graph gave for an input.
let leaving (method': Method) (action: string -> unit) =
    inDirectory
    <| fun directory ->
        let chosen =
            match method' with
            | Method.NoisyTopK _
            | Method.LossFreeTopK _ -> {
                net' with
                    Layers =
                        net'.Layers
                        |> List.map (function
                            | Layer.Modular modular -> Layer.Modular { modular with Choose = 1 }
                            | other -> other)
              }
            | _ -> net'

        let experiment = experimentOf directory method' chosen
        quietly (fun () -> Running.train Settings.none experiment |> ignore)
        File.Delete(Path.Combine(directory, "points.csv"))
        action experiment.Out.Value
