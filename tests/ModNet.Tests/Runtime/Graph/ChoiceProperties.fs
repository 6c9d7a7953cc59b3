module ModNet.Tests.ChoiceProperties

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private latent (tape: Tape) = tape.Entries |> Seq.filter _.Latent |> List.ofSeq

/// Whether a network's compositions can be counted out.
let private isCountable (network: Network) =
    isChosen network && Array.fold (fun product m -> product * float m) 1.0 (modulesPerChoice network) <= 100.0

/// What every composition gives for every datapoint, [compositions, B].
let private enumerated network (graph: Graph) (batch: Batch) (evaluate: GraphOutput -> torch.Tensor) =
    let all = Compositions.All(modulesPerChoice network)

    torch.stack (
        ResizeArray [
            for index in 0L .. all.shape[0] - 1L ->
                let one = all.narrow(0L, index, 1L).expand(int64 datapoints, -1L)
                evaluate (forward graph batch (GivenSelector one))
        ]
    )

let private isZero (values: float[]) = Array.forall ((=) 0.0) values

let private stopped (network: Network) = rewriteModulars (fun modular -> { modular with StopGradient = true }) network

/// Shared gradients of log p(a|x) alone, for compositions drawn once.
let private controllerGradients network compositions =
    running network (fun graph batch ->
        let output = forward graph batch (GivenSelector compositions)
        gradientsOf graph (output.Tape.LogProbability().sum()))

let private learner (graph: Graph) (data: Dataset) streams =
    new ViterbiEm(graph, data, EmSettings(3, 1, 5L, 5L, 1e-2), streams)

/// EM on a few datapoints, and these.
let private method (graph: Graph) network streams =
    let points =
        Batches.draw
            { Datapoints = 5; Steps = steps; Seed = 6; DType = torch.ScalarType.Float64; Weighted = true }
            network

    let data = new Dataset(points.Inputs, points.Targets, points.Side)
    data, learner graph data streams

[<Tests>]
let tests =
    testList "Properties of choices" [
        testPropertyWithConfig (config 801 80) "log p(a|x) is the sum over sites of log p of each position's module"
        <| fun (network: Network) ->
            isChosen network
            ==> lazy
                (running network (fun graph batch ->
                    let tape = (forward graph batch (SampledSelector(generator 4))).Tape

                    let expected =
                        latent tape
                        |> List.map (fun entry ->
                            entry.Distribution.LogProbabilities
                                .gather(2L, entry.Selection.Indices.unsqueeze -1L)
                                .sum([| 1L; 2L |]))
                        |> List.reduce (fun a b -> a + b)

                    near (tape.LogProbability()) expected "log p(a|x)"))

        testPropertyWithConfig (config 802 40) "p(a|x) of all compositions sums to one"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            isCountable network
            ==> lazy
                (running network (fun graph batch ->
                    let logs = enumerated network graph batch _.Tape.LogProbability()
                    let total = logs.exp().sum(dim = 0L)
                    near total (torch.ones_like total) "total probability")))

        testPropertyWithConfig (config 803 50) "where one site chooses, the mode is the most probable composition"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            let sites =
                (plan network).Layers
                |> List.collect _.Unfolded
                |> List.choose (fun layer -> layer.Layer.Choosing)
                |> List.filter (fun modular -> modular.Controller <> Given)

            (isCountable network && sites.Length = 1 && not (isSequence network))
            ==> lazy
                (running network (fun graph batch ->
                    let tape = (forward graph batch (ModeSelector())).Tape
                    let logs = enumerated network graph batch _.Tape.LogProbability()
                    near (tape.LogProbability()) (logs.amax ([| 0L |])) "log p(mode|x)")))

        testPropertyWithConfig (config 804 40) "modules that nothing chose get a gradient of exactly zero"
        <| fun (network: Network) ->
            let network =
                rewriteModulars
                    (fun modular ->
                        if modular.Controller = Given then { modular with Controller = Linear } else modular)
                    network

            isChosen network
            ==> lazy
                (running network (fun graph batch ->
                    let compositions = (drawn graph batch).Value
                    let output = forward graph batch (GivenSelector(torch.zeros_like compositions))

                    let joint =
                        (graph.Head.LogLikelihood(output.Features, batch.Targets) + output.Tape.LogProbability()).sum()

                    let gradients = gradientsOf graph joint

                    for pool in graph.Pools do
                        let path = poolPath pool.Name

                        for name, gradient in gradients do
                            if name.StartsWith path then
                                let local = name.Substring path.Length

                                if pool :? NodePool then
                                    if not (local.StartsWith "module0.") then Expect.isTrue (isZero gradient) name
                                else
                                    let each = gradient.Length / pool.Count
                                    Expect.isTrue (isZero gradient[each..]) name))

        testPropertyWithConfig (config 805 40) "with stop_gradient everywhere, log p(a|x) teaches controllers alone"
        <| fun (network: Network) ->
            isChosen network
            ==> lazy
                (scoped (fun () ->
                    let network = stopped network

                    for name, gradient in controllerGradients network (drawnFor network).Value do
                        if not (name.Contains ".controller.") then Expect.isTrue (isZero gradient) name))

        testPropertyWithConfig (config 806 40) "stop_gradient changes no output, and no gradient of log p(y|x, a)"
        <| fun (network: Network) ->
            scoped (fun () ->
                let run network compositions =
                    running network (fun graph batch ->
                        let output = forward graph batch (given compositions)
                        let value = (graph.Head.LogLikelihood(output.Features, batch.Targets)).sum()
                        numbers value, gradientsOf graph value)

                let compositions = drawnFor network
                Expect.equal (run (stopped network) compositions) (run network compositions) "values and gradients")

        testPropertyWithConfig
            (config 807 40)
            "stop_gradient in one layer changes what log p(a|x) teaches only before it"
        <| fun (network: Network) ->
            let opening, body, head = ends network

            let chooses =
                body
                |> List.tryFindIndex (function
                    | Layer.Modular modular -> modular.Controller <> Given
                    | _ -> false)

            chooses.IsSome
            ==> lazy
                (scoped (fun () ->
                    let index = chooses.Value
                    let compositions = (drawnFor network).Value

                    let stopping stop =
                        let changed =
                            match body[index] with
                            | Layer.Modular modular -> Layer.Modular { modular with StopGradient = stop }
                            | other -> other

                        controllerGradients
                            { network with Layers = opening @ List.updateAt index changed body @ [ head ] }
                            compositions

                    let before =
                        (plan network).Layers
                        |> List.take (opening.Length + index)
                        |> List.map (fun layer -> layer.Name + ".")

                    for (name, gradient), (_, stopped) in List.zip (stopping false) (stopping true) do
                        let isBefore =
                            name.StartsWith "pools." || List.exists (fun (path: string) -> name.StartsWith path) before

                        if not isBefore then Expect.equal stopped gradient name))

        testPropertyWithConfig (config 808 25) "an E-step never lowers the joint"
        <| fun (network: Network) ->
            (modulesPerChoice network |> Array.exists (fun modules -> modules > 1))
            ==> lazy
                (scoped (fun () ->
                    use graph = compiled network
                    use streams = new RandomStreams(3L)
                    let data, method = method graph network streams
                    use _data = data
                    use method = method

                    for _ in 1..3 do
                        let before = method.LogJoint [| 0L .. 4L |]
                        let result = method.EStep [| 0L .. 4L |]
                        let after = method.LogJoint [| 0L .. 4L |]
                        let slack = 1e-9 * (1.0 + abs before)
                        Expect.isLessThanOrEqual (abs (result.Before - before)) slack "what was"
                        Expect.isLessThanOrEqual (abs (result.After - after)) slack "what is"
                        Expect.isGreaterThanOrEqual result.After result.Before "after"))

        testPropertyWithConfig (config 809 30) "a full E-step finds every datapoint's best composition"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            isCountable network
            ==> lazy
                (scoped (fun () ->
                    use graph = compiled network
                    use streams = new RandomStreams(3L)
                    graph.eval ()
                    let batch = batch network

                    let joint (output: GraphOutput) =
                        graph.Head.LogLikelihood(output.Features, batch.Targets) + output.Tape.LogProbability()

                    let best = (enumerated network graph batch joint).amax([| 0L |]).sum().ToDouble()
                    use data = new Dataset(batch.Inputs, batch.Targets, batch.Side)
                    use method = learner graph data streams
                    let result = method.FullEStep [| 0L .. int64 datapoints - 1L |]
                    Expect.isLessThan (abs (result.After - best)) (1e-9 * (1.0 + abs best)) "the best")))

        testPropertyWithConfig (config 811 40) "a datapoint of weight w is w datapoints in an M-step"
        <| fun (network: Network) ->
            let network = without network

            scoped (fun () ->
                let batch = batch network
                let weights = [| 2; 1; 3 |]

                let copies = [|
                    for n, weight in Array.indexed weights do
                        yield! Array.replicate weight n
                |]

                let seen (dataset: Dataset) (originals: int array) =
                    scoped (fun () ->
                        use graph = compiled network
                        use streams = new RandomStreams(3L)
                        let settings = EmSettings(3, 1, 6L, 6L, Optimizer = SgdKind(0.0, 0.0))
                        use method = new ViterbiEm(graph, dataset, settings, streams)
                        let modules = modulesPerChoice network

                        for row, original in Array.indexed originals do
                            let composition = modules |> Array.mapi (fun place m -> int64 ((original + place) % m))
                            method.Assignments.Set(int64 row, composition)

                        let step = method.MStepAndReport()

                        [|
                            step.Loss
                            step.LogLikelihood
                            for _, gradient in Slopes.parameters graph do
                                yield! numbers (Slopes.gradient gradient)
                        |])

                use plain = new Dataset(batch.Inputs, batch.Targets, batch.Side)

                use untrained = compiled network

                if not (Seq.isEmpty (untrained.parameters ())) then
                    let side =
                        match batch.Side with
                        | null -> SideInputs(null, null, torch.tensor (Array.map float weights))
                        | side -> SideInputs(side.Tasks, side.Given, torch.tensor (Array.map float weights))

                    use weighted = new Dataset(batch.Inputs, batch.Targets, side)
                    use repeated = plain.Part(torch.tensor (Array.map int64 copies))
                    let found = seen weighted [| 0..2 |]

                    for found, expected in Array.zip found (seen repeated copies) do
                        Expect.isLessThan (abs (found - expected)) (1e-9 * (1.0 + abs expected)) "loss and gradients")

        testPropertyWithConfig
            (config 810 40)
            "an M-step leaves loss and parameters finite; nothing to learn is said in words"
        <| fun (network: Network) ->
            scoped (fun () ->
                use graph = compiled network
                use streams = new RandomStreams(3L)

                if Seq.isEmpty (graph.parameters ()) then
                    Expect.throwsT<UserException> (fun () -> method graph network streams |> ignore) "nothing to learn"
                else
                    let data, method = method graph network streams
                    use _data = data
                    use method = method
                    let first = method.MStepAndReport()
                    Expect.isTrue (Double.IsFinite first.Loss) "finite"

                    for p in graph.parameters () do
                        Expect.all (numbers p) Double.IsFinite "finite parameters")
    ]
