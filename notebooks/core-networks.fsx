(**
# Core networks: the units that a function needs

Velez and Clune 2016 ("Identifying core functional networks and functional modules within artificial neural networks via subsets regression"): lesion random subsets of a
network's units, regress its performance on which units are there, and keep the smallest set of units that suffices. `Structure.core_of` does so for one layer.

To know what is to be found, this study plants it. A network with 8 hidden units learns a function that 8 tanh units compute, so that it needs all of them. A host with
32 hidden units learns another function of the same form. Then 8 of the host's units, drawn at random, are replaced by those of the first network; of what the other 24
give, a fifth stays, which disturbs. Which units does the function need? The set that `Structure.core_of` finds is to have a Jaccard index of at least 0.9 with the planted one.

    ./modnet reproduce core-networks
    ./modnet reproduce core-networks --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET
open TorchSharp

(** ## Planted network and host *)

let inputs, outputs, planted, host = 6, 4, 8, 32

let normal (random: Random) = sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let drawn_function (seed: int) : float[] -> float[] =
    let random = Random seed
    let first = Array.init planted (fun _ -> Array.init inputs (fun _ -> 1.5 * normal random / sqrt (float inputs)))

    let second =
        Array.init outputs (fun _ -> Array.init planted (fun _ -> 1.5 * normal random / sqrt (float planted)))

    fun x ->
        let h = first |> Array.map (fun row -> tanh (Array.map2 (*) row x |> Array.sum))
        second |> Array.map (fun row -> Array.map2 (*) row h |> Array.sum)

let data_of (number: int) (scale: Scale) =
    let f = drawn_function number

    generated $"function-{number}" {
        features inputs
        values outputs
        points (scale.Pick(10_000, 2_000))
        held_out 1_000

        draw (fun random ->
            let x = Array.init inputs (fun _ -> normal random)
            Datapoint.valued (Array.map float32 x) (Array.map float32 (f x)))
    }

let experiment_of (hidden: int) (number: int) (scale: Scale) =
    experiment {
        net (
            network $"core-{hidden}" {
                features inputs
                linear hidden |> tanh
                linear outputs
                gaussian (variance 0.1)
            }
        )

        data (data_of number scale)

        train (
            static_modules {
                batch 64
                steps (scale.Pick(4_000, 300))
                optimizer (Adam 1e-2)
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(1_000, 150))
    }

(** ## Planting

The host is loaded with the planted network's data, and its weights are changed in place. *)

let rest = 0.2
let share, subsets, datapoints = 0.99, 400, 500

type Seen = { Places: int list; Core: Core; Jaccard: float }

let plant (places: int list) (source: TrainedNetwork) (into: TrainedNetwork) =
    use _scope = torch.NewDisposeScope()
    use _no = torch.no_grad ()
    let weight (network: TrainedNetwork) layer name = network.Graph.Nodes[layer].get_parameter(name: string)
    let places = torch.tensor [| for place in places -> int64 place |]
    (weight into 0 "weight").index_copy_(0L, places, weight source 0 "weight") |> ignore
    (weight into 0 "bias").index_copy_(0L, places, weight source 0 "bias") |> ignore
    (weight into 1 "weight").mul_(rest.ToScalar()).index_copy_(1L, places, weight source 1 "weight") |> ignore
    (weight into 1 "bias").copy_(weight source 1 "bias") |> ignore

let look (source: StudyRun) (into: StudyRun) : Seen =
    use source' = source.Folder |> Trained.load_as source.WithCode

    use host' =
        into.Folder |> Trained.load_as (fun found -> { into.WithCode found with Data = source'.Experiment.Data })

    let random = Random source.Seed

    let places =
        List.init host (fun unit -> random.Next(), unit) |> List.sort |> List.truncate planted |> List.map snd

    plant places source' host'
    let core = host' |> Structure.core_of "linear1" share subsets datapoints
    let found, there = set core.Units, set places

    {
        Places = List.sort places
        Core = core
        Jaccard = float (Set.intersect found there).Count / float (Set.union found there).Count
    }

(** What is found of a planted network and the host of the same seed; None where the host is not there yet. *)

let host_of (run: StudyRun) = { run with Row = "host"; Folder = run.Folder.Replace("planted", "host") }

let planted_into_host = remembered (fun run -> look run (host_of run))

let seen (run: StudyRun) : Seen option =
    let is_there = IO.File.Exists(IO.Path.Combine((host_of run).Folder, "checkpoint.safetensors"))
    if run.Row = "planted" && is_there then Some(planted_into_host run) else None

let units (numbers: int list) = numbers |> List.map string |> String.concat " "

let effects (seen: Seen) =
    let bars name colour (chosen: int -> bool) =
        Chart.Column(
            values = [| for unit in 0 .. host - 1 -> if chosen unit then seen.Core.Effects[unit] else 0.0 |],
            Keys = [| 0 .. host - 1 |],
            Name = name,
            MarkerColor = Color.fromString colour
        )

    let isPlanted unit = List.contains unit seen.Places

    Panel.series [ bars "planted" Palette.vermillion isPlanted; bars "the host's" Palette.grey (isPlanted >> not) ]
    |> Panel.x "hidden unit"
    |> Panel.y "effect on log p [nats]"

let sections (runs: StudyRun list) =
    let all = runs |> List.choose (fun run -> seen run |> Option.map (fun seen -> run, seen))

    [
        Section.make "Criterion: Jaccard ≥ 0.9" [
            Content.Table(
                [
                    "seed"
                    "planted"
                    "found"
                    "Jaccard"
                    "passes"
                    "share of the gain that these keep"
                    "R² of the regression"
                ],
                [
                    for run, seen in all ->
                        [
                            string run.Seed
                            units seen.Places
                            units seen.Core.Units
                            $"%.3f{seen.Jaccard}"
                            Criteria.word (seen.Jaccard >= 0.9)
                            $"%.3f{seen.Core.Kept}"
                            $"%.3f{seen.Core.Fit}"
                        ]
                ]
            )
        ]

        for run, seen in all do
            Section.figure
                $"Effects, seed {run.Seed}"
                $"By how much each of the {host} units raises log p(y|x), by regression over {subsets} random subsets."
                (effects seen)
    ]

study "core-networks" {
    title "Core networks: the units that a function needs"

    rows [
        row "planted" {
            label $"planted: {planted} units"
            seeds [ 1; 2; 3 ]
            run (experiment_of planted 201)
        }
        row "host" {
            label $"host: {host} units"
            seeds [ 1; 2; 3 ]
            run (experiment_of host 202)
        }
    ]

    measure "Jaccard index of found and planted units" (seen >> Option.map _.Jaccard)
    measure "units found" (seen >> Option.map (fun seen -> float seen.Core.Units.Length))
    measure "validation squared error" (fun run -> run.Validation.SquaredError)
    report (List.filter _.Finished >> sections)
}
|> Study.main fsi.CommandLineArgs
