/// What `check` says where text has no room for the script: generated networks, many settings at once, and what is inside a plan.
module ModNet.Tests.DiagnosticTests

open System
open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private most = Int32.MaxValue

let rec private nested depth (inner: Layer) = if depth = 0 then inner else nested (depth - 1) (residual { inner })

/// Layers so deep in residuals.
let private deep depth =
    network "net" {
        features 2
        nested depth (Layer.Linear(linear 2))
        bernoulli
    }

let private told network =
    match check network with
    | Ok _ -> []
    | Error diagnostics -> [ for diagnostic in diagnostics -> $"{diagnostic.Fault.Id} {diagnostic}" ]

[<Tests>]
let limits =
    testList "DSL diagnostics of limits" [
        testCase "layers within a hundred" <| fun () -> Expect.isOk (check (deep 100)) "sound"

        testCase "layers within a hundred and one"
        <| fun () ->
            Expect.equal
                (told (deep 101))
                [
                    "TOO_LARGE net/"
                    + String.replicate 100 "residual1/"
                    + "residual1: expected at most 100 layers around a layer, got more – say the inner ones one after the other"
                ]
                "one line"

        testCase "ten thousand layers within one another are told, not a stack overflow"
        <| fun () -> Expect.hasLength (told (deep 10_000)) 1 "one line"

        testCase "the largest sizes are counted, not wrapped"
        <| fun () ->
            let summary =
                Expect.wantOk
                    (check (
                        network "net" {
                            features most

                            modular {
                                modules 32_768
                                unit (linear most)
                                choose 65
                                controller (Mlp [ most; most ])
                            }

                            softmax most
                        }
                    ))
                    "sound"

            for row in summary.Rows.Tail do
                Expect.isGreaterThan row.Cost.Parameters (int64 most * int64 most) row.Name

            Expect.equal summary.Total.Parameters Int64.MaxValue "parameters"
            Expect.equal summary.Total.MultiplyAdds Int64.MaxValue "multiply-adds"

        testCase "`exact` goes through as many compositions here as in the runtime"
        <| fun () ->
            Expect.equal ExactKind.MostCompositions ModNet.Runtime.Compositions.Limit "compositions per datapoint"
    ]

[<Tests>]
let sharedPools =
    testList "DSL diagnostics of shared pools" [
        testCase "a shared pool is planned once for every shape that it reads"
        <| fun () ->
            let convs =
                pool "convs" {
                    modules 3
                    unit (conv 2 3 |> same)
                }

            let plan =
                Expect.wantOk
                    (Check.plan (
                        network "net" {
                            image (2, 8, 8)

                            repeat 3 {
                                modular { from convs }
                                residual { modular { from convs } }
                            }

                            max_pool 2
                            modular { from convs }
                            modular { from convs }
                            flatten
                            bernoulli
                        }
                    ))
                    "sound"

            let used = plan.Layers |> List.collect _.Unfolded |> List.choose _.Pool
            Expect.hasLength used 8 "uses"
            Expect.hasLength (List.distinctBy LanguagePrimitives.PhysicalHash used) 2 "plans"
            Expect.hasLength plan.Pools 1 "pools"
    ]

let private trained mine source method =
    experiment {
        net mine
        data source
        train method
    }

/// What `check` says of the experiment is what it says of its network: a summary.
let private isSound (experiment: Experiment) =
    Expect.equal (Check.experiment experiment |> Result.map _.Summary) (check experiment.Network) $"{experiment.Method}"
    Expect.isOk (check experiment.Network) "sound"

[<Tests>]
let experiments =
    testList "DSL diagnostics of experiments" [
        testCase "both main jobs are sound"
        <| fun () ->
            isSound (trained lm (text "ptb" { }) (em { }))
            isSound (trained toy (toy_regression { }) (em { }))

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
                isSound (trained toy (toy_regression { }) method)
    ]

[<Tests>]
let methods =
    testList "DSL diagnostics of methods" [
        testCase "sound ones"
        <| fun () ->
            let points = toy_regression { points 128 }

            for method in
                [
                    reinforce { batch 128 }
                    noisy_topk { k 2 }
                    loss_free_topk { k 2 }
                    static_modules { }
                    exact { }
                    em { epochs 3 }
                    em { average_weights 0.99 }
                ] do
                isSound (trained toy points method)

            isSound (trained lm (text "ptb" { window 35 }) (noisy_topk { }))
            isSound (trained lm (text "ptb" { window 35 }) (em { label_smoothing 0.1 }))
            // 15⁴ < 65,536
            isSound (trained lm (text "ptb" { window 4 }) (exact { }))

            let twice =
                network "deep" {
                    features 2

                    repeat 2 {
                        residual {
                            modular {
                                modules 3
                                unit (linear 2)
                                choose 2
                            }
                        }
                    }

                    modular {
                        modules 1000
                        unit (linear 2)
                    }

                    gaussian (variance 0.1)
                }

            isSound (trained twice points (reinforce { }))
    ]
