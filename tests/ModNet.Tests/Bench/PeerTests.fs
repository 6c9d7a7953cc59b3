/// The peers of `./modnet bench` compute what ModNet computes: PyTorch's, skipped where there is no Python with torch, and TorchSharp's.
module ModNet.Tests.PeerTests

open System
open System.Diagnostics
open System.Text.Json.Nodes
open System.Threading
open Expecto
open ModNet.Bench
open ModNet.Runtime
open ModNet.TorchSharpPeer
open TorchSharp
open TorchSharp.Modules

let private need (kind: PeerKind) = kind.Missing.Invoke() |> Option.ofObj |> Option.iter skiptest

let private withPeer (kind: PeerKind) (body: Peer -> unit) =
    need kind
    use peer = Peer.Start(kind, 1, PeerWait.Passive, CancellationToken.None)
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

let private time (peer: Peer) (part: string) (variant: string) (calls: int) =
    let told = Tuning.Told(part, variant)
    told["calls"] <- calls
    peer.Ask("time", told) |> ignore

let private first (values: JsonNode) (what: string) = values[what].AsObject() |> Seq.head |> _.Value

/// With a seed of its own the peer's steps are the same in every run: losses fall, and no datapoint's joint does in an E-step.
let private trains (peer: Peer) (variants: JsonObject) (rows: int) =
    let names (part: string) = [ for name in variants[part].AsArray() -> name.GetValue<string>() ]

    let joints () = floats (first (valuesOf peer rows) "joint")

    let loss () = (first (valuesOf peer rows) "loss").GetValue<float>()

    for way in names "e_step" do
        let before = joints ()
        time peer "e_step" way 10
        let after = joints ()
        Expect.all (Array.zip before after) (fun (one, other) -> other >= one - 1e-4) $"no joint falls, {way}"

        if way = List.head (names "e_step") then
            Expect.exists (Array.zip before after) (fun (one, other) -> other > one + 1e-4) "a better a* is found"

    for way in names "m_step" do
        let before = loss ()
        time peer "m_step" way 30
        Expect.isLessThan (loss ()) before $"the loss falls, {way}"

    time peer "round" $"""{List.last (names "m_step")} {List.last (names "e_step")}""" 1

/// The first datapoints of a model, with its a*, here and there: losses with this weight of log p(a|x), and joints. What the body
/// has to compare beside these gets the loss.
let private compares
    (peer: Peer)
    (graph: Graph)
    (data: Dataset)
    (assignments: Assignments)
    (rows: int)
    (weight: float)
    (body: torch.Tensor -> JsonNode -> unit)
    =
    let values = valuesOf peer rows
    let batch = data.Range(0, rows)
    let datapoints = [| for n in 0 .. rows - 1 -> int64 n |]
    let held = assignments.Get(datapoints)
    let logLikelihood, logChoice = joint graph batch held
    let loss = -(logLikelihood.mean () + torch.tensor (float32 weight) * logChoice.mean ())
    sameLosses loss values
    body loss values
    sameJoints graph batch held values

[<Tests>]
let tests =
    testSequenced
    <| testList "bench peer" [
        for kind, choose in List.allPairs (List.ofSeq PeerKind.All) [ 1; 2 ] do
            testCase $"the language model in {kind.Name}: losses, gradients, joints, K = {choose}"
            <| fun () ->
                withPeer kind
                <| fun peer ->
                    use _scope = torch.NewDisposeScope()
                    use model = new PtbModel(sizes choose, null)
                    model.OpenPeer peer |> ignore

                    compares peer model.Graph model.Data model.Em.Assignments 7 1.0 (fun loss values ->
                        loss.backward ()

                        // There in the order of names in the file.
                        let norms = [|
                            for name in Seq.sortWith (fun a b -> String.CompareOrdinal(a, b)) PtbModel.Names ->
                                model.Parameter(name).grad.norm().ToDouble()
                        |]

                        for KeyValue(head, told) in values["gradient"].AsObject() do
                            eachNear norms (floats told) $"gradients, {head}")

        for kind in PeerKind.All do
            testCase $"the network of modular convolutions in {kind.Name}: losses and joints"
            <| fun () ->
                withPeer kind
                <| fun peer ->
                    use _scope = torch.NewDisposeScope()
                    use model = new CifarModel(CifarSizes.Tiny)
                    model.OpenPeer peer |> ignore
                    let weight = CifarSizes.Tiny.ControllerWeight
                    compares peer model.Graph model.Data model.Em.Assignments 6 weight (fun _ _ -> ())

            testCase $"{kind.Name} trains both networks by every variant"
            <| fun () ->
                withPeer kind
                <| fun peer ->
                    use words = new PtbModel(PtbSizes.Tiny, null)
                    trains peer (words.OpenPeer peer) PtbSizes.Tiny.Windows
                    use images = new CifarModel(CifarSizes.Tiny)
                    trains peer (images.OpenPeer peer) CifarSizes.Tiny.Images

            testCase $"a modular layer is the same in every way it is written in {kind.Name}"
            <| fun () ->
                withPeer kind
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

            testCase $"a trained network answers the same in every way it is written in {kind.Name}"
            <| fun () ->
                withPeer kind (fun peer ->
                    use model = new PredictModel(PredictSizes.Tiny)
                    model.OpenPeer peer |> ignore

                    for rows in PredictSizes.Tiny.Batches do
                        let ours = model.Ask(rows, 1) |> Array.map float

                        for KeyValue(way, told) in (valuesOf peer rows).AsObject() do
                            eachNear ours (floats told) $"{rows} rows, {way}")

            for benchmark in Benchmark.All |> Seq.filter (fun b -> Seq.contains kind b.Peers) do
                testCase $"{benchmark.Name} runs beside {kind.Name}, in small"
                <| fun () ->
                    need kind

                    let settings =
                        BenchSettings(
                            Tiny = true,
                            Pace = Pace.Once,
                            Threads = 1,
                            PeerWait = PeerWait.Passive,
                            Peers = [| kind |]
                        )

                    let report = benchmark.Report(settings, "", ignore)
                    let ratios = report.Cases |> Seq.collect _.Ratios |> Seq.map _.Name |> Seq.toList
                    Expect.exists ratios _.StartsWith(kind.Name) $"{ratios}"
                    Expect.equal (List.ofSeq report.Peers.Keys) [ kind.Name ] "its version"

            testCase $"what {kind.Name} cannot do is one message"
            <| fun () ->
                withPeer kind
                <| fun peer ->
                    complains (fun () -> peer.Ask("dance", JsonObject()) |> ignore) [
                        $"the {kind.Name} peer failed"
                        "dance"
                    ]

                    Expect.stringContains (peer.Ask("about", JsonObject()).GetValue<string>()) "1 threads" "it goes on"

            testCase $"{kind.Name} ends when it is told to, whatever it does"
            <| fun () ->
                need kind
                use stop = new CancellationTokenSource()
                use peer = Peer.Start(kind, 1, PeerWait.Passive, stop.Token)
                let told = LayerSizes.Tiny[0].ToJson()
                told["model"] <- "layer"
                peer.Ask("open", told) |> ignore
                stop.CancelAfter 50

                Expect.throwsT<OperationCanceledException> (fun () -> time peer "loop" "adam" 1_000_000_000) "stopped"

        testCase "a program that is not there is one message"
        <| fun () ->
            let kind = PeerKind("PyTorch", (fun () -> null), (fun _ -> ProcessStartInfo "/no/such/python"))

            complains (fun () -> Peer.Start(kind, 1, PeerWait.Passive, CancellationToken.None).Dispose()) [
                "the PyTorch peer failed"
                "/no/such/python"
            ]

        testCase "Adam in place is TorchSharp's Adam"
        <| fun () ->
            use _scope = torch.NewDisposeScope()
            torch.random.manual_seed 1L |> ignore
            let start = torch.rand (3, 4)
            let parameter () = new Parameter(start.clone ())
            let one, other, idle = parameter (), parameter (), parameter ()
            use plain = torch.optim.Adam([ one ], 1e-2)
            use inPlace = new AdamInPlace([| other; idle |], 1e-2)

            for _ in 1..5 do
                let gradient = torch.randn (3, 4)
                one.grad <- gradient.clone ()
                other.grad <- gradient.clone ()
                plain.step () |> ignore
                inPlace.Step()

            Expect.isLessThan (distance one other) 1e-5 "the same steps"
            Expect.isGreaterThan (distance one start) 1e-2 "that lead somewhere"
            Expect.equal (distance idle start) 0.0 "what has no gradient stays"

        testCase "the faster of the peers is named, with its ratio"
        <| fun () ->
            let timing name (seconds: float) = Timing(name, 1, [| seconds; seconds; seconds |])

            let ours = timing "ModNet" 2.0
            let theirs = [ timing "PyTorch, plain" 30.0; timing "TorchSharp, plain" 20.0 ]

            let found = BenchCase("a case", [| ours |], [||], JsonObject()).WithFaster(ours, theirs, Goal(true, 15.0))

            Expect.equal (found.Facts["faster_peer"].GetValue<string>()) "TorchSharp, plain" "its name"
            Expect.equal [ for r in found.Ratios -> r.Name, r.Value ] [ "faster peer / ModNet", 10.0 ] "its ratio"
            Expect.stringContains (ReportTable.Of found) "faster peer: TorchSharp, plain" "in the table, too"

            let alone = BenchCase("a case", [| ours |], [||], JsonObject()).WithFaster(ours, [])
            Expect.isEmpty alone.Ratios "none without peers"
    ]
