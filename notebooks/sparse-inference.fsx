(**
# Skipping inactive blocks

The authors' blog post: "there might be another way to achieve computational benefits through the observed sparsity by leveraging sparse matrix-matrix multiplication. As we’ve seen previously, about 90% of
all activations can be zero – effectively making 90% of the weight matrix irrelevant."

    ./modnet reproduce sparse-inference --data DIR
    ./modnet reproduce sparse-inference --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. The networks are those of the studies `coactivity` and `locality`. The second hidden layer reads 256 units behind a ReLU. `SparseInference.skip` lets it
leave out blocks of neighbouring units that are all zero for an image. The units of the first layer stand in the order of training, in a random order, or in the order of
their communities. Criteria: outputs are equal up to rounding; in the order of communities more blocks are skipped than in a random one; the layer is faster than the dense product.
*)
#load "units.fsx"

open System
open System.Diagnostics
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp
open Plotly.NET
open Units

let block = 8
let local = localities |> List.find (fun row -> row.Id = locality_id 10.0)

/// The order of the first layer's units, by what it is called; none is that of training.
let orders (run: StudyRun) : (string * int[] option) list =
    let random = [| 0 .. width - 1 |]
    Random(run.Seed).Shuffle random

    [
        "training", None
        "random", Some random
        "community", Some(communities_of run |> SparseInference.order layer)
    ]

type Measured = {
    Order: string
    /// The share of the first layer's outputs that are zero.
    Zeros: float
    /// The share of blocks that are all zero.
    Skipped: float
    /// The largest change of a probability.
    Change: float
    ChangedPredictions: int64
    /// Seconds of the dense layer over those of the layer that skips blocks, and over those of the one that skips each zero.
    Blocks: float
    Each: float
}

(** Times are ratios: two layers in turns, eleven rounds, the median. What else the machine does slows both. *)

let ratio (one: unit -> unit) (other: unit -> unit) =
    let seconds (action: unit -> unit) =
        let clock = Stopwatch.StartNew()

        for _ in 1..10 do
            action ()

        clock.Elapsed.TotalSeconds

    seconds one |> ignore
    seconds other |> ignore
    [ for _ in 1..11 -> seconds one / seconds other ] |> List.sort |> List.item 5

/// A layer of a network as an action, on what the layers before it give for some images.
let action_of (name: string) (images: torch.Tensor) (network: TrainedNetwork) : unit -> unit =
    let nodes = List.ofSeq network.Graph.Nodes
    let place = nodes |> List.findIndex (fun node -> node.Name = name)
    let route () = Route network.Evaluating
    use _noGrad = torch.no_grad ()

    let hidden = nodes |> List.take place |> List.fold (fun x node -> node.Forward(x, route ())) images

    fun () ->
        use _scope = torch.NewDisposeScope()
        use _noGrad = torch.no_grad ()
        nodes[place].Forward(hidden, route ()) |> ignore

let measured (run: StudyRun) : Measured list =
    use trained = opened run
    use _scope = torch.NewDisposeScope()

    let images =
        Trained.within_as run.WithCode run.Folder (fun seen ->
            seen.Source.Splits.Test[0].Range(0L, 1_000L).Inputs.clone().DetachFromDisposeScope())

    [
        for name, order in orders run do
            use ordered =
                match order with
                | Some order -> trained |> SparseInference.reorder layer order
                | None -> trained |> SparseInference.reorder layer [| 0 .. width - 1 |]

            use blocks = ordered |> SparseInference.skip block
            use each = ordered |> SparseInference.skip 1
            let report = EditReport.between datapoints trained blocks
            let dense = action_of "linear2" images ordered

            {
                Order = name
                Zeros = ordered |> SparseInference.skipped layer 1 datapoints
                Skipped = ordered |> SparseInference.skipped layer block datapoints
                Change = report.Unaffected.LargestChange
                ChangedPredictions = report.Unaffected.ChangedPredictions
                Blocks = ratio dense (action_of "linear2" images blocks)
                Each = ratio dense (action_of "linear2" images each)
            }
    ]

let seen = remembered measured
let of_order (order: string) (run: StudyRun) = seen run |> List.find (fun found -> found.Order = order)

let criteria (runs: StudyRun list) = [
    let all = runs |> List.collect seen
    let largest = all |> List.map _.Change |> List.max

    Criteria.row
        "outputs: no probability changes by more than 1e-5"
        $"largest change {largest:G2}, {all |> List.sumBy _.ChangedPredictions} predicted otherwise"
        (largest <= 1e-5)

    for row in [ without; l1; local ] do
        let own = of_row row.Id runs
        let share order = own |> List.averageBy (fun run -> 100.0 * (of_order order run).Skipped)

        let larger =
            own |> List.filter (fun run -> (of_order "community" run).Skipped > (of_order "random" run).Skipped)

        if not own.IsEmpty then
            let community, random = share "community", share "random"

            Criteria.row
                $"{row.Label}: blocks skipped by community, more than at random"
                $"{text 1 community} %% and {text 1 random} %%; {larger.Length} of {own.Length} seeds"
                (larger.Length = own.Length)

            let speed (of': Measured -> float) = own |> List.averageBy (of_order "community" >> of')

            Criteria.row
                $"{row.Label}: skipping blocks by community, faster than dense"
                $"{text 2 (speed _.Blocks)} times as fast"
                (speed _.Blocks > 1.0)

            Criteria.row
                $"{row.Label}: skipping each zero, faster than dense"
                $"{text 2 (speed _.Each)} times as fast"
                (speed _.Each > 1.0)
]

let figure (runs: StudyRun list) =
    Section.figure
        "Blocks that are skipped"
        $"The share of blocks of {block} units that are all zero for an image, over {datapoints} test images, with the units of the first layer in three orders; the mean over seeds."
        ([
            for place, order in List.indexed [ "training"; "random"; "community" ] do
                Chart.Column(
                    values = [
                        for row in [ without; l1; local ] ->
                            match of_row row.Id runs with
                            | [] -> nan
                            | own -> own |> List.averageBy (fun run -> 100.0 * (of_order order run).Skipped)
                    ],
                    Keys = [ for row in [ without; l1; local ] -> row.Label ],
                    Name = $"{order} order",
                    MarkerColor = Color.fromString (Palette.colour place)
                )
         ]
         |> Panel.series
         |> Panel.y "blocks skipped [%]"
         |> Panel.classesX
         |> Panel.wholeY)

let table (runs: StudyRun list) =
    Section.make "Orders" [
        Content.Table(
            [
                "run"
                "order of units"
                "zeros [%]"
                $"blocks of {block} skipped [%%]"
                "largest change of a probability"
                "dense / blocks, time"
                "dense / each zero, time"
            ],
            [
                for run in runs do
                    for found in seen run do
                        [
                            run.Name
                            found.Order
                            text 1 (100.0 * found.Zeros)
                            text 1 (100.0 * found.Skipped)
                            $"{found.Change:G2}"
                            text 2 found.Blocks
                            text 2 found.Each
                        ]
            ]
        )
    ]

study "sparse-inference" {
    title "Skipping inactive blocks on MNIST"
    data_folder "mnist"
    runs_of "coactivity"
    rows [ without; l1; local ]
    measure "zeros [%]" (fun run -> Some(100.0 * (of_order "training" run).Zeros))
    measure "blocks skipped, order of communities [%]" (fun run -> Some(100.0 * (of_order "community" run).Skipped))
    measure "blocks skipped, random order [%]" (fun run -> Some(100.0 * (of_order "random" run).Skipped))
    measure "dense / blocks, time" (fun run -> Some (of_order "community" run).Blocks)
    measure "dense / each zero, time" (fun run -> Some (of_order "community" run).Each)

    report (fun runs ->
        match runs |> List.filter _.Finished with
        | [] -> []
        | finished -> [ verdicts (criteria finished); figure finished; table finished ])
}
|> Study.main fsi.CommandLineArgs
