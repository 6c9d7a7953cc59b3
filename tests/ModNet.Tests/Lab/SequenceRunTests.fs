/// Networks that read sequences of vectors, with targets at every step.
module ModNet.Tests.SequenceRunTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private points, steps = 120, 6

/// A sequence of numbers, and for every step which of the numbers so far is the largest: the present one, or an earlier one.
let private sequences =
    let random = Random 5
    let x = Array3D.init points steps 2 (fun _ _ _ -> float32 (random.NextDouble()))
    let largest = Array2D.init points steps (fun n t -> Seq.max (seq { for before in 0..t -> x[n, before, 0] }))
    x, largest

let private ofEach =
    let x, largest = sequences
    Array2D.init points steps (fun n t -> if x[n, t, 0] = largest[n, t] then 1 else 0)

let private recurrent name (ending: Layer) =
    network name {
        sequence 2

        modular_gru {
            hidden 12
            modules 2
            unit (linear 12)
        }

        chain {
            match ending with
            | Layer.Gaussian _ -> linear 1
            | _ -> ()
        }

        ending
    }

let private run name ending (ofSteps: Data) (method': Method) (folder: string) =
    experiment {
        net (recurrent name ending)
        data ofSteps
        train method'
        validate_every 50
        log_every 25
        seed 2
        out folder
    }

let private by_em count =
    em {
        samples 3
        m_steps 5
        batch 20
        steps count
        optimizer (Adam 0.02)
    }

let private trained (experiment: Experiment) =
    let mutable outcome = None
    quietly (fun () -> outcome <- Some(Running.train Settings.none experiment))
    outcome.Value

[<Tests>]
let tests =
    testList "sequences of vectors" [
        testInDirectory "classes of every step are learned, predicted and resumed"
        <| fun directory ->
            let x, _ = sequences

            let ofClasses =
                in_memory "records" {
                    inputs x
                    classes 2 ofEach
                    held_out 20
                }

            let folder = Path.Combine(directory, "records")
            let declared = run "records" (Layer.Softmax 2) ofClasses (by_em 300) folder
            let chance = trained { declared with Out = Some(Path.Combine(directory, "short")); Method = by_em 5 }
            let outcome = trained declared
            let perplexity (outcome: TrainingOutcome) = outcome.Final["validation"].[Metric.Perplexity].Value
            Expect.isLessThan (perplexity outcome) (0.8 * perplexity chance) "training helps"
            use network = Trained.load_as (Experiment.with_code_of declared) folder

            scoped (fun () ->
                let all = torch.tensor(Seq.cast<float32> x |> Array.ofSeq).view(int64 points, int64 steps, 2L)

                let right =
                    network
                        .Predict(all)
                        .eq(torch.tensor(Seq.cast<int> ofEach |> Array.ofSeq).view(int64 points, int64 steps))

                Expect.isGreaterThan (right.to_type(torch.float32).mean().ToDouble()) 0.8 "right at most steps"

                complains (fun () -> network.Predict(torch.zeros (4L, 2L)) |> ignore) [
                    "sequence"
                    "[B, T, 2]"
                    "[4, 2]"
                ])

            // A spec that was read from JSON asks for the arrays, and is the same with them.
            let read = Expect.wantOk (Experiment.of_json (Experiment.to_json declared)) "JSON"
            Expect.equal (Experiment.with_code_of declared read) declared "round trip"

        testInDirectory "numbers of every step are learned, and the network is cut where a sequence flows"
        <| fun directory ->
            let x, largest = sequences

            let ofValues =
                in_memory "largest" {
                    inputs x
                    values (Array3D.init points steps 1 (fun n t _ -> largest[n, t]))
                    held_out 20
                }

            let folder = Path.Combine(directory, "largest")
            let declared = run "largest" (Layer.Gaussian(Variance.Fixed 0.1)) ofValues (by_em 300) folder
            let outcome = trained declared
            let squaredError = outcome.Final["validation"].[Metric.SquaredError].Value
            Expect.isLessThan squaredError 0.02 "mean squared error, of variance 0.05"
            use network = Trained.load_as (Experiment.with_code_of declared) folder
            let first, second = Edit.split_at "modular_gru1" network
            use first = first
            use second = second

            let halves name (part: TrainedNetwork) =
                let folder = Path.Combine(directory, name)
                Edit.save folder part
                Trained.load folder

            use first = halves "first" first
            use second = halves "second" second

            scoped (fun () ->
                let all = torch.tensor(Seq.cast<float32> x |> Array.ofSeq).view(int64 points, int64 steps, 2L)
                let far = (second.Predict(first.Predict all) - network.Predict all).abs().max().ToDouble()
                Expect.isLessThan far 1e-6 "both halves are the whole")

        testInDirectory "a class of each whole sequence is learned, predicted and evaluated"
        <| fun directory ->
            let x, _ = sequences

            // Whether the first feature or the second is larger over the sequence.
            let classOf n =
                let total feature = Seq.sum (seq { for t in 0 .. steps - 1 -> x[n, t, feature] })
                if total 0 > total 1 then 1 else 0

            let ofEach = Array.init points classOf

            let transformer =
                network "sequences" {
                    sequence 2
                    linear 8
                    positions

                    residual {
                        layer_norm

                        self_attention {
                            heads 2
                            causal false
                        }
                    }

                    modular {
                        modules 2
                        unit (linear 8 |> relu)
                    }

                    mean_steps

                    modular {
                        modules 2
                        unit (linear 8 |> relu)
                    }

                    softmax 2
                }

            let folder = Path.Combine(directory, "sequences")

            let declared =
                experiment {
                    net transformer

                    data (
                        in_memory "records" {
                            inputs x
                            classes 2 ofEach
                            held_out 20
                        }
                    )

                    train (by_em 300)
                    validate_every 50
                    log_every 25
                    seed 2
                    out folder
                }

            let outcome = trained declared
            Expect.isGreaterThan outcome.Final["validation"].[Metric.Accuracy].Value 0.7 "accuracy"
            use network = Trained.load_as (Experiment.with_code_of declared) folder

            scoped (fun () ->
                let all = torch.tensor(Seq.cast<float32> x |> Array.ofSeq).view(int64 points, int64 steps, 2L)
                let right = network.Predict(all).eq(torch.tensor ofEach)
                Expect.equal right.shape [| int64 points |] "a class for each sequence"
                Expect.isGreaterThan (right.to_type(torch.float32).mean().ToDouble()) 0.8 "right for most")
    ]
