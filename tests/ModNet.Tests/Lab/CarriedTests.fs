/// Code and arrays that a spec carries, which its JSON does not hold and a script gives back: to the language, to training, and to runs
/// that are opened again.
module ModNet.Tests.CarriedTests

open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

/// A custom of this name that multiplies by weights and by the factor.
let private scaled (name: string) (factor: float) =
    custom name {
        reads (Shape.Vector 2)
        gives (Shape.Vector 2)
        weight "by" [ 2 ]
        from_function (fun weights x -> x * weights["by"] * factor.ToScalar())
    }

/// A custom that gives logits of three modules.
let private logits =
    custom "logits" {
        reads (Shape.Vector 2)
        gives (Shape.Vector 3)
        weight "map" [ 3; 2 ]
        from_function (fun weights x -> x.matmul (weights["map"].t()))
    }

/// Customs wherever a network may have one: as layers, within others, as modules, as a controller.
let private mine (factor: float) =
    let units =
        pool "units" {
            unit (
                mixed {
                    scaled "module" factor
                    linear 2
                    chain { residual { scaled "inner" factor } }
                }
            )
        }

    network "carrying" {
        features 2
        scaled "layer" factor

        repeat 2 {
            modular {
                from units
                controller (Custom logits)
            }
        }

        gaussian (variance 1.0)
    }

let private names = [ "layer"; "module"; "inner"; "logits" ]

/// A script's experiment: its points are drawn by a function.
let private script (factor: float) (folder: string) =
    experiment {
        net (mine factor)

        data (
            generated "doubled" {
                features 2
                values 2
                points 64
                held_out 16

                draw (fun random ->
                    let x = [| random.NextSingle(); random.NextSingle() |]
                    Datapoint.valued x [| 2.0f * x[0]; x[1] |])
            }
        )

        train (
            em {
                samples 2
                batch 16
                steps 12
            }
        )

        log_every 3
        seed 4
        out folder
    }

let private readAgain (experiment: Experiment) =
    Expect.wantOk (Experiment.of_json (Experiment.to_json experiment)) "its JSON is read"

let private readNetwork (network: Network) =
    Expect.wantOk (Network.of_json (Network.to_json network)) "its JSON is read"

let private ids (result: Result<'Sound, Diagnostic list>) =
    [ for diagnostic in Expect.wantError result "code is missing" -> diagnostic.Fault.Id ] |> List.distinct

/// What a network's graph gives for some datapoints; parameters are drawn from one seed.
let private outputs (network: Network) =
    scoped
    <| fun () ->
        use graph = Compile.graph (doubles 7) (generator 8) network
        graph.eval ()
        numbers (graph.Forward(normal 5 [ 6; 2 ], ModeSelector()).Features)

let private run experiment = quietly (fun () -> Running.train Settings.none experiment |> ignore)

[<Tests>]
let tests =
    testSequenced
    <| testList "code that specs carry" [
        testCase "the customs of a network are all that it has, each with its code"
        <| fun () ->
            let found = Network.customs (mine 2.0)
            Expect.equal (set [ for custom in found -> custom.Name ]) (set names) "layers, modules and controllers"

            Expect.equal
                (outputs (Network.with_customs found (readNetwork (mine 2.0))))
                (outputs (mine 2.0))
                "their code"

            Expect.isEmpty (Network.customs (network "plain" { linear 2 })) "of a network without"

        testCase "a network that was read from JSON has no code until it is given some, by name"
        <| fun () ->
            let read = readNetwork (mine 2.0)
            Expect.equal read (mine 2.0) "names and shapes"
            Expect.equal (ids (check read)) [ "CUSTOM_UNKNOWN" ] "no code"

            for left in names do
                let others = Network.customs (mine 2.0) |> List.filter (fun custom -> custom.Name <> left)

                let told =
                    Expect.wantError (check (Network.with_customs others read)) $"without {left}"
                    |> List.map string
                    |> String.concat "\n"

                Expect.stringContains told $"the code of custom `{left}`" "the one that is missing"

                for other in others do
                    Expect.isFalse (told.Contains $"`{other.Name}`") $"{other.Name} is there"

            let whole = Network.with_customs (Network.customs (mine 2.0)) read
            Expect.equal (check whole) (check (mine 2.0)) "sound"

            Expect.equal
                (Network.with_customs [ scaled "stranger" 3.0 ] whole)
                whole
                "a name that is not there changes nothing"

            Expect.equal (outputs whole) (outputs (mine 2.0)) "what it computes"

        testCase "two customs of one name keep each its own code"
        <| fun () ->
            let one, other = outputs (mine 2.0), outputs (mine 3.0)
            Expect.notEqual one other "another factor"
            Expect.equal (outputs (mine 2.0)) one "the first, after the second was made and compiled"

            let read = readNetwork (mine 2.0)
            Expect.equal (outputs (Network.with_customs (Network.customs (mine 3.0)) read)) other "the second's code"
            Expect.equal (outputs (Network.with_customs (Network.customs (mine 2.0)) read)) one "the first's code"

        testInDirectory
            "an experiment that was read from JSON trains as the script's own, once it has the script's code"
        <| fun directory ->
            let own = script 2.0 (Path.Combine(directory, "own"))
            let read = readAgain own
            Expect.equal (ids (Check.experiment read)) [ "CUSTOM_UNKNOWN"; "DATA_UNKNOWN" ] "no code"

            let half = { read with Network = own.Network }
            Expect.equal (ids (Check.experiment half)) [ "DATA_UNKNOWN" ] "no function"

            let whole = Experiment.with_code_of own read
            Expect.equal (Check.experiment whole) (Check.experiment own) "sound"
            let whole = { whole with Out = Some(Path.Combine(directory, "whole")) }
            run own
            run whole

            // What begins with `run.` is of the run's log, which has seconds.
            let weights (experiment: Experiment) = [
                for name, _, _, bytes in
                    PlainFiles.tensors (Path.Combine(experiment.Out.Value, "checkpoint.safetensors")) do
                    if not (name.StartsWith "run.") then name, System.Convert.ToHexString bytes
            ]

            Expect.equal (weights whole) (weights own) "what the checkpoint holds of the training, bit for bit"

            let another = { script 3.0 (Path.Combine(directory, "another")) with Seed = own.Seed }
            run another
            Expect.notEqual (weights another) (weights own) "other code, other numbers"

        testCase "arrays are given back where name and checksum agree"
        <| fun () ->
            let square = array2D [ [ 0.0f; 0.0f ]; [ 0.0f; 1.0f ]; [ 1.0f; 0.0f ]; [ 1.0f; 1.0f ] ]

            let on (name: string) (labels: int array) =
                experiment {
                    net (
                        network "net" {
                            features 2
                            softmax 2
                        }
                    )

                    data (
                        in_memory name {
                            inputs square
                            classes 2 labels
                        }
                    )

                    train (em { batch 2 })
                }

            let own = on "xor" [| 0; 1; 1; 0 |]
            let read = readAgain own
            Expect.equal (ids (Check.experiment read)) [ "DATA_UNKNOWN" ] "no arrays"
            Expect.isOk (Check.experiment (Experiment.with_code_of own read)) "its own arrays"

            for other in [ on "and" [| 0; 1; 1; 0 |]; on "xor" [| 0; 0; 0; 1 |] ] do
                Expect.equal
                    (ids (Check.experiment (Experiment.with_code_of other read)))
                    [ "DATA_UNKNOWN" ]
                    "another's arrays are not taken"

        testInDirectory "a run with customs is opened with the script's code, and predicts as the script's own network"
        <| fun directory ->
            let own = script 2.0 (Path.Combine(directory, "run"))
            run own
            let folder = own.Out.Value

            complains (fun () -> (Trained.load folder :> System.IDisposable).Dispose()) [
                "the code of custom"
                "Experiment.with_code_of"
            ]

            /// What the head reads, for a few datapoints.
            let reads (change: Experiment -> Experiment) =
                use trained = Trained.load_as change folder

                scoped
                <| fun () ->
                    let x = (normal 9 [ 7; 2 ]).to_type torch.ScalarType.Float32
                    numbers (trained.Graph.Forward(x, trained.Evaluating).Features)

            let asBefore = reads (fun _ -> own)
            Expect.equal (reads (Experiment.with_code_of own)) asBefore "by the script's code"
            Expect.notEqual (reads (Experiment.with_code_of (script 3.0 folder))) asBefore "by another's"
    ]
