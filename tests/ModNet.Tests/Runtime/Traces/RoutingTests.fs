/// Routing traces: what they hold against datapoints run one by one, their file against a reader of its own, and when a run writes them.
module ModNet.Tests.RoutingTests

open System
open System.IO
open System.Text.Json
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open TorchSharp

let private linear (pool: string) modules seed =
    new LinearPool(pool, modules, 3, 3, Activation.Tanh, true, doubles seed) :> ModulePool

let private layer name (controller: Controller) pool =
    new ModularLayer(name, controller, pool, Combine.Sum, Dispatch.Auto) :> Node

/// A given layer between two latent ones, and a class to tell.
let private classifier choose n =
    let graph =
        new Graph(
            [|
                layer "modular1" (new LinearController(3, choose, 4, doubles 1)) (linear "a" 4 2)
                layer "modular2" (new GivenController(2, 3)) (linear "b" 3 3)
                layer "modular3" (new LinearController(3, 1, 2, doubles 4)) (linear "c" 2 5)
            |],
            new CategoricalHead(3, 5, doubles 6)
        )

    let side =
        SideInputs((indices 9 2 n 1).view(-1L), torch.cat (ResizeArray [ indices 7 3 n 1; indices 8 3 n 1 ], 1L))

    graph, new Dataset(normal 10 [ n; 3 ], (indices 11 5 n 1).view(-1L), side)

let private steps = GradientSettings(4L)

let private rows (array: Array) = array |> Seq.cast<float32> |> Seq.toArray

let private close (expected: float[]) (actual: float32[]) what =
    Expect.equal actual.Length expected.Length $"{what}: how many"

    for e, a in Array.zip expected actual do
        Expect.isLessThan (abs (e - float a)) 1e-5 what

/// Every datapoint alone through the graph, and its tape read entry by entry.
let private agrees (graph: Graph) (data: Dataset) (method: TrainingMethod) (which: int64[]) =
    let trace = RoutingTracer.Of(graph, data, which, method, torch.CPU, 7L, "validation", batch = 3)

    Expect.equal trace.Step 7L "step"
    Expect.equal trace.Split "validation" "split"
    Expect.equal trace.Datapoints which "datapoints"

    for n in 0 .. which.Length - 1 do
        let one = data.Get(torch.tensor [| which[n] |])

        let output = graph.InEvaluation(fun () -> graph.Forward(one.Inputs, method.Evaluating, one.Side))

        let time = Collections.Generic.Dictionary<string, int>()

        for entry in output.Tape.Entries do
            let t =
                match time.TryGetValue entry.Site.Layer with
                | true, t -> t
                | _ -> 0

            time[entry.Site.Layer] <- t + 1
            let layer = trace.Layers |> Seq.find (fun l -> l.Name = entry.Site.Layer)
            let chosen = [| for k in 0 .. layer.Choose - 1 -> layer.Selections[n, t, k] |]
            Expect.equal chosen (integers entry.Selection.Indices) $"{layer.Name}, datapoint {n}, time {t}"
            Expect.equal layer.Latent entry.Latent "latent"
            Expect.equal layer.Modules entry.Site.Modules "M"
            let weighted = not (isNull entry.Selection.Weights)
            Expect.equal (isNull layer.Weights) (not weighted) "weights where there are some"

            if not (isNull layer.Probabilities) then
                let p =
                    Array2D.init (layer.Probabilities.GetLength 2) layer.Modules (fun k m ->
                        layer.Probabilities[n, t, k, m])
                    |> Seq.cast<float32>
                    |> Seq.toArray

                let expected =
                    if weighted then
                        let gate = Array.zeroCreate layer.Modules

                        for m, w in Array.zip chosen (numbers entry.Selection.Weights) do
                            gate[m] <- w

                        close
                            (numbers entry.Selection.Weights)
                            [| for k in 0 .. layer.Choose - 1 -> layer.Weights[n, t, k] |]
                            "weights"

                        gate
                    else
                        numbers (entry.Distribution.LogProbabilities.exp ())

                close expected p $"{layer.Name}, datapoint {n}, time {t}"

        for layer in trace.Layers do
            Expect.equal layer.Times time[layer.Name] "T"

        close
            (numbers (graph.Head.LogLikelihood(output.Features, one.Targets)))
            [| trace.LogLikelihood[n] |]
            "log p(y|x, a)"

        if not (isNull trace.LogProbability) then
            close (numbers (output.Tape.LogProbability())) [| trace.LogProbability[n] |] "log p(a|x)"

        if not (isNull trace.PredictedClasses) then
            Expect.equal
                trace.PredictedClasses[n]
                (integers (graph.Head.Predict output.Features)).[0]
                "the most probable class"

    trace

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
        testScoped "hold what datapoints run one by one leave on their tapes"
        <| fun () ->
            let graph, data = classifier 2 11
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
            let trace = agrees graph data em [| 0L; 1L; 2L; 4L; 7L; 9L; 10L |]
            Expect.equal [ for l in trace.Layers -> l.Name ] [ "modular1"; "modular2"; "modular3" ] "in order"
            Expect.isNull trace.Layers[1].Probabilities "given choices have no distribution"
            Expect.isNotNull trace.LogProbability "log p(a|x)"

            Expect.equal
                (trace.TargetClasses |> Seq.cast<int> |> Seq.toArray)
                (integers (data.Targets.index_select (0L, torch.tensor trace.Datapoints)))
                "classes"

            Expect.equal
                trace.Tasks
                (integers (data.Side.Tasks.index_select (0L, torch.tensor trace.Datapoints)))
                "tasks"

            close
                (numbers (data.Inputs.index_select (0L, torch.tensor trace.Datapoints)))
                (rows trace.Features)
                "features"

        testScoped "of sequences: every time step a site, tokens and next words beside"
        <| fun () ->
            let graph, data = Fixtures.language 3 4 2 Dispatch.Auto 7 5
            use streams = new RandomStreams 3L
            use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
            let trace = agrees graph data em (Fixtures.everything data)
            Expect.equal trace.Layers[0].Times 5 "T"
            Expect.equal (trace.Tokens |> Seq.cast<int> |> Seq.toArray) (integers data.Inputs) "tokens"
            Expect.equal (trace.TargetClasses |> Seq.cast<int> |> Seq.toArray) (integers data.Targets) "next words"
            Expect.isNull trace.PredictedClasses "no predictions of sequences"

        testScoped "of training data by EM: a* as the table has it, which can take the place of selections"
        <| fun () ->
            let check graph (data: Dataset) (which: int64[]) =
                use streams = new RandomStreams 3L
                use em = new ViterbiEm(graph, data, EmSettings(3, 2, 6L, 6L, 1e-2), streams)
                em.EStep(Fixtures.everything data) |> ignore
                let trace = RoutingTracer.Of(graph, data, which, em, torch.CPU, split = "train")
                let assigned = trace.Assigned()

                for row, n in Array.indexed which do
                    let choices = [
                        for layer in assigned.Layers do
                            if layer.Latent then
                                for t in 0 .. layer.Times - 1 do
                                    for k in 0 .. layer.Choose - 1 -> layer.Selections[row, t, k]
                    ]

                    let expected = [ for c in 0 .. em.Assignments.Choices - 1 -> int em.Assignments[n, c] ]

                    Expect.equal choices expected $"datapoint {n}"

                for before, after in Seq.zip trace.Layers assigned.Layers do
                    Expect.equal (isNull before.Held) (not before.Latent) "given choices are in no a*"

                    if not before.Latent then Expect.equal after.Selections before.Selections "given choices stay"

                let picked = (trace.Pick [| 1 |]).Layers[0].Held
                Expect.equal picked[0, 0, 0] trace.Layers[0].Held[1, 0, 0] "of some rows"

                let held_out = RoutingTracer.Of(graph, data, which, em, torch.CPU, split = "validation")

                Expect.isNull (held_out.Assigned()) "held-out data have none"

            let graph, data = classifier 2 9
            check graph data [| 0L; 3L; 8L |]
            let graph, data = Fixtures.language 3 4 2 Dispatch.Auto 7 5
            check graph data [| 2L; 6L |]

        testScoped "of a text that carries state: as window after window leaves it, whichever are wanted"
        <| fun () ->
            use streams = new RandomStreams 3L
            let graph, data = Fixtures.resuming streams 4 true
            use em = new ViterbiEm(graph, data, EmSettings(2, 2, 4L, 4L, 1e-2), streams)
            let wanted = [| 1L; 2L; 6L; 9L; 11L; 22L |]
            let trace = RoutingTracer.Of(graph, data, wanted, em, torch.CPU, batch = 5)
            use carried = new RecurrentState()

            for n in Fixtures.everything data do
                let window = data.Get(torch.tensor [| n |])

                let output = graph.InEvaluation(fun () -> graph.Forward(window.Inputs, ModeSelector(), null, carried))

                match Array.IndexOf(wanted, n) with
                | -1 -> ()
                | row ->
                    for t, entry in Seq.indexed output.Tape.Entries do
                        let layer = trace.Layers[0]
                        Expect.equal [| layer.Selections[row, t, 0] |] (integers entry.Selection.Indices) "choice"

                        close
                            (numbers (entry.Distribution.LogProbabilities.exp ()))
                            [| for m in 0..2 -> layer.Probabilities[row, t, 0, m] |]
                            "probabilities"

                    close
                        (numbers (graph.Head.LogLikelihood(output.Features, window.Targets)))
                        [| trace.LogLikelihood[row] |]
                        "log p(y|x, a)"

                    close (numbers (output.Tape.LogProbability())) [| trace.LogProbability[row] |] "log p(a|x)"
                    Expect.equal [| for t in 0..3 -> trace.Tokens[row, t] |] (integers window.Inputs) "tokens"

        testScoped "of noisy top-k: k modules, their weights, and the gate"
        <| fun () ->
            let graph, data = classifier 1 9
            use streams = new RandomStreams 3L

            use topk = new NoisyTopK(graph, data, NoisyTopKSettings(2, Gradient = steps), streams)

            let trace = agrees graph data topk (Fixtures.everything data)
            Expect.equal [ for l in trace.Layers -> l.Choose ] [ 2; 2; 2 ] "k runs, or the given K"
            Expect.isNull trace.LogProbability "a mixture has no composition to be probable"

        testScoped "of static modules: no controller's word"
        <| fun () ->
            let graph, data = classifier 2 9
            use streams = new RandomStreams 3L
            use still = new StaticModules(graph, data, steps, streams)
            let trace = agrees graph data still (Fixtures.everything data)

            for layer in trace.Layers do
                Expect.isNull layer.Probabilities layer.Name

            Expect.isNull trace.LogProbability "log p(a|x)"

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
            Expect.equal p (rows trace.Layers[0].Probabilities) "probabilities"

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
                    (rows traces[0].Layers[0].Probabilities)
                    (rows traces[3].Layers[0].Probabilities)
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
                let graph = new Graph([| node |], new CategoricalHead(3, 5, doubles 2))
                let data = new Dataset(normal 3 [ 9; 3 ], (indices 4 5 9 1).view(-1L))
                use streams = new RandomStreams 3L
                use still = new StaticModules(graph, data, steps, streams)
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
