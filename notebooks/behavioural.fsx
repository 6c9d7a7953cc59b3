(**
# Behavioural communities

Jackson and Storms ("Behavioral communities and the atomic structure of networks") ask which people of a social network behave alike. A *convention* is a set of nodes
in which exactly those are that have at least a share q of their neighbours in it: each adopts a habit where enough of its neighbours do. *Atoms* are the groups of nodes that no
convention parts. This study holds `Structure.atoms` against the definition, against planted blocks, and asks what the atoms of a trained network are.

* On graphs of up to 12 nodes, the conventions are to be those that the definition finds among all 2ⁿ sets.
* Blocks that were planted in a random graph are to be its atoms.
* In the network, units that behave alike are to be those of one problem, of three that it learned at once.

    ./modnet reproduce behavioural
    ./modnet reproduce behavioural --quick
*)
#load "modnet.fsx"

open System
open ModNet
open ModNet.Figures
open ModNet.Runtime

(** ## By the definition

A node without neighbours is in no convention. *)

let drawn (seed: int) (count: int) (chance: int -> int -> float) : UnitGraph =
    let random = Random seed

    UnitGraph(
        Array.init count (fun node -> $"n{node}"),
        Array.create count "all",
        [
            for one in 0 .. count - 1 do
                for other in one + 1 .. count - 1 do
                    if random.NextDouble() < chance one other then Link(one, other, 1.0)
        ]
    )

let by_definition (graph: UnitGraph) (q: float) : Set<int> =
    let joined = graph.Matrix()

    let adopts (set: int) (node: int) =
        let neighbours = [
            for other in 0 .. graph.Count - 1 do
                if joined[node, other] > 0.0 then other
        ]

        let inside = neighbours |> List.filter (fun other -> (set >>> other) &&& 1 = 1)
        not neighbours.IsEmpty && float inside.Length >= q * float neighbours.Length - 1e-9

    set [
        for candidate in 0 .. (1 <<< graph.Count) - 1 do
            let holds node = adopts candidate node = ((candidate >>> node) &&& 1 = 1)
            if Seq.forall holds [ 0 .. graph.Count - 1 ] then candidate
    ]

let by_search (graph: UnitGraph) (q: float) : Set<int> =
    let number (members: bool[]) =
        members |> Array.mapi (fun node there -> if there then 1 <<< node else 0) |> Array.sum

    Conventions.Of(graph, q, 1, 100) |> Seq.map number |> set

let small =
    lazy
        [
            for seed in 1..20 do
                let graph = drawn seed (5 + seed % 8) (fun _ _ -> 0.2 + 0.03 * float seed)

                for q in [ 0.3; 0.5; 0.7 ] do
                    by_definition graph q, by_search graph q
        ]

(** ## Planted blocks

The larger blocks are, the rarer is a node that has, by chance, most of its links elsewhere. *)

let blocks = 3

let planted =
    lazy
        [
            for size in [ 10; 20 ] do
                size,
                [
                    for seed in 1..10 do
                        let chance one other = if one / size = other / size then 0.7 else 0.05
                        let atoms = drawn seed (blocks * size) chance |> Structure.atoms 0.5
                        Partition.Agreement(atoms.Of, Array.init (blocks * size) (fun node -> node / size))
                ]
        ]

(** ## A trained network

It learns three problems at once: is x₁x₂ + x₃ positive, for three numbers each? Units are joined by how strongly they are active together. *)

let problems, inputs, hidden = 3, 3, 30

let normal (random: Random) = sqrt (-2.0 * log (1.0 - random.NextDouble())) * cos (2.0 * Math.PI * random.NextDouble())

let datapoint (random: Random) =
    let x = Array.init (problems * inputs) (fun _ -> normal random)
    let right p = x[p * inputs] * x[p * inputs + 1] + x[p * inputs + 2] > 0.0
    Datapoint.valued (Array.map float32 x) (Array.init problems (fun p -> if right p then 1.0f else 0.0f))

let experiment_of (scale: Scale) =
    experiment {
        net (
            network "behavioural" {
                features (problems * inputs)
                linear hidden |> relu
                linear problems
                bernoulli
            }
        )

        data (
            generated "three-problems" {
                features (problems * inputs)
                values problems
                points (scale.Pick(10_000, 2_000))
                held_out 2_000
                draw datapoint
            }
        )

        train (
            static_modules {
                batch 64
                steps (scale.Pick(4_000, 300))
                optimizer (AdamW(5e-3, 0.2))
                schedule Cosine
            }
        )

        log_every 100
        validate_every (scale.Pick(1_000, 150))
    }

let q = 0.5

type Seen = {
    Atoms: Communities
    Communities: Communities
    /// The problem whose output each unit has the largest weight to.
    Problems: int[]
}

let look (run: TrainedNetwork) : Seen =
    let least = 2.0 / sqrt 2_000.0
    let graph = run |> Structure.of_activity [ "linear1" ] 2_000 least
    let weights = run.Graph.Nodes[1].get_parameter("weight").data<float32>().ToArray()
    let from unit problem = abs weights[problem * hidden + unit]

    {
        Atoms = graph |> Structure.atoms q
        Communities = Structure.communities graph
        Problems = Array.init hidden (fun unit -> [ 0 .. problems - 1 ] |> List.maxBy (from unit))
    }

let seen =
    remembered (fun run ->
        use trained = run.Folder |> Trained.load_as run.WithCode
        look trained)

let of_atoms (run: StudyRun) = Partition.Agreement((seen run).Atoms.Of, (seen run).Problems)
let of_communities (run: StudyRun) = Partition.Agreement((seen run).Communities.Of, (seen run).Problems)

let theory () =
    let wrong = small.Value |> List.filter (fun (expected, found) -> expected <> found) |> List.length
    let largest = small.Value |> List.map (fst >> Set.count) |> List.max

    Criteria.section "Against the definition, and planted blocks" [
        Criteria.row
            $"all conventions of {small.Value.Length} graphs and shares, up to 12 nodes and {largest} conventions"
            $"{small.Value.Length - wrong} alike"
            (wrong = 0)

        for size, agreements in planted.Value do
            Criteria.row
                $"{blocks} planted blocks of {size} nodes, {agreements.Length} graphs, q = {q}: agreement of atoms and blocks ≥ 0.9"
                $"%.3f{List.average agreements} mean, %.3f{List.min agreements} smallest"
                (List.min agreements >= 0.9)
    ]

let trained (run: StudyRun) =
    let seen = seen run

    Section.make run.Name [
        Content.Table(
            [ ""; "groups"; "agreement with the problem that a unit serves the most" ],
            [
                [ $"atoms, q = {q}"; string seen.Atoms.Count; $"%.3f{of_atoms run}" ]
                [ "communities (Louvain)"; string seen.Communities.Count; $"%.3f{of_communities run}" ]
            ]
        )
        Content.Chart(StructureFigure.matrix seen.Atoms)
    ]

study "behavioural" {
    title "Behavioural communities"

    rows [
        row "three-problems" {
            label "three problems"
            seeds [ 1; 2; 3 ]
            run experiment_of
        }
    ]

    measure "atoms: agreement with the problems" (of_atoms >> Some)
    measure "communities: agreement with the problems" (of_communities >> Some)
    measure "atoms" (fun run -> Some(float (seen run).Atoms.Count))

    report (fun runs -> theory () :: (runs |> List.filter _.Finished |> List.map trained))
}
|> Study.main fsi.CommandLineArgs
