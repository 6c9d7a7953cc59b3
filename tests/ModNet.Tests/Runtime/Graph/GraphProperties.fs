module ModNet.Tests.GraphProperties

open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

/// The log-likelihood of the targets where compositions are given, and every gradient of its sum with log p(a|x).
let private withGradients network compositions =
    running network (fun graph batch ->
        let output = forward graph batch (given compositions)
        let joint = (graph.Head.LogLikelihood(output.Features, batch.Targets)).sum()

        let joint = if output.Tape.Choices > 0 then joint + output.Tape.LogProbability().sum() else joint

        numbers joint, gradientsOf graph joint)

let private row (tensor: torch.Tensor) index = if isNull tensor then null else tensor.narrow (0L, int64 index, 1L)

/// One datapoint of a batch.
let private only index (batch: Batch) =
    let side =
        match batch.Side with
        | null -> null
        | side -> SideInputs(row side.Tasks index, row side.Given index)

    Batch(batch.Inputs.narrow (0L, int64 index, 1L), batch.Targets.narrow (0L, int64 index, 1L), side)

[<Tests>]
let tests =
    testList "Properties of graphs" [
        testPropertyWithConfig (config 601 150) "what check accepts compiles, and runs to finite numbers"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let logLikelihood = graph.Head.LogLikelihood(features graph batch, batch.Targets) |> numbers

                Expect.hasLength logLikelihood datapoints "a number per datapoint"
                Expect.all logLikelihood System.Double.IsFinite "finite")

        testPropertyWithConfig (config 602 100) "parameters' names are unique, and begin with their layer's or pool's"
        <| fun (network: Network) ->
            running network (fun graph _ ->
                let names = [
                    for struct (name, _) in graph.named_parameters () -> name
                    for struct (name, _) in graph.named_buffers () -> name
                ]

                Expect.equal (List.distinct names) names "unique"
                Expect.equal (Seq.length (graph.state_dict().Keys)) names.Length "all in the state"

                let owners = [
                    "head."
                    for layer in (plan network).Layers do
                        layer.Name.Replace('/', '.') + "."
                    for pool in (plan network).Pools do
                        poolPath pool.Name
                ]

                for name in names do
                    Expect.exists owners (fun owner -> name.StartsWith owner) name)

        testPropertyWithConfig (config 603 60) "one seed gives one network, another seed another"
        <| fun (network: Network) ->
            scoped (fun () ->
                use first = compile 1 network
                use again = compile 1 network
                use other = compile 2 network
                let values (graph: Graph) = [ for p in graph.parameters () -> numbers p ]
                Expect.equal (values again) (values first) "the same seed"

                // Norms and variances begin alike whatever the seed.
                let drawn = values first |> List.exists (fun values -> Array.length (Array.distinct values) > 1)

                if drawn then Expect.notEqual (values other) (values first) "another seed")

        testPropertyWithConfig (config 604 80) "evaluation is deterministic"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                Expect.equal (numbers (features graph batch)) (numbers (features graph batch)) "features")

        testPropertyWithConfig (config 605 60) "what becomes of a datapoint does not depend on those beside it"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let all = features graph batch

                for index in 0 .. datapoints - 1 do
                    near (features graph (only index batch)) (all.narrow (0L, int64 index, 1L)) $"datapoint {index}")

        testPropertyWithConfig (config 607 80) "several compositions of each datapoint at once are as each by itself"
        <| fun (network: Network, shares: bool) ->
            running network (fun graph batch ->
                let times = 5
                let before = graph.BeforeSites(batch.Inputs, batch.Side)

                let tiled (t: torch.Tensor) = if isNull t then null else TensorRows.Tile(t, times)

                let side =
                    match batch.Side with
                    | null -> null
                    | side -> SideInputs(tiled side.Tasks, tiled side.Given)

                graph.SharesChoices <- shares
                let together = graph.CandidatesAcrossSites(before, SampledSelector(generator 5), side, null, times)
                let alone = graph.AcrossSites(tiled before, SampledSelector(generator 5), side)
                near (together.Rows.Spread together.Features) alone.Features "features"
                near together.Features (together.Rows.Pick alone.Features) "features of the distinct rows"

                if alone.Tape.Choices > 0 then
                    let compositions = integers (alone.Tape.Composition())
                    Expect.equal (integers (together.Tape.Composition())) compositions "compositions"
                    Expect.equal (Array.map int together.Composition) compositions "compositions, row by row"
                    near (together.Tape.LogProbability()) (alone.Tape.LogProbability()) "log p(a|x)"

                    let distinct =
                        compositions
                        |> Array.chunkBySize alone.Tape.Choices
                        |> Array.mapi (fun row composition -> row % int datapoints, composition)
                        |> Array.distinct

                    Expect.equal together.Rows.Count distinct.Length "distinct rows")

        testPropertyWithConfig
            (config 606 80)
            "without dropout and batch normalisation training runs as evaluation does"
        <| fun (network: Network) ->
            running (without network) (fun graph batch ->
                let evaluated = features graph batch
                graph.train ()
                near (features graph batch) evaluated "features")

        testPropertyWithConfig (config 607 60) "a site for every modular layer, and every step of a sequence, in order"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let tape = (forward graph batch (ModeSelector())).Tape

                let isSequence = isSequence network

                let expected = [
                    for layer in (plan network).Layers |> List.collect _.Unfolded do
                        match layer.Layer.Choosing with
                        | Some modular ->
                            for time in 0 .. (if isSequence then steps - 1 else 0) do
                                layer.Name, time, modular.Choose, modular.Pool.Modules, modular.Controller <> Given
                        | None -> ()
                ]

                let sites = [
                    for entry in tape.Entries ->
                        entry.Site.Layer, entry.Site.Time, entry.Site.Choose, entry.Site.Modules, entry.Latent
                ]

                Expect.equal sites expected "sites")

        testPropertyWithConfig (config 608 60) "a graph cut in two anywhere, one half after the other, is the whole"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let whole = features graph batch
                let nodes = List.ofSeq graph.Nodes

                for cut in 0 .. nodes.Length do
                    // The nodes stay the whole's, which disposes of them.
                    let first = new Graph(ResizeArray(List.take cut nodes), new BernoulliHead())
                    let second = new Graph(ResizeArray(List.skip cut nodes), new BernoulliHead())

                    let side from count =
                        match batch.Side with
                        | null -> null
                        | side ->
                            let own =
                                match side.Given with
                                | null -> null
                                | given -> given.narrow (1L, from, count)

                            SideInputs(side.Tasks, own)

                    let half (part: Graph) (x: torch.Tensor) from =
                        part.Forward(x, ModeSelector(), side from part.GivenChoices).Features

                    let output = half second (half first batch.Inputs 0L) first.GivenChoices

                    Expect.equal (numbers output) (numbers whole) $"cut at {cut}")

        for dispatch in [ Grouped; Wide; Auto; Gather; Kernel ] do
            testPropertyWithConfig (config 609 30) $"{dispatch} agrees with Loop in values and every gradient"
            <| fun (network: Network) ->
                let by (dispatch: ModNet.Dispatch) =
                    network
                    |> rewriteModulars (fun modular ->
                        match dispatch, modular.Pool.Units with
                        | _, [ [ Layer.Linear _ ] ] -> { modular with Dispatch = dispatch }
                        | _ when dispatch.IsForLinear -> { modular with Dispatch = Loop }
                        | _ -> { modular with Dispatch = dispatch })

                scoped (fun () ->
                    let compositions = drawnFor network
                    let expected, slopes = withGradients (by Loop) compositions
                    let actual, gradients = withGradients (by dispatch) compositions

                    near (torch.tensor (actual: float[])) (torch.tensor (expected: float[])) "value"

                    for (name, expected), (_, actual) in List.zip slopes gradients do
                        near (torch.tensor (actual: float[])) (torch.tensor (expected: float[])) name)
    ]
