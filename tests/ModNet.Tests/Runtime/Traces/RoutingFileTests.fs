/// The file of a routing trace against a reader of its own, and when a run writes one.
module ModNet.Tests.RoutingFileTests

open System
open System.IO
open System.Text.Json
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

let private same (one: RoutingTrace) (other: RoutingTrace) =
    let equal (a: Array) (b: Array) what =
        Expect.equal (isNull a) (isNull b) what

        if not (isNull a) then
            Expect.equal
                [ for d in 0 .. a.Rank - 1 -> a.GetLength d ]
                [ for d in 0 .. b.Rank - 1 -> b.GetLength d ]
                what

            Expect.isTrue (Seq.forall2 (=) (Seq.cast<IComparable> a) (Seq.cast<IComparable> b)) what

    Expect.equal (one.Step, one.Split) (other.Step, other.Split) "step and split"
    equal one.Datapoints other.Datapoints "datapoints"
    equal one.LogLikelihood other.LogLikelihood "log likelihood"
    equal one.LogProbability other.LogProbability "log probability"
    equal one.Tokens other.Tokens "tokens"
    equal one.Features other.Features "features"
    equal one.TargetClasses other.TargetClasses "target classes"
    equal one.TargetValues other.TargetValues "target values"
    equal one.PredictedClasses other.PredictedClasses "predicted classes"
    equal one.PredictedValues other.PredictedValues "predicted values"
    equal one.Tasks other.Tasks "tasks"

    for labels, others in
        [
            one.Labels.Vocabulary, other.Labels.Vocabulary
            one.Labels.Classes, other.Labels.Classes
            one.Labels.Tasks, other.Labels.Tasks
        ] do
        Expect.equal
            (labels |> Option.ofObj |> Option.map List.ofSeq)
            (others |> Option.ofObj |> Option.map List.ofSeq)
            "labels"

    Expect.equal one.Layers.Count other.Layers.Count "layers"

    for a, b in Seq.zip one.Layers other.Layers do
        Expect.equal (a.Name, a.Pool, a.Modules, a.Latent) (b.Name, b.Pool, b.Modules, b.Latent) "layer"
        equal a.Selections b.Selections "selections"
        equal a.Probabilities b.Probabilities "probabilities"
        equal a.Weights b.Weights "weights"
        equal a.Held b.Held "a*"

type private Traces =
    static member Trace() : FsCheck.Arbitrary<RoutingTrace> =
        gen {
            let! n = Gen.choose (1, 4)
            let! seed = Gen.choose (1, 1_000_000)
            let random = Random seed
            let! modules = Gen.listOfLength 2 (Gen.elements [ 1; 2; 7; 256; 257; 300 ])

            let! times, choose, some =
                Gen.zip3 (Gen.choose (1, 3)) (Gen.choose (1, 3)) (Gen.listOfLength 6 (Gen.elements [ true; false ]))

            let real _ = random.NextSingle()
            let maybe i (value: 'Value) = if some[i] then value else null
            // Where numbers have labels they are below their count.
            let id (labelled: bool) count = if labelled then random.Next count else random.Next()

            let layers =
                modules
                |> List.mapi (fun i m ->
                    RoutingLayer(
                        $"sum_of1/%d{i}/modulär",
                        m,
                        some[0],
                        Array3D.init n times choose (fun _ _ _ -> random.Next m),
                        maybe 1 (Array4D.init n times choose m (fun _ _ _ _ -> real ())),
                        maybe 2 (Array3D.init n times choose (fun _ _ _ -> real ())),
                        Pool = $"pool {m}",
                        Held = maybe 3 (Array3D.init n times choose (fun _ _ _ -> random.Next m))
                    ))

            return
                RoutingTrace(
                    Step = random.NextInt64(),
                    Split = "train",
                    Datapoints = Array.init n (fun _ -> random.NextInt64()),
                    Layers = ResizeArray layers,
                    LogLikelihood = Array.init n real,
                    LogProbability = maybe 3 (Array.init n real),
                    Tokens = maybe 4 (Array2D.init n times (fun _ _ -> id some[4] 4)),
                    Features = (if some[4] then null else Array2D.init n 3 (fun _ _ -> real ())),
                    TargetClasses = maybe 5 (Array2D.init n times (fun _ _ -> if some[0] then 0 else id some[4] 4)),
                    TargetValues = (if some[5] then null else Array2D.init n 2 (fun _ _ -> real ())),
                    PredictedClasses = maybe 5 (Array.init n (fun _ -> id some[0] 1)),
                    Tasks = maybe 2 (Array.init n (fun _ -> id some[1] 1)),
                    Labels =
                        RoutingLabels(
                            maybe 4 [| "the"; "\"<eos>\""; "naïve"; "\u2028" |],
                            maybe 0 [| "a" |],
                            maybe 1 [| "t" |]
                        )
                )
        }
        |> Arb.fromGen

let private config = trying 40 typeof<Traces> (2018UL, 5UL)

/// The safetensors format read from its description: header length, JSON header, raw numbers.
let private byHand (path: string) =
    let bytes = File.ReadAllBytes path
    let length = int (BitConverter.ToUInt64(bytes, 0))
    let header = JsonDocument.Parse(ReadOnlyMemory(bytes, 8, length)).RootElement

    let tensor (name: string) =
        let entry = header.GetProperty name

        let offsets = [| for o in entry.GetProperty("data_offsets").EnumerateArray() -> o.GetInt32() |]

        let shape = [ for s in entry.GetProperty("shape").EnumerateArray() -> s.GetInt32() ]
        entry.GetProperty("dtype").GetString(), shape, bytes[8 + length + offsets[0] .. 8 + length + offsets[1] - 1]

    header.GetProperty "__metadata__", tensor

let private run (folder: string) every =
    scoped
    <| fun () ->
        let graph, data = Fixtures.language 5 3 1 Dispatch.Auto 20 4
        use streams = new RandomStreams 3L
        use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
        use run = RunFolder.Create folder
        let held = data.Part(torch.arange 7L)
        let splits = new DataSplits(data, [| held |], [||])
        let plan = RoutingPlan(Option.toNullable every, 8L, 5L)

        let recorder = RoutingRecorder(graph, em, splits, RoutingLabels(), plan, run, torch.CPU)

        Trainer(graph, em, splits, TrainingPlan(6L, 1L, 6L, 6L), run, streams, torch.CPU, recorder)
            .Run((fun _ -> ()), Threading.CancellationToken.None)
        |> ignore

[<Tests>]
let tests =
    testList "routing traces" [
        testPropertyWithConfig config "a file gives back what was written"
        <| fun (trace: RoutingTrace) ->
            inDirectory
            <| fun directory ->
                let path = Path.Combine(directory, "any.safetensors")
                RoutingFile.Write(path, trace)
                same trace (RoutingTrace.Load path)

        testInDirectory "a reader that knows only the format's description finds the documented parts"
        <| fun directory ->
            run directory None
            let path = Path.Combine(directory, "routing.safetensors")
            let trace = RoutingTrace.Load path
            let metadata, tensor = byHand path
            let text (name: string) = metadata.GetProperty(name).GetString()
            Expect.equal (text "format", text "version") ("modnet.routing", "1") "what it is"
            Expect.equal (text "step", text "split") ("6", "validation") "when, of what"

            Expect.equal
                (text "layers")
                """[{"name":"modular_gru1","pool":"words","sites":4,"choose":1,"modules":3,"latent":true}]"""
                "the sites"

            let dtype, shape, chosen = tensor "selections/modular_gru1"
            Expect.equal (dtype, shape) ("U8", [ 5; 4; 1 ]) "a byte per choice"

            Expect.equal
                (chosen |> Array.map int)
                (trace.Layers[0].Selections |> Seq.cast<int> |> Seq.toArray)
                "choices"

            let dtype, shape, p = tensor "probabilities/modular_gru1"
            Expect.equal (dtype, shape) ("F32", [ 5; 4; 1; 3 ]) "a softmax per site and position"
            let p = Array.init (p.Length / 4) (fun i -> BitConverter.ToSingle(p, 4 * i))
            Expect.equal p (RoutingTests.rows trace.Layers[0].Probabilities) "probabilities"

            for site in Array.chunkBySize 3 p do
                Expect.isLessThan (abs (Array.sum site - 1.0f)) 1e-5f "that sums to 1"

            let dtype, shape, numbers = tensor "datapoints"
            Expect.equal (dtype, shape) ("I64", [ 5 ]) "numbers"

            Expect.equal
                [ for i in 0..4 -> BitConverter.ToInt64(numbers, 8 * i) ]
                [ 0L; 1L; 2L; 4L; 5L ]
                "evenly spaced over 7"

        testInDirectory
            "over training: step 0 and every N, always the same datapoints; the run itself stays what it was"
        <| fun traced ->
            inDirectory
            <| fun plain ->
                run traced (Some 2L)
                run plain None

                let files =
                    Directory.GetFiles(Path.Combine(traced, "routing")) |> Array.map Path.GetFileName |> Array.sort

                Expect.equal files [| "0.safetensors"; "2.safetensors"; "4.safetensors"; "6.safetensors" |] "files"

                let traces = files |> Array.map (fun f -> RoutingTrace.Load(Path.Combine(traced, "routing", f)))

                Expect.equal [ for t in traces -> t.Step ] [ 0L; 2L; 4L; 6L ] "steps"

                for t in traces do
                    Expect.equal t.Datapoints [| 0L; 2L; 5L; 7L; 10L; 12L; 15L; 17L |] "evenly spaced over 20"
                    Expect.equal t.Split "train" "of what was trained on"

                Expect.notEqual
                    (RoutingTests.rows traces[0].Layers[0].Probabilities)
                    (RoutingTests.rows traces[3].Layers[0].Probabilities)
                    "it learns"

                Expect.isFalse (Directory.Exists(Path.Combine(plain, "routing"))) "none where none is asked for"

                let checkpoint folder = [
                    for KeyValue(name, value) in Safetensors.Read(Path.Combine(folder, "checkpoint.safetensors")) do
                        if not (name.StartsWith "run.") then name, Convert.ToHexString(value.bytes.ToArray())
                ]

                Expect.equal (checkpoint traced) (checkpoint plain) "bit for bit"

        testInDirectory "a run that starts over in a folder takes its own traces out, and nothing else"
        <| fun directory ->
            run directory (Some 3L)
            let mine = Path.Combine(directory, "routing", "mine.safetensors")
            File.WriteAllText(mine, "")
            run directory None
            Expect.equal (Directory.GetFiles(Path.Combine(directory, "routing"))) [| mine |] "what is left"
            File.Delete mine
            run directory None
            Expect.isFalse (Directory.Exists(Path.Combine(directory, "routing"))) "an empty folder goes"

        testInDirectory "a network that chooses nothing leaves no trace"
        <| fun directory ->
            scoped
            <| fun () ->
                let node = new LinearNode("linear1", 3, 3, Activation.Tanh, true, doubles 1)
                let graph = new Graph([| node |], new SoftmaxHead(3, 5, doubles 2))
                let data = new Dataset(normal 3 [ 9; 3 ], (indices 4 5 9 1).view(-1L))
                use streams = new RandomStreams 3L
                use still = new StaticModules(graph, data, GradientSettings 4L, streams)
                use folder = RunFolder.Create directory
                let splits = new DataSplits(data, [||], [||])

                let recorder =
                    RoutingRecorder(graph, still, splits, RoutingLabels(), RoutingPlan(1L, 8L, 5L), folder, torch.CPU)

                recorder.During 0L
                recorder.AtEnd 1L
                Expect.isEmpty (Directory.GetFileSystemEntries(directory, "routing*")) "nothing"

        testInDirectory "a file that is no trace is refused in one line"
        <| fun directory ->
            scoped
            <| fun () ->
                let path = Path.Combine(directory, "other.safetensors")

                let refused parts = complains (fun () -> RoutingTrace.Load path |> ignore) (path :: parts)

                Safetensors.Write(path, readOnlyDict [ "a", torch.zeros 2L ])
                refused [ "expected a routing trace (modnet.routing 1), got another file" ]

                Safetensors.Write(
                    path,
                    readOnlyDict [ "a", torch.zeros 2L ],
                    readOnlyDict [ "format", "modnet.routing"; "version", "2" ]
                )

                refused [ "got modnet.routing 2" ]

                Safetensors.Write(
                    path,
                    readOnlyDict [ "a", torch.zeros 2L ],
                    readOnlyDict [ "format", "modnet.routing"; "version", "1" ]
                )

                refused [ "expected a routing trace with all its parts" ]
                File.WriteAllText(path, "not a file of tensors")
                refused [ "expected a safetensors file" ]
    ]
