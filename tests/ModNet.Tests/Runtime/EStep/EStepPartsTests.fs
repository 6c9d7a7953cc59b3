/// An E-step whose candidates are scored in parts, to stay within a budget of memory, is the one that scores them all at once.
module ModNet.Tests.EStepPartsTests

open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

/// The same choices by the same draws; of numbers that libtorch's matrix products are in, whose rows are not the same bits beside more or
/// fewer others, but for rounding.
let private agree (expected: EStepResult, kept, state, ended) (actual: EStepResult, kept', state', ended') message =
    Expect.equal kept' kept message
    Expect.equal (state': byte list) state message
    Expect.equal actual.Replaced expected.Replaced message
    Expect.equal (List.map fst ended') (List.map fst ended) message

    let numbers (result: EStepResult) (ended: (string * float[]) list) =
        Array.append [| result.Before; result.After |] (Array.concat (List.map snd ended))

    near (torch.tensor (numbers actual ended')) (torch.tensor (numbers expected ended)) message

/// What an E-step leaves: its result, what it kept, where its generator stands, and where recurrent layers ended.
let private outcome
    (graph: Graph)
    (batch: Batch)
    (carried: bool)
    rowsAtOnce
    (candidates: torch.Generator -> Candidates)
    =
    let random = generator 5
    let kept = ResizeArray()
    use state = if carried then new RecurrentState() else null

    let result =
        EStep.Run(
            graph,
            batch,
            candidates random,
            (fun b composition -> kept.Add(b, List.ofArray composition)),
            state,
            rowsAtOnce
        )

    let ended = [ if carried then for struct (layer, h) in state.Layers -> layer, numbers h ]

    result, List.ofSeq kept, List.ofArray (random.get_state().bytes.ToArray()), ended

/// Notes how many rows it is given, which it gives on.
type private Counting(name: string) =
    inherit Node(name)
    member val Rows = ResizeArray<int64>()

    override this.Forward(x, _) =
        this.Rows.Add x.shape[0]
        x

let private sizes = [ 1L; 2L; 3L; 4L; 5L; 8L; 11L ]

[<Tests>]
let tests =
    testList "E-step in parts" [
        testPropertyWithConfig (config 621 80) "of drawn candidates is the one at once"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                match drawn graph batch with
                | None -> ()
                | Some held ->
                    let outcome rowsAtOnce =
                        outcome graph batch (carriesState network) rowsAtOnce (fun random ->
                            new DrawnCandidates(held, 4, random) :> Candidates)

                    let whole = outcome System.Int64.MaxValue

                    for rowsAtOnce in sizes do
                        agree whole (outcome rowsAtOnce) $"{rowsAtOnce} rows at once")

        testPropertyWithConfig (config 622 40) "of every composition is the one at once"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                match drawn graph batch with
                | Some held when (modulesPerChoice network |> Array.map float |> Array.fold (*) 1.0) <= 40.0 ->
                    let all = Compositions.All(modulesPerChoice network)

                    let outcome rowsAtOnce =
                        outcome graph batch false rowsAtOnce (fun _ -> EveryComposition(held, all) :> Candidates)

                    let whole = outcome System.Int64.MaxValue

                    for rowsAtOnce in sizes do
                        agree whole (outcome rowsAtOnce) $"{rowsAtOnce} rows at once"
                | _ -> ())

        for carried in [ false; true ] do
            testScoped $"by kernels, in float32, is the one at once, bit for bit (state carried: {carried})"
            <| fun () ->
                let init = Initialiser(generator 3)
                let graph, data = Fixtures.languageBy init 3 5 2 Dispatch.Auto 9 6
                use _ = graph
                use data = data
                let batch = data.Range(0L, 9L)
                let held = indices 7 5 9 12

                let outcome rowsAtOnce =
                    outcome graph batch carried rowsAtOnce (fun random ->
                        new DrawnCandidates(held, 6, random) :> Candidates)

                let whole = outcome System.Int64.MaxValue
                let _, kept, _, _ = whole
                Expect.isNonEmpty kept "something was replaced"

                for rowsAtOnce in sizes do
                    Expect.equal (outcome rowsAtOnce) whole $"{rowsAtOnce} rows at once"

        testCase "a run on the least budget is the run on the usual one, bit for bit"
        <| fun () ->
            let run bytes =
                scoped
                <| fun () ->
                    let graph, data = Fixtures.languageBy (Initialiser(generator 3)) 3 4 1 Dispatch.Auto 20 5

                    use graph = graph
                    use data = data
                    use streams = new RandomStreams 1L

                    let settings =
                        match bytes with
                        | Some bytes -> EmSettings(4, 3, 8L, 8L, 1e-2, EStepBytes = bytes)
                        | None -> EmSettings(4, 3, 8L, 8L, 1e-2)

                    use em = new ViterbiEm(graph, data, settings, streams)
                    em.Sweep() |> ignore

                    let losses = [ for _ in 1..9 -> em.StepAndReport().Loss ]

                    losses, integers (em.Assignments.ToTensor().to_type torch.ScalarType.Int64)

            let usual = run None
            Expect.equal (run (Some 1L)) usual "one row at a time"
            Expect.equal (run (Some 4096L)) usual "a few"

        testScoped "a layer between sites runs once for every datapoint and choices so far, through containers too"
        <| fun () ->
            let site name =
                let init = doubles 3
                let pool = new LinearPool(name, 2, 3, 3, Activation.Tanh, true, init)

                new ModularLayer(name, new LinearController(3, 1, 2, init), pool, Combine.Sum, Dispatch.Auto) :> Node

            use counting = new Counting "counting1"
            use beside = new Counting "residual1/counting2"
            let residual = new ResidualNode("residual1", [| site "residual1/modular2"; beside |])

            let branches = new BranchNode("branches1", Combine.Sum, [| [||]; [| site "branches1/2/modular3" |] |])

            use graph =
                new Graph([| site "modular1"; counting; residual; branches |], new GaussianHead(1.0, false, doubles 4))

            let batch =
                use data = new Dataset(normal 1 [ 5; 3 ], normal 2 [ 5; 3 ])
                data.Range(0L, 5L)

            let held = indices 7 2 5 3
            let all = Compositions.All [| 2; 2; 2 |]

            let run shares =
                graph.SharesChoices <- shares
                counting.Rows.Clear()
                beside.Rows.Clear()
                outcome graph batch false System.Int64.MaxValue (fun _ -> EveryComposition(held, all) :> Candidates)

            let apart = run false
            // a* and the 8 compositions of 5 datapoints.
            Expect.equal (List.ofSeq counting.Rows, List.ofSeq beside.Rows) ([ 45L ], [ 45L ]) "every candidate"
            agree apart (run true) "the same E-step"
            Expect.equal (List.ofSeq counting.Rows, List.ofSeq beside.Rows) ([ 10L ], [ 20L ]) "2 and 4 prefixes"

        testScoped "what rows hold is reckoned from the widest layer and from the tape"
        <| fun () ->
            let rowNumbers modules dispatch =
                let init = doubles 3
                let pool = new LinearPool("p", modules, 6, 10, Activation.Relu, true, init)
                let controller = new LinearController(6, 2, modules, init)

                let layer = new ModularLayer("modular1", controller, pool, Combine.Sum, dispatch)

                use graph = new Graph([| layer :> Node |], new GaussianHead(0.3, false, init))
                let struct (_, footprint) = graph.Probe(normal 1 [ 1; 6 ], null, 100L)
                footprint.Numbers

            // Distributions are K·M numbers, kept and joined; K rows of 6 go in, K of 10 come out and are put in order.
            Expect.equal (rowNumbers 3 Dispatch.Grouped) (2L * 6L + 4L * (2L * 6L + 2L * 20L)) "grouped"
            // All M outputs of 10, and the K that are picked.
            Expect.equal (rowNumbers 9 Dispatch.Wide) (2L * 18L + 4L * (6L + 90L + 20L)) "wide"
            // For each of K outputs of 10 a row of weights.
            Expect.equal (rowNumbers 3 Dispatch.Gather) (2L * 6L + 4L * 120L) "gather"
            Expect.equal (rowNumbers 100 Dispatch.Grouped) (2L * 200L + 4L * 200L) "a tape wider than the layer"
    ]
