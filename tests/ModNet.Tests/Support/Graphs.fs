/// Graphs of units for the tests of structure.
module ModNet.Tests.Graphs

open System
open FsCheck.FSharp
open ModNet.Runtime

let private names (count: int) = Array.init count (fun node -> $"n{node}")

/// A graph of one group.
let graphOf (count: int) (links: (int * int * float) seq) : UnitGraph =
    UnitGraph(
        names count,
        Array.create count "all",
        links |> Seq.map (fun (one, other, weight) -> Link(one, other, weight))
    )

/// A directed graph of one group.
let directedOf (count: int) (arcs: (int * int) seq) : DirectedGraph =
    DirectedGraph(names count, Array.create count "all", arcs |> Seq.map (fun (from, into) -> struct (from, into)))

let pairs (count: int) : (int * int) list = [
    for one in 0 .. count - 1 do
        for other in one + 1 .. count - 1 -> one, other
]

/// Every pair of nodes is joined with the probability that `chance` gives for it.
let drawnGraph (seed: int) (count: int) (chance: int -> int -> float) : UnitGraph =
    let random = Random seed

    graphOf count [
        for one, other in pairs count do
            if random.NextDouble() < chance one other then one, other, 1.0
    ]

/// Arcs with a probability between any two nodes.
let drawnArcs (random: Random) (count: int) (chance: float) : (int * int) list = [
    for from in 0 .. count - 1 do
        for into in 0 .. count - 1 do
            if from <> into && random.NextDouble() < chance then from, into
]

/// A small graph of several groups with weights, and a partition of it.
type Partitioned = { Graph: UnitGraph; Communities: int[] }

/// A small directed graph of several groups.
type Arcs = { Directed: DirectedGraph }

type Arbitraries =
    static member Partitioned() : FsCheck.Arbitrary<Partitioned> =
        gen {
            let! count = Gen.choose (1, 8)
            let! groups = Gen.arrayOfLength count (Gen.elements [ "a"; "b"; "c" ])
            let! weights = Gen.listOfLength (count * (count - 1) / 2) (Gen.elements [ 0.0; 0.0; 0.5; 1.0; 1.0; 2.0 ])
            let! communities = Gen.arrayOfLength count (Gen.choose (0, 3))

            let links =
                List.zip (pairs count) weights |> List.map (fun ((one, other), weight) -> Link(one, other, weight))

            return { Graph = UnitGraph(names count, groups, links); Communities = communities }
        }
        |> Arb.fromGen

    static member Arcs() : FsCheck.Arbitrary<Arcs> =
        gen {
            let! count = Gen.choose (1, 9)
            let! groups = Gen.arrayOfLength count (Gen.elements [ "a"; "b" ])
            let! seed = Gen.choose (1, 1_000_000)
            let! tenths = Gen.choose (0, 10)

            let arcs =
                drawnArcs (Random seed) count (float tenths / 10.0)
                |> List.map (fun (from, into) -> struct (from, into))

            return { Directed = DirectedGraph(names count, groups, arcs) }
        }
        |> Arb.fromGen
