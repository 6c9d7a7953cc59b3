/// Draws from rows of few probabilities against their definition, and against themselves however the work is cut.
module ModNet.Tests.DrawTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type Case = { Rows: int; Width: int; Times: int; Spread: float32; Threads: int; Lanes: int; Seed: int }

type Cases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 15; 16; 17; 100; 3000 ]
            let! width = Gen.elements [ 1; 2; 3; 10; 16; 31 ]
            let! times = Gen.elements [ 1; 2; 11 ]
            let! spread = Gen.elements [ 0f; 1f; 30f; 1000f ]
            let! threads = Gen.choose (1, 4)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Rows = rows
                Width = width
                Times = times
                Spread = spread
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 100 typeof<Cases> (20261201UL, 1UL)

/// log p [rows, width] and uniform numbers [times, rows].
let private dataOf case =
    let random = Random case.Seed

    let rows = [|
        for _ in 1 .. case.Rows ->
            let logits = Array.init case.Width (fun _ -> float (random.NextSingle() * case.Spread))
            let most = Array.max logits
            let log = most + Math.Log(logits |> Array.sumBy (fun l -> Math.Exp(l - most)))
            logits |> Array.map (fun l -> float32 (l - log))
    |]

    Array.concat rows, Array.init (case.Rows * case.Times) (fun _ -> random.NextSingle())

let private run case (logs: float32[]) (uniforms: float32[]) =
    let drawn = Array.create uniforms.Length -1L
    Draws.Run(ReadOnlySpan logs, case.Width, ReadOnlySpan uniforms, Span drawn, Cores(case.Threads, case.Lanes))
    drawn

[<Tests>]
let tests =
    testList "draws of modules" [
        testPropertyWithConfig
            config
            "are the first numbers up to which probabilities sum to more than the uniform number"
        <| fun (case: Case) ->
            let logs, uniforms = dataOf case
            let drawn = run case logs uniforms

            for i in 0 .. drawn.Length - 1 do
                let row =
                    logs[i % case.Rows * case.Width .. (i % case.Rows + 1) * case.Width - 1] |> Array.map (float >> exp)

                let sums = Array.scan (+) 0.0 row
                let own = float uniforms[i] * Array.last sums
                let at = int drawn[i]
                // A sum of float32 is off by some of its last digits.
                Expect.isLessThanOrEqual sums[at] (own + 4e-6) "not beyond it"
                Expect.isGreaterThanOrEqual sums[at + 1] (own - 4e-6) "not before it"

        testPropertyWithConfig config "are the same whichever rows are beside, on any number of threads"
        <| fun (case: Case) ->
            let logs, uniforms = dataOf case

            let alone = [|
                for i in 0 .. uniforms.Length - 1 ->
                    let row = i % case.Rows

                    (run { case with Threads = 1 } logs[row * case.Width .. (row + 1) * case.Width - 1] [|
                        uniforms[i]
                    |])[0]
            |]

            Expect.equal (run case logs uniforms) alone "alone"

        testCase "a number of probability 0 is never drawn, and NaN draws one that is there"
        <| fun () ->
            for lanes in [ 4; 8; 16 ] do
                let case = { Rows = 2; Width = 4; Times = 3; Spread = 0f; Threads = 1; Lanes = lanes; Seed = 1 }
                let never, half = -infinityf, log 0.5f
                let logs = [| never; half; never; half; nanf; nanf; nanf; nanf |]

                let drawn = run case logs [| 0f; 0f; 0.499f; 0.5f; 0.501f; 0.9f |]
                Expect.equal [ drawn[0]; drawn[2]; drawn[4] ] [ 1L; 1L; 3L ] "drawn"
                Expect.all drawn (fun n -> n >= 0L && n < 4L) "there"

                let masked = [| -1e9f; 0f; -1e9f; -1e9f; -1e9f; -1e9f; -1e9f; 0f |]

                Expect.equal
                    (run case masked [| 0f; 0f; 0.5f; 0.5f; 0.99999994f; 0.99999994f |])
                    [| 1L; 3L; 1L; 3L; 1L; 3L |]
                    "masked"

        testCase "what does not fit is named"
        <| fun () ->
            let case = { Rows = 2; Width = 2; Times = 1; Spread = 0f; Threads = 1; Lanes = 4; Seed = 1 }

            Expect.throwsC (fun () -> run case (Array.zeroCreate 4) [| 0f; 0f; 0f |] |> ignore) (fun e ->
                Expect.stringContains e.Message "uniforms: expected [times, rows] = 2 numbers, got 3" "message")
    ]
