/// Modularity and communities against their definitions, every partition of small graphs, and planted blocks.
module ModNet.Tests.CommunityTests

open System
open Expecto
open ModNet.Runtime
open ModNet.Tests.Graphs

let private config = trying 100 typeof<Arbitraries> (1207UL, 7UL)

let private property name (body: Partitioned -> unit) = testPropertyWithConfig config name body

/// Q = (1 / 2m) Σ_ij (A_ij − k_i k_j / 2m) [c_i = c_j], pair by pair.
let private definition (graph: UnitGraph) (communities: int[]) =
    let weights = graph.Matrix()
    let nodes = [ 0 .. graph.Count - 1 ]
    let strength node = Array.sum weights[node, *]
    let all = nodes |> List.sumBy strength

    if all = 0.0 then
        0.0
    else
        List.allPairs nodes nodes
        |> List.filter (fun (one, other) -> communities[one] = communities[other])
        |> List.sumBy (fun (one, other) -> (weights[one, other] - strength one * strength other / all) / all)

/// Every partition of so many nodes.
let private partitions (count: int) : int[] seq =
    let rec from (before: int list) highest =
        seq {
            if before.Length = count then
                Array.ofList (List.rev before)
            else
                for community in 0 .. highest + 1 do
                    yield! from (community :: before) (max highest community)
        }

    from [] -1

let private near (expected: float) (actual: float) what = Expect.isLessThan (abs (expected - actual)) 1e-10 what

/// Blocks of so many nodes each.
let planted (blocks: int) (size: int) : int[] = Array.init (blocks * size) (fun node -> node / size)

/// Friends in Zachary's karate club (1977), by the lower number.
let private karate =
    [
        0, [ 1; 2; 3; 4; 5; 6; 7; 8; 10; 11; 12; 13; 17; 19; 21; 31 ]
        1, [ 2; 3; 7; 13; 17; 19; 21; 30 ]
        2, [ 3; 7; 8; 9; 13; 27; 28; 32 ]
        3, [ 7; 12; 13 ]
        4, [ 6; 10 ]
        5, [ 6; 10; 16 ]
        6, [ 16 ]
        8, [ 30; 32; 33 ]
        9, [ 33 ]
        13, [ 33 ]
        14, [ 32; 33 ]
        15, [ 32; 33 ]
        18, [ 32; 33 ]
        19, [ 33 ]
        20, [ 32; 33 ]
        22, [ 32; 33 ]
        23, [ 25; 27; 29; 32; 33 ]
        24, [ 25; 27; 31 ]
        25, [ 31 ]
        26, [ 29; 33 ]
        27, [ 33 ]
        28, [ 31; 33 ]
        29, [ 32; 33 ]
        30, [ 32; 33 ]
        31, [ 32; 33 ]
        32, [ 33 ]
    ]
    |> List.collect (fun (one, others) -> others |> List.map (fun other -> one, other, 1.0))

[<Tests>]
let tests =
    testList "communities" [
        property "Q is the sum over pairs of its definition, whatever the communities' numbers, from −½ to 1"
        <| fun drawn ->
            let q = Partition.Modularity(drawn.Graph, drawn.Communities)
            near (definition drawn.Graph drawn.Communities) q "Q"
            Expect.isTrue (q >= -0.5 && q <= 1.0) $"{q} from −½ to 1"
            let renamed = drawn.Communities |> Array.map (fun community -> 7 - 2 * community)
            near q (Partition.Modularity(drawn.Graph, renamed)) "other numbers"
            let backwards = Array.init drawn.Graph.Count (fun node -> drawn.Graph.Count - 1 - node)

            let turned =
                UnitGraph(
                    backwards |> Array.map (fun node -> drawn.Graph.Names[node]),
                    backwards |> Array.map (fun node -> drawn.Graph.Groups[node]),
                    drawn.Graph.Links
                    |> Seq.map (fun link -> Link(backwards[link.From], backwards[link.To], link.Weight))
                )

            near q (Partition.Modularity(turned, Array.rev drawn.Communities)) "nodes in another order"

        test "Q reaches both of its bounds" {
            near -0.5 (Partition.Modularity(graphOf 2 [ 0, 1, 3.0 ], [| 0; 1 |])) "two nodes apart"
            let many = graphOf 2_000 [ for pair in 0..999 -> 2 * pair, 2 * pair + 1, 1.0 ]
            near 0.999 (Partition.Modularity(many, planted 1_000 2)) "a thousand pairs: 1 − 1/1000"
        }

        property "Louvain is never above the best of all partitions, and says the Q that it has"
        <| fun drawn ->
            let found = Louvain.Of(drawn.Graph, 3, 10)
            let best = partitions drawn.Graph.Count |> Seq.map (definition drawn.Graph) |> Seq.max
            let q = definition drawn.Graph found
            Expect.isLessThanOrEqual q (best + 1e-10) "never above"
            // The greedy search may end below, but not far on eight nodes.
            Expect.isGreaterThan q (best - 0.05) "near the best"
            Expect.equal (Louvain.Of(drawn.Graph, 3, 10)) found "the same for the same seed"

        test "Louvain is the best of all partitions where cliques are joined by one link" {
            for sizes in [ [ 4; 4 ]; [ 3; 5 ]; [ 3; 3; 2 ] ] do
                let blocks =
                    sizes
                    |> List.indexed
                    |> List.collect (fun (block, size) -> List.replicate size block)
                    |> Array.ofList

                let graph =
                    graphOf blocks.Length [
                        for one, other in pairs blocks.Length do
                            if blocks[one] = blocks[other] || other = one + 1 then one, other, 1.0
                    ]

                let found = Louvain.Of(graph, 1, 10)
                let best = partitions graph.Count |> Seq.maxBy (definition graph)
                near (definition graph best) (definition graph found) "Q"
                Expect.equal found best "the partition"
                Expect.equal found blocks "the cliques"
        }

        test "Louvain reaches the largest possible Q of Zachary's karate club" {
            // 0.4198 is the maximum: Brandes et al., On modularity clustering, 2008.
            let graph = graphOf 34 karate
            Expect.equal graph.Links.Count 78 "links"
            let q = Partition.Modularity(graph, Louvain.Of(graph, 1, 50))
            Expect.equal (Math.Round(q, 4)) 0.4198 "Q"
        }

        test "Louvain and the block model both find planted blocks" {
            for seed in 1..20 do
                let blocks = 2 + seed % 3
                let truth = planted blocks 10

                let graph =
                    drawnGraph seed truth.Length (fun one other -> if truth[one] = truth[other] then 0.9 else 0.05)

                let agreement (found: int[]) = Partition.Agreement(truth, found)
                Expect.equal (agreement (Louvain.Of(graph, seed, 10))) 1.0 $"Louvain, seed {seed}"
                Expect.equal (agreement (BlockModel.Fit(graph, blocks, seed, 30).Blocks())) 1.0 $"EM, seed {seed}"
        }

        test "the block model finds blocks that link to each other and not inside, which communities are not" {
            let truth = planted 2 10
            let graph = drawnGraph 4 20 (fun one other -> if truth[one] <> truth[other] then 0.9 else 0.05)
            Expect.equal (Partition.Agreement(truth, BlockModel.Fit(graph, 2, 1, 30).Blocks())) 1.0 "EM"
            Expect.isLessThan (Partition.Agreement(truth, Louvain.Of(graph, 1, 10))) 0.5 "Louvain"
        }

        property "no round of EM lowers the likelihood of a block model"
        <| fun drawn ->
            for blocks in 1..3 do
                let fit = BlockModel.Fit(drawn.Graph, blocks, 5, 3)

                for before, after in Seq.pairwise fit.Course do
                    Expect.isGreaterThan after (before - 1e-9) $"{before}, then {after}"

                for p in fit.Probabilities do
                    near 1.0 (Array.sum p) "probabilities"

                // One block's share of links to j is k_j / 2m.
                if blocks = 1 then
                    let all = Seq.sum [ for node in 0 .. drawn.Graph.Count - 1 -> drawn.Graph.Strength node ]

                    let expected =
                        drawn.Graph.Links
                        |> Seq.sumBy (fun link ->
                            let share node = log (drawn.Graph.Strength node / all)
                            link.Weight * (share link.From + share link.To))

                    Expect.isLessThan (abs (expected - fit.LogLikelihood)) 1e-9 "log L of one block"

        property "participation is 1 − Σ (k_c / k)², and agreement is 1 for other numbers of the same communities"
        <| fun drawn ->
            let weights = drawn.Graph.Matrix()
            let found = Partition.Participation(drawn.Graph, drawn.Communities)

            for node in 0 .. drawn.Graph.Count - 1 do
                let into community =
                    [ 0 .. drawn.Graph.Count - 1 ]
                    |> List.filter (fun other -> drawn.Communities[other] = community)
                    |> List.sumBy (fun other -> weights[node, other])

                let all = List.sumBy into [ 0..3 ]
                let expected = if all = 0.0 then 0.0 else 1.0 - List.sumBy (fun c -> (into c / all) ** 2.0) [ 0..3 ]
                near expected found[node] "P"

            let renamed = drawn.Communities |> Array.map (fun community -> 3 - community)
            near 1.0 (Partition.Agreement(drawn.Communities, renamed)) "the same"

        test "agreement is 0 where one partition tells nothing of the other" {
            near 0.0 (Partition.Agreement([| 0; 0; 1; 1 |], [| 0; 1; 0; 1 |])) "crossed"
            near 0.0 (Partition.Agreement([| 0; 0; 1; 1 |], [| 0; 0; 0; 0 |])) "one part against two"
            // I = ¾ log (4/3) + ¼ log 2 − …, by the entropies: H(½, ½) = log 2, H(¼, ¾), and H(½, ¼, ¼) of both.
            let h (p: float list) = p |> List.sumBy (fun p -> -p * log p)

            let expected =
                2.0 * (h [ 0.5; 0.5 ] + h [ 0.25; 0.75 ] - h [ 0.5; 0.25; 0.25 ]) / (h [ 0.5; 0.5 ] + h [ 0.25; 0.75 ])

            near expected (Partition.Agreement([| 0; 0; 1; 1 |], [| 0; 0; 0; 1 |])) "in between"
        }

        test "a graph adds up links that are given twice, and refuses what is none" {
            let graph = graphOf 3 [ 0, 1, 1.0; 1, 0, 0.5; 1, 2, 0.0 ]
            Expect.equal (List.ofSeq graph.Links) [ Link(0, 1, 1.5) ] "links"
            Expect.equal (List.ofSeq graph.Starts, List.ofSeq graph.Neighbours) ([ 0; 1; 2; 2 ], [ 1; 0 ]) "rows"

            Expect.equal
                [ for node in 0..2 -> graph.Degree node, graph.Strength node ]
                [ 1, 1.5; 1, 1.5; 0, 0.0 ]
                "degrees"

            for wrong in [ 1, 1, 1.0; 0, 3, 1.0; 0, 1, -1.0; 0, 1, nan ] do
                fails (fun () -> graphOf 3 [ wrong ] |> ignore) "expected links between two of 3 nodes"
        }
    ]
