/// Whole runs on the modular GRU's kernel against the same runs step by step, in single precision.
module ModNet.Tests.GruRuns

open System
open Expecto
open ModNet.Runtime
open TorchSharp

/// The kernel is what auto takes; any dispatch that is named runs step by step.
let private atOnce, private stepByStep = Dispatch.Auto, Dispatch.Wide

let private language (dispatch: Dispatch) choose =
    Fixtures.languageBy (Initialiser(generator 5)) 5 3 choose dispatch 24 6

/// Reports of so many steps of a training method, and the parameters that they lead to.
let private curve (steps: int) (make: Graph -> Dataset -> RandomStreams -> TrainingMethod) dispatch choose =
    let graph, data = language dispatch choose
    use streams = new RandomStreams 8L
    use training = make graph data streams

    let reports = [|
        for _ in 1..steps do
            let seen = training.StepAndReport()

            seen.Loss
            seen.LogLikelihood
            seen.Statistics.SelectionEntropy
            seen.Statistics.BatchSelectionEntropy
    |]

    let held = Evaluation.Of(graph, [| data |], 7L, torch.CPU, training.Evaluating)
    let state = [ for struct (name, value) in training.State() -> name, numbers value ]
    Array.append reports [| held.LogLikelihood; held.Statistics.SelectionEntropy |], state, graph

let private em samples : Graph -> Dataset -> RandomStreams -> TrainingMethod =
    fun graph data streams -> new ViterbiEm(graph, data, EmSettings(samples, 3, 8L, 8L, 1e-2), streams)

let private methods = [
    "EM", 200, em 4
    "REINFORCE", 40, (fun graph data streams -> new Reinforce(graph, data, ReinforceSettings(), streams))
    "static modules", 40, (fun graph data streams -> new StaticModules(graph, data, GradientSettings 8L, streams))
]

[<Tests>]
let runs =
    testList "modular GRU kernel in runs" [
        for name, steps, make in methods do
            for choose in [ 1; 2 ] do
                testScoped $"{name}, K = {choose}: the same curve as step by step"
                <| fun () ->
                    let expected, expectedState, _ = curve steps make stepByStep choose
                    let actual, state, _ = curve steps make atOnce choose

                    for i in 0 .. expected.Length - 1 do
                        Expect.isLessThan (abs (actual[i] - expected[i])) (1e-4 * (1.0 + abs expected[i])) $"number {i}"

                    if name = "EM" then Expect.equal state expectedState "a*"

        testScoped "auto asks for a window's choices ahead, a dispatch that is named one by one"
        <| fun () ->
            let ahead = {
                new Selector() with
                    member _.Select(site, _) = failwith $"asked at time {site.Time}"

                    member _.Ahead(_, _, _, _) = WindowChoice()
            }

            let graph, data = language atOnce 2
            Expect.equal (graph.Forward(data.Inputs, ahead).Tape.Composition().shape) [| 24L; 12L |] "at once"

            for named in [ Dispatch.Loop; Dispatch.Grouped; Dispatch.Wide; Dispatch.Gather ] do
                let graph, data = language named 2

                Expect.throwsC (fun () -> graph.Forward(data.Inputs, ahead) |> ignore) (fun e ->
                    Expect.stringContains e.Message "asked at time 0" $"{named}")

        testScoped "a selector that does not say ahead is asked step by step"
        <| fun () ->
            let asked = ResizeArray()

            let last = {
                new Selector() with
                    member _.Select(site, distribution) =
                        asked.Add(site.Time, site.Offset)
                        Selection(torch.full_like (distribution.Mode(), 2L))
            }

            let graph, data = language atOnce 2
            let output = graph.Forward(data.Inputs, last)
            Expect.sequenceEqual asked [ for t in 0..5 -> t, 2 * t ] "sites"
            let expected = graph.Forward(data.Inputs, FixedSelector(2, 2))
            Expect.isLessThan (distance output.Features expected.Features) 1e-5 "states"

        testScoped "the tape is that of a run step by step"
        <| fun () ->
            let tape dispatch =
                let graph, data = language dispatch 2
                graph.Forward(data.Inputs, SampledSelector(generator 4)).Tape

            let expected, actual = tape stepByStep, tape atOnce
            Expect.equal (integers (actual.Composition())) (integers (expected.Composition())) "composition"
            Expect.isLessThan (distance (actual.LogProbability()) (expected.LogProbability())) 1e-5 "log p(a|x)"
            Expect.equal actual.Choices expected.Choices "C"

            for a, e in Seq.zip actual.Entries expected.Entries do
                Expect.equal a.Site e.Site "site"
                Expect.equal (integers a.Selection.Indices) (integers e.Selection.Indices) "selection"
                let logs (entry: TapeEntry) = entry.Distribution.LogProbabilities
                Expect.isLessThan (distance (logs a) (logs e)) 1e-5 "distribution"

        testScoped "a window starts where the one before ended"
        <| fun () ->
            let second dispatch =
                let graph, data = language dispatch 1
                use carried = new RecurrentState()
                graph.Forward(data.Inputs, ModeSelector(), null, carried) |> ignore
                let there = carried["modular_gru1"].clone()
                there, graph.Forward(data.Inputs, ModeSelector(), null, carried).Features

            let expectedEnd, expected = second stepByStep
            let actualEnd, actual = second atOnce
            Expect.isLessThan (distance actualEnd expectedEnd) 1e-5 "end of the first"
            Expect.isLessThan (distance actual expected) 1e-5 "states of the second"

        testScoped "where nothing reads the controllers, they get no gradient at all"
        <| fun () ->
            for dispatch in [ atOnce; stepByStep ] do
                let graph, data = language dispatch 2
                let output = graph.Forward(data.Inputs, FirstSelector())
                graph.Head.MeanLogLikelihood(output.Features, data.Targets).backward()

                for name, p in Slopes.parameters graph do
                    Expect.equal (isNull p.grad) (name.Contains "controller") $"{dispatch}: {name}"

        testScoped "a run leaves no tensors behind"
        <| fun () ->
            let graph, data = language atOnce 2
            use streams = new RandomStreams 8L
            use training = em 4 graph data streams
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

[<Tests>]
let draws =
    testList "draws" [
        testScoped "a window's uniforms at once are those of its steps one after the other"
        <| fun () ->
            for rows, choose, steps in [ 1, 1, 1; 5, 3, 7; 33, 2, 35 ] do
                let together, apart = generator 9, generator 9
                let shape = [| int64 rows; int64 choose; 1L |]

                let expected = torch.stack [| for _ in 1..steps -> torch.rand (shape, generator = apart) |]

                let site = Site("layer", 0, 0, choose, 4)
                let ahead = SampledSelector(together).Ahead(site, steps, int64 rows, torch.CPU)
                Expect.equal (distance (ahead.Uniforms.unsqueeze -1L) expected) 0.0 $"{rows} rows"

        testScoped "never a module of probability 0"
        <| fun () ->
            let minus = -infinity
            let logs = torch.tensor [| minus; 0.0; minus; log 0.5; minus; log 0.5 |]

            let distribution = ChoiceDistribution.FromLogits(logs.view(1L, 2L, 3L).expand(4000L, -1L, -1L))

            let drawn = integers (distribution.Sample(generator 3)) |> Array.chunkBySize 2

            Expect.isTrue (drawn |> Array.forall (fun a -> a[0] = 1)) "one alone"
            Expect.isTrue (drawn |> Array.forall (fun a -> a[1] <> 1)) "two at the ends"
            let share = drawn |> Array.averageBy (fun a -> if a[1] = 0 then 1.0 else 0.0)
            Expect.isLessThan (abs (share - 0.5)) 0.04 "half each"
    ]
