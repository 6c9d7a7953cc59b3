/// A run that was stopped goes on as if it had not been.
module ModNet.Tests.ResumeTests

open System
open System.IO
open System.Text.RegularExpressions
open System.Threading
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Runtime
open TorchSharp

let private steps = GradientSettings(7L, Optimizer = AdamKind 1e-2)

/// Every method, and every optimiser, as it is made for a graph and its data.
let private methods: (string * (Graph -> Dataset -> RandomStreams -> TrainingMethod)) list = [
    "em", (fun graph data streams -> new ViterbiEm(graph, data, EmSettings(4, 3, 7L, 7L, 1e-2), streams))
    "em from a sweep",
    (fun graph data streams ->
        new ViterbiEm(
            graph,
            data,
            EmSettings(3, 4, 5L, 7L, Optimizer = SgdKind(0.1, 0.9), Start = EmStart.Sweep),
            streams
        ))
    "EM with resting modules",
    (fun graph data streams ->
        new ViterbiEm(graph, data, EmSettings(3, 4, 5L, 7L, Unselected = Runtime.Unselected.Rest), streams))
    "reinforce",
    (fun graph data streams -> new Runtime.Reinforce(graph, data, ReinforceSettings(Gradient = steps), streams))
    "noisy top-k",
    (fun graph data streams ->
        new Runtime.NoisyTopK(graph, data, NoisyTopKSettings(2, 0.1, 0.1, Gradient = steps), streams))
    "loss-free top-k",
    (fun graph data streams ->
        new Runtime.LossFreeTopK(graph, data, LossFreeTopKSettings(2, 0.05, Gradient = steps), streams))
    "EM with averaged weights and smoothed labels",
    (fun graph data streams ->
        new ViterbiEm(
            graph,
            data,
            EmSettings(3, 4, 5L, 7L, 1e-2, AverageWeights = Nullable 0.9, LabelSmoothing = 0.2),
            streams
        ))
    "static",
    (fun graph data streams ->
        let steps = GradientSettings(7L, Optimizer = AdamWKind(1e-2, 0.1), Schedule = CosineSchedule 40L)

        new StaticModules(graph, data, steps, streams))
    "exact", (fun graph data streams -> new ExactLikelihood(graph, data, steps, streams))
]

/// Trains a small language model with dropout to step `last`, in a folder; stops after step `stop` where there is one.
/// What is said of damage and other conditions goes to `say`; `meanwhile` is done after every logged line.
let private trainSaying say meanwhile make carried (window: int) seed directory (last: int) (stop: int option) resume =
    scoped
    <| fun () ->
        use streams = new RandomStreams(seed)
        let graph, data = Fixtures.resuming streams window carried
        use method: TrainingMethod = make graph data streams

        use folder = if resume then RunFolder.Open directory else RunFolder.Create directory

        let splits = new DataSplits(data, [| data |], [||])
        let plan = TrainingPlan(int64 last, 1L, 4L, 5L)

        let trainer = Trainer(graph, method, splits, plan, folder, streams, torch.CPU, Say = System.Action<string> say)

        use cancel = new CancellationTokenSource()

        let seen (progress: Progress) =
            if Some(int progress.Line.Step) = stop && progress.Line.Phase = "train" then cancel.Cancel()

            meanwhile progress.Line

        trainer.Run(seen, cancel.Token, resume) |> ignore

let private train make carried window seed directory last stop resume =
    trainSaying (failtestf "said: %s") ignore make carried window seed directory last stop resume

let private leftIn directory =
    let tensors = [
        for file in [ "checkpoint"; "best" ] do
            for name, bytes in Learned.tensorsIn (Path.Combine(directory, $"{file}.safetensors")) do
                $"{file}: {name}", bytes
    ]

    let metrics = Learned.metricsOf directory

    tensors, metrics

/// An EM run of 30 steps, whose checkpoints are of steps 5, 10, …, stopped after step `last`.
let private emTo last resume directory = train (snd methods.Head) false 4 5L directory 30 (Some last) resume

/// The same from the checkpoint, and what it said.
let private emOnwards directory =
    let said = ResizeArray<string>()
    trainSaying said.Add ignore (snd methods.Head) false 4 5L directory 30 None true
    List.ofSeq said

let private checkpointIn directory = Path.Combine(directory, "checkpoint.safetensors")

let private earlierIn directory =
    Directory.GetFiles(Path.Combine(directory, "checkpoints"))
    |> Array.map Path.GetFileName
    |> Array.sort
    |> List.ofArray

/// Turns one bit of a file.
let private damage (path: string) (place: float) =
    let bytes = File.ReadAllBytes path
    let at = int (place * float (bytes.Length - 1))
    bytes[at] <- bytes[at] ^^^ 4uy
    File.WriteAllBytes(path, bytes)

/// The run in a folder ends as one that nothing happened to.
let private endsAsWhole (directory: string) =
    inDirectory
    <| fun whole ->
        emTo 30 false whole
        let tensors, metrics = leftIn directory
        Expect.equal (tensors, metrics) (leftIn whole) "bit for bit"

/// Stops of a run of 30 steps, each later than the one before.
let private stops =
    Gen.sized (fun _ -> Gen.choose (1, 3))
    |> Gen.bind (fun count -> Gen.listOfLength count (Gen.choose (1, 29)))
    |> Gen.map (List.distinct >> List.sort)

type private Stops =
    static member Stops() : FsCheck.Arbitrary<int list> = Arb.fromGen stops

let private config = trying 3 typeof<Stops> (20261121UL, 1UL)

[<Tests>]
let tests =
    testList "resume" [
        for name, make in methods do
            let ways = if name = "exact" then [ false ] else [ false; true ]

            for carried in ways do
                let how = if carried then ", state carried" else ""

                testPropertyWithConfig config $"{name}{how}: stopped at any steps, the run ends as one that was not"
                <| fun (stops: int list) ->
                    inDirectory
                    <| fun whole ->
                        inDirectory
                        <| fun parts ->
                            let train = train make carried (if name = "exact" then 2 else 4) 5L
                            train whole 30 None false

                            stops |> List.iteri (fun i stop -> train parts 30 (Some stop) (i > 0))
                            train parts 30 None true
                            let wholeTensors, wholeMetrics = leftIn whole
                            let tensors, metrics = leftIn parts
                            Expect.equal (List.map fst tensors) (List.map fst wholeTensors) "what is kept"
                            Expect.equal tensors wholeTensors "bit for bit"
                            Expect.equal metrics wholeMetrics "the same lines of metrics"

        testInDirectory "a folder in which a run is at work is refused"
        <| fun directory ->
            use _first = RunFolder.Create directory

            for second in [ RunFolder.Create; RunFolder.Open ] do
                fails (fun () -> (second directory).Dispose()) "a folder that no run is at work in"

        testInDirectory "a checkpoint that lacks something says what"
        <| fun directory ->
            let make = snd methods.Head
            train make false 4 5L directory 3 None false
            let path = Path.Combine(directory, "checkpoint.safetensors")

            let drop (name: string) =
                use _scope = torch.NewDisposeScope()
                let tensors = Safetensors.Read path
                tensors.Remove name |> ignore
                Safetensors.Write(path, tensors)

            for name in [ "em.assignments"; "method.m_batches.position" ] do
                train make false 4 5L directory 3 None false
                drop name

                complains (fun () -> train make false 4 5L directory 6 None true) [ name ]

        testInDirectory "the newest checkpoints are kept, as many as the plan says"
        <| fun directory ->
            emTo 30 false directory
            Expect.isTrue (File.Exists(checkpointIn directory)) "the newest"
            Expect.equal (earlierIn directory) [ "25.safetensors" ] "and the one before"
            emTo 12 false directory
            Expect.equal (earlierIn directory) [ "10.safetensors" ] "a run that begins anew clears those before"

        testCase "damage anywhere in the newest checkpoint is seen, said, and made good from the one before"
        <| fun () ->
            for place in [ 0.0; 0.003; 0.02; 0.3; 0.5; 0.9; 1.0 ] do
                inDirectory
                <| fun directory ->
                    emTo 18 false directory
                    damage (checkpointIn directory) place
                    let said = emOnwards directory |> String.concat "\n"
                    Expect.stringContains said (checkpointIn directory) "which is damaged"

                    Expect.stringContains
                        said
                        "15.safetensors: is whole, and taken in its place (step 15)"
                        "which is taken"

                    Expect.isTrue (File.Exists(checkpointIn directory + ".damaged")) "it is set aside"
                    endsAsWhole directory

        testCase "a checkpoint that is cut off, or gone, is made good from the one before"
        <| fun () ->
            for length in [ Some 0; Some 7; Some 2_000; None ] do
                inDirectory
                <| fun directory ->
                    emTo 18 false directory
                    let path = checkpointIn directory

                    match length with
                    | Some length -> File.WriteAllBytes(path, (File.ReadAllBytes path)[.. length - 1])
                    | None -> File.Delete path

                    emOnwards directory |> ignore
                    endsAsWhole directory

        testInDirectory "where all checkpoints are damaged, all are named, and nothing is changed"
        <| fun directory ->
            emTo 18 false directory
            let earlier = Path.Combine(directory, "checkpoints", "15.safetensors")
            damage (checkpointIn directory) 0.7
            damage earlier 0.7
            let before = File.ReadAllBytes(Path.Combine(directory, "metrics.jsonl"))
            complains (fun () -> emOnwards directory |> ignore) [ checkpointIn directory; earlier; "damaged" ]
            Expect.equal (File.ReadAllBytes(Path.Combine(directory, "metrics.jsonl"))) before "metrics"

        testInDirectory "a checkpoint of a later format is refused by name, one of the first is read"
        <| fun directory ->
            let rewrite metadata =
                emTo 18 false directory
                Directory.Delete(Path.Combine(directory, "checkpoints"), true)

                scoped
                <| fun () ->
                    let path = checkpointIn directory
                    Safetensors.Write(path, Safetensors.Read path, metadata)

            rewrite (readOnlyDict [ "format", "modnet.checkpoint"; "version", "9" ])

            complains (fun () -> emOnwards directory |> ignore) [
                "expected a checkpoint (modnet.checkpoint 2, or 1), got modnet.checkpoint 9"
            ]

            rewrite null
            Expect.isEmpty (emOnwards directory) "nothing to say"
            endsAsWhole directory

        testInDirectory "other conditions than the checkpoint's are said"
        <| fun directory ->
            emTo 18 false directory
            let threads = torch.get_num_threads ()
            torch.set_num_threads (threads + 1)

            try
                let said = emOnwards directory |> String.concat "\n"
                Expect.stringContains said $"threads {threads}, not {threads + 1}" "what is other"
                Expect.stringContains said "not bit for bit" "what that means"
            finally
                torch.set_num_threads threads

        testInDirectory "metrics that are not as the checkpoint found them are said, and training goes on"
        <| fun directory ->
            emTo 18 false directory
            let path = Path.Combine(directory, "metrics.jsonl")
            let text = File.ReadAllText path
            // A digit of a number, so that the line stays one of metrics.
            let at = text.IndexOf("\"loss\":", StringComparison.Ordinal) + "\"loss\":".Length
            let digit = if text[at] = '9' then "1" else "9"
            File.WriteAllText(path, text.Remove(at, 1).Insert(at, digit))
            let said = emOnwards directory
            Expect.hasLength said 1 "one thing to say"
            Expect.stringContains said[0] $"{path}: is not as it was when {checkpointIn directory} was written" ""

            inDirectory
            <| fun whole ->
                emTo 30 false whole
                Expect.equal (fst (leftIn directory)) (fst (leftIn whole)) "the rest is bit for bit"

        testInDirectory
            "a full disk is a clear error, the last good checkpoint intact, and the run goes on when there is room"
        <| fun directory ->
            // Whatever is written there is refused for want of room.
            let block (line: MetricsLine) =
                if line.Step = 12L && line.Phase = "train" then
                    let temporary =
                        $"{checkpointIn directory}.{Environment.MachineName}-{Environment.ProcessId}.partial"

                    File.CreateSymbolicLink(temporary, "/dev/full") |> ignore

            let before = lazy (File.ReadAllBytes(checkpointIn directory))

            let meanwhile (line: MetricsLine) =
                if line.Step = 12L then before.Force() |> ignore

                block line

            complains
                (fun () -> trainSaying ignore meanwhile (snd methods.Head) false 4 5L directory 30 None false |> ignore)
                [ checkpointIn directory; "No space left on device"; "as it was" ]

            Expect.equal (File.ReadAllBytes(checkpointIn directory)) before.Value "as it was"
            Expect.isEmpty (Directory.GetFiles(directory, "*.partial")) "nothing unfinished"
            Expect.isEmpty (emOnwards directory) "nothing to say"
            endsAsWhole directory

        testInDirectory "where earlier checkpoints cannot be kept, the newest stays"
        <| fun directory ->
            File.WriteAllText(Path.Combine(directory, "checkpoints"), "a file where a folder belongs")
            complains (fun () -> emTo 30 false directory) [ checkpointIn directory; "a file that can be written" ]
            File.Delete(Path.Combine(directory, "checkpoints"))
            Expect.isEmpty (emOnwards directory) "nothing to say"
            endsAsWhole directory
    ]
