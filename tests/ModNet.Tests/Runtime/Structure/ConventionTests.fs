/// Conventions and atoms against their definitions.
module ModNet.Tests.ConventionTests

open System
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Graphs

/// Whether each node is in the set exactly where at least the share of its links' weight leads into it.
let private isConvention (graph: UnitGraph) (share: float) (members: bool[]) =
    let weights = graph.Matrix()

    [ 0 .. graph.Count - 1 ]
    |> List.forall (fun node ->
        let all = Array.sum weights[node, *]

        let inside =
            Seq.sum (seq { for other in 0 .. graph.Count - 1 -> if members[other] then weights[node, other] else 0.0 })

        members[node] = (all > 0.0 && inside >= (share - 1e-9) * all))

let private sets (count: int) =
    Seq.init (1 <<< count) (fun set -> Array.init count (fun node -> (set >>> node) &&& 1 = 1))

let private byDefinition (graph: UnitGraph) (share: float) =
    sets graph.Count |> Seq.filter (isConvention graph share) |> Seq.map List.ofArray |> set

let private found (graph: UnitGraph) (share: float) =
    Conventions.Of(graph, share, 1, 500) |> Seq.map List.ofArray |> List.ofSeq

[<Tests>]
let tests =
    testList "conventions" [
        testPropertyWithConfig
            (trying 150 typeof<Arbitraries> (1710UL, 7UL))
            "those of small graphs are those of the definition, each once; atoms are parted by some, and by none inside"
        <| fun (drawn: Partitioned, tenths: int) ->
            let graph, share = drawn.Graph, 0.1 + 0.1 * float (abs tenths % 10)
            let expected, actual = byDefinition graph share, found graph share
            Expect.equal (set actual) expected "conventions"
            Expect.equal actual.Length expected.Count "each once"
            Expect.all actual (fun members -> Conventions.Holds(graph, List.toArray members, share)) "they hold"

            for members in sets graph.Count do
                Expect.equal
                    (Conventions.Holds(graph, members, share))
                    (expected.Contains(List.ofArray members))
                    "Holds"

            let atoms = (graph |> Structure.atoms share).Of

            for one, other in pairs graph.Count do
                let alike = expected |> Seq.forall (fun members -> members[one] = members[other])
                Expect.equal (atoms[one] = atoms[other]) alike $"{one} and {other}"

        test "the search in larger graphs meets conventions only, and blocks that are one are among them" {
            let planted = CommunityTests.planted 3 5
            let mutable counted = 0

            for seed in 1..4 do
                let graph = drawnGraph seed 15 (fun one other -> if planted[one] = planted[other] then 0.8 else 0.15)
                let expected, actual = byDefinition graph 0.5, set (found graph 0.5)
                Expect.isTrue (Set.isSubset actual expected) $"seed {seed}: conventions"

                let blocks = set [ for block in 0..2 -> [ for own in planted -> own = block ] ]
                let there = Set.intersect blocks expected
                counted <- counted + there.Count
                Expect.isTrue (Set.isSubset there actual) $"seed {seed}: blocks"

            Expect.isGreaterThan counted 3 "blocks that are conventions"
        }

        test "planted blocks are the atoms, and in a graph of one block all behave alike" {
            let planted = CommunityTests.planted 3 20
            let graph = drawnGraph 2 60 (fun one other -> if planted[one] = planted[other] then 0.7 else 0.05)
            Expect.equal (graph |> Structure.atoms 0.5).Of planted "blocks"
            let complete = graphOf 20 [ for one, other in pairs 20 -> one, other, 1.0 ]
            Expect.equal (complete |> Structure.atoms 0.5).Of (Array.create 20 0) "one block"
        }

        test "a share that cannot be is refused" {
            for share in [ 0.0; 1.5; nan ] do
                fails
                    (fun () -> graphOf 2 [ 0, 1, 1.0 ] |> Structure.atoms share |> ignore)
                    "a share q above 0 and at most 1"
        }
    ]
