/// Optimisers, schedules, the start of EM, its trainer, and how predictions are scored.
module ModNet.Tests.TrainingSettingsTests

open System
open System.IO
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ModNet.Runtime
open TorchSharp

let private sizes: Sizes = {
    Seed = 7
    Batch = 4
    Modules = 3
    Choose = 2
    Inputs = 3
    Outputs = 2
    Bias = true
    Activation = Activation.Tanh
}

/// EM on a small regression, all of whose datapoints make one minibatch.
let private em (settings: EmSettings) =
    let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 12
    graph, data, new ViterbiEm(graph, data, settings, new RandomStreams 7L)

let private whole = EmSettings(4, 5, 12L, 12L)

let private parameters (graph: Graph) = [ for name, p in Slopes.parameters graph -> name, numbers p ]

let private gradients (graph: Graph) = [ for name, p in Slopes.parameters graph -> name, Slopes.gradient p ]

/// Parameters before and after a gradient step, and the gradient.
let private step (graph: Graph) (em: ViterbiEm) =
    let before = parameters graph
    em.MStep()

    [
        for (name, before), (_, after), (_, gradient) in List.zip3 before (parameters graph) (gradients graph) ->
            name, before, after, numbers gradient
    ]

let private near expected actual what = Expect.isLessThan (abs (expected - actual)) 1e-9 what

[<Tests>]
let schedules =
    testList "schedules" [
        for name, schedule, factors in
            ([
                "constant", ConstantSchedule(), [ 1.0; 1.0; 1.0 ]
                // ½ (1 + cos 45°) = 0.853553…
                "cosine", CosineSchedule 4L, [ 1.0; 0.85355339059; 0.5; 0.14644660941; 0.0; 0.0 ]
                "decay", DecaySchedule(3L, 0.5), [ 1.0; 1.0; 1.0; 0.5; 0.5; 0.5; 0.25 ]
                "warmup", WarmupSchedule(4L, ConstantSchedule()), [ 0.25; 0.5; 0.75; 1.0; 1.0; 1.0 ]
                "warmup, then cosine", WarmupSchedule(2L, CosineSchedule 2L), [ 0.5; 1.0; 1.0; 0.5; 0.0 ]
                "warmup, then decay", WarmupSchedule(2L, DecaySchedule(1L, 0.1)), [ 0.5; 1.0; 1.0; 0.1; 0.01 ]
            ]
            : (string * Schedule * float list) list) do
            testCase $"{name} goes by its formula"
            <| fun () ->
                for t, factor in List.indexed factors do
                    near factor (schedule.Factor(int64 t)) $"step {t}"

        testScoped "M-step t is taken at the scheduled rate"
        <| fun () ->
            let schedule = WarmupSchedule(2L, CosineSchedule 3L)

            let graph, _, em = em (EmSettings(4, 5, 12L, 12L, Optimizer = SgdKind(0.1, 0.0), Schedule = schedule))

            for factor in [ 0.5; 1.0; 1.0; 0.75; 0.25; 0.0 ] do
                for name, before, after, gradient in step graph em do
                    for b, a, g in Array.zip3 before after gradient do
                        near (b - 0.1 * factor * g) a $"{name} at factor {factor}"
    ]

[<Tests>]
let optimizers =
    testList "optimisers" [
        testScoped "Adam's first step is its rate times the gradient's sign"
        <| fun () ->
            let graph, _, em = em (EmSettings(4, 5, 12L, 12L, 0.01))

            for name, before, after, gradient in step graph em do
                for b, a, g in Array.zip3 before after gradient do
                    near (b - 0.01 * g / (abs g + 1e-8)) a name

        testScoped "AdamW takes rate · decay of every parameter away besides"
        <| fun () ->
            let graph, _, em = em (EmSettings(4, 5, 12L, 12L, Optimizer = AdamWKind(0.01, 0.3)))

            for name, before, after, gradient in step graph em do
                for b, a, g in Array.zip3 before after gradient do
                    near (b - 0.01 * 0.3 * b - 0.01 * g / (abs g + 1e-8)) a name

        testScoped "SGD gathers momentum"
        <| fun () ->
            let graph, _, em = em (EmSettings(4, 5, 12L, 12L, Optimizer = SgdKind(0.05, 0.8)))
            let first = step graph em

            for (name, before, after, gradient), (_, _, _, earlier) in List.zip (step graph em) first do
                for i in 0 .. before.Length - 1 do
                    near (before[i] - 0.05 * (0.8 * earlier[i] + gradient[i])) after[i] name

        for name, kind, parts in
            ([
                "Adam", AdamKind 0.01, [ "exp_avg"; "exp_avg_sq"; "step" ]
                "AdamW", AdamWKind(0.01, 0.1), [ "exp_avg"; "exp_avg_sq"; "step" ]
                "SGD", SgdKind(0.01, 0.9), [ "momentum_buffer" ]
                "SGD without momentum", SgdKind(0.01, 0.0), []
            ]
            : (string * OptimizerKind * string list) list) do
            testInDirectory $"a checkpoint holds what {name} remembers"
            <| fun directory ->
                scoped
                <| fun () ->
                    let graph, _, em = em (EmSettings(4, 5, 12L, 12L, Optimizer = kind))
                    em.MStep()
                    use folder = RunFolder.Create directory
                    use streams = new RandomStreams 1L
                    Checkpoint.Write(folder, graph, em, streams, 1L)

                    let kept = [
                        for KeyValue(name, _) in Safetensors.Read(folder.PathOf "checkpoint.safetensors") do
                            if name.StartsWith "optimizer." then name
                    ]

                    let expected = [
                        for struct (name, _) in graph.named_parameters () do
                            for part in parts -> $"optimizer.{name}.{part}"
                    ]

                    Expect.equal (List.sort kept) (List.sort expected) "names"
    ]

[<Tests>]
let settings =
    testList "EM's settings" [
        testScoped "the controller's weight scales its loss, and its gradient"
        <| fun () ->
            let weighted weight =
                let graph, _, em = em (EmSettings(4, 5, 12L, 12L, ControllerWeight = weight))
                let seen = em.MStepAndReport()
                let gradients = gradients graph

                let controller = [
                    for name, g in gradients do
                        if name.Contains "controller" then g
                ]

                let modules = [
                    for name, g in gradients do
                        if not (name.Contains "controller") then g
                ]

                Expect.isNonEmpty controller "a controller"
                Expect.isNonEmpty modules "modules"
                seen, controller, modules

            let one, controller, modules = weighted 1.0
            let logP = -(one.Loss + one.LogLikelihood)

            for weight in [ 0.0; 0.5; 3.0 ] do
                let seen, controller', modules' = weighted weight
                near one.LogLikelihood seen.LogLikelihood "log-likelihood"
                near (-one.LogLikelihood - weight * logP) seen.Loss "loss"

                for g, g' in List.zip controller controller' do
                    Expect.isLessThan (distance (g * weight.ToScalar()) g') 1e-9 "the controller's gradient"

                for g, g' in List.zip modules modules' do
                    Expect.isLessThan (distance g g') 1e-9 "the modules' gradient"

        testScoped "a sweep gives every datapoint its E-step"
        <| fun () ->
            let _, data, em = em (EmSettings(400, 5, 5L, 12L))

            let each () = Fixtures.everything data |> Array.map (fun n -> em.LogJoint [| n |])

            let before = each ()
            let report = em.Sweep()
            let after = each ()
            Expect.equal report.Datapoints 12L "datapoints"
            Expect.floatClose Accuracy.high report.Before (Array.sum before) "before"
            Expect.floatClose Accuracy.high report.After (Array.sum after) "after"
            // 400 samples of nine compositions: as good as all of them.
            em.FullEStep(Fixtures.everything data) |> ignore

            for a, best in Array.zip after (each ()) do
                Expect.floatClose Accuracy.high a best "the best composition"

        testInDirectory "a trainer that is asked to sweeps before anything else"
        <| fun directory ->
            scoped
            <| fun () ->
                let joint start =
                    let graph, data, em = em (EmSettings(50, 5, 5L, 12L, Start = start))
                    use folder = RunFolder.Create directory
                    use streams = new RandomStreams 1L
                    let splits = new DataSplits(data, [||], [||])
                    let plan = TrainingPlan(10L, 1L, 1L, 1L)
                    let trainer = Trainer(graph, em, splits, plan, folder, streams, torch.CPU)
                    let outcome = trainer.Run(ignore, CancellationToken true)
                    Expect.equal outcome.Steps 0L "stopped at once"
                    em.LogJoint(Fixtures.everything data)

                Expect.isGreaterThan (joint EmStart.Sweep) (joint EmStart.AtRandom) "better assignments"

        testInDirectory "checkpoints come in their own time"
        <| fun directory ->
            scoped
            <| fun () ->
                let graph, data, em = em whole
                use folder = RunFolder.Create directory
                use streams = new RandomStreams 1L
                let splits = new DataSplits(data, [| data |], [||])

                let trainer = Trainer(graph, em, splits, TrainingPlan(7L, 1L, 2L, 3L), folder, streams, torch.CPU)

                let seen = ResizeArray()

                let look (progress: Progress) =
                    let state = folder.PathOf "state.json"

                    let step =
                        if File.Exists state then JsonNode.Parse(File.ReadAllText state).["step"].GetValue<int>() else 0

                    seen.Add((progress.Line.Phase, int progress.Line.Step, step))

                trainer.Run(look, CancellationToken.None) |> ignore

                Expect.equal
                    (List.ofSeq seen)
                    [
                        "validation", 0, 0
                        "train", 1, 0
                        "train", 2, 0
                        "validation", 2, 0
                        "train", 3, 0
                        "train", 4, 3
                        "validation", 4, 3
                        "train", 5, 3
                        "train", 6, 3
                        "validation", 6, 3
                        "train", 7, 6
                        "validation", 7, 6
                    ]
                    "lines, and the newest checkpoint at each"
    ]

/// The regression's nodes under another head, with these targets.
let private headed (head: int -> Initialiser -> Head) (targets: torch.Tensor) =
    let graph, data = Fixtures.regression sizes Combine.Sum Dispatch.Auto 12
    new Graph(graph.Nodes, head sizes.Outputs (doubles 3)), new Dataset(data.Inputs.clone (), targets)

let private evaluated (graph: Graph) (data: Dataset) = Evaluation.Of(graph, [ data ], 5L, torch.CPU)

let private features (graph: Graph) (data: Dataset) = matrix (graph.Forward(data.Inputs, ModeSelector()).Features)

[<Tests>]
let scores =
    testList "scores" [
        testScoped "accuracy is the share of datapoints whose most probable class is theirs"
        <| fun () ->
            let targets = (indices 5 4 12 1).view -1L

            let graph, data = headed (fun inputs init -> new SoftmaxHead(inputs, 4, init)) targets

            let weight = matrix (Fixtures.parameter graph "head.weight")
            let bias = numbers (Fixtures.parameter graph "head.bias")

            let predicted = [|
                for x in features graph data ->
                    [| for c in 0..3 -> bias[c] + Array.sum (Array.map2 (*) weight[c] x) |]
                    |> Array.indexed
                    |> Array.maxBy snd
                    |> fst
            |]

            let hits = Array.map2 (fun p t -> if p = t then 1.0 else 0.0) predicted (integers targets)

            let seen = evaluated graph data
            near (Array.average hits) seen.Score.Accuracy.Value "accuracy"
            Expect.isFalse seen.Score.SquaredError.HasValue "no squared error"

        testScoped "for bits it is the share that is right"
        <| fun () ->
            let targets = (indices 5 2 12 2).to_type torch.ScalarType.Float64
            let graph, data = headed (fun _ _ -> new BernoulliHead()) targets

            let hits = [|
                for x, y in Array.zip (features graph data) (matrix targets) do
                    for logit, bit in Array.zip x y -> if (logit > 0.0) = (bit = 1.0) then 1.0 else 0.0
            |]

            near (Array.average hits) (evaluated graph data).Score.Accuracy.Value "accuracy"

        testScoped "a Gaussian has a squared error, over datapoints and dimensions"
        <| fun () ->
            let targets = normal 5 [ 12; 2 ]
            let graph, data = headed (fun _ init -> new GaussianHead(1.0, false, init)) targets

            let errors = [|
                for x, y in Array.zip (features graph data) (matrix targets) do
                    for mean, value in Array.zip x y -> (value - mean) ** 2.0
            |]

            let seen = evaluated graph data
            near (Array.average errors) seen.Score.SquaredError.Value "squared error"
            Expect.isFalse seen.Score.Accuracy.HasValue "no accuracy"

        testScoped "text has neither"
        <| fun () ->
            let graph, data = Fixtures.language 3 2 1 Dispatch.Auto 6 5
            let seen = evaluated graph data
            Expect.isFalse seen.Score.Accuracy.HasValue "accuracy"
            Expect.isFalse seen.Score.SquaredError.HasValue "squared error"

        for name, isText, head in
            [
                "classes",
                false,
                (fun () -> headed (fun inputs init -> new SoftmaxHead(inputs, 4, init)) ((indices 5 4 12 1).view -1L))
                "text", true, (fun () -> Fixtures.language 3 2 1 Dispatch.Auto 6 5)
            ] do
            testInDirectory $"lines of metrics on {name} have accuracy or perplexity, as it is"
            <| fun directory ->
                scoped
                <| fun () ->
                    let graph, data = head ()
                    use streams = new RandomStreams 1L
                    let em = new ViterbiEm(graph, data, whole, streams)
                    use folder = RunFolder.Create directory
                    let splits = new DataSplits(data, [||], [| data |])

                    let trainer = Trainer(graph, em, splits, TrainingPlan(1L, 1L, 9L, 9L), folder, streams, torch.CPU)

                    let seen = ResizeArray<MetricsLine>()
                    trainer.Run((fun p -> seen.Add p.Line), CancellationToken.None) |> ignore
                    Expect.equal (seen |> Seq.map _.Phase |> List.ofSeq) [ "test"; "train"; "test" ] "lines"

                    for line in seen do
                        Expect.equal line[Metric.Accuracy].HasValue (not isText) "accuracy"
                        Expect.equal line[Metric.Perplexity].HasValue isText "perplexity"
    ]
