/// Graphs built by hand in C#, beside the same declared in the DSL.
module ModNet.Tests.ByHandTests

open Expecto
open ModNet
open ModNet.Notebooks
open ModNet.Runtime
open TorchSharp

let private declared =
    let maps =
        pool "maps" {
            modules 4
            unit (linear 2)
        }

    network "by-hand" {
        features 2

        modular {
            from maps
            choose 2
        }

        modular {
            from maps
            controller (Mlp [ 8 ])
        }

        gaussian (variance 0.02)
    }

[<Tests>]
let tests =
    testList "graphs by hand" [
        testCase "the C# example is what the DSL declares: same parameters, same outputs"
        <| fun () ->
            use _scope = torch.NewDisposeScope()
            use streams = new RandomStreams(7L)
            use byHand = ByHand.Build streams
            use compiled = compile 7 declared

            let names (graph: Graph) = [
                for struct (name, p) in graph.named_parameters () -> name, List.ofArray p.shape
            ]

            Expect.equal (names byHand) (names compiled) "parameters"
            let x = normal 3 [ 5; 2 ] |> _.to_type(torch.ScalarType.Float32)

            let features (graph: Graph) = graph.Forward(x, ModeSelector()).Features

            Expect.equal (distance (features byHand) (features compiled)) 0.0 "outputs"

        testCase "the C# example learns"
        <| fun () ->
            let struct (before, after) = ByHand.Train(1, 150)
            Expect.isGreaterThan after (before + 10.0) "log p(y|x, argmax a)"
    ]
