/// The PyTorch peer of `./modnet bench` computes what ModNet computes. Skipped where there is no Python with torch.
module ModNet.Tests.BenchPeerTests

open System
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ModNet.Bench
open ModNet.Runtime
open TorchSharp

let private withPeer (body: Peer -> unit) =
    if not PeerPython.HasTorch then
        skiptest "no Python with torch (apt-get install python3-torch)"

    use peer = Peer.Start(1, PeerWait.Passive, CancellationToken.None)
    body peer

let private floats (node: JsonNode) = [| for value in node.AsArray() -> value.GetValue<float>() |]

let private near (ours: float) (theirs: float) (what: string) =
    Expect.isLessThan (abs (ours - theirs)) (1e-4 * (1.0 + abs ours)) $"{what}: {ours} here, {theirs} there"

let private eachNear (ours: float[]) (theirs: float[]) what =
    Expect.equal theirs.Length ours.Length what
    Array.iteri2 (fun i one other -> near one other $"{what} [{i}]") ours theirs

/// log p(y|x, a) and log p(a|x) of given compositions, by the graph.
let private joint (graph: Graph) (batch: Batch) (compositions: torch.Tensor) =
    let output = graph.Forward(batch.Inputs, GivenSelector compositions)
    graph.Head.LogLikelihood(output.Features, batch.Targets), output.Tape.LogProbability()

let private sum (one: torch.Tensor) (other: torch.Tensor) = numbers (one + other)

/// Held and drawn compositions have here the joint that they have there, by every way of scoring.
let private sameJoints (graph: Graph) (batch: Batch) (held: torch.Tensor) (values: JsonNode) =
    use _noGrad = torch.no_grad ()

    for KeyValue(way, told) in values["joint"].AsObject() do
        eachNear (joint graph batch held ||> sum) (floats told) $"joint of a*, {way}"

    for KeyValue(way, told) in values["sampled"].AsObject() do
        let drawn =
            torch.tensor (
                [|
                    for row in told[1].AsArray() do
                        for choice in row.AsArray() -> choice.GetValue<int64>()
                |]
            )

        eachNear (joint graph batch (drawn.view (held.shape)) ||> sum) (floats told[0]) $"joint of a draw, {way}"

let private sameLosses (ours: torch.Tensor) (values: JsonNode) =
    for KeyValue(way, told) in values["loss"].AsObject() do
        near (ours.ToDouble()) (told.GetValue<float>()) $"loss, {way}"

let private valuesOf (peer: Peer) (rows: int) =
    peer.Ask("values", JsonObject(dict [ "rows", JsonValue.Create rows :> JsonNode ]))

let private sizes (choose: int) =
    PtbSizes(
        Modules = 3,
        Choose = choose,
        Embed = 4,
        Hidden = 3,
        Vocabulary = 50,
        Window = 5,
        Batch = 8,
        Samples = 3,
        Windows = 40
    )

let private datapoints (rows: int) = [| for n in 0 .. rows - 1 -> int64 n |]

[<Tests>]
let tests =
    testSequenced
    <| testList "bench peer" [
        for choose in [ 1; 2 ] do
            testCase $"the language model: losses, gradients, joints, K = {choose}"
            <| fun () ->
                withPeer
                <| fun peer ->
                    use _scope = torch.NewDisposeScope()
                    use model = new PtbModel(sizes choose, null)
                    model.OpenPeer peer |> ignore
                    let rows = 7
                    let values = valuesOf peer rows
                    let batch = model.Data.Range(0, rows)
                    let held = model.Em.Assignments.Get(datapoints rows)
                    let logLikelihood, logChoice = joint model.Graph batch held
                    let loss = -(logLikelihood.mean () + logChoice.mean ())
                    sameLosses loss values
                    loss.backward ()

                    // There in the order of names in the file.
                    let norms = [|
                        for name in Seq.sortWith (fun a b -> String.CompareOrdinal(a, b)) PtbModel.Names ->
                            model.Parameter(name).grad.norm().ToDouble()
                    |]

                    for KeyValue(head, told) in values["gradient"].AsObject() do
                        eachNear norms (floats told) $"gradients, {head}"

                    sameJoints model.Graph batch held values

        testCase "the network of modular convolutions: losses and joints"
        <| fun () ->
            withPeer
            <| fun peer ->
                use _scope = torch.NewDisposeScope()
                use model = new CifarModel(CifarSizes.Tiny)
                model.OpenPeer peer |> ignore
                let rows = 6
                let values = valuesOf peer rows
                let batch = model.Data.Range(0, rows)
                let held = model.Em.Assignments.Get(datapoints rows)
                let logLikelihood, logChoice = joint model.Graph batch held
                let weight = torch.tensor (float32 CifarSizes.Tiny.ControllerWeight)
                sameLosses (-(logLikelihood.mean () + weight * logChoice.mean ())) values
                sameJoints model.Graph batch held values

        testCase "a modular layer is the same in every way it is written there"
        <| fun () ->
            withPeer
            <| fun peer ->
                for sizes in LayerSizes.Tiny do
                    let told = sizes.ToJson()
                    told["model"] <- "layer"
                    peer.Ask("open", told) |> ignore
                    let values = peer.Ask("values", JsonObject())

                    for way in [ "bmm"; "wide" ] do
                        for what in 0..1 do
                            let loop, other = values["loop"], values[way]
                            eachNear (floats (loop.[what])) (floats (other.[what])) $"{way}"

        for benchmark in Benchmark.All |> Seq.filter _.UsesPeer do
            testCase $"{benchmark.Name} runs beside it, in small"
            <| fun () ->
                if not PeerPython.HasTorch then
                    skiptest "no Python with torch (apt-get install python3-torch)"

                let settings =
                    BenchSettings(Tiny = true, Pace = Pace.Once, Threads = 1, PeerWait = PeerWait.Passive)

                let report = benchmark.Report(settings, "", ignore)
                let ratios = report.Cases |> Seq.collect _.Ratios |> Seq.map _.Name |> Seq.toList
                Expect.exists ratios (fun name -> name.Contains "PyTorch") $"{ratios}"

        testCase "what it cannot do is one message"
        <| fun () ->
            withPeer
            <| fun peer ->
                complains (fun () -> peer.Ask("dance", JsonObject()) |> ignore) [ "the PyTorch peer failed"; "dance" ]
                Expect.stringContains (peer.Ask("about", JsonObject()).GetValue<string>()) "1 threads" "it goes on"

        testCase "it ends when it is told to, whatever it does"
        <| fun () ->
            if not PeerPython.HasTorch then
                skiptest "no Python with torch (apt-get install python3-torch)"

            use stop = new CancellationTokenSource()
            use peer = Peer.Start(1, PeerWait.Passive, stop.Token)

            peer.Ask("open", JsonObject(dict [ "model", JsonValue.Create "operators" :> JsonNode ]))
            |> ignore

            let told = Tuning.Told("operator", "add")
            told["calls"] <- 1_000_000_000
            stop.CancelAfter 50
            Expect.throwsT<OperationCanceledException> (fun () -> peer.Ask("time", told) |> ignore) "stopped"
    ]
