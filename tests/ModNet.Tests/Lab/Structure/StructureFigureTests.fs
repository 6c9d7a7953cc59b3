/// The figures and the page of a graph's communities.
module ModNet.Tests.StructureFigureTests

open System.IO
open Expecto
open ModNet
open ModNet.Figures
open ModNet.Tests.Graphs

let private blocks = [| 0; 1; 0; 1; 1; 0; 1 |]

let private graph =
    graphOf 7 [
        for one, other in pairs 7 do
            if blocks[one] = blocks[other] then one, other, 2.0
        0, 1, 1.0
    ]

let private communities = Structure.communities graph
let private against = Structure.against_rewired 30 1 graph

[<Tests>]
let tests =
    testList "structure figures" [
        test "the matrix has the largest community first, and every link's weight twice" {
            let trace = (StructureFigure.matrix communities |> Drawn).Data[0]
            let names = [ for name in trace["x"].AsArray() -> name.GetValue<string>() ]
            Expect.equal names [ "n1"; "n3"; "n4"; "n6"; "n0"; "n2"; "n5" ] "order"

            let values = [|
                for row in trace["z"].AsArray() -> [| for value in row.AsArray() -> value.GetValue<float>() |]
            |]

            let number (name: string) = int (name.Substring 1)
            let weights = graph.Matrix()

            for row, one in List.indexed names do
                for column, other in List.indexed names do
                    let expected = weights[number one, number other]
                    Expect.equal (values[row].[column]) expected $"{one}, {other}"
        }

        test "the bars hold every random graph, and the line stands at what was found" {
            let data = (StructureFigure.rewired "modularity Q" against |> Drawn).Data

            let floats (node: System.Text.Json.Nodes.JsonNode) = [
                for value in node.AsArray() -> value.GetValue<float>()
            ]

            Expect.equal (List.sum (floats data[0].["y"])) 30.0 "graphs"

            for place in floats data[1].["x"] do
                Expect.floatClose Accuracy.medium place against.Found "the line"
        }

        testInDirectory "the page names all nodes, and says Q and z"
        <| fun directory ->
            let path = Path.Combine(directory, "structure.html")
            StructurePage.write path "Two blocks" communities against
            let page = File.ReadAllText path

            for node in 0..6 do
                Expect.stringContains page $"<td>n{node}</td>" "node"

            Expect.stringContains page (Structure.modularity(communities).ToString("F3")) "Q"
            Expect.stringContains page (against.Z.ToString("F3")) "z"
    ]
