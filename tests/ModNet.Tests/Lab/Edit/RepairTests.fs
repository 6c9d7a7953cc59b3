/// a* after an edit that took modules away.
module ModNet.Tests.RepairTests

open System
open System.IO
open Expecto
open ModNet
open ModNet.Runtime
open ModNet.Tests.Running
open TorchSharp

let private points = 120

let private declared (folder: string) =
    let random = Random 6
    let xs = Array2D.init points 3 (fun _ _ -> float32 (random.NextDouble() - 0.5))

    experiment {
        net (
            network "signs" {
                features 3

                modular {
                    modules 4
                    unit (linear 6 |> tanh)
                }

                softmax 3
            }
        )

        data (
            in_memory "signs" {
                inputs xs

                classes
                    3
                    (Array.init points (fun n ->
                        (if xs[n, 0] > 0.0f then 1 else 0) + (if xs[n, 1] > 0.0f then 1 else 0)))
            }
        )

        train (
            em {
                samples 8
                m_steps 5
                batch 20
                steps 30
                optimizer (Adam 0.02)
            }
        )

        seed 3
        out folder
    }

let private choices (network: TrainedNetwork) : int array =
    scoped (fun () ->
        network.Origin.State.Tensors["em.assignments"].to_type(torch.int64).flatten()
        |> TensorArrays.Vector<int64>
        |> Array.map int)

[<Tests>]
let tests =
    testList "repaired choices" [
        testInDirectory "an E-step makes a choice anew that was lost, and leaves all others as they were"
        <| fun directory ->
            let run = declared (Path.Combine(directory, "run"))
            quietly (fun () -> Running.train Settings.none run |> ignore)
            use network = Trained.load_as (Experiment.with_code_of run) run.Out.Value
            let before = choices network
            let gone = before |> Array.countBy id |> Array.maxBy snd |> fst
            use fewer = Edit.exclude "modular1/pool" [ gone ] network
            let whole, count = Edit.repair fewer
            use whole = whole
            let now = choices whole
            let lost = [ 0 .. points - 1 ] |> List.filter (fun n -> before[n] = gone)
            Expect.equal (int count) lost.Length "those that were concerned"

            for n in List.except lost [ 0 .. points - 1 ] do
                let renumbered = if before[n] > gone then before[n] - 1 else before[n]
                Expect.equal now[n] renumbered $"datapoint {n}"

            // log p(y, a | x) of what was chosen, against that of the most probable module of those that are left.
            scoped (fun () ->
                Trained.withData whole (fun _ opened ->
                    let batch = opened.Source.Splits.Train.Range(0L, int64 points)

                    let joint (selector: Selector) =
                        whole.Graph.InEvaluation(fun () ->
                            let output = whole.Graph.Forward(batch.Inputs, selector, batch.Side)

                            whole.Graph.Head.LogLikelihood(output.Features, batch.Targets)
                            + output.Tape.LogProbability())
                        |> TensorArrays.Vector<float32>

                    let given = torch.tensor(Array.map int64 now).view(int64 points, 1L)
                    let repaired, mode = joint (GivenSelector given), joint (ModeSelector())

                    for n in lost do
                        Expect.isGreaterThanOrEqual repaired[n] (mode[n] - 1e-5f) $"datapoint {n}"

                    Expect.isTrue
                        (lost |> List.exists (fun n -> repaired[n] > mode[n] + 1e-3f))
                        "for some of them it found a better one"))
    ]
