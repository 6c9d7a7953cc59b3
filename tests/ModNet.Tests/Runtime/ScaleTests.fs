/// A pool of 4,096 modules: everything that a run does works, and takes memory by what is chosen.
module ModNet.Tests.ScaleTests

open System
open System.Diagnostics
open System.IO
open Expecto
open ModNet.Runtime
open TorchSharp

let private modules = 4096
let private choose = 2

/// One layer of modules 16 → 16, 2 of 4,096 chosen, in float32.
let private network unselected seed =
    let streams = new RandomStreams(seed)
    let init = Initialiser(streams.Init)

    let pool = new LinearPool("p", modules, 16, 16, Activation.Relu, true, init)

    let layer =
        new ModularLayer("modular1", new LinearController(16, choose, modules, init), pool, Combine.Sum, Dispatch.Auto)

    let graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
    let single (t: torch.Tensor) = t.to_type torch.ScalarType.Float32
    let data = new Dataset(single (normal 1 [ 300; 16 ]), single (normal 2 [ 300; 16 ]))

    let settings = EmSettings(5, 4, 32L, 32L, 1e-3, Unselected = unselected, EStepBytes = 1_000_000L)

    streams, graph, data, new ViterbiEm(graph, data, settings, streams)

let private collect () =
    GC.Collect()
    GC.WaitForPendingFinalizers()
    GC.Collect()
    use self = Process.GetCurrentProcess()
    self.WorkingSet64

[<Tests>]
let tests =
    testList "4,096 modules" [
        for unselected in [ Unselected.Drift; Unselected.Rest ] do
            testCase $"EM trains in bounded memory ({unselected})"
            <| fun () ->
                let streams, graph, data, em = network unselected 1L
                use streams = streams
                use graph = graph
                use data = data
                use em = em

                for _ in 1..10 do
                    em.Step()

                let memory, tensors = collect (), (liveTensors ())
                let before = em.LogJoint(Fixtures.everything data)

                for _ in 1..60 do
                    em.Step()

                Expect.isGreaterThan (em.LogJoint(Fixtures.everything data)) before "it learns"
                let memory' = collect ()
                Expect.isLessThanOrEqual (liveTensors ()) tensors "live tensors"
                Expect.isLessThan (memory' - memory) 100_000_000L "process memory"

        testInDirectory
            "assignments take two bytes a choice, statistics count them, a run resumes, and a trace comes back"
        <| fun directory ->
            scoped
            <| fun () ->
                let streams, graph, data, em = network Unselected.Rest 1L

                for _ in 1..8 do
                    em.Step()

                let table = em.Assignments.ToTensor()
                Expect.equal (List.ofArray table.shape) [ 300L; 2L ] "a*"
                Expect.exists (integers (table.to_type torch.ScalarType.Int64)) (fun m -> m > 2048) "high modules"
                let used = (em.StepAndReport()).Statistics
                Expect.isLessThanOrEqual used.ModulesUsed 64.0 "a minibatch of 32 uses at most 64 modules"
                Expect.isLessThanOrEqual used.BatchSelectionEntropy (log (float modules) + 1e-6) "H_b"
                Expect.isGreaterThan used.BatchSelectionEntropy 5.0 "nothing has collapsed in 9 steps"

                use folder = RunFolder.Create(Path.Combine(directory, "run"))
                Checkpoint.Write(folder, graph, em, streams, 9L)
                let streams', graph', data', em' = network Unselected.Rest 1L
                Checkpoint.Resume(folder, graph', em', streams', ignore) |> ignore

                for _ in 1..5 do
                    em.Step()
                    em'.Step()

                for struct (name, p), struct (_, p') in Seq.zip (graph.named_parameters ()) (graph'.named_parameters ()) do
                    Expect.equal (p'.bytes.ToArray()) (p.bytes.ToArray()) $"{name}, resumed"

                let trace = RoutingTracer.Of(graph, data, [| 0L .. 49L |], em, torch.CPU, 9L, "train")

                let path = Path.Combine(directory, "routing.safetensors")
                RoutingFile.Write(path, trace)
                let back = RoutingFile.Read path
                let layer, layer' = trace.Layers[0], back.Layers[0]
                Expect.equal layer'.Modules modules "M"
                Expect.equal layer'.Selections layer.Selections "selections"
                Expect.equal layer'.Held layer.Held "a*"
                Expect.equal layer'.Probabilities layer.Probabilities "probabilities"

                for own in [ em' :> IDisposable; graph'; data'; streams'; em; graph; data; streams ] do
                    own.Dispose()

        testCase "a trace at the end holds fewer datapoints where their distributions would be too many numbers"
        <| fun () ->
            Expect.equal (RoutingRecorder.Count(10_000L, 525L)) 10_000L "15 modules over 35 steps"
            Expect.equal (RoutingRecorder.Count(10_000L, int64 (choose * modules))) 4_096L "4,096 modules, 2 chosen"
            Expect.equal (RoutingRecorder.Count(10_000L, 1_000_000_000L)) 1L "at least one"
    ]
