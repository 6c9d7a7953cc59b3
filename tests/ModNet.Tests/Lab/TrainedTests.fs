/// Runs that are opened again: without their script, on another device, in another dispatch.
module ModNet.Tests.TrainedTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open ModNet.Tests.TrainedRuns
open TorchSharp

let private input () = (normal 9 [ 7; 4 ]).to_type torch.ScalarType.Float32

/// What the head reads, for a few datapoints.
let private reads (trained: TrainedNetwork) =
    scoped
    <| fun () ->
        trained.Graph.InEvaluation(fun () ->
            let x = input().``to`` trained.Device
            numbers (trained.Graph.Forward(x, trained.Evaluating).Features))

[<Tests>]
let tests =
    testSequenced
    <| testList "runs opened again" [
        for method' in methods do
            let name = method'.GetType().Name

            testCase $"{name}: spec.json and a checkpoint are enough, without script and data"
            <| fun () ->
                leaving method'
                <| fun folder ->
                    use trained = Trained.load folder
                    Expect.isFalse trained.Graph.training "in evaluation mode"
                    let found = reads trained
                    Expect.hasLength found 35 "what the head reads [7, 5]"

                    scoped
                    <| fun () -> Expect.all (integers (trained.Predict(input ()))) (fun c -> c >= 0 && c < 3) "classes"

                    for dispatch in [ Loop; Grouped; Wide; Gather ] do
                        use other =
                            folder
                            |> Trained.load_as (fun run -> {
                                run with
                                    Network = Network.with_dispatch dispatch run.Network
                            })

                        Expect.all
                            (Array.zip found (reads other))
                            (fun (a, b) -> abs (a - b) < 1e-5)
                            $"the same by {dispatch}"

                    scoped
                    <| fun () ->
                        let stored = Safetensors.Read(Path.Combine(folder, "checkpoint.safetensors"))

                        for KeyValue(name, value) in trained.Graph.state_dict () do
                            Expect.equal (numbers value) (numbers stored[name]) name

        testInDirectory "the best checkpoint is told of in summary and report, and opened by its own word"
        <| fun directory ->
            let experiment = { experimentOf directory methods.Head net' with ValidateEvery = 5 }
            quietly (fun () -> Running.train Settings.none experiment |> ignore)
            let folder = experiment.Out.Value
            let best = (RunFiles.summary folder).Value["best"].AsObject()
            let step = best["step"].GetValue<int64>()

            let logged =
                (MetricsLog.OfFolder folder).Lines
                |> Seq.filter (fun line -> line.Phase = "validation" && line.Step > 0L)

            let highest = logged |> Seq.maxBy (fun line -> line.Values["log_likelihood"])
            Expect.equal step highest.Step "its step"

            Expect.equal
                ((best["validation"].AsObject()["log_likelihood"]).GetValue<float>())
                highest.Values["log_likelihood"]
                "its validation"

            Expect.stringContains
                (File.ReadAllText(Path.Combine(folder, "report.html")))
                $"best validation (step {step:N0})"
                "a column of the report"

            use trained = Trained.load_best folder

            scoped
            <| fun () ->
                let stored = Safetensors.Read(Path.Combine(folder, "best.safetensors"))

                for KeyValue(name, value) in trained.Graph.state_dict () do
                    Expect.equal (numbers value) (numbers stored[name]) name

        testInDirectory "a run that stops early is finished: so say its summary, its reader and another --resume"
        <| fun directory ->
            let restless =
                em {
                    steps 2_000
                    batch 16
                    optimizer (Adam 0.1)
                    early_stopping 1
                }

            let experiment = { experimentOf directory restless net' with ValidateEvery = 5 }
            let outcome = quietly (fun () -> Running.train Settings.none experiment)
            Expect.isTrue (outcome.StoppedEarly && outcome.Steps < 2_000L) "early"
            let folder = experiment.Out.Value
            let said () = File.ReadAllText(Path.Combine(folder, "summary.json"))
            let summary = (RunFiles.summary folder).Value
            Expect.isTrue (summary["finished"].GetValue<bool>()) "finished"
            Expect.isTrue (summary["stopped_early"].GetValue<bool>()) "stopped early"
            Expect.equal (summary["steps"].GetValue<int64>()) outcome.Steps "its steps"
            let before = said ()

            quietly (fun () -> Running.train { Settings.none with Resume = true } experiment |> ignore)
            Expect.equal (said ()) before "as it was"

            let row = row "it" { run (fun _ -> experiment) }

            match RunReader.read row experiment.Seed folder with
            | Some(run, _) ->
                Expect.isTrue run.Finished "to a study, too"
                Expect.equal (run.Steps, run.Planned) (outcome.Steps, 2_000L) "steps of a study's run"
            | None -> failtest "no run"

            // More patience is more training.
            let onwards = { Settings.none with Resume = true; Patience = Some 2 }
            let more = Settings.apply onwards experiment
            Expect.equal more.Method.Gradient.EarlyStopping (Some 2) "from the command line"
            let longer = quietly (fun () -> Running.train onwards more)
            Expect.isGreaterThan longer.Steps outcome.Steps "it goes on"

        testCase "what a run keeps is no part of what it is of, and when it may stop early is"
        <| fun () ->
            let mine =
                experiment {
                    net ExampleNetworks.toy
                    data (toy_regression { points 128 })
                    train (em { steps 10 })
                }

            let stopping = { mine.Method.Gradient with EarlyStopping = Some 2 }
            let patient = { mine with Method = mine.Method.WithGradient stopping }
            let often (experiment: Experiment) = { experiment with ValidateEvery = 7 }
            let identity = Essence.identity
            Expect.equal (identity { mine with KeepBest = false }) (identity mine) "what is kept"
            Expect.equal (identity (often mine)) (identity mine) "how often it is evaluated"
            Expect.notEqual (identity patient) (identity mine) "when it stops"
            Expect.notEqual (identity (often patient)) (identity patient) "what it stops by"

        testCase "a damaged checkpoint gives way to the one before, and nothing in the folder changes"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                let path = Path.Combine(folder, "checkpoint.safetensors")
                let bytes = File.ReadAllBytes path
                bytes[bytes.Length / 2] <- bytes[bytes.Length / 2] ^^^ 1uy
                File.WriteAllBytes(path, bytes)
                use trained = Trained.load folder

                scoped
                <| fun () ->
                    let stored = Safetensors.Read(Path.Combine(folder, "checkpoints", "15.safetensors"))

                    for KeyValue(name, value) in trained.Graph.state_dict () do
                        Expect.equal (numbers value) (numbers stored[name]) name

                Expect.equal (File.ReadAllBytes path) bytes "as it was"

        testCase "another architecture is refused with all that differs"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                let other =
                    network "mine" {
                        features 4
                        linear 7 |> relu

                        modular {
                            modules 4
                            unit (linear 5 |> tanh)
                            choose 2
                        }

                        linear 5
                        softmax 3
                    }

                complains
                    (fun () ->
                        use _ = folder |> Trained.load_as (fun run -> { run with Network = other })
                        ())
                    [
                        "expected a checkpoint of the same architecture"
                        "linear1.weight: [7, 4] in the network, [6, 4] in the checkpoint"
                        "linear2.weight [5, 5]: only in the network"
                        "only in the checkpoint"
                    ]

        testInDirectory "an experiment trains by one call, which gives its end or the mistakes that check gives"
        <| fun directory ->
            let mine = experimentOf directory methods.Head net'

            match quietly (fun () -> Train.experiment mine) with
            | Error mistakes -> failtest $"{mistakes}"
            | Ok outcome -> Expect.isTrue outcome.Finished "it came to its end"

            Expect.isTrue (File.Exists(Path.Combine(mine.Out.Value, "summary.json"))) "it left its run"
            let broken = { mine with Seed = -1; Out = None; Network = { net' with Layers = [] } }
            let found = Check.experiment broken |> Result.map ignore
            Expect.isError found "an experiment with mistakes"
            Expect.equal (quietly (fun () -> Train.experiment broken) |> Result.map ignore) found "the same mistakes"

        testInDirectory "a resumed experiment that is another is refused with what differs"
        <| fun directory ->
            let mine = experimentOf directory methods.Head net'
            quietly (fun () -> Running.train Settings.none mine |> ignore)

            let other = {
                mine with
                    Seed = 2
                    Network = {
                        net' with
                            Layers =
                                net'.Layers
                                |> List.map (function
                                    | Layer.Linear linear -> Layer.Linear { linear with Width = 9 }
                                    | layer -> layer)
                    }
            }

            complains (fun () -> Running.train { Settings.none with Resume = true } other |> ignore) [
                "expected the same experiment as the run to resume, got another"
                "$.network.layers[1].width: 6, now 9"
                "$.seed: 1, now 2"
            ]

        testCase "a spec of a later version is refused by name, and a script's own modules by theirs"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                let path = Path.Combine(folder, "spec.json")
                let spec = File.ReadAllText path

                let opens (json: string) =
                    File.WriteAllText(path, json)

                    fun () ->
                        use _ = Trained.load folder
                        ()

                complains (opens (spec.Replace("\"version\": 2", "\"version\": 3"))) [
                    path
                    "$.version: expected 2, got 3"
                    "read it with the ModNet that wrote it"
                ]

                let custom =
                    """{ "kind": "custom", "name": "never seen", "input": { "kind": "vector", "width": 6 }, "output": { "kind": "vector", "width": 6 }, "parameters": 0, "multiply_adds": 0 },"""

                let at = spec.IndexOf("\"kind\": \"modular\"", StringComparison.Ordinal)
                let from = spec.LastIndexOf('{', at)
                complains (opens (spec.Insert(from, custom))) [ "never seen" ]

                // In a name, where JSON would take it for a letter that it does not know.
                let name = spec.IndexOf("\"name\": \"", StringComparison.Ordinal) + 9
                File.WriteAllBytes(path, Array.insertAt name 0xE9uy (Text.Encoding.UTF8.GetBytes spec))

                complains
                    (fun () ->
                        use _ = Trained.load folder
                        ())
                    [ $"{path}, line "; "expected text in UTF-8, got byte 0xE9" ]

        testCase "a spec that is not as the checkpoint found it is said"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                let said () =
                    let before = Console.Error
                    use caught = new StringWriter()
                    Console.SetError caught

                    try
                        use _ = Trained.load folder
                        string caught
                    finally
                        Console.SetError before

                let path = Path.Combine(folder, "spec.json")
                Expect.equal (said ()) "" "nothing, of the spec as it was"
                // Another network of the same weights: their shapes cannot tell.
                File.WriteAllText(path, (File.ReadAllText path).Replace("\"tanh\"", "\"relu\""))
                Expect.stringContains (said ()) $"{path}: is not as it was when" "what is said"

        testCase "a folder that is none, or has lost its checkpoint, is refused"
        <| fun () ->
            leaving methods.Head
            <| fun folder ->
                Directory.Delete(Path.Combine(folder, "checkpoints"), true)
                File.Delete(Path.Combine(folder, "checkpoint.safetensors"))

                complains
                    (fun () ->
                        use _ = Trained.load folder
                        ())
                    [ "checkpoint.safetensors: expected a checkpoint, got none" ]

                complains
                    (fun () ->
                        use _ = Trained.load (folder + "-nowhere")
                        ())
                    [ "the folder of a run" ]

        testCase "on another device"
        <| fun () ->
            if not (torch.cuda.is_available ()) then skiptest "there is no CUDA device here"

            leaving methods.Head
            <| fun folder ->
                use here = Trained.load folder
                use there = folder |> Trained.load_as (fun run -> { run with Device = Cuda 0 })

                Expect.all (Array.zip (reads here) (reads there)) (fun (a, b) -> abs (a - b) < 1e-4) "the same"
    ]
