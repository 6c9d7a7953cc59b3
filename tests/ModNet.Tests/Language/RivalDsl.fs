/// The training methods beside EM, as the DSL says them.
module ModNet.Tests.RivalDsl

open System
open Expecto
open ModNet
open ModNet.Tests.DslExamples
open ModNet.Tests.ExperimentDiagnostics

let private paper: GradientSteps = {
    Batch = 128
    Steps = 50_000
    Optimizer = Adam 1e-3
    Unselected = Drift
    Schedule = Constant
}

let private own: GradientSteps = {
    Batch = 5
    Steps = 6
    Optimizer = Sgd(0.7, 0.2)
    Unselected = Rest
    Schedule = Decay(2, 0.5)
}

let private on mine method =
    experiment {
        net mine
        data (toy_regression { points 128 })
        train method
    }

let private textOf mine frame method =
    experiment {
        net mine
        data (text "ptb" { window frame })
        train method
    }

/// Two modular layers, one of them inside a residual in two rounds.
let private deep chosen how conduct =
    network "deep" {
        features 2

        repeat 2 {
            residual {
                modular {
                    modules 3
                    unit (linear 2)
                    choose chosen
                    combine how
                    controller conduct
                }
            }
        }

        modular {
            modules 1000
            unit (linear 2)
        }

        gaussian (variance 0.1)
    }

let private logits =
    custom "logits" {
        reads (Shape.Vector 2)
        gives (Shape.Vector 3)
        weight "w" [ 3; 2 ]
        multiply_adds 6L
        from_function (fun weights x -> x.matmul (weights["w"].t()))
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
                }

            Expect.equal all (Method.NoisyTopK { K = 3; Importance = 0.1; Load = 0.2; Gradient = own }) "noisy_topk"

            let all =
                static_modules {
                    schedule (Decay(2, 0.5))
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
            for method in [ em { }; reinforce { }; noisy_topk { }; static_modules { }; exact { } ] do
                Expect.equal method.Steps 50_000 "read"
                Expect.equal (method.WithSteps 7).Steps 7 "changed"
                Expect.equal ((method.WithSteps 7).WithSteps 50_000) method "nothing else"

        testCase "each has a kind of its own in JSON, and comes back exactly"
        <| fun () ->
            for method, kind in
                [
                    reinforce { decay 0.5 }, "reinforce"
                    noisy_topk { load 0.1 }, "noisy_topk"
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

[<Tests>]
let diagnostics =
    testList "DSL diagnostics of methods" [
        testCase "sound ones"
        <| fun () ->
            for sound in
                [
                    on toy (reinforce { batch 128 })
                    on toy (noisy_topk { k 2 })
                    on toy (static_modules { })
                    on toy (exact { })
                    textOf lm 35 (noisy_topk { })
                    // 15⁴ < 65,536
                    textOf lm 4 (exact { })
                    on (deep 2 Sum Linear) (reinforce { })
                ] do
                Expect.equal (Check.experiment sound) (check sound.Network) $"{sound.Method}"

        experimentSays
            "REINFORCE's settings"
            (on
                toy
                (reinforce {
                    decay 1.0
                    batch 129
                    steps 0
                    optimizer (Adam 0.0)
                })) [ "DECAY_OUT_OF_RANGE"; "BATCH_ABOVE_DATA"; "NON_POSITIVE_SIZE"; "NON_POSITIVE_RATE" ] [
                "toy/train/decay: expected a decay in [0, 1), got 1 – 0.99 averages over some hundred minibatches; 0 takes the one before"
                "toy/train/batch: expected at most 128, the data's points, got 129 – make the batch smaller, or draw more points"
                "toy/train/steps: expected a number of gradient steps ≥ 1, got 0 – give it a positive number"
                "toy/train/optimizer: expected a rate > 0, got 0 – Adam's usual rate is 1e-3"
            ]

        experimentSays
            "noisy top-k's settings"
            (on
                toy
                (noisy_topk {
                    k 0
                    importance -0.1
                    load nan
                    schedule (Warmup(50_000, Constant))
                })) [ "K_BELOW_ONE"; "WEIGHT_OUT_OF_RANGE"; "WEIGHT_OUT_OF_RANGE"; "SCHEDULE_OUT_OF_RANGE" ] [
                "toy/train/k: expected k ≥ 1, got k = 0 – run at least one module"
                "toy/train/importance: expected a weight ≥ 0, got -0.1 – 0.1 is usual; 0 is without the loss"
                "toy/train/load: expected a weight ≥ 0, got NaN – 0.1 is usual; 0 is without the loss"
                "toy/train/schedule: expected a warmup of fewer than 50,000 gradient steps, which are all there are, got 50,000 – warm up for fewer, or train for more"
            ]

        experimentSays "more gates than modules" (on toy (noisy_topk { })) [ "K_ABOVE_M" ] [
            "toy/train/k: expected k ≤ M = 2 of modular1, got k = 4 – run fewer modules, or give the pool more"
        ]

        experimentSays "several choices where noisy top-k makes a mixture" (on (deep 2 Sum Linear) (noisy_topk { k 2 })) [
            "METHOD_UNFIT"
            "METHOD_UNFIT"
        ] [
            for round in 1..2 ->
                $"deep/repeat1/{round}/residual1/modular1/choose: expected K = 1 for `noisy_topk`, whose k says how many modules run, got K = 2 – say `choose 1`"
        ]

        experimentSays "layers that noisy top-k cannot gate" (on (deep 1 Concat (Custom logits)) (noisy_topk { k 2 })) [
            "METHOD_UNFIT"
            "METHOD_UNFIT"
            "METHOD_UNFIT"
            "METHOD_UNFIT"
        ] [
            for round in 1..2 do
                let layer = $"deep/repeat1/{round}/residual1/modular1"

                $"{layer}/combine: expected `Sum` for `noisy_topk`, which weighs outputs and adds them, got `Concat` – say `combine Sum`, or train by another method"

                $"{layer}/controller: expected a controller that ends in a linear map of its own, beside which `noisy_topk` puts that of its noise, got `Custom` – use `Linear`, `Mlp`, `Conv` or `Task`"
        ]

        experimentSays "too many compositions for exact" (on (deep 2 Sum Linear) (exact { })) [
            "TOO_MANY_COMPOSITIONS"
        ] [
            "deep/train: expected at most 65,536 compositions per datapoint for `exact`, which goes through them all, got 3^2 · 3^2 · 1000 – train a smaller network, or train by `em`"
        ]

        experimentSays
            "a penalty under exact training"
            ({
                on toy (exact { }) with
                    Network = { toy with Layers = List.insertAt 2 (Layer.ActivityL1 0.1) toy.Layers }
            }) [ "METHOD_UNFIT" ] [
                "toy/activity_l11: expected no penalties for `exact`, which runs every composition, got `activity_l1` – leave it out, or train by another method"
            ]

        experimentSays "too many words for exact" (textOf lm 5 (exact { })) [ "TOO_MANY_COMPOSITIONS" ] [
            "ptb-em-15-1/train: expected at most 65,536 compositions per datapoint for `exact`, which goes through them all, got 15^5 – train a smaller network, or train by `em`"
        ]

        experimentSays
            "a* and no other sample"
            (on
                toy
                (em {
                    samples 1
                    held Among
                })) [ "S_WITHOUT_FRESH" ] [
                "toy/train/samples: expected S ≥ 2 where a* is one of them, got S = 1 – draw more, or say `held Beside`"
            ]
    ]
