/// The log-softmax of short rows against its definition in double precision, and against itself however the work is cut.
module ModNet.Tests.LogSoftmaxTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type Case = { Rows: int; Width: int; Spread: float32; Threads: int; Lanes: int; Seed: int }

type Cases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 15; 16; 17; 100; 4000 ]
            let! width = Gen.elements [ 1; 2; 3; 10; 16; 31 ]
            let! spread = Gen.elements [ 0f; 1f; 30f; 1000f ]
            let! threads = Gen.choose (1, 4)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)
            return { Rows = rows; Width = width; Spread = spread; Threads = threads; Lanes = lanes; Seed = seed }
        }
        |> Arb.fromGen

let private config = trying 100 typeof<Cases> (20181128UL, 1UL)

let private dataOf case =
    let random = Random case.Seed
    Array.init (case.Rows * case.Width) (fun _ -> (random.NextSingle() * 2f - 1f) * case.Spread)

let private run case (x: float32[]) =
    // Rubbish, which must be overwritten.
    let y = Array.create x.Length nanf
    LogSoftmax.Forward(ReadOnlySpan x, case.Width, Span y, Cores(case.Threads, case.Lanes))
    y

[<Tests>]
let tests =
    testList "log-softmax kernel" [
        testPropertyWithConfig config "is its definition"
        <| fun (case: Case) ->
            let x = dataOf case

            for row, got in Array.zip (Array.chunkBySize case.Width x) (Array.chunkBySize case.Width (run case x)) do
                let row = Array.map float row
                let most = Array.max row
                let log = most + Math.Log(row |> Array.sumBy (fun v -> Math.Exp(v - most)))

                for value, got in Array.zip row got do
                    Expect.isLessThan (abs (float got - (value - log))) (1e-6 * (1.0 + abs (value - log))) "a number"

        testPropertyWithConfig config "a row is the same bits whichever rows are beside it, on any number of threads"
        <| fun (case: Case) ->
            let x = dataOf case
            let all = run case x
            let alone = Array.chunkBySize case.Width x |> Array.collect (run { case with Threads = 1 })
            Expect.equal all alone "alone"

        testCase "numbers at their ends: −∞ has probability 0, and NaN and ∞ stay with their row"
        <| fun () ->
            let case = { Rows = 3; Width = 2; Spread = 0f; Threads = 1; Lanes = 4; Seed = 1 }
            let y = run case [| -infinityf; 5f; nanf; 1f; 3f; 3f |]
            Expect.equal y[0..1] [| -infinityf; 0f |] "−∞"
            Expect.all y[2..3] Single.IsNaN "NaN"
            Expect.all y[4..5] (fun v -> abs (v + log 2f) < 1e-6f) "the row after it"
            let infinite = run case [| infinityf; 1f |]
            Expect.isTrue (Single.IsNaN infinite[0]) "∞"

        testCase "what does not fit is named"
        <| fun () ->
            let case = { Rows = 1; Width = 3; Spread = 0f; Threads = 1; Lanes = 4; Seed = 1 }

            Expect.throwsC (fun () -> run case [| 1f; 2f |] |> ignore) (fun e ->
                Expect.stringContains e.Message "x: expected [rows, width] = 0 numbers, got 2" "message")
    ]
