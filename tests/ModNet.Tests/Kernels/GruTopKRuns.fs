/// Whole runs of noisy top-k on the modular GRU's kernel against the same runs step by step, in single precision.
module ModNet.Tests.GruTopKRuns

open System
open Expecto
open ModNet.Runtime
open TorchSharp

/// The kernel is what auto takes; any dispatch that is named runs step by step.
let private atOnce, private stepByStep = Dispatch.Auto, Dispatch.Wide

let private modules = 5

let private language (dispatch: Dispatch) = Fixtures.languageBy (Initialiser(generator 5)) 5 modules 1 dispatch 24 6

let private method k (graph: Graph) (data: Dataset) streams =
    new NoisyTopK(graph, data, NoisyTopKSettings(k, Gradient = GradientSettings 8L), streams)

/// Reports of so many steps, and what is held of the data afterwards.
let private curve (steps: int) k dispatch =
    let graph, data = language dispatch
    use streams = new RandomStreams 8L
    use training = method k graph data streams

    let reports = [|
        for _ in 1..steps do
            let seen = training.StepAndReport()

            seen.Loss
            seen.LogLikelihood
            seen.Statistics.SelectionEntropy
            seen.Statistics.BatchSelectionEntropy
    |]

    let held = Evaluation.Of(graph, [| data |], 7L, torch.CPU, training.Evaluating)
    let noise = numbers (Fixtures.parameter graph "modular_gru1.controller.noise")

    Array.concat [ reports; [| held.LogLikelihood; held.Statistics.SelectionEntropy |]; noise ]

/// A graph with noise weights that are not zero, in training.
let private noisy dispatch =
    let graph, data = language dispatch
    use streams = new RandomStreams 8L
    use _method = method 2 graph data streams
    use _ = torch.no_grad ()

    (Fixtures.parameter graph "modular_gru1.controller.noise").normal_(0.0, 1.0, generator 6) |> ignore

    graph, data

let private agree what (actual: torch.Tensor) (expected: torch.Tensor) =
    Expect.isLessThan (distance actual expected) 1e-5 what

[<Tests>]
let runs =
    testList "modular GRU kernel in runs, gated" [
        for k in [ 1; 2; 4; 5 ] do
            testScoped $"k = {k}: the same curve as step by step"
            <| fun () ->
                let expected = curve 60 k stepByStep
                let actual = curve 60 k atOnce

                for i in 0 .. expected.Length - 1 do
                    Expect.isLessThan (abs (actual[i] - expected[i])) (1e-4 * (1.0 + abs expected[i])) $"number {i}"

        for kind in [ "with noise"; "without noise" ] do
            testScoped $"the tape is that of a run step by step, and so are the gradients: {kind}"
            <| fun () ->
                let run dispatch =
                    let graph, data = noisy dispatch
                    let noise = if kind = "with noise" then generator 4 else null
                    let output = graph.Forward(data.Inputs, NoisyTopKSelector(3, noise))

                    let weights = torch.cat ([| for e in output.Tape.Entries -> e.Selection.Weights |], 1L)

                    let loss = graph.Head.MeanLogLikelihood(output.Features, data.Targets) + weights.square().sum()

                    loss.backward ()
                    output.Tape, Slopes.parameters graph

                let expected, expectedParameters = run stepByStep
                let actual, parameters = run atOnce
                Expect.equal (integers (actual.Composition())) (integers (expected.Composition())) "composition"
                Expect.equal actual.Choices (3 * 6) "C"

                for a, e in Seq.zip actual.Entries expected.Entries do
                    Expect.equal a.Site e.Site "site"
                    Expect.equal (integers a.Selection.Indices) (integers e.Selection.Indices) "selection"
                    agree "weights" a.Selection.Weights e.Selection.Weights
                    agree "distribution" a.Distribution.LogProbabilities e.Distribution.LogProbabilities
                    agree "gate" (a.Used().Entropy()) (e.Used().Entropy())

                for (name, a), (_, e) in Seq.zip parameters expectedParameters do
                    Expect.equal (isNull a.grad) (isNull e.grad) $"whether {name} has a gradient"

                    if not (isNull e.grad) then
                        let scale = 1.0 + (e.grad.abs().max()).ToDouble()
                        Expect.isLessThan (distance a.grad e.grad) (1e-5 * scale) $"gradient of {name}"

        testScoped "other selectors leave a controller's noise weights alone"
        <| fun () ->
            for dispatch in [ atOnce; stepByStep ] do
                let graph, data = noisy dispatch
                let output = graph.Forward(data.Inputs, SampledSelector(generator 4))

                (graph.Head.MeanLogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability().mean())
                    .backward()

                let noise = Slopes.parameters graph |> List.find (fun (name, _) -> name.EndsWith "noise") |> snd

                Expect.isNull noise.grad $"{dispatch}"

        testScoped "a window's normals are those of its steps one after the other"
        <| fun () ->
            for rows, width, steps in [ 1, 1, 1; 5, 3, 7; 8, 2, 3; 33, 5, 35; 128, 15, 4 ] do
                let together, apart = generator 9, generator 9

                let expected =
                    torch.stack [|
                        for _ in 1..steps -> torch.empty([| int64 rows; int64 width |]).normal_(0.0, 1.0, apart)
                    |]

                let drawn = TopKGate(1, together).Draw(int64 steps, int64 rows, int64 width)
                Expect.equal (distance drawn expected) 0.0 $"{rows} rows of {width}"

        testScoped "balance losses, which need all of every site's, are had step by step"
        <| fun () ->
            let site = Site("layer", 0, 0, 1, 4)
            let ahead (selector: Selector) = selector.Ahead(site, 3, 2L, torch.CPU)
            Expect.isNull (ahead (NoisyTopKSelector(2, generator 1, true))) "balanced"
            Expect.equal (ahead(NoisyTopKSelector(2, null, true)).Gate.K) 2 "without noise there is nothing to balance"

            let graph, data = noisy atOnce
            let gates = NoisyTopKSelector(2, generator 1, true)
            graph.Forward(data.Inputs, gates) |> ignore
            Expect.isGreaterThan (gates.Balance.ImportanceLoss().ToDouble()) 0.0 "importance"

        testScoped "more modules than there are: refused as step by step"
        <| fun () ->
            let message dispatch =
                let graph, data = language dispatch

                try
                    graph.Forward(data.Inputs, NoisyTopKSelector(6)) |> ignore
                    ""
                with :? UserException as e ->
                    e.Message

            Expect.stringContains (message atOnce) "expected 1 ≤ k ≤ M = 5 under noisy top-k, got k = 6" "at once"
            Expect.equal (message atOnce) (message stepByStep) "step by step"

        testScoped "a run leaves no tensors behind"
        <| fun () ->
            let graph, data = language atOnce
            use streams = new RandomStreams 8L
            use training = method 3 graph data streams
            training.Step()
            training.Step()
            // What earlier tests left to the finalizers goes first; after that nothing may need them.
            GC.Collect()
            GC.WaitForPendingFinalizers()
            let before = (liveTensors ())

            for _ in 1..9 do
                training.Step()

            Expect.isLessThanOrEqual (liveTensors ()) before "live tensors"
    ]
