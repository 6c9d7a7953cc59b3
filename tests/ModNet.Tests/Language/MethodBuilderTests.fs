/// The training methods beside EM, as the DSL says them.
module ModNet.Tests.MethodBuilderTests

open System
open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private paper: GradientSteps = {
    Batch = 128
    Steps = 50_000
    Optimizer = Adam 1e-3
    Unselected = Drift
    Schedule = Constant
    ClipNorm = None
    EarlyStopping = None
    Epochs = None
    LabelSmoothing = 0.0
    AverageWeights = None
    Shards = None
    LooseRounds = None
    Precision = Float32Products
}

let private own: GradientSteps = {
    Batch = 5
    Steps = 6
    Optimizer = Sgd(0.7, 0.2)
    Unselected = Rest
    Schedule = Decay(2, 0.5)
    ClipNorm = Some 0.75
    EarlyStopping = Some 21
    Epochs = None
    LabelSmoothing = 0.125
    AverageWeights = Some 0.875
    Shards = Some 4
    LooseRounds = Some 50
    Precision = Bfloat16Products
}

let private on mine method =
    experiment {
        net mine
        data (toy_regression { points 128 })
        train method
    }

[<Tests>]
let builders =
    testList "DSL: methods beside EM" [
        testCase "they say their defaults unless told otherwise"
        <| fun () ->
            Expect.equal (reinforce { }) (Method.Reinforce { Decay = 0.99; Gradient = paper }) "reinforce"

            Expect.equal
                (noisy_topk { })
                (Method.NoisyTopK { K = 4; Importance = 0.0; Load = 0.0; Gradient = paper })
                "noisy_topk"

            Expect.equal
                (loss_free_topk { })
                (Method.LossFreeTopK { K = 4; UpdateRate = 0.001; Gradient = paper })
                "loss_free_topk"

            Expect.equal (static_modules { }) (Method.StaticModules paper) "static_modules"
            Expect.equal (exact { }) (Method.Exact paper) "exact"

        testCase "every setting lands in its field"
        <| fun () ->
            let all =
                reinforce {
                    decay 0.5
                    batch 5
                    steps 6
                    optimizer (Sgd(0.7, 0.2))
                    unselected Rest
                    schedule (Decay(2, 0.5))
                    clip_norm 0.75
                    early_stopping 21
                    label_smoothing 0.125
                    average_weights 0.875
                    shards 4
                    loose_rounds 50
                    precision Bfloat16Products
                }

            Expect.equal all (Method.Reinforce { Decay = 0.5; Gradient = own }) "reinforce"

            let all =
                noisy_topk {
                    k 3
                    importance 0.1
                    load 0.2
                    batch 5
                    steps 6
                    optimizer (Sgd(0.7, 0.2))
                    unselected Rest
                    schedule (Decay(2, 0.5))
                    clip_norm 0.75
                    early_stopping 21
                    label_smoothing 0.125
                    average_weights 0.875
                    shards 4
                    loose_rounds 50
                    precision Bfloat16Products
                }

            Expect.equal all (Method.NoisyTopK { K = 3; Importance = 0.1; Load = 0.2; Gradient = own }) "noisy_topk"

            let all =
                loss_free_topk {
                    k 3
                    update_rate 0.1
                    batch 5
                    steps 6
                    optimizer (Sgd(0.7, 0.2))
                    unselected Rest
                    schedule (Decay(2, 0.5))
                    clip_norm 0.75
                    early_stopping 21
                    label_smoothing 0.125
                    average_weights 0.875
                    shards 4
                    loose_rounds 50
                    precision Bfloat16Products
                }

            Expect.equal all (Method.LossFreeTopK { K = 3; UpdateRate = 0.1; Gradient = own }) "loss_free_topk"

            let all =
                static_modules {
                    schedule (Decay(2, 0.5))
                    clip_norm 0.75
                    early_stopping 21
                    label_smoothing 0.125
                    average_weights 0.875
                    shards 4
                    loose_rounds 50
                    precision Bfloat16Products
                    optimizer (Sgd(0.7, 0.2))
                    unselected Rest
                    steps 6
                    batch 5
                }

            Expect.equal all (Method.StaticModules own) "static_modules"

            let all =
                exact {
                    steps 7
                    batch 5
                    optimizer (Sgd(0.7, 0.2))
                    unselected Rest
                    schedule (Decay(2, 0.5))
                    clip_norm 0.75
                    early_stopping 21
                    label_smoothing 0.125
                    average_weights 0.875
                    shards 4
                    loose_rounds 50
                    precision Bfloat16Products
                    steps 6
                }

            Expect.equal all (Method.Exact own) "exact, the last said counts"

        testCase "EM's bundles are values to start from"
        <| fun () ->
            let settings method =
                match method with
                | Method.Em em -> em
                | other -> failtest $"{other}"

            let paper, libmodular = settings (em_paper { }), settings (em_libmodular { })
            Expect.equal (em_paper { }) (em { }) "em starts from the paper's"
            Expect.equal paper.Held Beside "the paper's S are fresh"

            Expect.equal
                libmodular
                { paper with MSteps = 9; Held = Among }
                "of ten steps one is an E-step, of S candidates one is a*"

            let varied =
                em_libmodular {
                    batch 32
                    held Beside
                }

            Expect.equal (settings varied) { libmodular with Gradient.Batch = 32; EBatch = 32; Held = Beside } "varied"

        testCase "steps can be read and changed"
        <| fun () ->
            for method in [ em { }; reinforce { }; noisy_topk { }; loss_free_topk { }; static_modules { }; exact { } ] do
                Expect.equal method.Steps 50_000 "read"
                Expect.equal (method.WithSteps 7).Steps 7 "changed"
                Expect.equal ((method.WithSteps 7).WithSteps 50_000) method "nothing else"
                Expect.equal (method.WithEpochs 3).Gradient.Epochs (Some 3) "in epochs"
                Expect.equal ((method.WithEpochs 3).WithSteps 50_000) method "and back in steps"

        testCase "epochs take the place of steps that nobody said"
        <| fun () ->
            Expect.equal (exact { epochs 3 }) ((exact { }).WithEpochs 3) "they alone"

            let both = [
                exact {
                    epochs 3
                    steps 50_000
                }
                exact {
                    steps 50_000
                    epochs 3
                }
            ]

            for method in both do
                Expect.equal (method.Steps, method.Gradient.Epochs) (50_000, Some 3) "both, in any order"

        testCase "each has a kind of its own in JSON, and comes back exactly"
        <| fun () ->
            for method, kind in
                [
                    reinforce { decay 0.5 }, "reinforce"
                    noisy_topk { load 0.1 }, "noisy_topk"
                    loss_free_topk { update_rate 0.1 }, "loss_free_topk"
                    em { epochs 7 }, "em"
                    exact { average_weights 0.9 }, "exact"
                    reinforce { label_smoothing 0.1 }, "reinforce"
                    static_modules { batch 3 }, "static_modules"
                    exact { schedule (Warmup(3, Cosine)) }, "exact"
                    em_libmodular { }, "em"
                ] do
                let json = Experiment.to_json (on toy method)
                Expect.stringContains json $"\"kind\": \"{kind}\"" kind
                Expect.equal (Experiment.of_json json) (Ok(on toy method)) kind

        testCase "a place of a* that is none is refused"
        <| fun () ->
            let now = Experiment.to_json (on toy (em { }))
            let wrong = Experiment.of_json (now.Replace("\"beside\"", "\"between\""))

            Expect.equal
                (string (Expect.wantError wrong "a place that is none"))
                "$.experiment.method.held: expected one of \"beside\", \"among\", got \"between\" – mend this value"
                ""
    ]
