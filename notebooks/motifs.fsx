(**
# Motifs and hubs

Motifs are small patterns of arcs that a network has more often than chance would have it (Milo et al. 2002): counts of the 13 ways in which three nodes are joined, beside random graphs
in which each node keeps the number of its incoming and of its outgoing arcs. Hubs join communities: P = 1 − Σ_c (k_c / k)² (Guimerà, Amaral 2005).

* Loops of three that were planted in a random graph are to stand out, z > 2.
* In random graphs, loops are not to stand out, |z| < 2.
* A modular GRU learns a text whose letters come from three alphabets in turn. Which modules follow each other?

    ./modnet reproduce motifs
    ./modnet reproduce motifs --quick
*)
#load "modnet.fsx"

open System
open System.IO
open ModNet
open ModNet.Figures
open ModNet.Runtime
open Plotly.NET

(** ## Planted loops and random graphs *)

let nodes, chance = 24, 0.05

let arcs_of (random: Random) = [
    for from in 0 .. nodes - 1 do
        for into in 0 .. nodes - 1 do
            if from <> into && random.NextDouble() < chance then from, into
]

let loops = [
    for first in 0..3 .. nodes - 3 do
        first, first + 1
        first + 1, first + 2
        first + 2, first
]

let graph_of (arcs: (int * int) list) =
    DirectedGraph(
        Array.init nodes (fun node -> $"n{node}"),
        Array.create nodes "all",
        arcs |> List.distinct |> List.map (fun (from, into) -> struct (from, into))
    )

let loop (motifs: Motif list) = motifs |> List.find (fun motif -> motif.Triad.Name = "030C")

let planted =
    lazy [ for seed in 1..10 -> graph_of (arcs_of (Random seed) @ loops) |> Structure.motifs 100 1 |> loop ]

let random =
    lazy
        [
            // As many arcs as with the loops.
            for seed in 1..10 do
                let random = Random(100 + seed)
                let more = [ for _ in loops -> random.Next nodes, random.Next nodes ]

                arcs_of random @ more
                |> List.filter (fun (from, into) -> from <> into)
                |> graph_of
                |> Structure.motifs 100 1
                |> loop
        ]

(** ## A text of three alphabets

Letters come from one alphabet of four, then from the next, mostly; after the third comes the first again. *)

let letters (random: Random) (length: int) : string =
    let alphabets = [| "abcd"; "efgh"; "ijkl" |]
    let mutable phase = 0

    String [|
        for _ in 1..length do
            alphabets[phase][random.Next 4]
            if random.NextDouble() < 0.9 then phase <- (phase + 1) % 3
    |]

let folder (length: int) =
    let folder = Path.Combine(Path.GetTempPath(), $"modnet-three-alphabets-{length}")
    Directory.CreateDirectory folder |> ignore

    for part, seed, length in [ "train", 1, length; "valid", 2, length / 10; "test", 3, length / 10 ] do
        let path = Path.Combine(folder, $"alphabets.{part}.txt")
        if not (File.Exists path) then WholeFile.Write(path, letters (Random seed) length)

    folder

let modules' = 6

let experiment_of (scale: Scale) =
    experiment {
        net (
            network "motifs" {
                tokens 12
                embed 8

                modular_gru {
                    hidden 8
                    modules modules'
                    unit (linear 8 |> relu)
                }

                softmax 12
            }
        )

        data (
            text (folder (scale.Pick(60_000, 6_000))) {
                window 12
                characters true
                vocabulary 12
            }
        )

        train (
            em {
                samples 5
                m_steps 10
                batch 64
                steps (scale.Pick(3_000, 100))
                optimizer (Adam 3e-3)
            }
        )

        log_every 50
        validate_every (scale.Pick(1_000, 50))
    }

let least = 0.1

type Seen = { Motifs: Motif list; Arcs: DirectedGraph; Together: Communities }

let look (run: StudyRun) : Seen =
    let trace = Trace.load run.Folder
    let arcs = trace |> Structure.of_successions "modular_gru1" least

    {
        Motifs = arcs |> Structure.motifs 100 1
        Arcs = arcs
        Together = trace |> Structure.of_routing |> Structure.communities
    }

let seen = remembered look

let z (value: float) = if Double.IsNaN value then "–" else $"%.2f{value}"

let theory () =
    let lowest = planted.Value |> List.map _.Count.Z |> List.min
    let highest = random.Value |> List.map (fun motif -> abs motif.Count.Z) |> List.max
    let within = random.Value |> List.filter (fun motif -> abs motif.Count.Z < 2.0) |> List.length

    [
        Criteria.section "Criteria" [
            Criteria.row "planted loops, ten graphs: z > 2" $"smallest z = %.2f{lowest}" (lowest > 2.0)
            Criteria.row
                "random graphs, ten: |z| < 2"
                $"largest |z| = %.2f{highest}; {within} of {random.Value.Length} within"
                (highest < 2.0)
        ]
        Section.figure
            "Loops of three"
            "How many deviations the number of loops lies above that of random graphs with the same degrees, graph by graph."
            (Panel.series [
                Chart.Column(
                    values = [ for motif in planted.Value -> motif.Count.Z ],
                    Keys = [ 1..10 ],
                    Name = "planted loops",
                    MarkerColor = Color.fromString Palette.vermillion
                )
                Chart.Column(
                    values = [ for motif in random.Value -> motif.Count.Z ],
                    Keys = [ 1..10 ],
                    Name = "random",
                    MarkerColor = Color.fromString Palette.grey
                )
             ]
             |> Panel.x "graph"
             |> Panel.y "z"
             |> Panel.reference 2.0 "z = 2")
    ]

let trained (run: StudyRun) =
    let seen = seen run
    let participation = Structure.participation seen.Together

    Section.make run.Name [
        Content.Prose
            $"{seen.Arcs.Arcs.Count} arcs among {modules'} modules, each in at least {100.0 * least} %% of the cases; triples of modules that are joined, beside random graphs."
        Content.Table(
            [ "triad"; "arcs"; "count"; "random graphs"; "z" ],
            [
                for motif in seen.Motifs do
                    if motif.Count.Found > 0.0 || motif.Count.Mean > 0.0 then
                        [
                            motif.Triad.Name
                            motif.Triad.Arcs
                            $"%.0f{motif.Count.Found}"
                            $"%.2f{motif.Count.Mean} ± %.2f{motif.Count.Deviation}"
                            z motif.Count.Z
                        ]
            ]
        )
        Content.Table(
            [ "module"; "community by paths"; "participation P" ],
            [
                for node in 0 .. seen.Together.Graph.Count - 1 ->
                    [ seen.Together.Graph.Names[node]; string seen.Together.Of[node]; $"%.3f{participation[node]}" ]
            ]
        )
    ]

let of_loops (run: StudyRun) = (loop (seen run).Motifs).Count

study "motifs" {
    title "Motifs and hubs"

    rows [
        row "three-alphabets" {
            label "a modular GRU on three alphabets"
            seeds [ 1; 2; 3 ]
            run experiment_of
        }
    ]

    measure "loops of three modules" (fun run -> Some (of_loops run).Found)
    measure "the same in random graphs" (fun run -> Some (of_loops run).Mean)
    measure "test perplexity" (fun run -> run.Test.Perplexity)
    report (fun runs -> theory () @ (runs |> List.filter _.Finished |> List.map trained))
}
|> Study.main fsi.CommandLineArgs
