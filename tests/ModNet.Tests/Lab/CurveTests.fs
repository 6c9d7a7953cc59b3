/// From a run's log to its curves: reading, down-sampling, standard panels.
module ModNet.Tests.CurveTests

open System
open System.Text.Json.Nodes
open Expecto
open FsCheck
open ModNet.Figures
open ModNet.Runtime

let private downsampling = [
    testPropertyWithConfig
        FsCheckConfig.defaultConfig
        "down-sampling keeps ends and extremes, in order, within the limit"
    <| fun (NonNegativeInt size) (PositiveInt room) (seed: int) ->
        let random = Random seed
        let xs = Array.init (size * 20) float
        let ys = xs |> Array.map (fun _ -> random.NextDouble())
        let most = 4 + room
        let fewer, values = Downsample.extremes most xs ys
        Expect.isLessThanOrEqual fewer.Length (max most (min xs.Length most)) "count"
        Expect.equal fewer.Length values.Length "pairs"

        if xs.Length > 0 then
            Expect.equal (fewer[0], Array.last fewer) (xs[0], Array.last xs) "ends"
            Expect.equal (Array.min values, Array.max values) (Array.min ys, Array.max ys) "extremes"
            Expect.sequenceEqual (fewer |> Array.sort |> Array.distinct) fewer "order, and no point twice"

        for x, y in Array.zip fewer values do
            Expect.equal y ys[int x] "each value stays with its place"

    testCase "a single spike among 50,000 steps is kept" (fun () ->
        let xs = Array.init 50_000 float
        let ys = xs |> Array.map (fun x -> if x = 31_415.0 then 9.0 else 1.0)
        let fewer, values = Downsample.extremes Downsample.limit xs ys
        Expect.isLessThanOrEqual fewer.Length Downsample.limit "count"
        Expect.equal fewer[Array.findIndex ((=) 9.0) values] 31_415.0 "the spike's place")

    testCase "gaps do not hide the values around them" (fun () ->
        let ys = Array.init 1000 (fun i -> if i = 500 then 7.0 else nan)
        let _, values = Downsample.extremes 10 (Array.init 1000 float) ys
        Expect.contains values 7.0 "the only value")

    testCase "the running mean of a straight line is that line, away from its ends" (fun () ->
        let mean = Downsample.runningMean 3 (Array.init 20 float)
        Expect.equal mean[3..16] (Array.init 14 (fun i -> float (i + 3))) "inner points"
        Expect.equal mean[0] 1.5 "mean of 0 … 3"

        Expect.equal
            (Downsample.runningMean 1 [| 1.0; nan; 3.0 |])
            [| 1.0; 2.0; 3.0 |]
            "passes over what is not finite")

    testCase "an even spread has no index twice and starts at the first" (fun () ->
        let kept = Downsample.spread 7 100
        Expect.equal kept [| 0; 14; 28; 42; 57; 71; 85 |] "indices"
        Expect.equal (Downsample.spread 7 3) [| 0; 1; 2 |] "all of them")
]

let private line step phase fields = $"""{{"step":{step},"phase":"{phase}",{fields}}}"""

let private reading = [
    testCase "a line that was cut off is no line, and no error" (fun () ->
        let text = line 1 "train" "\"loss\":2" + "\n" + "{\"step\":2,\"phase\":\"tra"
        let log = MetricsLog.OfText text
        Expect.equal [ for line in log.Lines -> line.Step ] [ 1L ] "steps"
        Expect.equal log.Unreadable 0 "unreadable")

    testCase "a broken line in the middle is counted" (fun () ->
        let text = line 1 "train" "\"loss\":2" + "\n{\"step\":2,\"ph\n[]\n" + line 3 "train" "\"loss\":1" + "\n"

        let log = MetricsLog.OfText text
        Expect.equal [ for line in log.Lines -> line.Step ] [ 1L; 3L ] "steps"
        Expect.equal log.Unreadable 2 "unreadable")

    testInDirectory "a line with a byte that is no UTF-8 is counted as broken" (fun folder ->
        let whole =
            Text.Encoding.UTF8.GetBytes(line 1 "train" "\"loss\":2" + "\n" + line 2 "train" "\"loss\":1" + "\n")
        // In the word "train" of the first line.
        IO.File.WriteAllBytes(IO.Path.Combine(folder, "metrics.jsonl"), Array.updateAt 20 0xE9uy whole)
        let log = MetricsLog.OfFolder folder
        Expect.equal [ for line in log.Lines -> line.Step ] [ 2L ] "steps"
        Expect.equal log.Unreadable 1 "unreadable")

    testCase "a resumed run's later line of a step counts" (fun () ->
        let text =
            [ line 10 "train" "\"loss\":5"; line 20 "train" "\"loss\":4"; line 10 "validation" "\"loss\":9" ]
            @ [ line 20 "train" "\"loss\":3"; line 30 "train" "\"loss\":2,\"new\":{\"x\":1},\"n\":null" ]
            |> String.concat "\n"

        Expect.equal
            (MetricsLog.Column("train", "loss", (MetricsLog.OfText text).Lines))
            (struct ([| 10.0; 20.0; 30.0 |], [| 5.0; 3.0; 2.0 |]))
            "loss")

    testCase "a folder without a log has no lines" (fun () ->
        let log = MetricsLog.OfFolder(IO.Path.GetTempPath() + Guid.NewGuid().ToString())
        Expect.equal (log.Lines.Count, log.Unreadable) (0, 0) "nothing")
]

let private table = [
    testCase
        "a line of metrics comes back from its JSON; what is not finite is null, and comes back as no number"
        (fun () ->
            let values = [ "loss", nan; "log_likelihood", -infinity; "modules_used", 3.0; "seconds", 0.25 ]
            let line = MetricsLine(7L, "train", readOnlyDict values)
            let json = line.ToJson()

            Expect.stringStarts
                json
                """{"step":7,"phase":"train","loss":null,"log_likelihood":null,"""
                "order, and null for what JSON has no numbers for"

            Expect.stringContains json "\"modules_used\":3," "a whole number"
            let back = MetricsLine.Parse json
            Expect.equal (back.Step, back.Phase) (7L, "train") "step and phase"

            Expect.equal
                [ for KeyValue(name, value) in back.Values -> name, string value ]
                [ for name, value in values -> name, string (if Double.IsFinite value then value else nan) ]
                "values"

            let old = MetricsLine.Parse """{"step":7,"phase":"test","perplexity":"Infinity"}"""
            Expect.equal (List.ofSeq old.Values.Values) [ infinity ] "as earlier versions wrote it")

    testCase "the table of metrics is one that every reader understands" (fun () ->
        let all = List.ofSeq Metric.All
        Expect.equal (all |> List.map _.Name |> List.distinct |> List.length) all.Length "each name once"
        let headings = all |> List.filter (fun metric -> metric.Chart <> MetricChart.None) |> List.map _.Section
        Expect.isFalse (List.contains "" headings) "a chart has a section"

        Expect.equal
            (headings |> List.pairwise |> List.filter (fun (a, b) -> a <> b) |> List.length |> (+) 1)
            (List.distinct headings).Length
            "metrics of a section stand together"

        for metric in all do
            let ends = List.ofSeq metric.EndPhases

            Expect.contains
                [ []; [ "train" ]; [ "validation"; "test" ]; List.ofSeq Metric.EveryPhase ]
                ends
                $"{metric.Name}: phases at the end"

            Expect.equal ends.IsEmpty (isNull metric.End) $"{metric.Name}: a format for the lines at the end, or none"

            Expect.isNull
                (metric.InProgress(MetricsLine(1L, "train", readOnlyDict [])))
                $"{metric.Name}: nothing of what was not measured")

    testCase "the progress line tells perplexity in place of log p" (fun () ->
        let told values = [
            for metric in Metric.All do
                match metric.InProgress(MetricsLine(1L, "train", readOnlyDict values)) with
                | null -> ()
                | text -> text
        ]

        Expect.equal
            (told [ "log_likelihood", -1.5; "accuracy", 0.5 ])
            [ "log p -1.5000"; "accuracy 50.00 %" ]
            "classes"

        Expect.equal (told [ "log_likelihood", -1.5; "perplexity", 4.5 ]) [ "perplexity 4.50" ] "text"

        Expect.equal
            (told [ "batch_selection_entropy", log 2.0; "modules_used", 3.0; "effective_modules", 1.26 ])
            [ "H_b 0.693 (≈ 2.0 modules)"; "3 modules used per pool"; "1.3 of them in effect" ]
            "modules")
]

let private log count =
    [
        for step in 1..count ->
            line
                step
                "train"
                $"\"loss\":{count - step},\"perplexity\":{step},\"selection_entropy\":0.1,\"batch_selection_entropy\":0.6,\"modules_used\":2"
    ]
    |> String.concat "\n"
    |> MetricsLog.OfText
    |> _.Lines
    |> List.ofSeq

let private names (figure: Drawn) =
    figure.Data |> Seq.map (fun (t: JsonNode) -> t["name"].GetValue<string>()) |> Seq.toList

/// Value and label of what is marked at the right.
let private marks (figure: Drawn) = [
    for note in figure.Layout["annotations"].AsArray() do
        match note["text"].GetValue<string>() with
        | label when label.StartsWith "– " -> note["y"].GetValue<float>(), label[2..]
        | _ -> ()
]

let private curves = [
    testCase "entropies have log M and a reading as numbers of modules" (fun () ->
        let panel = Curves.entropies (Some 5) (log 3) |> Option.get |> Drawn
        Expect.equal (names panel) [ "H<sub>b</sub>"; "H<sub>a</sub>" ] "series"

        let look (i: int) =
            panel.Data[i].["line"].["dash"].GetValue<string>(), panel.Data[i].["line"].["width"].GetValue<float>()

        let (under, wide), (over, narrow) = look 0, look 1
        Expect.equal (under, over) ("solid", "dash") "where both run on one course, the one above is dashed"
        Expect.isGreaterThan wide narrow "and narrower"
        let line = panel.Layout["shapes"].AsArray() |> Seq.exactlyOne
        Expect.equal (line["label"].["text"].GetValue<string>()) "log 5" "reference"
        Expect.floatClose Accuracy.medium (line["y0"].GetValue<float>()) (Math.Log 5.0) "its place"
        let marks = marks panel
        Expect.equal (marks |> List.map snd |> List.last) "5" "M is marked"

        for value, label in marks do
            Expect.floatClose Accuracy.medium (exp value) (float label) "exp H"

        let extra = panel.Data[1].["customdata"].[0]
        Expect.floatClose Accuracy.medium (extra.GetValue<float>()) (exp 0.1) "hovering tells exp H")

    testCase "without M there is no reference" (fun () ->
        Expect.isNull (Curves.entropies None (log 3) |> Option.get |> Drawn).Layout["shapes"] "reference")

    testCase "marks of many modules keep apart" (fun () ->
        let marks = Curves.entropies (Some 500) (log 3) |> Option.get |> Drawn |> marks
        Expect.isLessThan marks.Length 20 "marks"
        Expect.equal (List.last marks |> snd) "500" "M is marked")

    testCase "long runs are thinned, and their running mean is what the legend names" (fun () ->
        let drawn = Curves.ofMetric Metric.Loss None (log 20_000) |> Option.get |> Drawn

        match List.ofSeq drawn.Data with
        | [ logged; mean ] ->
            Expect.isFalse (logged["showlegend"].GetValue<bool>()) "what was logged"
            Expect.isNull mean["showlegend"] "its mean"
            Expect.isLessThan drawn.Json.Length 100_000 "size"
        | other -> failtestf "Expected two series, got %d" other.Length)

    testCase "what was not logged has no panel" (fun () ->
        Expect.isNone (Curves.ofMetric Metric.Accuracy None (log 3)) "accuracy"
        Expect.isNone (Curves.ofMetric Metric.Loss None []) "loss")

    testCase "nothing lies outside the axes of a panel that counts modules, whatever M is said to be" (fun () ->
        for modules in [ None; Some 1; Some 9 ] do
            let layout = (Curves.ofMetric Metric.ModulesUsed modules (log 3) |> Option.get |> Drawn).Layout
            let high = layout["yaxis"].["range"].[1].GetValue<float>()
            Expect.isGreaterThan high 2.0 $"M = {modules}, and two are used")

    testCase "perplexity is on a logarithmic axis" (fun () ->
        let layout = (Curves.ofMetric Metric.Perplexity None (log 3) |> Option.get |> Drawn).Layout
        Expect.equal (layout["yaxis"].["type"].GetValue<string>()) "log" "log")

    testCase "several runs compare in one panel, each in its colour" (fun () ->
        let panel = Curves.compare "loss" "loss" "train" [ "EM", log 3; "REINFORCE", log 4; "none", [] ] |> Drawn

        Expect.equal (names panel) [ "EM"; "REINFORCE" ] "runs with data"

        let colour (index: int) = panel.Data[index].["line"].["color"].GetValue<string>()

        Expect.notEqual (colour 0) (colour 1) "colours")

    testCase "the toy's curves are loss and entropies beside each other" (fun () ->
        let figure = Toy.curves 2 (log 3) |> Option.get |> Drawn
        Expect.equal (names figure) [ "train"; "H<sub>b</sub>"; "H<sub>a</sub>" ] "traces"
        Expect.isNone (Toy.curves 2 []) "nothing logged")
]

[<Tests>]
let tests =
    testList "curves" [
        testList "down-sampling" downsampling
        testList "log" reading
        testList "metrics" table
        testList "panels" curves
    ]
