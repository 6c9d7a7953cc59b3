module ModNet.Tests.SelectorTests

open Expecto
open ModNet.Runtime
open TorchSharp

let private sizes = {
    Seed = 11
    Batch = 6
    Modules = 4
    Choose = 2
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

[<Tests>]
let selectors =
    testList "selectors" [
        testScoped "sampling follows the controller's probabilities, position by position"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 1
            let many = data.Inputs.expand (20_000L, -1L)
            let tape = graph.Forward(many, SampledSelector(generator 5)).Tape
            let drawn = integers (tape.Composition()) |> Array.chunkBySize sizes.Choose
            let p = (cube (tape.Entries[0].Distribution.LogProbabilities.exp()))[0]

            for k in 0 .. sizes.Choose - 1 do
                for m in 0 .. sizes.Modules - 1 do
                    let share = drawn |> Array.averageBy (fun a -> if a[k] = m then 1.0 else 0.0)
                    // Five standard deviations of a share of 20,000 draws are at most 0.018.
                    Expect.isLessThan (abs (share - p[k].[m])) 0.018 $"position {k}, module {m}"

        testScoped "the mode is the most probable module of every position"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto sizes.Batch
            let tape = graph.Forward(data.Inputs, ModeSelector()).Tape
            let p = cube tape.Entries[0].Distribution.LogProbabilities
            let chosen = integers (tape.Composition()) |> Array.chunkBySize sizes.Choose

            for b in 0 .. sizes.Batch - 1 do
                for k in 0 .. sizes.Choose - 1 do
                    Expect.equal p[b].[k].[chosen[b].[k]] (Array.max p[b].[k]) $"row {b}, position {k}"

        testScoped "fixed modules are the given composition of every row"
        <| fun () ->
            let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto sizes.Batch
            let rows = torch.tensor([| 3L; 1L |]).unsqueeze(0L).expand(int64 sizes.Batch, -1L)
            let expected = graph.Forward(data.Inputs, GivenSelector rows)
            let actual = graph.Forward(data.Inputs, FixedSelector(3, 1))
            Expect.isLessThan (distance expected.Features actual.Features) 1e-12 "outputs"

            fails
                (fun () -> graph.Forward(data.Inputs, FixedSelector 3) |> ignore)
                "modular1: expected 2 fixed modules, got 1"

        testScoped "weights scale the chosen modules' outputs before they are combined"
        <| fun () ->
            let outputs = normal 1 [ 3; 2; 4 ]
            let weights = normal 2 [ 3; 2 ]
            let scaled = outputs * weights.unsqueeze -1L
            Expect.isLessThan (distance (Combine.Sum.Apply(outputs, weights)) (scaled.sum (dim = 1L))) 1e-12 "sum"

            Expect.isLessThan
                (distance (Combine.Concat.Apply(outputs, weights)) (scaled.view (3L, 8L)))
                1e-12
                "concatenation"
    ]

[<Tests>]
let checkpoints =
    testList "checkpoint" [
        testInDirectory "its weights make another graph of the same architecture the same"
        <| fun directory ->
            scoped
            <| fun () ->
                let graph, data = Fixtures.language 3 3 1 Dispatch.Auto 12 4
                use streams = new RandomStreams 3L
                use em = new ViterbiEm(graph, data, EmSettings(2, 2, 6L, 6L, 1e-2), streams)
                em.EStep() |> ignore
                em.MStep()
                use folder = RunFolder.Create directory
                Checkpoint.Write(folder, graph, em, streams, 1L)
                let path = folder.PathOf "checkpoint.safetensors"
                let other, _ = Fixtures.language 4 3 1 Dispatch.Auto 12 4

                let outputs (g: Graph) = g.Forward(data.Inputs, ModeSelector()).Features

                Expect.isGreaterThan (distance (outputs graph) (outputs other)) 1e-3 "different at first"
                Checkpoint.LoadWeights(path, other)
                Expect.equal (distance (outputs graph) (outputs other)) 0.0 "the same afterwards"
                let stored = Safetensors.Read path
                Expect.equal (numbers stored["optimizer.head.weight.step"]) [| 1.0 |] "Adam's step"

                let held = integers (em.Assignments.Get(System.ReadOnlySpan(Fixtures.everything data)))

                Expect.equal (stored["em.assignments"] |> numbers |> Array.map int) held "a*"
                let wider, _ = Fixtures.language 4 5 1 Dispatch.Auto 12 4

                fails (fun () -> Checkpoint.LoadWeights(path, wider)) "a checkpoint of the same architecture"
    ]
