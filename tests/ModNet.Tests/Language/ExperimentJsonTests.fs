module ModNet.Tests.ExperimentJsonTests

open Expecto
open ModNet
open ModNet.Tests.ExampleNetworks

let private config = trying 300 typeof<Generators.AnySpec> (2018UL, 3UL)

let private mine =
    experiment {
        net toy
        data (mnist "data/mnist" { })
        train (em { schedule (Warmup(5, Decay(2, 0.5))) })
        device (Cuda 1)
        checkpoint_every 100
    }

let private refuses name (right: string) (wrong: string) line =
    testCase name
    <| fun () ->
        let json = Experiment.to_json mine
        Expect.stringContains json right "the text to spoil"

        let diagnostic = Expect.wantError (Experiment.of_json (json.Replace(right, wrong))) name

        Expect.equal (string diagnostic) line name

[<Tests>]
let tests =
    testList "JSON of experiments" [
        testPropertyWithConfig config "any data, training and settings come back exactly"
        <| fun
               (data: Data,
                method: Method,
                device: Device,
                checkpoint: int option,
                keep: int,
                best: bool,
                tracing: Tracing,
                frozen: string list,
                out: string option,
                seed: int) ->
            let any = {
                mine with
                    Data = data
                    Method = method
                    Device = device
                    CheckpointEvery = checkpoint
                    KeepCheckpoints = keep
                    KeepBest = best
                    Tracing = tracing
                    Frozen = frozen
                    Out = out
                    Seed = seed
            }

            Expect.equal (Experiment.of_json (Experiment.to_json any)) (Ok any) "back"

        testPropertyWithConfig config "check answers for any of them, always the same"
        <| fun (data: Data, method: Method) ->
            let any = { mine with Data = data; Method = method }

            Check.experiment any = Check.experiment any

        testCase "settings that came later are written only where they change something"
        <| fun () ->
            let json = Experiment.to_json mine

            for setting in
                [
                    "keep_best"
                    "clip_norm"
                    "early_stopping"
                    "epochs"
                    "label_smoothing"
                    "average_weights"
                    "shards"
                    "loose_rounds"
                    "precision"
                    "frozen"
                    "spread"
                ] do
                Expect.isFalse (json.Contains setting) $"{setting}: nothing said"

            Expect.stringContains (Experiment.to_json { mine with KeepBest = false }) "\"keep_best\": false" "said"

        testCase "every kind of data says its name"
        <| fun () ->
            for data, kind in
                [
                    text "t" { }, "text"
                    toy_regression { }, "toy_regression"
                    csv "x" { target "y" }, "csv"
                    mnist "d" { }, "mnist"
                    cifar10 "d" { }, "cifar10"
                    in_memory "m" {
                        inputs (array2D [ [ 1.0f ] ])
                        classes 1 [| 0 |]
                    },
                    "in_memory"
                    generated "g" {
                        features 1
                        classes 1
                        draw (fun _ -> Datapoint.labelled [| 0.0f |] 0)
                    },
                    "generated"
                ] do
                Expect.stringContains (Experiment.to_json { mine with Data = data }) $"\"kind\": \"{kind}\"" kind

        refuses
            "an unknown schedule"
            "\"warmup\""
            "\"warm\""
            "$.experiment.method.schedule.kind: expected one of \"constant\", \"cosine\", \"decay\", \"warmup\", got \"warm\" – mend this value"

        refuses
            "an unknown device"
            "\"cuda\""
            "\"gpu\""
            "$.experiment.device.kind: expected one of \"cpu\", \"cuda\", got \"gpu\" – mend this value"

        refuses
            "an unknown start"
            "\"at_random\""
            "\"random\""
            "$.experiment.method.start: expected one of \"at_random\", \"sweep\", got \"random\" – mend this value"

        refuses
            "a share where a count belongs"
            "\"held_out\": 5000"
            "\"held_out\": 0.5"
            "$.experiment.data.held_out: expected an integer, got 0.5 – mend this value"
    ]
