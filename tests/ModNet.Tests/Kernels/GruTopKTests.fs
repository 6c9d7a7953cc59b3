/// The modular GRU's kernel under a noisy top-k gate, against the same node in double precision, step by step through libtorch.
module ModNet.Tests.GruTopKTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels
open ModNet.Runtime
open ModNet.Tests.GruCases
open TorchSharp

type GateCases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 5; 33 ]
            let! steps = Gen.elements [ 1; 2; 7 ]
            let! inputs = Gen.elements [ 1; 5; 32 ]
            let! hidden = Gen.elements [ 1; 3; 8; 17 ]
            let! modules = Gen.frequency [ 8, Gen.elements [ 1; 2; 5; 15 ]; 1, Gen.constant 70 ]

            let! k = Gen.oneof [ Gen.choose (1, modules); Gen.elements [ 1; min 4 modules; modules ] ]

            let! noisy = Gen.frequency [ 2, Gen.constant true; 1, Gen.constant false ]
            let! relu, once, stop = Gen.elements [ true; false ] |> Gen.three
            let! bias, starts = Gen.elements [ true; false ] |> Gen.two

            let! readsStates, readsController, readsFactors =
                Gen.frequency [
                    4, Gen.constant (true, false, false)
                    3, Gen.constant (true, true, true)
                    1, Gen.elements [ false, true, false; false, false, true; true, true, false ]
                ]

            let! threads = Gen.choose (1, 3)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Size =
                    ModularGruSize(
                        rows,
                        steps,
                        inputs,
                        hidden,
                        modules,
                        1,
                        ReluInside = relu,
                        Once = once,
                        StopGradient = stop,
                        TopK = k,
                        Noisy = noisy
                    )
                Bias = bias
                Starts = starts
                Choosing = Gate
                ReadsStates = readsStates
                ReadsController = readsController
                ReadsFactors = readsFactors
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 150 typeof<GateCases> (20170123UL, 1UL)

/// The gate in double precision over modules that are told, [B, T, k]; checks that they are those of highest H, in order.
type private Told(case: Case, data: Data, indices: torch.Tensor) =
    inherit Selector()

    override _.Select(site, distribution) =
        let logits = distribution.LogProbabilities.squeeze 1L

        let h =
            if case.Size.Noisy then
                logits + data.Noise.select (0L, int64 site.Time) * distribution.NoiseScale.squeeze 1L
            else
                logits

        let chosen = indices.select (1L, int64 site.Time)
        let top = h.gather (1L, chosen)
        let struct (highest, _) = h.detach().topk(case.Size.TopK, -1)
        close $"the highest at time {site.Time}" (singles top) (numbers highest)
        Selection(chosen, torch.nn.functional.softmax (top, -1L))

let private one = {
    Size = ModularGruSize(2, 2, 2, 3, 4, 1, TopK = 2, Noisy = true)
    Bias = true
    Starts = false
    Choosing = Gate
    ReadsStates = true
    ReadsController = false
    ReadsFactors = false
    Threads = 1
    Lanes = 4
    Seed = 7
}

[<Tests>]
let gate =
    testList "modular GRU kernel, gated" [
        testPropertyWithConfig config "states, gates, choices and every gradient"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let s = case.Size
                let node, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let results = forward case data parameters true
                backward case data parameters results

                for chosen in Array.chunkBySize s.TopK results.Indices do
                    Expect.equal (Array.distinct chosen) chosen "each at most once"

                if s.Rows > 0 then
                    let chosen = torch.tensor(results.Indices).view(int64 s.Rows, int64 s.Steps, int64 s.TopK)

                    agree case data node all results (Told(case, data, chosen))

        testPropertyWithConfig config "the same bits again, on any number of threads"
        <| fun (case: Case) ->
            scoped
            <| fun () ->
                let _, all = nodeOf case
                let data = dataOf case
                let parameters = parametersOf all
                let once = forward case data parameters true
                backward case data parameters once
                let again = forward case data parameters true
                backward case data parameters again
                Expect.equal again once "all results"
                let other = forward { case with Threads = 4 - case.Threads } data parameters false
                Expect.equal other.States once.States "states on other threads"
                Expect.equal other.Indices once.Indices "choices on other threads"
                Expect.equal other.Factors once.Factors "factors on other threads"

        testScoped "of equal modules the first run, equally"
        <| fun () ->
            let case = { one with Size = ModularGruSize(2, 2, 2, 3, 4, 1, TopK = 3) }

            let _, all = nodeOf case

            let parameters =
                parametersOf all
                |> Map.map (fun name p -> if name.StartsWith "controller" then Array.map (fun _ -> 0f) p else p)

            let r = forward case (dataOf case) parameters false
            Expect.equal r.Indices (Array.concat (Array.replicate 4 [| 0L; 1L; 2L |])) "choices"

            for f in r.Factors do
                Expect.floatClose Accuracy.medium (float f) (1.0 / 3.0) "factors"

        testScoped "NaN and infinity are passed on, not hidden"
        <| fun () ->
            let _, all = nodeOf one
            let data = dataOf one

            for bad in [ nan; infinity ] do
                let x = data.X.clone ()
                x.view(-1L).narrow(0L, 1L, 1L).fill_(bad.ToScalar()) |> ignore
                let r = forward one { data with X = x } (parametersOf all) false
                Expect.isTrue (r.States |> Array.exists (Single.IsFinite >> not)) $"states of {bad}"
                Expect.isTrue (r.Factors |> Array.exists Single.IsNaN) $"factors of {bad}"
                Expect.isTrue (r.Indices |> Array.forall (fun i -> i >= 0L && i < 4L)) $"choices of {bad}"

        testScoped "what does not fit is named"
        <| fun () ->
            let _, all = nodeOf one
            let data = dataOf one
            let parameters = parametersOf all

            let fails (text: string) (size: ModularGruSize) data parameters =
                Expect.throwsC (fun () -> forward { one with Size = size } data parameters true |> ignore) (fun e ->
                    Expect.stringContains e.Message text "message")

            let k = "k: expected 0 to M = 4, with K = 1 where it is above 0, got "
            fails (k + "k = 5, K = 1") (ModularGruSize(2, 2, 2, 3, 4, 1, TopK = 5)) data parameters
            fails (k + "k = 2, K = 2") (ModularGruSize(2, 2, 2, 3, 4, 2, TopK = 2)) data parameters

            fails "k: expected at least 1 with noise" (ModularGruSize(2, 2, 2, 3, 4, 1, Noisy = true)) data parameters

            fails
                "noise: expected [T, B, M] = 16 numbers, got 1"
                one.Size
                { data with Noise = torch.zeros 1 }
                parameters

            fails "given: expected none under a gate" one.Size { data with Given = [| 0L |] } parameters

            fails
                "weights.Noise: expected [M, H + I] = 20 numbers, got 0"
                one.Size
                data
                (Map.remove "controller.noise" parameters)
    ]
