(**
# Does a boundary make a network more modular?

A network that is trained end to end has layers that fit each other and nothing else. Where a boundary stops the gradient, what is before it never hears of what comes after. Do such segments become parts that can be exchanged,
put in another order or left out at a lower price?

    ./modnet reproduce segments-apart --data DIR
    ./modnet reproduce segments-apart --data DIR --quick

DIR holds MNIST's files, or a folder `mnist` with them. One network is trained in three ways: end to end, with a head of its own for each segment, and by synthetic gradients that see the label. It has four segments: a linear layer, two
residual blocks that can be put in each other's places, and the head.
*)
#load "modnet.fsx"

open System.Collections.Generic
open System.IO
open Plotly.NET
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

let width = 128

let network_of (name: string) (cut: Layer option) =
    let between =
        chain {
            match cut with
            | Some boundary -> boundary
            | None -> ()
        }

    network $"segments-{name}" {
        image (1, 28, 28)
        flatten
        linear width |> relu
        between

        for _ in 1..2 do
            residual {
                linear width |> relu
                linear width
            }

            between

        softmax 10
    }

let run_of name cut (scale: Scale) =
    experiment {
        net (network_of name cut)

        data (
            mnist "" {
                held_out (scale.Pick(5_000, 100))
                standardise true
            }
        )

        train (
            static_modules {
                batch 128
                steps (scale.Pick(2_000, 40))
                optimizer (Adam 1e-3)
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(1_000, 20))
    }

let row_of id text cut =
    row id {
        label text
        seeds [ 1; 2; 3; 4; 5 ]
        run (run_of id cut)
    }

let end_to_end = row_of "end-to-end" "end to end" None
let local_heads = row_of "local-heads" "heads of their own" (Some(boundary Boundary.LocalHead))

let synthetic_gradients =
    row_of "synthetic" "synthetic gradients" (Some(boundary (synthetic { sees_target true })))

let all = [ end_to_end; local_heads; synthetic_gradients ]

(** ## A trained network as segments

A segment is the nodes up to one of these, and the head with what is left. A boundary gives what it reads, so it may count to the segment after it. *)

let ends = [ "linear1"; "residual1"; "residual2" ]
let segments = [ "linear layer"; "first block"; "second block"; "head" ]

type Rows = { X: torch.Tensor; Y: torch.Tensor }

type Opened = {
    Network: TrainedNetwork
    /// Of each segment, its nodes.
    Nodes: Node list list
    Train: Rows
    Validation: Rows
    Test: Rows
}

let nodes_of (network: TrainedNetwork) =
    let rec cut (ends: string list) (nodes: Node list) =
        match ends with
        | [] -> [ nodes ]
        | last :: later ->
            let place = nodes |> List.findIndex (fun node -> node.Name = last)
            let own, others = List.splitAt (place + 1) nodes
            own :: cut later others

    cut ends (List.ofSeq network.Graph.Nodes)

let rows_of (count: int64) (set: Dataset) =
    let batch = set.Range(0L, min count set.Count)
    { X = batch.Inputs; Y = batch.Targets }

let opened =
    remembered (fun run ->
        Trained.within run.Folder (fun found ->
            let network = Trained.load run.Folder

            {
                Network = network
                Nodes = nodes_of network
                Train = rows_of 1_000L found.Source.Splits.Train
                Validation = rows_of 1_000L found.Source.Splits.Validation[0]
                Test = rows_of 10_000L found.Source.Splits.Test[0]
            }))

let through (nodes: Node list) (x: torch.Tensor) =
    nodes |> List.fold (fun value node -> node.Forward(value, Route(ModeSelector()))) x

/// What segments `from` to `upto` - 1 make of x.
let part (from: int) (upto: int) (run: Opened) (x: torch.Tensor) =
    through (run.Nodes |> List.skip from |> List.take (upto - from) |> List.concat) x

let right (head: Opened) (features: torch.Tensor) (y: torch.Tensor) =
    100.0 * head.Network.Graph.Head.Predict(features).eq(y).to_type(torch.ScalarType.Float64).mean().ToDouble()

let quietly (compute: unit -> 'Answer) : 'Answer =
    use _scope = torch.NewDisposeScope()
    use _noGrad = torch.no_grad ()
    compute ()

let whole =
    remembered (fun run ->
        quietly (fun () -> right (opened run) (part 0 4 (opened run) (opened run).Test.X) (opened run).Test.Y))

(** ## Maps between networks

The hidden numbers of two networks mean different things, so a segment of another network is stitched in: an affine map before it and one behind it are fitted by least squares on some rows of the training set, with a ridge that is chosen on
the validation set. *)

let ridges = [ 1e-4; 1e-3; 1e-2; 1e-1; 1.0 ]

let fitted
    (x: torch.Tensor, y: torch.Tensor)
    (held_x: torch.Tensor, held_y: torch.Tensor)
    : torch.Tensor -> torch.Tensor =
    let exact (value: torch.Tensor) = value.to_type torch.ScalarType.Float64
    let mean (value: torch.Tensor) = (exact value).mean([| 0L |], true)
    let mean_x, mean_y = mean x, mean y
    let centred = exact x - mean_x
    let products = centred.t().mm centred
    let scale = products.diagonal().mean().ToDouble()
    let across = centred.t().mm(exact y - mean_y)

    let map (ridge: float) =
        let weight =
            torch.linalg.solve (
                products + ridge * scale * torch.eye (products.shape[0], dtype = torch.ScalarType.Float64),
                across
            )

        fun (value: torch.Tensor) -> (exact value - mean_x).mm(weight) + mean_y

    ridges
    |> List.map map
    |> List.minBy (fun map -> (map held_x - exact held_y).square().mean().ToDouble())
    |> fun map value -> (map value).to_type torch.ScalarType.Float32

/// Test accuracy of a network whose segment is that of another, with maps from `count` rows; none where it is 0.
let substituted (host: Opened) (guest: Opened) (segment: int) (count: int) : float =
    quietly (fun () ->
        let upto (network: Opened) last (rows: Rows) = part 0 last network rows.X
        let fitting = { X = host.Train.X.narrow (0, 0L, min (int64 count) host.Train.X.shape[0]); Y = host.Train.Y }
        let is_first, is_last = (segment = 0), (segment = segments.Length - 1)

        let before =
            if count = 0 || is_first then
                id
            else
                fitted
                    (upto host segment fitting, upto guest segment fitting)
                    (upto host segment host.Validation, upto guest segment host.Validation)

        let swapped (rows: Rows) = upto host segment rows |> before |> part segment (segment + 1) guest

        let behind =
            if count = 0 || is_last then
                id
            else
                fitted
                    (swapped fitting, upto host (segment + 1) fitting)
                    (swapped host.Validation, upto host (segment + 1) host.Validation)

        let features = swapped host.Test |> behind |> part (segment + 1) segments.Length host
        right (if is_last then guest else host) features host.Test.Y)

/// Linear centred kernel alignment of what two networks give on the same datapoints (Kornblith et al. 2019): 1 where one is the other, turned and scaled.
let alike (x: torch.Tensor) (y: torch.Tensor) : float =
    let centred (value: torch.Tensor) =
        let exact = value.to_type torch.ScalarType.Float64
        exact - exact.mean ([| 0L |], true)

    let x, y = centred x, centred y
    let size (one: torch.Tensor) (other: torch.Tensor) = one.t().mm(other).square().sum().ToDouble()
    size x y / sqrt (size x x * size y y)

(** ## What is asked of every run *)

let counts = [ 0; 50; 200; 1_000 ]

type Exchange = {
    /// Points of accuracy lost, by segment and by the number of rows that maps are fitted on.
    Lost: Map<int * int, float>
    Alike: float list
}

let exchanges = Dictionary<string * string, Exchange>()

let exchange (host: StudyRun) (guest: StudyRun) : Exchange =
    let key = host.Folder, guest.Folder

    match exchanges.TryGetValue key with
    | true, found -> found
    | _ ->
        let one, other = opened host, opened guest

        let found = {
            Lost =
                Map [
                    for segment in 0 .. segments.Length - 1 do
                        for count in counts -> (segment, count), whole host - substituted one other segment count
                ]
            Alike =
                quietly (fun () -> [
                    for last in 1 .. ends.Length -> alike (part 0 last one one.Test.X) (part 0 last other other.Test.X)
                ])
        }

        exchanges[key] <- found
        found

let of_row (row: StudyRow) (runs: StudyRun list) =
    runs |> List.filter (fun run -> run.Row = row.Id && run.Finished) |> List.sortBy _.Seed

/// Of a run, the mean over the other seeds of its row.
let with_others (runs: StudyRun list) (ask: Exchange -> float) (host: StudyRun) : float option =
    runs
    |> List.filter (fun guest -> guest.Row = host.Row && guest.Finished && guest.Seed <> host.Seed)
    |> List.map (fun guest -> exchange host guest |> ask)
    |> function
        | [] -> None
        | found -> Some(List.average found)

let lost (segment: int) (count: int) (exchange: Exchange) = exchange.Lost[segment, count]

let lost_of_all (count: int) (exchange: Exchange) =
    List.average [ for segment in 0 .. segments.Length - 1 -> lost segment count exchange ]

(** The two residual blocks in the other order, and the network without one of them. *)

let turned =
    remembered (fun run ->
        use swapped = Edit.swap "residual1" "residual2" (opened run).Network
        let test = (opened run).Test
        quietly (fun () -> whole run - right (opened run) (through (List.ofSeq swapped.Graph.Nodes) test.X) test.Y))

let without (block: int) =
    remembered (fun run ->
        let found = opened run

        quietly (fun () ->
            let features = part 0 block found found.Test.X |> part (block + 1) segments.Length found
            whole run - right found features found.Test.Y))

let without_first, without_second = without 1, without 2

(** Units that are active together: communities, and how far they are the segments. *)

let datapoints = 1_000
let least = 0.2

type Structured = { Q: float; Z: float; Segments: float }

let structure =
    remembered (fun run ->
        let graph = (opened run).Network |> Structure.of_activity ends datapoints least
        let communities = Structure.communities graph
        let against = graph |> Structure.against_rewired 10 1
        let places = graph.Groups |> Seq.map (fun group -> List.findIndex ((=) group) ends) |> Array.ofSeq

        {
            Q = Structure.modularity communities
            Z = against.Z
            Segments = Partition.Agreement(communities.Of, places)
        })

(** ## What came out *)

/// By seed, a row's value less that of the network trained end to end.
let against (value: StudyRun -> float option) (row: StudyRow) (runs: StudyRun list) =
    let of_seed (row: StudyRow) =
        of_row row runs
        |> List.choose (fun run -> value run |> Option.map (fun found -> run.Seed, found))
        |> Map.ofList

    let own, base_line = of_seed row, of_seed end_to_end
    [ for seed in Set.intersect (set own.Keys) (set base_line.Keys) -> own[seed] - base_line[seed] ]

let said (values: float list) = values |> List.map (fun value -> value.ToString "+0.00;-0.00") |> String.concat ", "

let questions (runs: StudyRun list) = [
    "costs less to substitute, maps from 200 rows", with_others runs (lost_of_all 200), (fun value -> value < 0.0)
    "costs less to put in the other order", turned >> Some, (fun value -> value < 0.0)
    "has more modularity, by z of Q", (fun run -> Some (structure run).Z), (fun value -> value > 0.0)
]

let criteria (runs: StudyRun list) = [
    for row in [ local_heads; synthetic_gradients ] do
        for text, value, better in questions runs do
            let differences = against value row runs

            if not differences.IsEmpty then
                Criteria.row
                    $"{row.Label}: {text}, than end to end, for each seed"
                    $"difference by seed: {said differences}"
                    (List.forall better differences)
]

let mean_of (runs: StudyRun list) (value: StudyRun -> float option) =
    match List.choose value runs with
    | [] -> "–"
    | [ one ] -> $"%.2f{one}"
    | several ->
        let mean = List.average several
        let deviation = sqrt ((several |> List.sumBy (fun one -> (one - mean) ** 2.0)) / float (several.Length - 1))
        $"%.2f{mean} ± %.2f{deviation}"

let table (runs: StudyRun list) (heading: string list) (values: (string * (StudyRun -> float option)) list) =
    Content.Table(
        heading @ [ for row in all -> row.Label ],
        [ for text, value in values -> text :: [ for row in all -> mean_of (of_row row runs) value ] ]
    )

let prices (runs: StudyRun list) =
    let names = counts |> List.map (fun count -> if count = 0 then "no maps" else string count)

    [
        for place, row in List.indexed all do
            let means =
                counts |> List.map (fun count -> of_row row runs |> List.choose (with_others runs (lost_of_all count)))

            if means |> List.forall (List.isEmpty >> not) then
                Chart.Line(
                    x = names,
                    y = List.map List.average means,
                    Name = row.Label,
                    ShowMarkers = true,
                    LineColor = Color.fromString (Palette.colour place)
                )
    ]
    |> Panel.series
    |> Panel.x "training images that the maps are fitted on"
    |> Panel.y "accuracy lost by a substituted segment [points]"

let sections (runs: StudyRun list) = [
    let finished = runs |> List.filter _.Finished
    let judged = criteria finished
    if not judged.IsEmpty then Criteria.section "Criteria" judged

    Section.make "Order, and what can be left out" [
        Content.Prose "Points of test accuracy that are lost; mean ± standard deviation over seeds."
        table finished [ "" ] [
            "test accuracy [%]", whole >> Some
            "the two blocks in the other order", turned >> Some
            "without the first block", without_first >> Some
            "without the second block", without_second >> Some
        ]
    ]

    Section.make "Substituted segments" [
        Content.Prose
            "Points of test accuracy that are lost where a segment of another seed stands in the place of a network's own: means over the other seeds, and mean ± standard deviation over seeds."
        table finished [ "segment, rows for the maps" ] [
            for segment, name in List.indexed segments do
                for count in counts -> $"{name}, {count}", with_others finished (lost segment count)
        ]
    ]

    if not (List.isEmpty (finished |> List.choose (with_others finished (lost_of_all 0)))) then
        Section.figure
            "The price of a substituted segment"
            "Means over the four segments, all pairs of seeds."
            (prices finished)

    Section.make "Structure and likeness" [
        Content.Prose
            $"Units of three layers, joined by |r| ≥ {least} over {datapoints} test images. Likeness is linear CKA between two seeds, on the test images."
        table finished [ "" ] [
            "modularity Q", (fun run -> Some (structure run).Q)
            "z of Q against rewired graphs", (fun run -> Some (structure run).Z)
            "agreement of communities with segments", (fun run -> Some (structure run).Segments)
            for place, name in List.indexed ends ->
                $"CKA between seeds, after {name}", with_others finished (fun exchange -> exchange.Alike[place])
        ]
    ]
]

/// The runs of a row that there are beside one, as its folder's neighbours: a measure is asked of one run alone.
let neighbours = Dictionary<string, StudyRun>()

let among_neighbours (ask: Exchange -> float) (run: StudyRun) : float option =
    if run.Finished then neighbours[run.Folder] <- run
    with_others (List.ofSeq neighbours.Values) ask run

study "segments-apart" {
    title "Segments of a network: exchanged, turned round, left out"
    data_folder "mnist"
    rows all
    measure "test accuracy [%]" (whole >> Some)
    measure "lost by substitution, no maps" (among_neighbours (lost_of_all 0))
    measure "lost by substitution, 200 rows" (among_neighbours (lost_of_all 200))
    measure "lost in the other order" (turned >> Some)
    measure "z of Q" (fun run -> Some (structure run).Z)
    report sections
}
|> Study.main fsi.CommandLineArgs
