/// Random graphs of the same degrees, and the ways in which three nodes are joined.
module ModNet.Tests.RewiringTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Graphs

let private config = trying 200 typeof<Arbitraries> (1976UL, 7UL)

/// The name of the way in which three nodes are joined, by its definition: pairs joined both ways, one way, not at all, and a letter.
let private named (isArc: int -> int -> bool) (nodes: int list) : string =
    let pairs = [ for one, other in pairs 3 -> nodes[one], nodes[other] ]
    let both = pairs |> List.filter (fun (one, other) -> isArc one other && isArc other one)
    let single = pairs |> List.filter (fun (one, other) -> isArc one other <> isArc other one)
    let arcs = single |> List.map (fun (one, other) -> if isArc one other then one, other else other, one)
    let numbers = $"{both.Length}{single.Length}{3 - both.Length - single.Length}"
    let into node = arcs |> List.filter (snd >> (=) node) |> List.length
    let from node = arcs |> List.filter (fst >> (=) node) |> List.length

    let letter =
        match numbers with
        | "021"
        | "120" ->
            if nodes |> List.exists (fun node -> from node = 2) then "D"
            elif nodes |> List.exists (fun node -> into node = 2) then "U"
            else "C"
        | "111" ->
            // Down where the single arc leads into the pair.
            let inPair = [ fst both[0]; snd both[0] ]
            if List.contains (snd arcs[0]) inPair then "D" else "U"
        | "030" -> if nodes |> List.forall (fun node -> from node = 1) then "C" else "T"
        | _ -> ""

    numbers + letter

let private byHand (graph: DirectedGraph) : Map<string, int64> =
    let arcs = set [ for struct (from, into) in graph.Arcs -> from, into ]
    let isArc from into = arcs.Contains((from, into))

    [
        for one in 0 .. graph.Count - 1 do
            for other in one + 1 .. graph.Count - 1 do
                for third in other + 1 .. graph.Count - 1 -> named isArc [ one; other; third ]
    ]
    |> List.countBy id
    |> List.map (fun (name, count) -> name, int64 count)
    |> Map.ofList

let private ends (graph: DirectedGraph) = [ for struct (from, into) in graph.Arcs -> from, into ]

/// z of a triad against so many random graphs.
let private z (name: string) (graph: DirectedGraph) =
    let place = Triads.All |> Seq.findIndex (fun triad -> triad.Name = name)
    let count (graph: DirectedGraph) = Triads.Count graph |> Array.item place |> float
    let found = count graph
    let random = [ for seed in 1..100 -> count (Rewiring.Of(graph, seed)) ]
    let mean = List.average random
    let deviation = sqrt ((random |> List.sumBy (fun count -> (count - mean) ** 2.0)) / 99.0)
    if deviation = 0.0 then nan else (found - mean) / deviation

[<Tests>]
let tests =
    testList "rewiring" [
        testPropertyWithConfig config "keeps every node's links, and those between any two groups with their weights"
        <| fun (drawn: Partitioned, seed: int) ->
            let graph = drawn.Graph
            let random = Rewiring.Of(graph, seed)
            let degrees (graph: UnitGraph) = [ for node in 0 .. graph.Count - 1 -> graph.Degree node ]
            Expect.equal (degrees random) (degrees graph) "degrees"

            let between (graph: UnitGraph) =
                graph.Links
                |> Seq.map (fun link -> List.sort [ graph.Groups[link.From]; graph.Groups[link.To] ], link.Weight)
                |> Seq.sort
                |> List.ofSeq

            Expect.equal (between random) (between graph) "between groups"

            Expect.equal
                (List.ofSeq (Rewiring.Of(graph, seed)).Links)
                (List.ofSeq random.Links)
                "the same by the same seed"

        testPropertyWithConfig config "keeps every node's incoming and outgoing arcs, and those between any two groups"
        <| fun (drawn: Arcs, seed: int) ->
            let graph = drawn.Directed
            let random = Rewiring.Of(graph, seed)

            Expect.equal
                (ends random |> List.countBy fst |> List.sort)
                (ends graph |> List.countBy fst |> List.sort)
                "outgoing"

            Expect.equal
                (ends random |> List.countBy snd |> List.sort)
                (ends graph |> List.countBy snd |> List.sort)
                "incoming"

            let between (graph: DirectedGraph) =
                ends graph |> List.countBy (fun (from, into) -> graph.Groups[from], graph.Groups[into]) |> List.sort

            Expect.equal (between random) (between graph) "between groups"

        test "draws every graph of the same degrees alike" {
            // Two links among four nodes with one each: three graphs.
            let graph = graphOf 4 [ 0, 1, 1.0; 2, 3, 1.0 ]
            let count = 3_000

            let seen =
                [ for seed in 1..count -> [ for link in (Rewiring.Of(graph, seed)).Links -> link.From, link.To ] ]
                |> List.countBy id

            Expect.equal seen.Length 3 "graphs"

            for links, times in seen do
                // Four deviations of a third.
                Expect.isLessThan
                    (abs (float times / float count - 1.0 / 3.0))
                    (4.0 * sqrt (2.0 / 9.0 / float count))
                    $"{links}"
        }

        testPropertyWithConfig config "triples of nodes are counted as one by one"
        <| fun (drawn: Arcs) ->
            let expected = byHand drawn.Directed

            for triad, count in Seq.zip Triads.All (Triads.Count drawn.Directed) do
                Expect.equal count (expected.TryFind triad.Name |> Option.defaultValue 0L) triad.Name

        test "planted loops stand out from random graphs, and a random graph does not" {
            let random = Random 7
            let chance = drawnArcs random 30 0.06

            let loops = [
                for _ in 1..10 do
                    let nodes = Array.init 30 id
                    random.Shuffle nodes
                    nodes[0], nodes[1]
                    nodes[1], nodes[2]
                    nodes[2], nodes[0]
            ]

            Expect.isGreaterThan (z "030C" (directedOf 30 (chance @ loops))) 2.0 "planted"
            Expect.isLessThan (abs (z "030C" (directedOf 30 chance))) 2.0 "random"
        }

        test "of random graphs, few triads lie two deviations from the mean" {
            let zs = [
                for seed in 1..10 do
                    let graph = directedOf 25 (drawnArcs (Random seed) 25 0.15)
                    for name in [ "021C"; "030T"; "030C"; "021D"; "021U" ] -> z name graph
            ]

            let far = zs |> List.filter (fun z -> abs z > 2.0) |> List.length
            Expect.isLessThan (float far / float zs.Length) 0.15 $"{far} of {zs.Length}"
        }
    ]
