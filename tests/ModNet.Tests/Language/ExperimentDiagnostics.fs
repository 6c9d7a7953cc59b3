/// What `check` says of data, training and settings. (What it says of networks is in DslDiagnosticsOf….)
module ModNet.Tests.ExperimentDiagnostics

open Expecto
open ModNet
open ModNet.Tests.DslExamples

let private told result =
    match result with
    | Ok _ -> []
    | Error diagnostics -> List.map string diagnostics

/// The experiment's diagnostics are these lines and have these faults.
let experimentSays name (experiment: Experiment) faults lines =
    testCase name
    <| fun () ->
        Expect.equal (told (Check.experiment experiment)) lines name

        match Check.experiment experiment with
        | Ok _ -> failtest "the experiment was found sound"
        | Error diagnostics -> Expect.equal [ for d in diagnostics -> d.Fault.Id ] faults "ids"

let private onText source =
    experiment {
        net lm
        data source
        train (em { })
    }

let private onToy source =
    experiment {
        net toy
        data source
        train (em { })
    }

let private trained method =
    experiment {
        net toy
        data (toy_regression { points 128 })
        train method
    }

[<Tests>]
let experiments =
    testList "DSL diagnostics of experiments" [
        testCase "both main jobs are sound"
        <| fun () ->
            Expect.equal (Check.experiment (onText (text "ptb" { }))) (check lm) "text"
            Expect.equal (Check.experiment (onToy (toy_regression { }))) (check toy) "toy"

        experimentSays "text for a network of features" (onToy (text "ptb" { })) [
            "INPUT_UNLIKE_DATA"
            "HEAD_UNLIKE_DATA"
        ] [
            "toy/data: expected data for the network's input `features`, got a text, which needs `tokens` – begin the network with `tokens`, or take other data"
            "toy/data: expected data for the network's head `gaussian`, got a text, which needs `softmax` – end the network with `softmax`, or take other data"
        ]

        experimentSays "the toy for a network of tokens" (onText (toy_regression { })) [
            "INPUT_UNLIKE_DATA"
            "HEAD_UNLIKE_DATA"
        ] [
            "ptb-em-15-1/data: expected data for the network's input `tokens`, got the toy regression, which needs `features` – begin the network with `features`, or take other data"
            "ptb-em-15-1/data: expected data for the network's head `softmax`, got the toy regression, which needs `gaussian` – end the network with `gaussian`, or take other data"
        ]

        experimentSays
            "a text's own settings"
            (onText (
                text " " {
                    window 0
                    vocabulary 0
                }
            )) [ "NON_POSITIVE_SIZE"; "NON_POSITIVE_SIZE"; "VOCABULARY_UNLIKE_DATA" ] [
                "ptb-em-15-1/data/window: expected a number of steps ≥ 1, got 0 – give it a positive number"
                "ptb-em-15-1/data/vocabulary: expected a vocabulary ≥ 1, got 0 – give it a positive number"
                "ptb-em-15-1/data/vocabulary: expected 10000, as in the network's `tokens`, got 0 – give both the same vocabulary"
            ]

        experimentSays
            "a softmax that is not over the vocabulary"
            (experiment {
                net (
                    network "net" {
                        tokens 9
                        embed 3
                        softmax 8
                    }
                )

                data (text "ptb" { })
                train (em { })
            }) [ "VOCABULARY_UNLIKE_DATA" ] [
                "net/softmax/classes: expected 9, as in `tokens`, for the next word, got 8 – say `softmax 9`"
            ]

        experimentSays "widths unlike the data's" (onToy (toy_regression { dimensions 3 })) [
            "WIDTH_UNLIKE_DATA"
            "WIDTH_UNLIKE_DATA"
        ] [
            "toy/features: expected width 3, the data's dimensions, got width 2 – make the network's input and output as wide as the data"
            "toy/gaussian: expected width 3, the data's dimensions, got width 2 – make the network's input and output as wide as the data"
        ]

        experimentSays
            "the toy's own settings"
            (onToy (
                toy_regression {
                    dimensions 1
                    points 0
                    held_out 0
                    separation 0.0
                    spread infinity
                }
            )) [
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SCALE"
                "NON_POSITIVE_SCALE"
            ] [
                "toy/data/dimensions: expected D ≥ 2, so that there is something to rotate, got D = 1 – give it two or more"
                "toy/data/points: expected a number of points ≥ 1, got 0 – give it a positive number"
                "toy/data/held_out: expected a number of points ≥ 1, got 0 – give it a positive number"
                "toy/data/separation: expected a distance > 0, got 0 – give it a positive number"
                "toy/data/spread: expected a distance > 0, got Infinity – give it a positive number"
            ]

        experimentSays
            "EM's settings"
            (trained (
                em {
                    samples 0
                    m_steps 0
                    batch 0
                    e_batch -1
                    steps 0
                    optimizer (Adam 0.0)
                }
            )) [
                "S_BELOW_ONE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_SIZE"
                "NON_POSITIVE_RATE"
            ] [
                "toy/train/samples: expected S ≥ 1, got S = 0 – draw at least one composition per E-step"
                "toy/train/m_steps: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
                "toy/train/batch: expected a number of datapoints ≥ 1, got 0 – give it a positive number"
                "toy/train/e_batch: expected a number of datapoints ≥ 1, got -1 – give it a positive number"
                "toy/train/steps: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
                "toy/train/optimizer: expected a rate > 0, got 0 – Adam's usual rate is 1e-3"
            ]

        experimentSays "AdamW's decay" (trained (em { optimizer (AdamW(infinity, -0.1)) })) [
            "NON_POSITIVE_RATE"
            "DECAY_OUT_OF_RANGE"
        ] [
            "toy/train/optimizer: expected a rate > 0, got Infinity – AdamW's usual rate is 1e-3"
            "toy/train/optimizer: expected a decay ≥ 0, got -0.1 – AdamW's usual decay is 0.01"
        ]

        experimentSays "SGD's momentum" (trained (em { optimizer (Sgd(-1.0, 1.0)) })) [
            "NON_POSITIVE_RATE"
            "MOMENTUM_OUT_OF_RANGE"
        ] [
            "toy/train/optimizer: expected a rate > 0, got -1 – SGD's usual rate is 0.1 or less"
            "toy/train/optimizer: expected a momentum in [0, 1), got 1 – the usual one is 0.9; 0 is none"
        ]

        experimentSays "a decay that is none" (trained (em { schedule (Decay(0, 1.5)) })) [
            "NON_POSITIVE_SIZE"
            "SCHEDULE_OUT_OF_RANGE"
        ] [
            "toy/train/schedule: expected a decay every number of M-steps ≥ 1, got 0 – give it a positive number"
            "toy/train/schedule: expected a factor in (0, 1] for `Decay`, got 1.5 – say 0.5 to halve the rate each time"
        ]

        experimentSays
            "warmups that last too long, one in another"
            (trained (
                em {
                    steps 1_000
                    schedule (Warmup(600, Warmup(400, Decay(10, 0.0))))
                }
            )) [ "SCHEDULE_OUT_OF_RANGE"; "SCHEDULE_OUT_OF_RANGE" ] [
                "toy/train/schedule: expected a warmup of fewer than 400 M-steps, which are all there are, got 400 – warm up for fewer, or train for more"
                "toy/train/schedule: expected a factor in (0, 1] for `Decay`, got 0 – say 0.5 to halve the rate each time"
            ]

        experimentSays "a warmup of nothing" (trained (em { schedule (Warmup(0, Cosine)) })) [ "NON_POSITIVE_SIZE" ] [
            "toy/train/schedule: expected a warmup's number of M-steps ≥ 1, got 0 – give it a positive number"
        ]

        experimentSays "the controller's weight" (trained (em { controller_weight -1.0 })) [ "WEIGHT_OUT_OF_RANGE" ] [
            "toy/train/controller_weight: expected a weight ≥ 0, got -1 – 1 is Eq. 8; 0 leaves the controller as it began"
        ]

        testCase "settings at the ends of their ranges are sound"
        <| fun () ->
            for method in
                [
                    em { controller_weight 0.0 }
                    em { optimizer (AdamW(1e-3, 0.0)) }
                    em { optimizer (Sgd(0.1, 0.0)) }
                    em { schedule (Decay(1, 1.0)) }
                    em {
                        steps 3
                        schedule (Warmup(2, Cosine))
                    }
                    em { start Sweep }
                ] do
                let experiment = { trained method with Data = toy_regression { } }

                Expect.isOk (Check.experiment experiment) $"%A{method}"

        experimentSays "a device that is none" { trained (em { batch 10 }) with Device = Cuda -1 } [
            "DEVICE_OUT_OF_RANGE"
        ] [ "toy/device: expected an index ≥ 0 for `Cuda`, got -1 – the first device is `Cuda 0`" ]

        experimentSays "a batch above the data, told once" (trained (em { batch 129 })) [ "BATCH_ABOVE_DATA" ] [
            "toy/train/batch: expected at most 128, the data's points, got 129 – make the batch smaller, or draw more points"
        ]

        experimentSays
            "logging and validation"
            {
                trained (em { batch 10 }) with
                    LogEvery = 0
                    ValidateEvery = -5
                    CheckpointEvery = Some 0
                    KeepCheckpoints = 0
                    Tracing = { Every = Some 0; Rows = -1; AtEnd = 0 }
            }
            (List.replicate 7 "NON_POSITIVE_SIZE")
            [
                "toy/log_every: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
                "toy/validate_every: expected a number of M-steps ≥ 1, got -5 – give it a positive number"
                "toy/checkpoint_every: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
                "toy/trace_every: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
                "toy/keep_checkpoints: expected a number of checkpoints ≥ 1, got 0 – give it a positive number"
                "toy/trace_rows: expected a number of datapoints ≥ 1, got -1 – give it a positive number"
                "toy/trace_at_end: expected a number of datapoints ≥ 1, got 0 – give it a positive number"
            ]

        experimentSays
            "network, data, training and settings together, in this order"
            {
                Network =
                    network "net" {
                        features 2
                        modular { modules 2 }
                        bernoulli
                    }
                Data = toy_regression { points 0 }
                Method = em { samples 0 }
                Seed = 1
                Device = Cpu
                LogEvery = 0
                ValidateEvery = 1
                CheckpointEvery = None
                KeepCheckpoints = 1
                Tracing = { Every = None; Rows = 1; AtEnd = 1 }
                Out = None
            } [ "NO_UNIT"; "NON_POSITIVE_SIZE"; "HEAD_UNLIKE_DATA"; "S_BELOW_ONE"; "NON_POSITIVE_SIZE" ] [
                "net/modular1/pool/unit: expected what each module is, got nothing – say `unit (linear …)`"
                "net/data/points: expected a number of points ≥ 1, got 0 – give it a positive number"
                "net/data: expected data for the network's head `bernoulli`, got the toy regression, which needs `gaussian` – end the network with `gaussian`, or take other data"
                "net/train/samples: expected S ≥ 1, got S = 0 – draw at least one composition per E-step"
                "net/log_every: expected a number of M-steps ≥ 1, got 0 – give it a positive number"
            ]
    ]
