/// What runs leave, and what is wrong with it, by the thousand.
module ModNet.Tests.RunFuzzTests

open System
open System.Buffers.Binary
open System.IO
open System.Text
open System.Text.Json.Nodes
open Expecto
open ModNet
open ModNet.Figures
open ModNet.Runtime
open ModNet.Tests.Mutations
open TorchSharp

let private written (write: string -> unit) =
    lazy
        (let path = Path.GetTempFileName()

         scoped (fun () -> write path)
         let bytes = File.ReadAllBytes path
         File.Delete path
         bytes)

let private tensors =
    written (fun path ->
        Safetensors.Write(
            path,
            readOnlyDict [ "a", torch.ones (3L, 4L); "b.c", torch.arange 5L; "empty", torch.zeros (0L, 2L) ],
            readOnlyDict [ "format", "test" ]
        ))

/// The file as it is with bytes changed; or with its header's JSON changed, and no seal to tell.
let private mutateSealed (bare: bool) (seed: Lazy<byte[]>) (name: string) (random: Random) (directory: string) =
    let bytes = seed.Value

    if random.Next 3 = 0 then
        put directory name (ofBytes random bytes)
    else
        let length = int (BinaryPrimitives.ReadInt64LittleEndian(ReadOnlySpan bytes))
        let header = JsonNode.Parse(Encoding.UTF8.GetString(bytes, 8, length))

        match header["__metadata__"] with
        | :? JsonObject when bare -> header.AsObject().Remove "__metadata__" |> ignore
        | :? JsonObject as metadata -> metadata.Remove "sha256" |> ignore
        | _ -> ()

        let header = ofJson random (header.ToJsonString())

        let data = if random.Next 3 = 0 then ofBytes random bytes[8 + length ..] else bytes[8 + length ..]

        put directory name (Array.concat [ BitConverter.GetBytes(int64 header.Length); header; data ])

let private mutateSafetensors = mutateSealed false

let private traces =
    let selections = Array3D.init 4 2 1 (fun n t _ -> (n + t) % 3)
    let probabilities = Array4D.create 4 2 1 3 (1.0f / 3.0f)

    written (fun path ->
        RoutingFile.Write(
            path,
            RoutingTrace(
                Step = 3L,
                Split = "train",
                Datapoints = [| 0L; 1L; 2L; 3L |],
                Layers = [| RoutingLayer("modular1", 3, true, selections, probabilities, Held = selections) |],
                LogLikelihood = Array.create 4 -1.0f,
                LogProbability = Array.create 4 -1.0f,
                Tokens = Array2D.init 4 2 (fun i j -> i + j),
                TargetClasses = Array2D.init 4 2 (fun i j -> i * j),
                Labels = RoutingLabels(Vocabulary = [| for i in 0..9 -> $"w{i}" |])
            )
        ))

let private loadTrace directory =
    let trace = RoutingTrace.Load(Path.Combine(directory, "routing.safetensors"))
    // What is accepted must do for what reads it.
    InspectText.ofTrace { Layer = None; Top = 3 } trace |> ignore

/// A run of one step in a folder, its network small.
let private oneStepSaying (say: string -> unit) (resume: bool) (steps: int64) (directory: string) =
    use streams = new RandomStreams(5L)
    let graph, data = Fixtures.resuming streams 2 false
    use em = new ViterbiEm(graph, data, EmSettings(2, 1, 7L, 7L, 1e-2), streams)

    use folder = if resume then RunFolder.Open directory else RunFolder.Create directory

    let splits = new DataSplits(data, [||], [||])
    let plan = TrainingPlan(steps, 1L, 9L, 9L, KeepCheckpoints = 1)

    let trainer = Trainer(graph, em, splits, plan, folder, streams, torch.CPU, Say = Action<string> say)

    trainer.Run(ignore, Threading.CancellationToken.None, resume) |> ignore

let private oneStep = oneStepSaying ignore

let private run =
    lazy
        (inDirectory (fun directory ->
            scoped (fun () -> oneStep false 1L directory)
            let read name = File.ReadAllBytes(Path.Combine(directory, name))
            read "checkpoint.safetensors", read "metrics.jsonl"))

let private mutateCheckpoint (random: Random) (directory: string) =
    let checkpoint, metrics = run.Value
    put directory "metrics.jsonl" metrics
    // Without metadata it is one of the first version, which had no seal: what is wrong gets as far as it can.
    mutateSealed (random.Next 4 > 0) (lazy checkpoint) "checkpoint.safetensors" random directory

let private mutateMetrics (random: Random) (directory: string) =
    let checkpoint, metrics = run.Value
    put directory "checkpoint.safetensors" checkpoint

    put
        directory
        "metrics.jsonl"
        (if random.Next 2 = 0 then
             ofBytes random metrics
         else
             ofJson random (Encoding.UTF8.GetString(metrics).TrimEnd()))

/// Lines that are others than the run wrote are said.
let private resumeWithMetrics (directory: string) =
    let said = ResizeArray<string>()
    oneStepSaying said.Add true 2L directory
    let before = snd run.Value
    let now = File.ReadAllBytes(Path.Combine(directory, "metrics.jsonl"))

    if said.Count = 0 then Expect.equal now[.. before.Length - 1] before "as the run wrote it"

let private bigNetwork =
    let shared =
        pool "shared" {
            modules 3

            unit (
                chain {
                    linear 4 |> relu
                    linear 4
                }
            )
        }

    network "big" {
        features 4
        linear 4 |> relu

        modular {
            from shared
            choose 2
            controller (Mlp [ 3 ])
        }

        residual {
            linear 4
            dropout 0.1
        }

        sum_of {
            chain { linear 4 }
            chain { modular { from shared } }
        }

        modular {
            modules 2
            unit (linear 2)
            combine Concat
            choose 2
        }

        softmax 3
    }

let private experimentText =
    Experiment.to_json (
        experiment {
            net bigNetwork

            data (
                csv "x.csv" {
                    target "y"
                    classes 3
                }
            )

            train (
                em {
                    steps 10
                    schedule (Warmup(3, Cosine))
                }
            )
        }
    )

let private readText (directory: string) (name: string) = File.ReadAllText(Path.Combine(directory, name))

let private loadExperiment directory =
    match Experiment.of_json (readText directory "spec.json") with
    | Error diagnostic -> raise (UserException(string diagnostic))
    | Ok experiment ->
        Expect.equal (Experiment.of_json (Experiment.to_json experiment)) (Ok experiment) "comes back"

        match Check.experiment experiment with
        | Error diagnostics -> raise (UserException(diagnostics |> List.map string |> String.concat "\n"))
        | Ok summary -> string summary |> ignore

let private loadNetwork directory =
    match Network.of_json (readText directory "network.json") with
    | Error diagnostic -> raise (UserException(string diagnostic))
    | Ok network ->
        match Network.to_svg network with
        | Error diagnostics -> raise (UserException(diagnostics |> List.map string |> String.concat "\n"))
        | Ok _ -> ()

let private summaryText =
    """{ "command": "./modnet demo", "seed": 1, "device": "cpu", "threads": 2, "versions": { "modnet": "0.1.0" }, "seconds": 1.5,
    "steps": 10, "finished": false, "parameters": 12, "data": { "kind": "toy_regression", "train": 4 },
    "final": { "step": 10, "loss": 0.5, "seconds": 1.4 }, "test": { "step": 10, "squared_error": 0.25, "seconds": 1.5 } }"""

let private stateText = """{ "version": 1, "step": 10, "seed": 1 }"""

let private recordText =
    """{ "command": "./modnet reproduce small", "commit": "0123abc", "dirty": false, "processor": "two cores",
    "began": "2026-01-01T00:00:00Z", "ended": "2026-01-01T00:01:00Z" }"""

/// Everything in the folder but weights; each file of it may be changed.
let private mutateFolder (random: Random) (directory: string) =
    let changed = random.Next 5
    let metrics = Encoding.UTF8.GetString(snd run.Value).TrimEnd()

    for i, (name, text) in
        List.indexed [
            "spec.json", experimentText
            "summary.json", summaryText
            "state.json", stateText
            "metrics.jsonl", metrics
            "study.json", recordText
        ] do
        put directory name (if i = changed then ofJson random text else Encoding.UTF8.GetBytes text)

let private loadFolder directory =
    let row = row "first" { run (fun _ -> failwith "not run") }

    match RunReader.read row 1 directory with
    | Some(found, identity) -> RunReader.entry [] "again" (found, identity) |> ignore
    | None -> ()

    Report.ofRun directory |> Report.write (Path.Combine(directory, "report.html"))

let private resultsText =
    StudyJson.write {
        Study = "small"
        Title = "A small study"
        Quick = false
        Measures = [ "accuracy" ]
        NeedsData = false
        Rows = [
            {
                Id = "first"
                Label = "First"
                Paper = Map [ "accuracy", PaperValue.Number 0.5 ]
                Spec = "0123456789ab"
                Data = None
            }
        ]
        Entries = [
            {
                Row = "first"
                Seed = 1
                Spec = "0123456789ab"
                Data = None
                Finished = true
                Steps = 10L
                Planned = 10L
                Values = Map [ "accuracy", 0.75 ]
                Phases = Map [ "test", Map [ "accuracy", 0.75 ] ]
                Facts = Map.empty
                Command = "./modnet reproduce small"
                Commit = Some "0123abc"
                Dirty = false
                Processor = None
                Threads = Some 2
                Libtorch = Some "1.13.1"
                Device = Some "cpu"
                Seconds = 1.5
                Date = "2026-01-01T00:00:00Z"
            }
        ]
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "fuzzing" [
        tries "safetensors" (3_000 * times) (mutateSafetensors tensors "x.safetensors") (fun directory ->
            let path = Path.Combine(directory, "x.safetensors")

            let read = Safetensors.Read path
            let plain = PlainFiles.tensors path
            Expect.equal read.Count plain.Length "as many tensors"

            for name, _, shape, bytes in plain do
                Expect.equal (List.ofArray read[name].shape) shape "shape"
                Expect.equal (read[name].bytes.ToArray()) bytes "bytes")

        tries "routing.safetensors" (2_000 * times) (mutateSafetensors traces "routing.safetensors") loadTrace
        tries "checkpoints" (600 * times) mutateCheckpoint (oneStep true 2L)
        tries "metrics.jsonl of a resumed run" (300 * times) mutateMetrics resumeWithMetrics

        tries
            "spec.json"
            (2_000 * times)
            (fun random directory -> put directory "spec.json" (ofJson random experimentText))
            loadExperiment

        tries
            "a network's JSON"
            (600 * times)
            (fun random directory -> put directory "network.json" (ofJson random (Network.to_json bigNetwork)))
            loadNetwork

        for name in [ "spec.json"; "summary.json"; "state.json"; "metrics.jsonl" ] do
            for field in [ "\"\\ud800\": 1"; "\"command\": \"\\udc00\"" ] do
                testInDirectory $"{name} of a report with half a character in it: {field}"
                <| fun directory ->
                    mutateFolder (Random 1) directory

                    write directory name ("{ " + field + ", \"step\": 1, \"phase\": \"train\" }") |> ignore

                    loadFolder directory

        tries "a run as a report and a study read it" (200 * times) mutateFolder loadFolder

        tries
            "a study's results"
            (500 * times)
            (fun random directory -> put directory "small.json" (ofJson random resultsText))
            (fun directory -> StudyStore.read (Path.Combine(directory, "small.json")) |> ignore)
    ]
