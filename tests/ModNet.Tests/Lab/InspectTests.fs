/// Analyses of routing traces against slow and obvious counting.
module ModNet.Tests.InspectTests

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.RoutedExamples
open TorchSharp

type private Cases =
    static member Trace() : FsCheck.Arbitrary<RoutingTrace> =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! n, times = Gen.zip (Gen.choose (1, 12)) (Gen.choose (1, 5))
            let! count = Gen.choose (1, 3)
            let! sizes = Gen.listOfLength count (Gen.zip (Gen.choose (1, 4)) (Gen.choose (1, 3)))
            let! isText = Gen.elements [ true; false ]
            return traceOf seed n times sizes isText
        }
        |> Arb.fromGen

let private config = trying 100 typeof<Cases> (2018UL, 7UL)

let private property name (body: RoutingTrace -> unit) = testPropertyWithConfig config name body

/// Every choice of a layer, one by one: datapoint's row, time, position, module.
let private choices (layer: RoutingLayer) = [
    for n in 0 .. layer.Selections.GetLength 0 - 1 do
        for t in 0 .. layer.Selections.GetLength 1 - 1 do
            for k in 0 .. layer.Selections.GetLength 2 - 1 -> n, t, k, layer.Selections[n, t, k]
]

let private sites layer = choices layer |> List.map (fun (n, t, _, _) -> n, t) |> List.distinct

/// Does the module run at that site?
let private runs (layer: RoutingLayer) m (n, t) =
    choices layer |> List.exists (fun (b, s, _, module') -> (b, s) = (n, t) && module' = m)

let private count condition items = items |> List.filter condition |> List.length |> int64

let private near (expected: float) (actual: float) what =
    Expect.isLessThan (abs (expected - actual)) 1e-6 $"{what}: {expected} and {actual}"

let private entropy (p: float list) = p |> List.sumBy (fun p -> if p = 0.0 then 0.0 else -p * Math.Log p)

let private at (layer: RoutingLayer) n t k = [
    for m in 0 .. layer.Modules - 1 -> float layer.Probabilities[n, t, k, m]
]

let private kinds (layer: RoutingLayer) (table: SelectionTable) (isOf: int -> int * int -> bool) =
    for r in 0 .. table.Labels.Length - 1 do
        Expect.equal table.Sites[r] (sites layer |> count (isOf r)) $"sites of {table.Labels[r]}"

        for m in 0 .. layer.Modules - 1 do
            Expect.equal
                table.Counts[r, m]
                (choices layer |> count (fun (n, t, _, chosen) -> chosen = m && isOf r (n, t)))
                $"{table.Labels[r]}, module {m}"

    let shares = table.Shares

    for r in 0 .. table.Labels.Length - 1 do
        let row = float (Array.sum table.Counts[r, *])

        for m in 0 .. layer.Modules - 1 do
            near (if row = 0.0 then 0.0 else float table.Counts[r, m] / row) shares[r, m] "share"

/// Mutual information of module and kind over all choices: the mean of log p(kind, module) − log p(kind) − log p(module).
let private informed (layer: RoutingLayer) (kindOf: int * int -> 'Kind) =
    let all = choices layer |> List.map (fun (n, t, _, m) -> kindOf (n, t), m)
    let share condition = float (count condition all) / float all.Length

    all
    |> List.averageBy (fun (kind, m) ->
        Math.Log(share ((=) (kind, m)) / (share (fst >> (=) kind) * share (snd >> (=) m))))

/// The different modules of each layer that a row (and time) takes.
let private path (trace: RoutingTrace) n t = [
    for layer in trace.Layers do
        let time = if layer.Times = 1 then 0 else t

        [|
            for m in 0 .. layer.Modules - 1 do
                if runs layer m (n, time) then m
        |]
]

let private allPaths (trace: RoutingTrace) =
    let times = trace.Layers |> Seq.map _.Times |> Seq.max

    [
        for n in 0 .. trace.Count - 1 do
            for t in 0 .. times - 1 -> path trace n t
    ]

/// The log-odds and their deviation, as Monroe, Colaresi and Quinn write them (their Eqs. 16, 19 and 22).
let private fightin (y: float) (n: float) (others: float) (rest: float) (prior: float) (priors: float) =
    let odds y n = Math.Log((y + prior) / (n + priors - (y + prior)))

    let delta = odds y n - odds others rest
    delta, delta / Math.Sqrt(1.0 / (y + prior) + 1.0 / (others + prior))

[<Tests>]
let tests =
    testList "inspect" [
        property "load: counts, shares, dead modules, effective number, entropies"
        <| fun trace ->
            for layer, load in Seq.zip trace.Layers (Inspect.load trace) do
                let all = choices layer

                let counts = [ for m in 0 .. layer.Modules - 1 -> all |> count (fun (_, _, _, chosen) -> chosen = m) ]

                let shares = counts |> List.map (fun c -> float c / float all.Length)
                Expect.equal (List.ofArray load.Counts) counts "counts"

                Expect.equal
                    load.Dead
                    [
                        for m, c in List.indexed counts do
                            if c = 0L then m
                    ]
                    "dead"

                near (Math.Exp(entropy shares)) load.Effective "effective number"
                near (1.0 / float layer.Modules) load.Ideal "ideal"
                List.iter2 (fun a b -> near a b "share") shares (List.ofArray load.Shares)
                let positions = [ 0 .. layer.Choose - 1 ]

                near
                    (sites layer |> List.averageBy (fun (n, t) -> positions |> List.averageBy (at layer n t >> entropy)))
                    load.SelectionEntropy.Value
                    "H_a"

                let mean k = [
                    for m in 0 .. layer.Modules - 1 -> sites layer |> List.averageBy (fun (n, t) -> (at layer n t k)[m])
                ]

                near (positions |> List.averageBy (mean >> entropy)) load.BatchSelectionEntropy.Value "H_b"

        testScoped "H_a, H_b and loads are those of the log's statistics"
        <| fun () ->
            let graph, data = Fixtures.language 5 4 2 Dispatch.Auto 12 6
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
            let trace = RoutingTracer.Of(graph, data, Fixtures.everything data, em, torch.CPU)
            let seen = (Evaluation.Of(graph, [| data |], 5L, torch.CPU)).Statistics
            let load = (Inspect.load trace).Head
            near seen.SelectionEntropy load.SelectionEntropy.Value "H_a"
            near seen.BatchSelectionEntropy load.BatchSelectionEntropy.Value "H_b"
            Array.iter2 (fun a b -> near a b "load") (seen.Load "modular_gru1") load.Shares

        property "selection by class, task and word"
        <| fun trace ->
            for layer in trace.Layers do
                if isNull trace.Tokens then
                    let classes = Inspect.by_class layer.Name trace
                    kinds layer classes (fun r (n, _) -> trace.TargetClasses[n, 0] = r)
                    near (informed layer (fun (n, _) -> trace.TargetClasses[n, 0])) classes.Information "class"
                    let tasks = Inspect.by_task layer.Name trace
                    kinds layer tasks (fun r (n, _) -> trace.Tasks[n] = r)
                    near (informed layer (fun (n, _) -> trace.Tasks[n])) tasks.Information "task"
                else
                    let table = Inspect.by_word layer.Name 3 trace
                    let word (n, t) = vocabulary[trace.Tokens[n, t]]
                    kinds layer table (fun r site -> word site = table.Labels[r])

                    // However few words have a row, the information is over all of them.
                    for most in [ 1; 3; 40 ] do
                        near (informed layer word) (Inspect.by_word layer.Name most trace).Information $"top {most}"

                    let ranked =
                        [ 0..4 ]
                        |> List.sortBy (fun token ->
                            -(sites layer |> count (fun s -> word s = vocabulary[token])), token)
                        |> List.filter (fun token -> sites layer |> List.exists (fun s -> word s = vocabulary[token]))
                        |> List.truncate 3
                        |> List.map (fun token -> vocabulary[token])

                    Expect.equal (List.ofArray table.Labels) ranked "most frequent first"

        property "paths: nodes, edges, the most frequent and the rest"
        <| fun trace ->
            let all = allPaths trace
            let graph = Inspect.paths 2 trace
            Expect.equal graph.Total (int64 all.Length) "total"
            Expect.equal graph.Distinct (List.distinct all).Length "different ones"

            let ranked = all |> List.countBy id |> List.sortBy (fun (p, c) -> -c, p) |> List.truncate 2

            Expect.equal [ for p in graph.Top -> p.Modules, int p.Count ] ranked "the most frequent"
            Expect.equal graph.Others (int64 all.Length - (ranked |> List.sumBy (snd >> int64))) "the others"

            for place, layer in Seq.indexed trace.Layers do
                for m in 0 .. layer.Modules - 1 do
                    Expect.equal
                        graph.Nodes[place].[m]
                        (all |> count (fun p -> Array.contains m p[place]))
                        $"node {place}.{m}"

                    if place + 1 < trace.Layers.Count then
                        for next in 0 .. trace.Layers[place + 1].Modules - 1 do
                            let both (p: int[] list) = Array.contains m p[place] && Array.contains next p[place + 1]

                            Expect.equal graph.Edges[place].[m, next] (all |> count both) "edge"

                            Expect.equal
                                graph.OtherEdges[place].[m, next]
                                (all |> count (fun p -> both p && not (List.exists (fst >> (=) p) ranked)))
                                "edge of the others"

        property "what follows what, step by step"
        <| fun trace ->
            for layer in trace.Layers do
                let counts = Inspect.successions layer.Name trace

                for m in 0 .. layer.Modules - 1 do
                    for next in 0 .. layer.Modules - 1 do
                        Expect.equal
                            counts[m, next]
                            (sites layer
                             |> count (fun (n, t) ->
                                 t + 1 < layer.Times && runs layer m (n, t) && runs layer next (n, t + 1)))
                            $"{m} then {next}"

        property "how sure: over time, and datapoint by datapoint"
        <| fun trace ->
            for layer in trace.Layers do
                for each in Inspect.certainty layer.Name trace do
                    let rows = [
                        for n in 0 .. trace.Count - 1 -> [ for k in 0 .. layer.Choose - 1 -> at layer n each.Time k ]
                    ]

                    near (rows |> List.averageBy (List.averageBy entropy)) each.Entropy "entropy"
                    near (rows |> List.collect id |> List.averageBy List.max) each.MostProbable "highest probability"

            for n in 0 .. trace.Count - 1 do
                let datapoint = Inspect.datapoint trace.Datapoints[n] trace
                Expect.equal datapoint.Number trace.Datapoints[n] "number"
                near (float trace.LogLikelihood[n]) datapoint.LogLikelihood "log likelihood"
                Expect.equal datapoint.Sites.Length (trace.Layers |> Seq.sumBy _.Times) "sites"

                for site in datapoint.Sites do
                    let layer = Trace.layer site.Layer trace

                    for k in 0 .. layer.Choose - 1 do
                        let m = layer.Selections[n, site.Time, k]
                        Expect.equal site.Modules[k] m "module"
                        near (List.item m (at layer n site.Time k)) site.Probabilities[k] "its probability"

                    near
                        ([ 0 .. layer.Choose - 1 ] |> List.averageBy (at layer n site.Time >> entropy))
                        site.Entropy.Value
                        "entropy"

                    if not (isNull trace.Tokens) then
                        Expect.equal site.Word (Some vocabulary[trace.Tokens[n, site.Time]]) "word"

                if isNull trace.Tokens then
                    Expect.equal datapoint.Target [| "zero"; "one"; "two" |].[trace.TargetClasses[n, 0]] "target"

                    Expect.equal
                        datapoint.Correct
                        (Some(trace.PredictedClasses[n] = trace.TargetClasses[n, 0]))
                        "right or wrong"

        property "contexts: the stated score, its ranking, and places where the module does run"
        <| fun trace ->
            if not (isNull trace.Tokens) then
                for layer in trace.Layers do
                    let word (n, t) = vocabulary[trace.Tokens[n, t]]
                    let all = sites layer
                    let distinct = all |> List.map word |> List.distinct

                    for contexts in Inspect.contexts layer.Name 2 2 trace do
                        let here, rest = all |> List.partition (runs layer contexts.Module)
                        Expect.equal contexts.Count (int64 here.Length) "sites"

                        let scored = [
                            for w in distinct do
                                let y, others = here |> count (word >> (=) w), rest |> count (word >> (=) w)

                                if y > 0L then
                                    let prior = float distinct.Length * float (y + others) / float all.Length

                                    let odds, score =
                                        fightin (float y) here.Length (float others) rest.Length prior distinct.Length

                                    if odds > 0.0 then w, y, y + others, odds, score
                        ]

                        let ranked =
                            scored
                            |> List.sortBy (fun (w, y, _, _, score) -> -score, -y, Array.IndexOf(vocabulary, w))
                            |> List.truncate 2

                        Expect.equal
                            [ for w in contexts.Words -> w.Word, w.Count, w.Total ]
                            [ for w, y, total, _, _ in ranked -> w, y, total ]
                            "words"

                        for found, (_, _, _, odds, score) in List.zip contexts.Words ranked do
                            near odds found.LogOdds "log-odds"
                            near score found.Score "score"
                            let places = here |> List.filter (word >> (=) found.Word)
                            Expect.equal found.Occurrences.Length (min 2 places.Length) "how many places"

                            for place, expected in
                                List.zip found.Occurrences [ for i in Downsample.spread 2 places.Length -> places[i] ] do
                                let n, t = expected
                                Expect.equal (place.Datapoint, place.Time) (trace.Datapoints[n], t) "where"

                                let words =
                                    List.init layer.Times (fun s -> word (n, s))
                                    @ [ vocabulary[trace.TargetClasses[n, layer.Times - 1]] ]

                                Expect.equal place.Before words[max 0 (t - 3) .. t - 1] "before"
                                Expect.equal place.Word words[t] "the word"
                                Expect.equal place.After words[t + 1 .. min (words.Length - 1) (t + 3)] "after"

        property "part of a trace is the trace of a part"
        <| fun trace ->
            let odd = Trace.filter (fun n -> n % 2 = 1) trace

            let rows = [
                for n in 0 .. trace.Count - 1 do
                    if n % 2 = 1 then n
            ]

            Expect.equal (List.ofArray odd.Datapoints) [ for n in rows -> trace.Datapoints[n] ] "numbers"

            for i, n in List.indexed rows do
                Expect.equal
                    (Inspect.datapoint odd.Datapoints[i] odd)
                    (Inspect.datapoint trace.Datapoints[n] trace)
                    "datapoint"

        property "p(a | x) at a site is what the figures of controllers take"
        <| fun trace ->
            for layer in trace.Layers do
                let k, t = layer.Choose - 1, layer.Times - 1
                let p = Inspect.probabilities layer.Name t k trace
                Expect.equal (Array2D.length1 p, Array2D.length2 p) (trace.Count, layer.Modules) "shape"

                for n in 0 .. trace.Count - 1 do
                    Expect.equal (List.ofArray p[n, *]) (at layer n t k) "row"
    ]
