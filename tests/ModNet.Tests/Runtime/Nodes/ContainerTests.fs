module ModNet.Tests.ContainerTests

open Expecto
open ModNet.Runtime
open ModNet.Tests.Parts
open TorchSharp

let private linear name inputs outputs seed =
    new LinearNode(name, inputs, outputs, Activation.Tanh, true, doubles seed) :> Node

[<Tests>]
let containers =
    testList "containers" [
        testScoped "a residual is x + f(x)"
        <| fun () ->
            let inside = [| linear "residual1/linear1" 3 4 1; linear "residual1/linear2" 4 3 2 |]
            let node = new ResidualNode("residual1", inside)
            let x = normal 1 [ 2; 3 ]
            let expected = x + run inside[1] (run inside[0] x)
            Expect.equal (distance (run node x) expected) 0.0 "output"

            Expect.equal
                (Slopes.parameters node |> List.map fst)
                [ "linear1.weight"; "linear1.bias"; "linear2.weight"; "linear2.bias" ]
                "names"

            slopes node x

        testScoped "a coupling adds f of one half to the other and swaps them, and its inverse takes it away again"
        <| fun () ->
            for shape in [ [ 2; 6 ]; [ 2; 4; 6 ] ] do
                let inside seed = [| linear "coupling1/linear1" 3 4 seed; linear "coupling1/linear2" 4 3 (seed + 1) |]

                let there, back =
                    new CouplingNode("coupling1", inside 1, false), new CouplingNode("coupling1", inside 1, true)

                let x = normal 1 shape
                let first, second = x.narrow (-1L, 0L, 3L), x.narrow (-1L, 3L, 3L)
                let f = run (inside 1).[1] (run (inside 1).[0] first)
                Expect.isLessThan (distance (run there x) (torch.cat ([| second + f; first |], -1L))) 1e-12 "forward"
                Expect.isLessThan (distance (run back (run there x)) x) 1e-12 "and back"
                Expect.isLessThan (distance (run there (run back x)) x) 1e-12 "and there again"
                slopes there x
                slopes back (normal 2 shape)

        testScoped "a coupling of images halves their channels"
        <| fun () ->
            let inside = [|
                new ConvNode("conv1", 1, Convolution(1, 3, 1, 1), Activation.Tanh, true, doubles 1) :> Node
            |]

            let node = new CouplingNode("coupling1", inside, false)
            let x = normal 1 [ 2; 2; 4; 3 ]
            let first, second = x.narrow (1L, 0L, 1L), x.narrow (1L, 1L, 1L)

            Expect.isLessThan
                (distance (run node x) (torch.cat ([| second + run inside[0] first; first |], 1L)))
                1e-12
                "output"

            slopes node x

        testScoped "branches are summed, or put side by side, and an empty one is the identity"
        <| fun () ->
            for shape in [ [ 2; 3 ]; [ 2; 4; 3 ] ] do
                for combine in [ Combine.Sum; Combine.Concat ] do
                    let first = [| linear "sum_of1/1/linear1" 3 3 1 |]
                    let last = [| linear "sum_of1/3/linear1" 3 2 2; linear "sum_of1/3/linear2" 2 3 3 |]
                    let node = new BranchNode("sum_of1", combine, [| first; [||]; last |])
                    let x = normal 1 shape
                    let parts = [| run first[0] x; x; run last[1] (run last[0] x) |]

                    let expected =
                        match combine with
                        | Combine.Sum -> parts[0] + parts[1] + parts[2]
                        | _ -> torch.cat (parts, int64 (shape.Length - 1))

                    Expect.equal (distance (run node x) expected) 0.0 $"{combine} of {shape}"

                    Expect.containsAll
                        (Slopes.parameters node |> List.map fst)
                        [ "1.linear1.weight"; "3.linear1.weight"; "3.linear2.bias" ]
                        "names"

                    slopes node x

        testScoped "branches of images lie side by side in channels"
        <| fun () ->
            let conv channels seed =
                new ConvNode($"conv{seed}", 2, Convolution(channels, 3, 1, 1), Activation.Tanh, true, doubles seed)
                :> Node

            let a, b = conv 1 1, conv 3 2

            let node = new BranchNode("concat_of1", Combine.Concat, [| [| a |]; [||]; [| b |] |])

            let x = normal 1 [ 2; 2; 3; 4 ]
            let y = run node x
            Expect.equal y.shape [| 2L; 6L; 3L; 4L |] "shape"
            Expect.equal (distance (y.narrow (1L, 0L, 1L)) (run a x)) 0.0 "first"
            Expect.equal (distance (y.narrow (1L, 1L, 2L)) x) 0.0 "second"
            Expect.equal (distance (y.narrow (1L, 3L, 3L)) (run b x)) 0.0 "third"
            slopes node x

        testScoped "a chain is its nodes in order, and the identity without any"
        <| fun () ->
            let inside = [| linear "repeat1/1/linear1" 3 4 1; linear "repeat1/1/linear2" 4 2 2 |]
            let x = normal 1 [ 2; 3 ]
            let node = new ChainNode("repeat1/1", inside)
            Expect.equal (distance (run node x) (run inside[1] (run inside[0] x))) 0.0 "output"
            Expect.equal (distance (run (new ChainNode("repeat1", [||])) x) x) 0.0 "identity"
            let rounds = new ChainNode("repeat1", [| node |])
            Expect.containsAll (Slopes.parameters rounds |> List.map fst) [ "1.linear2.weight" ] "names"

        testScoped "a graph knows the sites and pools inside, and registers a shared pool once"
        <| fun () ->
            let init = doubles 1
            let pool = new LinearPool("words", 3, 4, 4, Activation.Tanh, true, init)

            let modular name =
                new ModularLayer(name, new LinearController(4, 2, 3, init), pool, Combine.Sum, Dispatch.Auto) :> Node

            let node =
                new BranchNode(
                    "sum_of1",
                    Combine.Sum,
                    [|
                        [|
                            new ResidualNode("sum_of1/1/residual1", [| modular "sum_of1/1/residual1/modular1" |])
                            :> Node
                        |]
                        [| modular "sum_of1/2/modular1"; linear "sum_of1/2/linear1" 4 4 2 |]
                    |]
                )

            let graph = new Graph([| node :> Node |], new GaussianHead(0.5, false, init))
            Expect.isTrue graph.HasSites "sites"
            Expect.equal (Seq.length graph.Pools) 1 "pools"

            Expect.equal
                (Slopes.parameters graph |> List.map fst)
                [
                    "pools.words.weight"
                    "pools.words.bias"
                    "sum_of1.1.residual1.modular1.controller.weight"
                    "sum_of1.1.residual1.modular1.controller.bias"
                    "sum_of1.2.modular1.controller.weight"
                    "sum_of1.2.modular1.controller.bias"
                    "sum_of1.2.linear1.weight"
                    "sum_of1.2.linear1.bias"
                ]
                "every parameter once, by its place"

            Expect.equal
                (List.ofSeq (graph.state_dict().Keys) |> List.sort)
                (Slopes.parameters graph |> List.map fst |> List.sort)
                "and nothing else is kept"

            let tape = graph.Forward(normal 1 [ 5; 4 ], ModeSelector()).Tape

            Expect.equal
                [ for e in tape.Entries -> e.Site.Layer, e.Site.Offset ]
                [ "sum_of1/1/residual1/modular1", 0; "sum_of1/2/modular1", 2 ]
                "sites in order"
    ]
