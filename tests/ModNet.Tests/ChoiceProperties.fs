module ModNet.Tests.ChoiceProperties

open System
open Expecto
open FsCheck.FSharp
open ModNet
open ModNet.Generators
open ModNet.Runtime
open ModNet.Tests.NetworkRuns
open TorchSharp

let private latent (tape: Tape) =
    tape.Entries |> Seq.filter _.Latent |> List.ofSeq

/// M of every choice of a datapoint, in order.
let private modulesPerChoice (tape: Tape) = [|
    for entry in latent tape do
        for _ in 1 .. entry.Site.Choose do
            entry.Site.Modules
|]

/// A network's compositions, if they can be counted out.
let private compositions (tape: Tape) =
    let modules = modulesPerChoice tape

    if Array.fold (fun product m -> product * float m) 1.0 modules <= 300.0 then
        Some(Compositions.All modules)
    else
        None

/// Every datapoint with every composition: rows of compositions for B datapoints at a time.
let private enumerated (graph: Graph) (batch: Batch) (evaluate: GraphOutput -> torch.Tensor) =
    compositions (forward graph batch (ModeSelector())).Tape
    |> Option.filter (fun all -> all.shape[1] > 0L)
    |> Option.map (fun all ->
        torch.stack (
            ResizeArray [
                for index in 0L .. all.shape[0] - 1L ->
                    let one = all.narrow(0L, index, 1L).expand (int64 datapoints, -1L)
                    evaluate (forward graph batch (GivenSelector one))
            ]
        ))

let private isZero (values: float[]) = Array.forall ((=) 0.0) values

let private stopped (network: Network) =
    rewriteModulars (fun modular -> { modular with StopGradient = true }) network

/// Shared gradients of log p(a|x) alone, for compositions drawn once.
let private controllerGradients network compositions =
    running network (fun graph batch ->
        let output = forward graph batch (GivenSelector compositions)
        gradientsOf graph (output.Tape.LogProbability().sum ()))

let private learner (graph: Graph) (data: Dataset) streams =
    new ViterbiEm(graph, data, EmSettings(3, 1, 5L, 5L, 1e-2), streams)

/// EM on a few datapoints, and these.
let private method (graph: Graph) network streams =
    let points =
        Batches.draw
            {
                Datapoints = 5
                Steps = steps
                Seed = 6
                DType = torch.ScalarType.Float64
            }
            network

    let data = new Dataset(points.Inputs, points.Targets, points.Side)
    data, learner graph data streams

[<Tests>]
let tests =
    testList "Properties of choices" [
        testPropertyWithConfig (config 801 80) "log p(a|x) is the sum over sites of log p of each position's module"
        <| fun (network: Network) ->
            running network (fun graph batch ->
                let tape = (forward graph batch (SampledSelector(generator 4))).Tape

                if tape.Choices > 0 then
                    let expected =
                        latent tape
                        |> List.map (fun entry ->
                            entry.Distribution.LogProbabilities
                                .gather(2L, entry.Selection.Indices.unsqueeze -1L)
                                .sum([| 1L; 2L |]))
                        |> List.reduce (fun a b -> a + b)

                    near (tape.LogProbability()) expected "log p(a|x)")

        testPropertyWithConfig (config 802 60) "p(a|x) of all compositions sums to one"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            running network (fun graph batch ->
                enumerated graph batch _.Tape.LogProbability()
                |> Option.iter (fun logs ->
                    let total = logs.exp().sum (dim = 0L)
                    near total (torch.ones_like total) "total probability")))

        testPropertyWithConfig (config 803 50) "where one site chooses, the mode is the most probable composition"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            running network (fun graph batch ->
                let tape = (forward graph batch (ModeSelector())).Tape

                if (latent tape).Length = 1 then
                    enumerated graph batch _.Tape.LogProbability()
                    |> Option.iter (fun logs -> near (tape.LogProbability()) (logs.amax ([| 0L |])) "log p(mode|x)")))

        testPropertyWithConfig (config 804 60) "modules that nothing chose get a gradient of exactly zero"
        <| fun (network: Network) ->
            let network =
                rewriteModulars (fun modular ->
                    if modular.Controller = Given then
                        { modular with Controller = Linear }
                    else
                        modular) network

            running network (fun graph batch ->
                match drawn graph batch with
                | None -> ()
                | Some compositions ->
                    let output = forward graph batch (GivenSelector(torch.zeros_like compositions))

                    let joint =
                        (graph.Head.LogLikelihood(output.Features, batch.Targets)
                         + output.Tape.LogProbability())
                            .sum ()

                    let gradients = gradientsOf graph joint

                    for pool in graph.Pools do
                        let path = "pools." + pool.Name.Replace('.', '/')

                        for name, gradient in gradients do
                            if name.StartsWith(path + ".") then
                                let local = name.Substring(path.Length + 1)

                                if pool :? NodePool then
                                    if not (local.StartsWith "module0.") then
                                        Expect.isTrue (isZero gradient) name
                                else
                                    let each = gradient.Length / pool.Count
                                    Expect.isTrue (isZero gradient[each..]) name)

        testPropertyWithConfig (config 805 60) "with stop_gradient everywhere, log p(a|x) teaches controllers alone"
        <| fun (network: Network) ->
            scoped (fun () ->
                let network = stopped network

                match running network (fun graph batch -> drawn graph batch |> Option.map _.DetachFromDisposeScope()) with
                | None -> ()
                | Some compositions ->
                    for name, gradient in controllerGradients network compositions do
                        if not (name.Contains ".controller.") then
                            Expect.isTrue (isZero gradient) name)

        testPropertyWithConfig (config 806 60) "stop_gradient changes no output, and no gradient of log p(y|x, a)"
        <| fun (network: Network) ->
            scoped (fun () ->
                let run network compositions =
                    running network (fun graph batch ->
                        let output = forward graph batch (given compositions)
                        let value = (graph.Head.LogLikelihood(output.Features, batch.Targets)).sum ()
                        numbers value, gradientsOf graph value)

                let compositions =
                    running network (fun graph batch -> drawn graph batch |> Option.map _.DetachFromDisposeScope())

                Expect.equal (run (stopped network) compositions) (run network compositions) "values and gradients")

        testPropertyWithConfig (config 807 60) "stop_gradient in one layer changes what log p(a|x) teaches only before it"
        <| fun (network: Network) ->
            scoped (fun () ->
                let opening, body, head = ends network

                match
                    body
                    |> List.tryFindIndex (function
                        | Layer.Modular { Controller = Given } -> false
                        | Layer.Modular _ -> true
                        | _ -> false),
                    running network (fun graph batch -> drawn graph batch |> Option.map _.DetachFromDisposeScope())
                with
                | Some index, Some compositions ->
                    let with' stop =
                        let changed =
                            match body[index] with
                            | Layer.Modular modular -> Layer.Modular { modular with StopGradient = stop }
                            | other -> other

                        controllerGradients
                            {
                                network with
                                    Layers = opening @ List.updateAt index changed body @ [ head ]
                            }
                            compositions

                    let taught, stopped = with' false, with' true

                    let before =
                        (plan network).Layers
                        |> List.take (opening.Length + index)
                        |> List.map (fun layer -> layer.Name + ".")

                    for (name, gradient), (_, stopped) in List.zip taught stopped do
                        let isBefore =
                            name.StartsWith "pools." || List.exists (fun (path: string) -> name.StartsWith path) before

                        if not isBefore then
                            Expect.equal stopped gradient name
                | _ -> ())

        testPropertyWithConfig (config 808 40) "an E-step never lowers the joint"
        <| fun (network: Network) ->
            scoped (fun () ->
                use graph = compiled network
                use streams = new RandomStreams(3L)

                if graph.HasChoice then
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
                        Expect.isGreaterThanOrEqual result.After result.Before "after")

        testPropertyWithConfig (config 809 30) "a full E-step finds every datapoint's best composition"
        <| Prop.forAll (within Limits.tiny) (fun network ->
            scoped (fun () ->
                use graph = compiled network
                use streams = new RandomStreams(3L)
                graph.eval ()
                let batch = batch network

                let joint (output: GraphOutput) =
                    graph.Head.LogLikelihood(output.Features, batch.Targets)
                    + output.Tape.LogProbability()

                match enumerated graph batch joint with
                | None -> ()
                | Some _ when Seq.isEmpty (graph.parameters ()) -> ()
                | Some joints ->
                    use data = new Dataset(batch.Inputs, batch.Targets, batch.Side)
                    use method = learner graph data streams
                    let points = [| 0L .. int64 datapoints - 1L |]
                    let best = joints.amax([| 0L |]).sum().ToDouble()
                    let result = method.FullEStep points
                    Expect.isLessThan (abs (result.After - best)) (1e-9 * (1.0 + abs best)) "the best"))

        testPropertyWithConfig (config 810 40) "an M-step leaves loss and parameters finite; nothing to learn is said in words"
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
