/// Networks as Mermaid flowcharts.
module ModNet.Tests.MermaidTests

open System.Text.RegularExpressions
open Expecto
open ModNet
open ModNet.Generators

let private chart network =
    match Network.to_mermaid network with
    | Ok chart -> chart
    | Error mistakes -> failtest $"{mistakes}"

let private branched =
    let tools =
        pool "tools" {
            modules 4
            unit (linear 8 |> relu)
        }

    network "branched" {
        features 8
        tasks 2
        modular { from tools }

        repeat 2 {
            residual {
                modular {
                    from tools
                    choose 2
                    controller Task
                }
            }
        }

        concat_of {
            linear 4
            chain { }
        }

        modular {
            modules 2
            unit (linear 3)
        }

        softmax 3
    }

let private pinned = [
    testCase "the language model" (fun () ->
        let expected =
            "flowchart TB\n\
    n1([\"tokens 10_000<br/>tokens [T]\"])\n\
    n2[\"embed 32<br/>embed1 [T, 32]\"]\n\
    n3[\"modular_gru, hidden 8<br/>K = 1 of M = 15 from words<br/>controller Linear<br/>a choice at every step<br/>modular_gru1 [T, 8]\"]:::pool1\n\
    n4([\"softmax 10_000<br/>softmax [T, 10000]\"])\n\
    pool1[(\"pool words<br/>15 modules of linear 8 |> relu<br/>[40] → [8]<br/>used by 1 layer, at every step\")]:::pool1\n\
    n1 --> n2\n\
    n3 -.- pool1\n\
    n2 --> n3\n\
    n3 --> n4\n\
    classDef own stroke:#8A8A8A,stroke-width:2px\n\
    classDef pool1 stroke:#0072B2,stroke-width:2px\n"

        Expect.equal ((chart ExampleNetworks.lm).Replace("\n    ", "\n")) expected "chart")

    testCase "branches, rounds, a shared pool and task ids" (fun () ->
        let expected =
            "flowchart TB\n\
    tasks([\"tasks 2<br/>task id\"])\n\
    n1([\"features 8<br/>features [8]\"])\n\
    n2[\"modular<br/>K = 1 of M = 4 from tools<br/>controller Linear<br/>modular1 [8]\"]:::pool1\n\
    subgraph g3[\"repeat1 × 2\"]\n\
    n4[\"modular<br/>K = 2 of M = 4 from tools · Sum<br/>controller Task<br/>repeat1/1–2/residual1/modular1 [8]\"]:::pool1\n\
    n5(\"+<br/>repeat1/1–2/residual1 [8]\")\n\
    end\n\
    n6[\"linear 4<br/>concat_of1/1/linear1 [4]\"]\n\
    n7(\"concat<br/>concat_of1 [12]\")\n\
    n8[\"modular<br/>K = 1 of M = 2<br/>controller Linear<br/>2 modules of linear 3<br/>modular2 [3]\"]:::own\n\
    n9([\"softmax 3<br/>softmax [3]\"])\n\
    pool1[(\"pool tools<br/>4 modules of linear 8 |> relu<br/>[8] → [8]<br/>shared by 3 layers\")]:::pool1\n\
    n2 -.- pool1\n\
    n1 --> n2\n\
    n4 -.- pool1\n\
    tasks -. task id .-> n4\n\
    n2 --> n4\n\
    n4 --> n5\n\
    n2 --> n5\n\
    n5 --> n6\n\
    n6 --> n7\n\
    n5 --> n7\n\
    n7 --> n8\n\
    n8 --> n9\n\
    classDef own stroke:#8A8A8A,stroke-width:2px\n\
    classDef pool1 stroke:#0072B2,stroke-width:2px\n"

        Expect.equal (Regex.Replace(chart branched, "\n +", "\n")) expected "chart")

    testCase "what has a meaning to Mermaid or HTML goes by its number" (fun () ->
        let hostile =
            network "n" {
                features 4

                modular {
                    from (
                        pool "\"]; end %% <br> #quot; `md` {x}\n" {
                            modules 2
                            unit (linear 4)
                        }
                    )
                }

                bernoulli
            }

        Expect.stringContains
            (chart hostile)
            "[(\"pool #34;]#59; end #37;#37; #60;br> #35;quot#59; #96;md#96; #123;x#125; <br/>2 modules"
            "the pool's name")
]

let private config = trying 150 typeof<Arbitraries> (5UL, 3UL)

/// The statements that a chart is made of, each alone on its line.
let private statement =
    let id = @"[a-z]+\d*"
    let text = "\"[^\"\n]*\""

    [
        $@"{id}(\[{text}\]|\(\[{text}\]\)|\({text}\)|\[\({text}\)\])(:::{id})?"
        $@"subgraph {id}\[{text}\]"
        "end"
        $@"{id} (-->|-\.-|-\. task id \.->) {id}"
        $@"classDef {id} stroke:#[0-9A-F]+,stroke-width:2px"
    ]
    |> String.concat "|"
    |> sprintf "^ +(%s)$"

let private any = [
    testPropertyWithConfig config "every line is a statement, every name of an edge is said" (fun (network: Network) ->
        let lines = (chart network).TrimEnd('\n').Split '\n' |> List.ofArray
        Expect.equal lines.Head "flowchart TB" "head"

        for line in lines.Tail do
            Expect.isMatch line statement "a statement"

        let said =
            lines
            |> List.choose (fun line ->
                let node = Regex.Match(line, @"^ +([a-z]+\d*)[\[(]")
                if node.Success then Some node.Groups[1].Value else None)

        Expect.equal (List.distinct said) said "every node once"

        for line in lines do
            let edge = Regex.Match(line, @"^ +([a-z]+\d*) -.* ([a-z]+\d*)$")

            if edge.Success then
                Expect.contains said edge.Groups[1].Value line
                Expect.contains said edge.Groups[2].Value line

        let starts word = lines |> List.filter (fun line -> Regex.IsMatch(line, $"^ +{word}"))

        Expect.equal (starts "subgraph ").Length (starts "end$").Length "frames are closed")

    testPropertyWithConfig config "a dotted line for every layer that shares a pool" (fun (network: Network) ->
        let chart = chart network
        let wires = Regex.Count(chart, @"-\.- pool\d+\n")

        let users = Regex.Count(chart, @"\]:::pool\d+\n") - Regex.Count(chart, @"\)\]:::pool\d+\n")

        Expect.equal wires users "lines")
]

[<Tests>]
let tests = testList "mermaid" [ testList "pinned" pinned; testList "any network" any ]
