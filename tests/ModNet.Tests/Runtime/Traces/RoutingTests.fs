/// Routing traces against datapoints run one by one.
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
            new SoftmaxHead(3, 5, doubles 6)
        )

    let side =
        SideInputs((indices 9 2 n 1).view(-1L), torch.cat (ResizeArray [ indices 7 3 n 1; indices 8 3 n 1 ], 1L))

    graph, new Dataset(normal 10 [ n; 3 ], (indices 11 5 n 1).view(-1L), side)

let private steps = GradientSettings(4L)

/// The numbers of an array of any rank, in order.
let rows (array: Array) = array |> Seq.cast<float32> |> Seq.toArray

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
    ]
