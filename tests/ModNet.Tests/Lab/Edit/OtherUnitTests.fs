/// Modules that become other units, and decoders of modules that stay as they are.
module ModNet.Tests.OtherUnitTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private words =
    pool "words" {
        modules 4
        unit (linear 6 |> tanh)
    }

let private vectors =
    network "vectors" {
        features 3

        modular {
            from words
            choose 2
        }

        modular {
            modules 3

            unit (
                chain {
                    linear 5 |> relu
                    linear 6
                }
            )
        }

        softmax 3
    }

let private arrays =
    let random = Random 4
    let xs = Array2D.init 90 3 (fun _ _ -> float32 (random.NextDouble() - 0.5))

    in_memory "signs" {
        inputs xs
        classes 3 (Array.init 90 (fun n -> (if xs[n, 0] > 0.0f then 1 else 0) + (if xs[n, 1] > 0.0f then 1 else 0)))
        held_out 30
    }

let private emOf optimizer' unselected' =
    em {
        samples 3
        m_steps 5
        batch 15
        steps 30
        optimizer optimizer'
        unselected unselected'
    }

let private averaged (method: Method) = method.WithGradient { method.Gradient with AverageWeights = Some 0.9 }

let private methods = [
    "EM", emOf (Adam 0.02) Drift
    "EM by momentum, averaged", averaged (emOf (Sgd(0.05, 0.9)) Drift)
    "REINFORCE",
    reinforce {
        batch 15
        steps 30
        optimizer (Adam 0.02)
    }
    "EM at rest", emOf (Adam 0.02) Rest
]

let private trained (directory: string) (method': Method) : TrainedNetwork =
    let run =
        experiment {
            net vectors
            data arrays
            train method'
            validate_every 10
            log_every 5
            seed 3
            out (Path.Combine(directory, "source"))
        }

    quietly (fun () -> Running.train Settings.none run |> ignore)
    Trained.load_as (Experiment.with_code_of run) run.Out.Value

let private on (run: TrainedNetwork) : torch.Tensor =
    torch.randn ([| 200L; 3L |], generator = new torch.Generator(7UL)) |> run.PredictProbabilities

let private near (limit: float) (expected: TrainedNetwork) (actual: TrainedNetwork) message =
    scoped (fun () -> Expect.isLessThan ((on expected - on actual).abs().max().ToDouble()) limit message)

/// As many steps more, in a folder of its own.
let private later (directory: string) name (run: TrainedNetwork) =
    let folder = Path.Combine(directory, name)
    let mutable after = None
    quietly (fun () -> after <- Some(Edit.go_on 10 folder run))
    after.Value

let private wider =
    chain {
        linear 12 |> tanh
        linear 6
    }

[<Tests>]
let tests =
    testList "other units" [
        for name, method' in methods do
            testInDirectory $"{name}: a module becomes another unit, and all others stay as they are"
            <| fun directory ->
                use run = trained directory method'

                let affected m =
                    use without = Edit.exclude "words" [ m ] run
                    (EditReport.between 90 run without).Affected.Count

                let most, other =
                    match [ 0..3 ] |> List.sortByDescending affected with
                    | most :: other :: _ -> most, other
                    | few -> failtest $"{few}"

                let small, fit = Edit.distil_into "words" most wider (Distillation(Steps = 2_000)) run
                use small = small
                Expect.isGreaterThan fit 0.98 "R²"
                let report = EditReport.between 1_000 run small
                Expect.isGreaterThan report.Affected.Count 0L "some are affected"
                Expect.isLessThan report.Unaffected.LargestChange 1e-6 "the others stay"
                let untaught, _ = Edit.distil_into "words" most wider (Distillation(Steps = 0)) run
                use untaught = untaught

                let change (report: EditReport) =
                    abs (snd report.Affected.LogLikelihood - fst report.Affected.LogLikelihood)

                Expect.isLessThan
                    (change report)
                    (change (EditReport.between 1_000 run untaught))
                    "and teaching helps these"

                // Saved and loaded.
                let folder = Path.Combine(directory, "small")
                Edit.save folder small
                use again = Trained.load_as (Experiment.with_code_of run.Experiment) folder
                near 1e-7 small again "saved"

                // Without the replaced module the two pools hold the same, and go on alike.
                use stacked = Edit.exclude "words" [ most ] run
                use apart = Edit.exclude "words" [ most ] small
                near 1e-6 stacked apart "without the module"

                use stacked = later directory "stacked" stacked
                use apart = later directory "apart" apart
                near 1e-4 stacked apart "ten steps later"
                use start = Edit.exclude "words" [ most ] run

                scoped (fun () ->
                    Expect.isGreaterThan
                        ((on stacked - on start).abs().max().ToDouble())
                        1e-3
                        "training changed something")

                // A pool whose modules are of several units takes another one, and a chain does as a layer does.
                let both, _ = Edit.distil_into "words" other wider (Distillation(Steps = 10)) small
                use both = both
                Expect.isLessThan (EditReport.between 1_000 small both).Unaffected.LargestChange 1e-6 "again"
                let of_chain, _ = Edit.distil_into "modular2/pool" 0 (chain { linear 6 }) (Distillation(Steps = 10)) run
                use of_chain = of_chain
                Expect.isLessThan (EditReport.between 1_000 run of_chain).Unaffected.LargestChange 1e-6 "a chain"
                use of_chain = later directory "chain" of_chain
                Expect.equal of_chain.Step 40L "a chain goes on"

        testInDirectory "a unit that does not fit the pool is one message"
        <| fun directory ->
            use run = trained directory (snd methods.Head)

            let message =
                complaint (fun () ->
                    Edit.distil_into "words" 0 (chain { linear 5 }) (Distillation(Steps = 1)) run |> ignore)

            Expect.stringContains message "words" message
            Expect.stringContains message "6" message

        testInDirectory "a decoder learns what frozen modules read"
        <| fun directory ->
            use run = trained directory (snd methods.Head)

            match Edit.reversed "words" 1_000 run with
            | Data.InMemory data ->
                let arrays = data.Arrays.Value.Value
                // Sixty datapoints, two modules each, one where both positions chose the same.
                Expect.isTrue (data.Points > 60 && data.Points <= 120) $"{data.Points} pairs"

                scoped (fun () ->
                    let y = torch.tensor(arrays.Inputs).view(-1L, 6L)

                    let x =
                        match arrays.Target with
                        | ArrayTarget.Values(3, values) -> torch.tensor(values).view(-1L, 3L)
                        | other -> failtest $"{other}"

                    let pool = run.Graph.Pools |> Seq.find (fun known -> known.Name = "words")

                    for row in 0 .. data.Points - 1 do
                        let number = arrays.Given.Value[row]
                        let expected = pool.Apply(number, x.narrow (0L, int64 row, 1L))
                        let far = (expected - y.narrow (0L, int64 row, 1L)).abs().max().ToDouble()
                        Expect.isLessThan far 1e-6 $"row {row}, module {number}")
            | other -> failtest $"{other}"

            let before = scoped (fun () -> (on run).data<float32>().ToArray())
            let mutable decoded = None
            quietly (fun () -> decoded <- Some(Edit.decode "words" (Path.Combine(directory, "back")) run))
            let decoder, fit = decoded.Value
            use _decoder = decoder
            Expect.isGreaterThan fit 0.9 "R²"

            Expect.sequenceEqual
                (scoped (fun () -> (on run).data<float32>().ToArray()))
                before
                "the network stays as it is"

            Expect.isOk (Check.experiment (Edit.decoder "modular2/pool" run)) "of a layer's own pool"

            let message = complaint (fun () -> Edit.reversed "word" 100 run |> ignore)
            Expect.stringContains message "`words`" message
    ]
