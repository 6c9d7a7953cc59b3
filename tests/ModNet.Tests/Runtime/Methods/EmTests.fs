module ModNet.Tests.EmTests

open System
open Expecto
open ModNet.Runtime
open TorchSharp

let private config = { FsCheckConfig.defaultConfig with maxTest = 15; arbitrary = [ typeof<Fixtures.Arbitraries> ] }

let private settings samples = EmSettings(samples, 5, 16L, 16L, 1e-2)

/// A run of EM on a regression of the given sizes.
let private regression (s: Sizes) samples datapoints =
    let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto datapoints
    let streams = new RandomStreams(int64 s.Seed)
    graph, data, new ViterbiEm(graph, data, settings samples, streams)

/// log p(y, a|x) and log p(a|x) of every datapoint under one composition for all, by a forward pass of its own.
let private joints (graph: Graph) (data: Dataset) (composition: int64[]) =
    let rows = torch.tensor(composition).unsqueeze(0L).expand(data.Count, -1L)
    let output = graph.Forward(data.Inputs, GivenSelector rows)
    let logChoice = output.Tape.LogProbability()
    let joint = graph.Head.LogLikelihood(output.Features, data.Targets) + logChoice
    Array.zip (numbers joint) (numbers logChoice)

/// Eq. 10 by brute force: each datapoint's best log joint over all compositions, and log p(a|x) of the composition that has it.
let private bestAndItsChance (graph: Graph) (data: Dataset) (modules: int) (choices: int) =
    let rec all choices =
        if choices = 0 then
            [ [] ]
        else
            [
                for rest in all (choices - 1) do
                    for m in 0 .. modules - 1 -> int64 m :: rest
            ]

    all choices |> List.map (Array.ofList >> joints graph data) |> List.reduce (Array.map2 max)

let private best (graph: Graph) (data: Dataset) (modules: int) (choices: int) =
    bestAndItsChance graph data modules choices |> Array.map fst

/// As many draws as make it less likely than 1e-12 that any of these compositions never comes up, but no more than there is time for;
/// and whether a composition of this log probability is then one that must have come up.
let private draws (logChances: float[]) =
    // S draws all miss a composition of probability p with probability (1 − p)^S.
    let enough = log (1e-12 / float logChances.Length)
    let missesOnce logChance = Math.Log(1.0 - exp logChance)

    let needed = logChances |> Array.map (fun chance -> enough / missesOnce chance) |> Array.max

    let samples = int (Math.Clamp(ceil needed, 1.0, 5_000.0))
    samples, (fun logChance -> float samples * missesOnce logChance <= enough)

let private small (s: Sizes) = { s with Modules = 2 + s.Modules % 3; Choose = 1 + s.Choose % 2 }

[<Tests>]
let tests =
    testList "Viterbi EM" [
        testPropertyWithConfig config "an E-step never lowers the joint of the whole dataset, nor of any datapoint"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let _, data, em = regression s 4 23

                let each () = Fixtures.everything data |> Array.map (fun n -> em.LogJoint [| n |])

                for _ in 1..3 do
                    let before = each ()
                    let report = em.EStep(Fixtures.everything data)
                    let after = each ()

                    for b, a in Array.zip before after do
                        Expect.isGreaterThanOrEqual a (b - 1e-9) "a datapoint's joint"

                    Expect.floatClose Accuracy.high report.Before (Array.sum before) "what the step says it began with"
                    Expect.floatClose Accuracy.high report.After (Array.sum after) "what the step says it reached"

                    for _ in 1..5 do
                        em.MStep()

        testPropertyWithConfig config "an E-step over all compositions is Eq. 10"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = small s
                let graph, data, em = regression s 1 11
                em.FullEStep(Fixtures.everything data) |> ignore
                let expected = best graph data s.Modules s.Choose

                for n in 0 .. int data.Count - 1 do
                    Expect.floatClose Accuracy.high (em.LogJoint [| int64 n |]) expected[n] $"datapoint {n}"

        testPropertyWithConfig config "with S large the sampled E-step reaches Eq. 10"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let s = small s
                let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto 7
                let best = bestAndItsChance graph data s.Modules s.Choose
                let samples, mustComeUp = draws (Array.map snd best)
                use streams = new RandomStreams(int64 s.Seed)
                use em = new ViterbiEm(graph, data, settings samples, streams)
                em.EStep(Fixtures.everything data) |> ignore

                for n in 0 .. int data.Count - 1 do
                    let expected, logChance = best[n]
                    let found = em.LogJoint [| int64 n |]

                    Expect.isLessThanOrEqual
                        found
                        (expected + 1e-9 * (1.0 + abs expected))
                        $"datapoint {n}: nothing is better"

                    if mustComeUp logChance then
                        Expect.floatClose Accuracy.high found expected $"datapoint {n}, {samples} samples"

        testCase
            "so many samples are drawn as leave no chance of a miss, and where there is not time for them none is asked for"
        <| fun () ->
            let samples, mustComeUp = draws [| log 0.5; log 0.25 |]
            // 0.75^99 is 4.3e-13, 0.75^98 is 5.7e-13; of two datapoints, each has half of 1e-12.
            Expect.equal samples 99 "for the rarer of two"
            Expect.isTrue (mustComeUp (log 0.25)) "it comes up"
            Expect.isFalse (mustComeUp (log 0.2)) "what is rarer may not"
            let most, mustComeUp = draws [| log 1e-9 |]
            Expect.equal most 5_000 "no more"
            Expect.isFalse (mustComeUp (log 1e-9)) "so that it need not come up"

        testScoped "a recurrent E-step over all compositions is Eq. 10, jointly over time"
        <| fun () ->
            let graph, data = Fixtures.language 3 2 1 Dispatch.Auto 6 4
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, settings 2, streams)
            em.FullEStep(Fixtures.everything data) |> ignore
            let expected = best graph data 2 4

            for n in 0 .. int data.Count - 1 do
                Expect.floatClose Accuracy.high (em.LogJoint [| int64 n |]) expected[n] $"window {n}"

        testScoped "a recurrent sampled E-step scores each window as a forward pass of its own does"
        <| fun () ->
            let graph, data = Fixtures.language 4 3 2 Dispatch.Auto 9 5
            use streams = new RandomStreams 4L
            use em = new ViterbiEm(graph, data, settings 6, streams)
            let report = em.EStep(Fixtures.everything data)
            let held = em.Assignments.Get(ReadOnlySpan(Fixtures.everything data))
            let output = graph.Forward(data.Inputs, GivenSelector held)

            let joint = graph.Head.LogLikelihood(output.Features, data.Targets) + output.Tape.LogProbability()

            Expect.floatClose Accuracy.high (joint.sum().ToDouble()) report.After "sum of joints"
            Expect.isGreaterThan report.Replaced 0L "some windows changed"
            Expect.isGreaterThan report.After report.Before "and the joint rose"

        testScoped "every datapoint gets its E-step in every pass"
        <| fun () ->
            use sampler = new MinibatchSampler(103L, 10L, generator 1)

            for pass in 1..3 do
                let seen = [
                    for _ in 1..11 do
                        yield! integers (sampler.Next())
                ]

                Expect.equal (List.sort seen) [ 0..102 ] $"pass {pass}"
                Expect.equal sampler.Passes (int64 pass) "passes"

        testCase "E-batches and M-batches are drawn independently"
        <| fun () ->
            use streams = new RandomStreams 1L
            use e = new MinibatchSampler(100L, 100L, streams.EBatches)
            use m = new MinibatchSampler(100L, 100L, streams.MBatches)
            Expect.notEqual (integers (e.Next())) (integers (m.Next())) "orders"

        testCase "the first assignment is uniform over modules"
        <| fun () ->
            let table = Assignments.Uniform(3000L, [| 3; 3; 300 |], generator 1)
            let counts = Array.zeroCreate 3

            for n in 0L .. 2999L do
                counts[int table[n, 1]] <- counts[int table[n, 1]] + 1
                Expect.isLessThan table[n, 2] 300L "two bytes a choice above 256 modules"

            for c in counts do
                Expect.isTrue (c > 900 && c < 1100) $"about a third each: {counts}"

            Expect.isTrue (Seq.exists (fun n -> table[n, 2] > 255L) [ 0L .. 2999L ]) "modules above 255 occur"

        testCase "the same seed gives the same numbers, another seed others"
        <| fun () ->
            let run seed =
                scoped
                <| fun () ->
                    let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 4
                    use streams = new RandomStreams(seed)
                    use em = new ViterbiEm(graph, data, settings 3, streams)

                    [
                        for _ in 1..4 do
                            (em.EStep()).After

                            for _ in 1..5 do
                                (em.MStepAndReport()).Loss
                    ]

            Expect.equal (run 1L) (run 1L) "bit for bit"
            Expect.notEqual (run 1L) (run 2L) "seed 2"

        testScoped "a network without choice needs no E-step and trains as the plain one"
        <| fun () ->
            let graph, data = Fixtures.language 7 1 1 Dispatch.Auto 20 4
            use streams = new RandomStreams 1L
            use em = new ViterbiEm(graph, data, settings 3, streams)
            Expect.isNull (em.EStep()) "no E-step"
            let first = em.MStepAndReport()
            Expect.floatClose Accuracy.high first.Loss -first.LogLikelihood "log p(a|x) is 0"

        testScoped "training lowers the loss"
        <| fun () ->
            let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 40 5
            use streams = new RandomStreams 1L
            use em = new ViterbiEm(graph, data, settings 5, streams)
            let before = em.LogJoint(Fixtures.everything data)

            for _ in 1..30 do
                em.EStep() |> ignore

                for _ in 1..5 do
                    em.MStep()

            Expect.isGreaterThan (em.LogJoint(Fixtures.everything data)) (before + 10.0) "log joint"

        testCase "no tensor outlives its step, over a thousand steps"
        <| fun () ->
            let graph, data = Fixtures.language 7 3 1 Dispatch.Auto 20 3
            use streams = new RandomStreams 1L
            use em = new ViterbiEm(graph, data, settings 3, streams)

            let steps count =
                for i in 1..count do
                    if i % 10 = 0 then em.EStep() |> ignore

                    if i % 25 = 0 then em.MStepAndReport() |> ignore else em.MStep()

            steps 50
            // What earlier tests left to the finalizers goes first; after that nothing may need them.
            GC.Collect()
            GC.WaitForPendingFinalizers()
            let before = (liveTensors ())
            steps 1000
            Expect.isLessThanOrEqual (liveTensors ()) before "live tensors"
            graph.Dispose()
            data.Dispose()

        testCase "too many compositions to enumerate are refused with a remedy"
        <| fun () -> fails (fun () -> Compositions.All(Array.replicate 35 5) |> ignore) "sample instead"
    ]

/// Entropies by their definition, from probabilities [row][position][module].
let private entropies (rows: float[][][]) =
    let entropy (p: float seq) = -(p |> Seq.sumBy (fun p -> if p > 0.0 then p * log p else 0.0))

    let choose = rows[0].Length
    let ha = rows |> Array.averageBy (Array.averageBy (Seq.ofArray >> entropy))

    let hb =
        [ 0 .. choose - 1 ]
        |> List.averageBy (fun k ->
            [ 0 .. rows[0].[k].Length - 1 ]
            |> List.map (fun m -> rows |> Array.averageBy (fun r -> r[k].[m]))
            |> entropy)

    ha, hb

[<Tests>]
let metrics =
    testList "metrics" [
        testPropertyWithConfig config "H_a and H_b are Eqs. 15 and 16 per position, of what the layer chose by"
        <| fun (s: Sizes) ->
            scoped
            <| fun () ->
                let graph, data = Fixtures.regression s Combine.Sum Dispatch.Auto s.Batch
                let tape = graph.Forward(data.Inputs, ModeSelector()).Tape
                let statistics = SelectionStatistics()
                statistics.Add tape
                let ha, hb = entropies (cube (tape.Entries[0].Distribution.LogProbabilities.exp()))
                Expect.floatClose Accuracy.high statistics.SelectionEntropy ha "H_a"
                Expect.floatClose Accuracy.high statistics.BatchSelectionEntropy hb "H_b"
                let used = integers (tape.Composition()) |> Array.distinct |> Array.length
                Expect.equal statistics.ModulesUsed (float used) "modules used"
                Expect.floatClose Accuracy.high (Array.sum (statistics.Load "modular1")) 1.0 "shares"

        testScoped "statistics of a set do not depend on how it is cut into minibatches"
        <| fun () ->
            let graph, data = Fixtures.language 3 3 2 Dispatch.Auto 10 4
            let whole = Evaluation.Of(graph, [ data ], 10L, torch.CPU)
            let parts = Evaluation.Of(graph, [ data ], 3L, torch.CPU)
            Expect.floatClose Accuracy.high parts.LogLikelihood whole.LogLikelihood "log-likelihood"
            Expect.floatClose Accuracy.high parts.Perplexity whole.Perplexity "perplexity"

            Expect.floatClose Accuracy.high parts.Statistics.SelectionEntropy whole.Statistics.SelectionEntropy "H_a"

            Expect.floatClose
                Accuracy.high
                parts.Statistics.BatchSelectionEntropy
                whole.Statistics.BatchSelectionEntropy
                "H_b"

        testScoped "perplexity is per word"
        <| fun () ->
            let graph, data = Fixtures.language 3 2 1 Dispatch.Auto 6 5
            let seen = Evaluation.Of(graph, [ data ], 4L, torch.CPU)
            Expect.floatClose Accuracy.high seen.Perplexity (exp (-seen.LogLikelihood / 5.0)) "5 words a window"
    ]
