/// Graphs of trained networks' units and modules by hand, and what networks lose without a part.
module ModNet.Tests.StructureTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Graphs
open ModNet.Tests.RoutedExamples
open TorchSharp

let private arrays =
    let random = Random 4
    let xs = Array2D.init 120 3 (fun _ _ -> float32 (random.NextDouble() - 0.5))

    in_memory "structure-tests" {
        inputs xs
        classes 2 (Array.init 120 (fun n -> if xs[n, 0] + 0.3f * xs[n, 1] > 0.0f then 1 else 0))
        held_out 30
        test 40
    }

let private declared folder =
    experiment {
        net (
            network "small" {
                features 3
                linear 6 |> tanh
                dropout 0.2
                linear 5

                modular {
                    modules 3
                    unit (linear 4)
                    masked [ 1 ]
                }

                softmax 2
            }
        )

        data arrays

        train (
            em {
                batch 10
                steps 60
                optimizer (Adam 0.05)
            }
        )

        out folder
    }

let private trained (body: TrainedNetwork -> unit) =
    inDirectory (fun directory ->
        let run = declared (Path.Combine(directory, "run"))
        Running.quietly (fun () -> Running.train Settings.none run |> ignore)
        use opened = Trained.load_as (Experiment.with_code_of run) run.Out.Value
        scoped (fun () -> body opened))

/// Pearson's correlation of two columns, without its sign, by its definition.
let private pearson (one: float[]) (other: float[]) =
    let centred (values: float[]) =
        let mean = Array.average values
        values |> Array.map (fun value -> value - mean)

    let one, other = centred one, centred other
    let product a b = Array.map2 (*) a b |> Array.sum
    abs (product one other) / sqrt (product one one * product other other)

let private columns (rows: torch.Tensor) : float[][] = matrix rows |> Array.transpose

/// Pairs of names with their weights, in order.
let private named (graph: UnitGraph) = [
    for link in graph.Links -> graph.Names[link.From], graph.Names[link.To], link.Weight
]

/// x [40, 3] of the test set, and the outputs of both linear layers.
let private outputs (run: TrainedNetwork) =
    let source = Check.experiment run.Experiment |> Refusal.orRaise |> Source.load
    use _splits = source.Splits
    let x = source.Splits.Test[0].Inputs.clone()

    run.Graph.InEvaluation(fun () ->
        let route = Route(run.Evaluating)
        let first = run.Graph.Nodes[0].Forward(x, route)
        first, run.Graph.Nodes[2].Forward(first, route))

[<Tests>]
let tests =
    testList "structure" [
        testScoped "correlations are Pearson's, 1 for a unit's double and 0 for one that never varies"
        <| fun () ->
            let rows = normal 3 [ 50; 4 ]
            let double = 3.0 - 2.0 * rows.narrow (1, 1L, 1L)
            let all = torch.cat ([| rows; double; torch.full (50L, 1L, 0.3, dtype = torch.ScalarType.Float64) |], 1L)
            let alike = UnitOutputs.Correlations all
            let columns = columns all

            for one in 0..4 do
                for other in 0..4 do
                    Expect.isLessThan (abs (alike[one, other] - pearson columns[one] columns[other])) 1e-12 "Pearson"

                Expect.equal alike[one, 5] 0.0 "never varies"

            Expect.isLessThan (abs (alike[1, 4] - 1.0)) 1e-12 "its double"

        testScoped "a channel counts by its mean over places, a sequence step by step or by its mean over steps"
        <| fun () ->
            let image = normal 1 [ 2; 3; 4; 5 ]
            let sequence = normal 2 [ 2; 4; 6 ]
            let other = normal 3 [ 2; 4; 1 ]
            Expect.equal [ for x in [ image; sequence; other ] -> UnitOutputs.Count x ] [ 3L; 6L; 1L ] "units"
            let means = torch.cat ([| image.mean ([| 2L; 3L |]); sequence.mean ([| 1L |]) |], 1L)
            Expect.isLessThan (distance (UnitOutputs.Rows [| image; sequence |]) means) 1e-15 "image and sequence"
            let steps = torch.cat ([| sequence.reshape (8, 6); other.reshape (8, 1) |], 1L)
            Expect.equal (distance (UnitOutputs.Rows [| sequence; other |]) steps) 0.0 "sequences"
            let without = UnitOutputs.Without(image, 1L)
            Expect.equal (without.select(1, 1L).abs().sum().ToDouble()) 0.0 "removed"
            Expect.equal (distance (without.select (1, 2L)) (image.select (1, 2L))) 0.0 "another"

        testCase "of_activity joins units by how alike they are over the test set, and leaves out what is below"
        <| fun () ->
            trained (fun run ->
                let first, second = outputs run
                let columns = Array.append (columns first) (columns second)
                let name unit = if unit < 6 then $"linear1/{unit}" else $"linear2/{unit - 6}"

                let expected = [
                    for one, other in pairs 11 do
                        let alike = pearson columns[one] columns[other]
                        if alike >= 0.3 then name one, name other, alike
                ]

                let graph = run |> Structure.of_activity [ "linear1"; "linear2" ] 1_000 0.3
                Expect.isGreaterThan expected.Length 5 "some are joined"
                Expect.isLessThan expected.Length 55 "some are not"

                Expect.equal
                    (List.ofSeq graph.Groups)
                    (List.replicate 6 "linear1" @ List.replicate 5 "linear2")
                    "groups"

                for (one, other, weight), (one', other', weight') in List.zip expected (named graph) do
                    Expect.equal (one', other') (one, other) "joined"
                    Expect.isLessThan (abs (weight - weight')) 1e-6 "|r|"

                // A unit's double: its weights, and its bias, twice.
                use _no = torch.no_grad ()

                for parameter in [ "weight"; "bias" ] do
                    let values = run.Graph.Nodes[0].get_parameter parameter
                    values.select(0, 3L).copy_(values.select (0, 2L)) |> ignore

                let doubled = run |> Structure.of_activity [ "linear1" ] 1_000 1e-9

                let weight =
                    named doubled
                    |> List.pick (fun (one, other, weight) ->
                        if (one, other) = ("linear1/2", "linear1/3") then Some weight else None)

                Expect.isLessThan (abs (weight - 1.0)) 1e-12 "doubles"

                fails
                    (fun () -> Structure.of_activity [ "conv9" ] 10 0.1 run |> ignore)
                    "expected layers among linear1"

                fails (fun () -> Structure.of_activity [ "linear1" ] 1 0.1 run |> ignore) "at least two datapoints"
                fails (fun () -> Structure.of_activity [ "linear1" ] 10 nan run |> ignore) "from 0 to 1, got NaN")

        testCase "of_weights joins the units of linear layers that follow each other by |W|"
        <| fun () ->
            trained (fun run ->
                let weights (node: torch.nn.Module) = matrix (node.get_parameter "weight")

                // The head's inputs are a modular layer's, and no linear layer's.
                let layers = [
                    "inputs of linear1", "linear1", weights run.Graph.Nodes[0]
                    "linear1", "linear2", weights run.Graph.Nodes[2]
                    "inputs of softmax", "softmax", weights run.Graph.Head
                ]

                let expected = [
                    for from, into, weights in layers do
                        for output, row in Array.indexed weights do
                            for input, weight in Array.indexed row do
                                if abs weight >= 0.1 then $"{from}/{input}", $"{into}/{output}", abs weight
                ]

                let graph = run |> Structure.of_weights 0.1
                Expect.isGreaterThan expected.Length 20 "some are joined"
                Expect.equal (List.sort (named graph)) (List.sort expected) "links"
                Expect.equal graph.Count (3 + 6 + 5 + 4 + 2) "nodes"
                fails (fun () -> Structure.of_weights -1.0 run |> ignore) "a least weight ≥ 0")

        testPropertyWithConfig
            (trying 60 typeof<Arbitraries> (18UL, 7UL))
            "of_routing counts the datapoints whose path meets both modules"
        <| fun (seed: int, FsCheck.PositiveInt n, isText: bool) ->
            let trace = traceOf seed (n % 9) 4 [ 3, 1; 2, 2; 4, 1 ] isText

            // The last layer shares the first's pool.
            let shared =
                let last = trace.Layers[2]
                let narrow = Array3D.map (fun m -> m % 3) last.Selections
                RoutingLayer("modular3", 3, true, narrow, Pool = trace.Layers[0].Pool)

            let trace =
                RoutingTrace(
                    Step = 1L,
                    Split = "test",
                    Datapoints = trace.Datapoints,
                    LogLikelihood = trace.LogLikelihood,
                    Layers = ResizeArray [ trace.Layers[0]; trace.Layers[1]; shared ]
                )

            let meets (name: string) row =
                trace.Layers
                |> Seq.exists (fun layer ->
                    layer.Selections
                    |> Array3D.mapi (fun b _ _ m -> b = row && $"{layer.Pool}/{m}" = name)
                    |> Seq.cast<bool>
                    |> Seq.exists id)

            let graph = Structure.of_routing trace

            Expect.equal
                (List.ofSeq graph.Names)
                [ "modular1/0"; "modular1/1"; "modular1/2"; "modular2/0"; "modular2/1" ]
                "modules"

            let expected = [
                for one, other in pairs 5 do
                    let one, other = graph.Names[one], graph.Names[other]
                    let count = [ 0 .. trace.Count - 1 ] |> List.filter (fun row -> meets one row && meets other row)
                    if not count.IsEmpty then one, other, float count.Length
            ]

            Expect.equal (named graph) expected "counts"

        test "of_successions has an arc where a module follows another often enough" {
            let path = [| 0; 1; 0; 1; 1; 2; 0; 1 |]
            let layer = RoutingLayer("gru", 3, true, Array3D.init 1 8 1 (fun _ t _ -> path[t]))

            let trace =
                RoutingTrace(
                    Step = 1L,
                    Split = "test",
                    Datapoints = [| 0L |],
                    LogLikelihood = [| 0.0f |],
                    Layers = ResizeArray [ layer ]
                )

            // After 0: 1, 1, 1. After 1: 0, 1, 2. After 2: 0.
            let arcs least = [
                for struct (from, into) in (Structure.of_successions "gru" least trace).Arcs -> from, into
            ]

            Expect.equal (arcs 0.0) [ 0, 1; 1, 0; 1, 2; 2, 0 ] "all"
            Expect.equal (arcs 0.5) [ 0, 1; 2, 0 ] "half of the cases"
            let flat = traceOf 3 5 1 [ 3, 1 ] false

            fails
                (fun () -> Structure.of_successions "modular1" 0.0 flat |> ignore)
                "a layer that chooses at several time steps"
        }

        test "planted communities stand out from rewired graphs, and those of a random graph do not" {
            let blocks = CommunityTests.planted 3 10
            let graph = drawnGraph 2 30 (fun one other -> if blocks[one] = blocks[other] then 0.6 else 0.1)
            let against = Structure.against_rewired 40 1 graph
            Expect.isGreaterThan against.Z 2.0 "planted"
            Expect.equal against.Found (graph |> Structure.communities |> Structure.modularity) "Q"
            let random = drawnGraph 3 30 (fun _ _ -> 0.25)
            let chance = Structure.against_rewired 40 1 random
            Expect.isLessThan (abs chance.Z) 2.0 "random"
            // It has communities all the same.
            Expect.isGreaterThan chance.Found 0.1 "Q of a random graph"
            fails (fun () -> Structure.against_rewired 1 1 graph |> ignore) "a number of graphs ≥ 2, got 1"
            let clear = drawnGraph 2 30 (fun one other -> if blocks[one] = blocks[other] then 0.9 else 0.05)
            let both = Structure.agreement (Structure.communities clear) (Structure.blocks 3 clear)
            Expect.equal both 1.0 "communities and blocks"
            fails (fun () -> Structure.blocks 0 graph |> ignore) "a number of blocks ≥ 1, got 0"
        }

        test "mean, deviation and z against rewired graphs are by hand" {
            let against = { Found = 9.0; Rewired = [| 1.0; 3.0; 5.0 |] }
            Expect.equal (against.Mean, against.Deviation, against.Z) (3.0, 2.0, 3.0) "by hand"
            Expect.isTrue (Double.IsNaN { Found = 9.0; Rewired = [| 1.0; 1.0 |] }.Z) "no deviation"
            // A complete graph of equal weights has no other of its degrees.
            let complete = Structure.against_rewired 3 1 (graphOf 5 [ for one, other in pairs 5 -> one, other, 1.0 ])
            Expect.equal complete.Rewired (Array.create 3 complete.Found) "itself"
        }

        test "motifs stand beside those of rewired graphs" {
            let random = Random 5

            let graph =
                directedOf 24 [
                    yield! drawnArcs random 24 0.05
                    for loop in 0..7 do
                        3 * loop, 3 * loop + 1
                        3 * loop + 1, 3 * loop + 2
                        3 * loop + 2, 3 * loop
                ]

            let motifs = Structure.motifs 50 1 graph
            Expect.equal [ for motif in motifs -> int64 motif.Count.Found ] (List.ofArray (Triads.Count graph)) "counts"
            let loop = motifs |> List.find (fun motif -> motif.Triad.Name = "030C")
            Expect.isGreaterThan loop.Count.Z 2.0 "loops"
        }

        testCase "without a module that is never chosen nothing changes, and without another only its datapoints do"
        <| fun () ->
            trained (fun run ->
                let lost = run |> Structure.lesions 1_000
                Expect.equal (lost |> List.map _.Name) [ for number in 0..2 -> $"modular1/pool/{number}" ] "modules"
                let never = lost[1]
                Expect.equal never.Affected 0.0 "the masked one is met by none"
                Expect.isLessThan (abs (fst never.LogLikelihood - snd never.LogLikelihood)) 1e-6 "log-likelihood"
                Expect.equal (fst never.Accuracy.Value) (snd never.Accuracy.Value) "accuracy"
                Expect.isLessThan (abs (lost[0].Affected + lost[2].Affected - 1.0)) 1e-12 "K = 1: each meets one"

                for number in [ 0; 2 ] do
                    use without = Edit.exclude "modular1/pool" [ number ] run
                    let report = EditReport.between 1_000 run without
                    let groups = [ report.Affected; report.Unaffected ] |> List.filter (fun group -> group.Count > 0L)
                    let count = groups |> List.sumBy _.Count |> float
                    let after = groups |> List.sumBy (fun group -> float group.Count * snd group.LogLikelihood)

                    Expect.isLessThan
                        (abs (after / count - snd lost[number].LogLikelihood))
                        1e-9
                        "as the edit's report"

                    Expect.equal (float report.Affected.Count / count) lost[number].Affected "affected")

        testCase "without a unit the network is as with its output at 0"
        <| fun () ->
            trained (fun run ->
                use _no = torch.no_grad ()
                // What follows does not read unit 4.
                run.Graph.Nodes[2].get_parameter("weight").select(1, 4L).zero_() |> ignore
                let lost = run |> Structure.lesions_of_units "linear1" 1_000
                Expect.equal (lost |> List.map _.Name) [ for unit in 0..5 -> $"linear1/{unit}" ] "units"
                Expect.isLessThan (abs (fst lost[4].LogLikelihood - snd lost[4].LogLikelihood)) 1e-6 "not read"
                Expect.equal lost[4].Affected 1.0 "tanh of no datapoint is 0"

                // By the weights: what reads unit 0 reads it no more, as where its output is 0.
                run.Graph.Nodes[2].get_parameter("weight").select(1, 0L).zero_() |> ignore
                let after = (run |> Structure.lesions_of_units "linear1" 1_000)[1]
                Expect.isLessThan (abs (fst after.LogLikelihood - snd lost[0].LogLikelihood)) 1e-6 "log-likelihood"
                Expect.equal (fst after.Accuracy.Value) (snd lost[0].Accuracy.Value) "accuracy"
                Expect.isGreaterThan (abs (fst lost[0].LogLikelihood - snd lost[0].LogLikelihood)) 1e-4 "it was read"
                fails (fun () -> Structure.lesions_of_units "conv9" 10 run |> ignore) "a layer among linear1")

        testCase "the core of a layer keeps what was asked for: what the network without all other units gives"
        <| fun () ->
            trained (fun run ->
                let core = run |> Structure.core_of "linear1" 0.9 60 1_000
                let all, alone, none = core.LogLikelihood
                Expect.isGreaterThanOrEqual core.Kept (0.9 - 1e-9) "share"
                Expect.hasLength core.Effects 6 "effects"
                Expect.isTrue (core.Units.Length >= 1 && core.Units.Length <= 6) "units"

                let without (kept: int list) =
                    use fewer = run |> Edit.exclude_units "linear1" (List.except kept [ 0..5 ])
                    let report = EditReport.between 1_000 run fewer
                    Expect.isLessThan (abs (fst report.Affected.LogLikelihood - all)) 1e-6 "all"
                    snd report.Affected.LogLikelihood

                if core.Units.Length < 6 then Expect.isLessThan (abs (without core.Units - alone)) 1e-5 "alone"

                if core.Units.Length > 1 then
                    for unit in core.Units do
                        Expect.isLessThan
                            (without (List.except [ unit ] core.Units))
                            (none + 0.9 * (all - none))
                            $"not without {unit}"

                fails
                    (fun () -> run |> Structure.core_of "linear1" 1.5 60 10 |> ignore)
                    "a share above 0 and at most 1"

                fails (fun () -> run |> Structure.core_of "linear1" 0.9 1 10 |> ignore) "at least two subsets, got 1"
                fails (fun () -> run |> Structure.core_of "conv9" 0.9 60 10 |> ignore) "a layer among linear1")
    ]
