(**
# Communities of a layered network that learned two problems

Watanabe, Hiramatsu, Kashino 2018 ("Modular representation of layered neural networks"): units of a trained layered network that are connected alike form communities,
and where a network learned two independent problems, the communities take it apart into a network for each. This study trains a dense network on two problems at once,
makes the graph of its weights, and looks for its communities in two ways: by Louvain's method, and by EM on a model of blocks. It asks:

* Do the communities tell the inputs and outputs of the one problem from those of the other? Their agreement (normalised mutual information) is to be at least 0.9.
* Does the network split? `Edit.exclude_units` takes all hidden units out that are not in a problem's community. Its squared error on this problem is to be at most
  1.05 times that of the whole network.

Everything is decided on the weights alone; the errors are measured once, on data that were drawn for it.

    ./modnet reproduce communities
    ./modnet reproduce communities --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime
open TorchSharp

(** ## Two problems

Each problem is a number that depends on three numbers, and only on pairs of them: x₁x₂ + x₂x₃ − x₁x₃. The network reads the six numbers of both problems and is to give both answers. Weight decay
takes away what is not needed. *)

let inputs, hidden = 3, 40

let normal (random: Random) = sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let problem (x: float[]) = x[0] * x[1] + x[1] * x[2] - x[0] * x[2]

let datapoint (random: Random) =
    let x = Array.init (2 * inputs) (fun _ -> normal random)
    let y = Array.init 2 (fun number -> problem x[number * inputs .. (number + 1) * inputs - 1])
    Array.map float32 x, Array.map float32 y

let experiment_of (scale: Scale) =
    experiment {
        net (
            network "communities" {
                features (2 * inputs)
                linear hidden |> relu
                linear 2
                gaussian (variance 0.1)
            }
        )

        data (
            generated "two-problems" {
                features (2 * inputs)
                values 2
                points (scale.Pick(20_000, 4_000))
                held_out 1_000
                draw (datapoint >> (fun (x, y) -> Datapoint.valued x y))
            }
        )

        train (
            static_modules {
                batch 64
                steps (scale.Pick(20_000, 300))
                optimizer (AdamW(1e-2, 0.05))
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(5_000, 150))
    }

(** ## Graph and communities

Nodes are inputs, hidden units and outputs; links are weights, without their sign, from a tenth of the largest on. *)

let graph_of (run: TrainedNetwork) =
    let all = run |> Structure.of_weights 0.0
    let largest = all.Links |> Seq.map _.Weight |> Seq.max
    run |> Structure.of_weights (largest / 10.0)

(** A block is a group of nodes that link to the same nodes, so each layer has blocks of its own. Blocks that are linked belong together: communities of the blocks. *)

let joined_blocks (graph: UnitGraph) : Communities =
    let blocks = graph |> Structure.blocks 6
    let names = Array.init blocks.Count (fun block -> $"block {block}")

    let between =
        UnitGraph(
            names,
            Array.create names.Length "blocks",
            [
                for link in graph.Links do
                    let one, other = blocks.Of[link.From], blocks.Of[link.To]
                    if one <> other then Link(one, other, link.Weight)
            ]
        )

    let whole = Structure.communities between
    { Graph = graph; Of = blocks.Of |> Array.map (fun block -> whole.Of[block]) }

(** The problem of each input and output is known; a hidden unit has none of its own. *)

let problem_of (graph: UnitGraph) (node: int) : int option =
    let number = graph.Names[node].Split('/') |> Array.last |> int

    match graph.Groups[node] with
    | "inputs of linear1" -> Some(number / inputs)
    | "linear2" -> Some number
    | _ -> None

let agreement (communities: Communities) =
    let known = [|
        for node in 0 .. communities.Graph.Count - 1 do
            if (problem_of communities.Graph node).IsSome then node
    |]

    let planted = known |> Array.map (fun node -> (problem_of communities.Graph node).Value)
    Partition.Agreement(known |> Array.map (fun node -> communities.Of[node]), planted)

(** ## The network taken apart

A problem's community is the one that most of its inputs and outputs are in. *)

let community (communities: Communities) (number: int) =
    [ 0 .. communities.Graph.Count - 1 ]
    |> List.filter (fun node -> problem_of communities.Graph node = Some number)
    |> List.countBy (fun node -> communities.Of[node])
    |> List.maxBy snd
    |> fst

let others (communities: Communities) (layer: string) (own: int) = [
    for node in 0 .. communities.Graph.Count - 1 do
        if communities.Graph.Groups[node] = layer && communities.Of[node] <> own then
            communities.Graph.Names[node].Split('/') |> Array.last |> int
]

let test_points = 5_000

let squared_errors (run: TrainedNetwork) : float[] =
    use _scope = torch.NewDisposeScope()
    let random = Random 77
    let drawn = Array.init test_points (fun _ -> datapoint random)
    let x = torch.tensor(Array.collect fst drawn).view(int64 test_points, -1L)
    let y = torch.tensor(Array.collect snd drawn).view(int64 test_points, -1L)
    let each = (run.Predict x - y).square().mean([| 0L |])

    [| for number in 0..1 -> each.narrow(0, int64 (number), 1L).mean().ToDouble() |]

/// Of each problem: the squared error of the whole network and of its part, and the hidden units of the part.
type Split = (float * float * int) list

let split (run: TrainedNetwork) (communities: Communities) : Split =
    let whole = squared_errors run

    [
        for number in 0..1 do
            let own = community communities number
            let gone = others communities "linear1" own

            // Where no unit is in the community, there is nothing to split off.
            if gone.Length = hidden then
                whole[number], nan, 0
            else
                use part = run |> Edit.exclude_units "linear1" gone
                whole[number], (squared_errors part)[number], hidden - gone.Length
    ]

let worst (split: Split) = split |> List.map (fun (whole, part, _) -> part / whole) |> List.max

type Seen = {
    Against: AgainstRewired
    /// By Louvain's method, and by EM.
    Found: (string * Communities * Split) list
}

let louvain, em = "Louvain", "EM"

let look (run: TrainedNetwork) : Seen =
    let graph = graph_of run

    {
        Against = graph |> Structure.against_rewired 50 1
        Found = [
            for name, communities in [ louvain, Structure.communities graph; em, joined_blocks graph ] ->
                name, communities, split run communities
        ]
    }

let seen =
    remembered (fun run ->
        use trained = run.Folder |> Trained.load_as run.WithCode
        look trained)

let by (name: string) (run: StudyRun) =
    (seen run).Found
    |> List.pick (fun (known, communities, split) -> if known = name then Some(communities, split) else None)


let criteria (runs: StudyRun list) =
    Section.make "Criteria" [
        Content.Table(
            [ "run"; "communities by"; "how many"; "agreement ≥ 0.9"; "error of the worse part / whole ≤ 1.05"; "both" ],
            [
                for run in runs do
                    for name, communities, split in (seen run).Found do
                        let agrees, splits = agreement communities >= 0.9, worst split <= 1.05

                        [
                            run.Name
                            name
                            string communities.Count
                            $"%.3f{agreement communities}: {Criteria.word agrees}"
                            $"%.4f{worst split}: {Criteria.word splits}"
                            Criteria.word (agrees && splits)
                        ]
            ]
        )
    ]

let parts (run: StudyRun) =
    let seen = seen run
    let against = seen.Against

    Section.make run.Name [
        Content.Table(
            [
                "communities by"
                "problem"
                "hidden units of its part"
                "squared error, whole"
                "squared error, part"
                "ratio"
            ],
            [
                for name, _, split in seen.Found do
                    for number, (whole, part, units) in List.indexed split ->
                        [
                            name
                            string (number + 1)
                            $"{units} of {hidden}"
                            $"%.5f{whole}"
                            $"%.5f{part}"
                            $"%.4f{part / whole}"
                        ]
            ]
        )
        Content.Prose
            $"Q = %.3f{against.Found} (Louvain), rewired graphs %.3f{against.Mean} ± %.3f{against.Deviation}, z = %.1f{against.Z}. Below, the weights in the order of the communities by EM."
        Content.Chart(StructureFigure.matrix (fst (by em run)))
    ]

study "communities" {
    title "Communities of a layered network that learned two problems"

    rows [
        row "two-problems" {
            label "two problems"
            seeds [ 1; 2; 3 ]
            run experiment_of
        }
    ]

    measure "EM: agreement with the problems" (by em >> fst >> agreement >> Some)
    measure "EM: error of the worse part / whole" (by em >> snd >> worst >> Some)
    measure "Louvain: agreement" (by louvain >> fst >> agreement >> Some)
    measure "Louvain: error of the worse part / whole" (by louvain >> snd >> worst >> Some)
    measure "z of Q" (fun run -> Some (seen run).Against.Z)

    report (fun runs ->
        let finished = runs |> List.filter _.Finished
        criteria finished :: List.map parts finished)
}
|> Study.main fsi.CommandLineArgs
