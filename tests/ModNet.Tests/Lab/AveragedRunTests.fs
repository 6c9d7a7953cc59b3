/// A run that keeps an average of its weights, opened again.
module ModNet.Tests.AveragedRunTests

open System.IO
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.ExampleNetworks
open ModNet.Tests.Running

let private on (directory: string) (method': Method) =
    experiment {
        net toy

        data (
            toy_regression {
                points 128
                held_out 64
            }
        )

        train method'
        out (Path.Combine(directory, "run"))
    }

[<Tests>]
let tests =
    testInDirectory "a run that averages its weights is judged, traced and opened with the average"
    <| fun directory ->
        let run =
            on
                directory
                (em {
                    batch 32
                    steps 40
                    optimizer (Adam 0.02)
                    average_weights 0.95
                })

        let outcome = quietly (fun () -> scoped <| fun () -> train Settings.none run)
        let folder = run.Out.Value
        use trained = Trained.load folder

        scoped
        <| fun () ->
            let stored = Safetensors.Read(Path.Combine(folder, "checkpoint.safetensors"))

            for KeyValue(name, value) in trained.Graph.state_dict () do
                Expect.equal (numbers value) (numbers stored[$"method.average.{name}"]) name
                Expect.notEqual (numbers value) (numbers stored[name]) $"{name}: not as training left it"

        Trained.within folder (fun again ->
            let test = again.Source.Splits.Test

            let found =
                scoped (fun () -> Evaluation.Of(again.Graph, test, 64L, again.Device, again.Evaluating).LogLikelihood)

            Expect.floatClose Accuracy.high found outcome.Final["test"].[Metric.LogLikelihood].Value "evaluated"

            let summary = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "summary.json")))
            let verdict = scoped (fun () -> again.Source.Judge again.Graph again.Evaluating again.Device)

            for name, value in verdict.Summary do
                Expect.isTrue (JsonNode.DeepEquals(summary[name], value)) $"judged: {name}"

            let trace = Trace.load (Path.Combine(folder, "routing.safetensors"))

            scoped
            <| fun () ->
                let held = test[0]
                let output = again.Graph.InEvaluation(fun () -> again.Graph.Forward(held.Inputs, again.Evaluating))
                let expected = numbers (output.Tape.Entries[0].Distribution.LogProbabilities.exp().flatten())
                let traced = trace.Layers[0].Probabilities |> Seq.cast<float32> |> Seq.map float |> Seq.toArray
                Expect.equal traced.Length expected.Length "traced: how many"
                Expect.all (Array.zip traced expected) (fun (a, b) -> abs (a - b) < 1e-5) "traced")
