/// Edits of runs: what training goes on to do with them, and what is said of mistakes.
module ModNet.Tests.EditRunTests

open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private shared =
    pool "words" {
        modules 5
        unit (linear 6 |> tanh)
    }

/// Two layers that share a pool, K = 2 at one of them, under a residual block.
let private vectors =
    network "vectors" {
        features 3

        modular {
            from shared
            choose 2
        }

        residual { linear 6 |> tanh }

        residual {
            modular {
                modules 3
                unit (linear 6 |> relu)
            }
        }

        softmax 3
    }

let private run' (folder: string) method' network' =
    experiment {
        net network'
        data (Arrays.triangles "triangles" 90)
        train method'
        validate_every 10
        log_every 5
        seed 3
        out folder
    }

let private steps = 30

let private emOf unselected' =
    em {
        samples 3
        m_steps 5
        batch 15
        steps 30
        optimizer (Adam 0.02)
        unselected unselected'
    }

let private methods = [
    "EM", emOf Drift
    "EM at rest", emOf Rest
    "EM by momentum",
    em {
        samples 3
        m_steps 5
        batch 15
        steps 30
        optimizer (Sgd(0.05, 0.9))
        average_weights 0.9
    }
    "REINFORCE",
    reinforce {
        batch 15
        steps 30
    }
]

let private trained (directory: string) name method' : Experiment =
    let experiment = run' (Path.Combine(directory, name)) method' vectors
    quietly (fun () -> Running.train Settings.none experiment |> ignore)
    experiment

/// Loads with the arrays that the folder does not hold.
let private load (experiment: Experiment) (folder: string) =
    folder |> Trained.load_as (fun run -> { run with Data = experiment.Data })

let private goOn (experiment: Experiment) (folder: string) (steps: int) =
    let told = { Trained.experiment folder with Data = experiment.Data; Out = Some folder }
    let longer = { told with Method = told.Method.WithSteps steps }
    quietly (fun () -> Running.train { Settings.none with Resume = true } longer |> ignore)

let private stored (folder: string) = Safetensors.Read(Path.Combine(folder, "checkpoint.safetensors"))

let private stepsOf (folder: string) =
    scoped (fun () ->
        let kept = stored folder
        kept["run.step"].ToInt64())

let private same (expected: string) (actual: string) (skip: string -> bool) =
    scoped (fun () ->
        let was, now = stored expected, stored actual
        Expect.equal (Seq.sort now.Keys |> List.ofSeq) (Seq.sort was.Keys |> List.ofSeq) "names"

        for KeyValue(name, value) in was do
            if not (skip name) then Expect.equal (now[name].bytes.ToArray()) (value.bytes.ToArray()) name)

[<Tests>]
let tests =
    testSequenced
    <| testList "edited runs" [
        for name, method' in methods do
            testInDirectory
                $"{name}: an edit that changes nothing, saved, loaded and trained on, ends as the run does, bit for bit"
            <| fun directory ->
                let straight = trained directory "straight" method'
                let other = trained directory "other" method'
                goOn straight straight.Out.Value (2 * steps)
                let saved = Path.Combine(directory, "saved")
                use run = load other other.Out.Value
                use there = Edit.relabel "words" [ 4; 2; 0; 1; 3 ] run
                use back = Edit.relabel "words" [ 2; 3; 1; 4; 0 ] there
                Edit.save saved back
                goOn other saved (2 * steps)
                Expect.equal (stepsOf saved) (int64 (2 * steps)) "it went on"
                same straight.Out.Value saved Learned.isTimed

            testInDirectory
                $"{name}: what was excluded, saved and loaded is what was excluded; it trains on, and a* names modules that are there"
            <| fun directory ->
                let straight = trained directory "straight" method'
                let saved = Path.Combine(directory, "saved")
                use run = load straight straight.Out.Value
                use fewer = Edit.exclude "words" [ 1; 3 ] run
                Edit.save saved fewer
                use again = load straight saved

                scoped (fun () ->
                    let x = (normal 8 [ 20; 3 ]).to_type torch.ScalarType.Float32

                    Expect.equal
                        (numbers (again.PredictProbabilities x))
                        (numbers (fewer.PredictProbabilities x))
                        "answers")

                Expect.equal again.Experiment.Network fewer.Experiment.Network "network"
                goOn straight saved (steps + 10)

                scoped (fun () ->
                    match (stored saved).TryGetValue "em.assignments" with
                    | true, held ->
                        Expect.equal held.dtype torch.ScalarType.Byte "compact"
                        Expect.isLessThan (held.narrow(1, 0L, 2L).max().ToInt64()) 3L "of three modules"
                    | _ -> Expect.isFalse (name.StartsWith "EM") "only EM has one")

        testInDirectory "the next M-step after a relabelling is the same step"
        <| fun directory ->
            let straight = trained directory "straight" (emOf Drift)
            let order = [ 4; 2; 0; 1; 3 ]
            use run = load straight straight.Out.Value
            use there = Edit.relabel "words" order run
            let saved = Path.Combine(directory, "saved")
            Edit.save saved there

            // From step 30 on, the E-step of step 30 would draw; 31 to 34 are M-steps alone. A step before it, nothing is drawn either: a* is given.
            let stepped (network: TrainedNetwork) (order: int list) =
                let sound = Check.experiment network.Experiment |> Refusal.orRaise
                let source = Source.load sound
                use splits = source.Splits
                use streams = new RandomStreams(3L)

                use method =
                    CompileMethod.make sound.Experiment.Method network.Graph splits.Train streams network.Device
                    :?> ViterbiEm

                let held = TensorArrays.Table<int64>(network.Origin.State.Tensors["em.assignments"].to_type torch.int64)

                for n in 0 .. Array2D.length1 held - 1 do
                    method.Assignments.Set(
                        int64 n,
                        System.ReadOnlySpan [| for c in 0 .. Array2D.length2 held - 1 -> held[n, c] |]
                    )

                method.MStep()

                scoped (fun () ->
                    let weights = network.Graph.state_dict ()
                    let rows = torch.tensor [| for m in order -> int64 m |]

                    [
                        numbers (weights["pools.words.weight"].index_select(0L, rows))
                        numbers weights["head.weight"]
                        numbers weights["residual1.linear1.weight"]
                    ])

            let back = [ for m in 0..4 -> List.findIndex ((=) m) order ]

            for expected, actual in List.zip (stepped run [ 0..4 ]) (stepped there back) do
                Expect.all (Array.zip expected actual) (fun (a, b) -> abs (a - b) < 1e-6) "weights"

        testInDirectory
            "frozen parts stay as they are, bit for bit, with all that the optimiser remembers of them; the others learn"
        <| fun directory ->
            for name, method' in methods do
                let straight = trained directory name method'
                let saved = Path.Combine(directory, $"{name} frozen")
                use run = load straight straight.Out.Value
                use frozen = Edit.freeze [ "words/2"; "residual1"; "residual2/modular1/controller" ] run
                Edit.save saved frozen
                goOn straight saved (steps + 10)

                scoped (fun () ->
                    let was, now = stored straight.Out.Value, stored saved
                    let bytes (tensor: torch.Tensor) = tensor.contiguous().bytes.ToArray()

                    let still = [
                        for KeyValue(name, value) in was do
                            let isFrozen = name.Contains "residual1." || name.Contains "residual2.modular1.controller"

                            if isFrozen then
                                name, value, now[name]
                            elif name.Contains "pools.words." && value.dim () > 1 then
                                $"{name}, module 2", value.select (0, 2L), now[name].select(0, 2L)
                    ]

                    Expect.isGreaterThan still.Length 5 "some are frozen"
                    Expect.equal (now["run.step"].ToInt64()) (int64 (steps + 10)) $"{name}: steps"

                    for name, value, after in still do
                        // The average of weights that stand still goes on towards them.
                        if not (name.StartsWith "method.average.") then Expect.equal (bytes after) (bytes value) name

                    for weight in [ "pools.words.weight"; "head.weight"; "pools.residual2/modular1/pool.weight" ] do
                        Expect.isFalse (bytes now[weight] = bytes was[weight]) $"{name}: {weight} learns")

        testInDirectory "a ported pool is what it was at its source, and stays so while the rest learns"
        <| fun directory ->
            let source = trained directory "source" (emOf Drift)

            let target =
                run'
                    (Path.Combine(directory, "target"))
                    (emOf Drift)
                    (network "target" {
                        features 3

                        modular {
                            from shared
                            controller (Mlp [ 4 ])
                        }

                        softmax 3
                    })

            use run = load source source.Out.Value
            use ported = Edit.port "words" run "words" target
            let saved = Path.Combine(directory, "ported")
            Edit.save saved ported
            goOn target saved steps

            scoped (fun () ->
                let was, now = stored source.Out.Value, stored saved
                Expect.equal (numbers now["pools.words.weight"]) (numbers was["pools.words.weight"]) "the pool"
                Expect.equal (now["run.step"].ToInt64()) (int64 steps) "trained"

                Expect.notEqual
                    (numbers now["head.weight"])
                    (numbers (ported.Graph.state_dict()["head.weight"]))
                    "the head learned")

        testInDirectory "the part that some data use says the same of them"
        <| fun directory ->
            let source = trained directory "source" (emOf Drift)
            use run = load source source.Out.Value

            scoped (fun () ->
                let x = (normal 8 [ 3; 3 ]).to_type torch.ScalarType.Float32
                use part = Edit.split_used (x, null) run

                Expect.isLessThan
                    (part.Graph.Pools |> Seq.sumBy _.Count)
                    (run.Graph.Pools |> Seq.sumBy _.Count)
                    "fewer modules"

                Expect.all
                    (Array.zip (numbers (run.PredictProbabilities x)) (numbers (part.PredictProbabilities x)))
                    (fun (a, b) -> abs (a - b) < 1e-6)
                    "answers")

        testInDirectory
            "a module that was taught does what the old one did on the rows routed to it, and the others stay"
        <| fun directory ->
            let source = trained directory "source" (emOf Drift)
            use run = load source source.Out.Value
            let how = Distillation(Steps = 2_000, Rate = 0.02)

            let most =
                [ 0..4 ]
                |> List.maxBy (fun m -> (EditReport.between 90 run (Edit.exclude "words" [ m ] run)).Affected.Count)

            let taught, fit = Edit.distil "words" most how run
            use taught = taught
            let report = EditReport.between 1_000 run taught
            Expect.isGreaterThan fit 0.999 "R²"
            Expect.isGreaterThan report.Affected.Count 0L "some are affected"
            Expect.isLessThan report.Unaffected.LargestChange 1e-6 "the others stay"
            Expect.isLessThan report.Affected.LargestChange 0.05 "and these nearly"
            let start, _ = Edit.distil "words" most (Distillation(Steps = 0)) run
            use start = start
            let untaught = EditReport.between 1_000 run start
            Expect.isGreaterThan untaught.Affected.LargestChange report.Affected.LargestChange "teaching helps"

            let sound = Check.experiment run.Experiment |> Refusal.orRaise
            let source = Source.load sound
            use splits = source.Splits

            scoped (fun () ->
                let rows (only: System.Nullable<int>) =
                    RoutedRows.Of(run.Graph, run.Evaluating, splits.Train, "words", only, 60L, 1_000L, run.Device)

                // Every datapoint's row is heard once where the pool chooses two, and once for each module that it meets.
                Expect.equal (rows(System.Nullable()).shape[0]) 60L "all rows"
                let each = [ for m in 0..4 -> (rows (System.Nullable m)).shape[0] ]
                Expect.isGreaterThanOrEqual (List.sum each) 60L "each row meets a module, or two"
                Expect.isLessThanOrEqual (List.sum each) 120L "at most two")

        testInDirectory "the report tells affected datapoints from the others"
        <| fun directory ->
            let source = trained directory "source" (emOf Drift)
            use run = load source source.Out.Value
            use fewer = Edit.exclude "words" [ 0 ] run
            let report = EditReport.between 1_000 run fewer
            Expect.equal (report.Affected.Count + report.Unaffected.Count) 30L "all of the validation set"
            Expect.isLessThan report.Unaffected.LargestChange 1e-6 "the others stay"
            Expect.equal report.Unaffected.ChangedPredictions 0L "and are predicted alike"

            Expect.equal
                (snd report.Parameters)
                (fst report.Parameters - int64 (3 * 6 + 6) - int64 (2 * (3 + 1)))
                "parameters"

            use added = Edit.augment "words" 2 run
            let none = EditReport.between 1_000 run added
            Expect.equal none.Affected.Count 0L "nobody is affected"
            Expect.isLessThan none.Unaffected.LargestChange 1e-6 "and nothing changes"

            use other = Edit.substitute "words" 1 run "words" 4 run
            use both = Edit.exclude "words" [ 0 ] other
            let two = EditReport.between 1_000 run both
            Expect.isGreaterThanOrEqual two.Affected.Count report.Affected.Count "of both edits"
            Expect.isLessThan two.Unaffected.LargestChange 1e-6 "the others stay"

        testInDirectory "mistakes"
        <| fun directory ->
            let source = trained directory "source" (emOf Drift)
            use run = load source source.Out.Value
            let refuses edit parts = complains (fun () -> (edit run: TrainedNetwork) |> ignore) parts
            refuses (Edit.exclude "words" [ 0..4 ]) [ "pool words"; "fewer modules than its M = 5"; "all of them" ]
            refuses (Edit.exclude "words" [ 7 ]) [ "modules from 0 to 4"; "got 7" ]
            refuses (Edit.exclude "word" [ 0 ]) [ "a pool of the network"; "`word`"; "`words`" ]
            refuses (Edit.exclude "words" [ 0; 1; 2; 3 ]) [ "vectors/modular1/choose"; "K ≤ M = 1"; "K = 2" ]
            refuses (Edit.relabel "words" [ 0; 1 ]) [ "each module from 0 to 4 once" ]
            refuses (Edit.augment "words" 0) [ "a number of new modules ≥ 1" ]
            refuses (Edit.swap "residual1" "residual9") [ "`residual9`"; "`residual2`" ]
            refuses (Edit.swap "modular1" "residual1") [ "vectors" ]
            refuses (Edit.freeze [ "residual7" ]) [ "frozen"; "`residual7`" ]

            refuses (Edit.substitute "words" 0 run "residual2/modular1/pool" 1) [
                "pool words, module 0"
                "[6, 3]"
                "[6, 6]"
                "the same unit"
            ]

            complains (fun () -> Edit.split_at "softmax" run |> ignore) [ "`softmax`" ]
            let taken = Path.Combine(directory, "taken")
            Directory.CreateDirectory taken |> ignore
            File.WriteAllText(Path.Combine(taken, "mine.txt"), "mine")
            complains (fun () -> Edit.save taken run) [ "a new folder, or an empty one" ]
            Expect.equal (Directory.GetFiles taken).Length 1 "nothing was written"

            // The folder does not hold the arrays that a* is repaired with.
            use without = Trained.load source.Out.Value
            use fewer = Edit.exclude "words" [ 0 ] without
            complains (fun () -> Edit.save (Path.Combine(directory, "out")) fewer) [ "triangles" ]
            Expect.isFalse (Directory.Exists(Path.Combine(directory, "out"))) "nothing half-written"
    ]
