/// Steps of optimisers by rows against their definition in double precision.
module ModNet.Tests.RowTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type Case = {
    Modules: int
    Width: int
    /// How many summands each row's gradient has; rows that are not stepped have None.
    Summands: int option list
    Whole: bool
    Decay: float
    Momentum: float
    Threads: int
    Lanes: int
    Seed: int
}

type Cases =
    static member Case() =
        gen {
            let! modules = Gen.choose (1, 6)
            let! width = Gen.elements [ 1; 3; 16; 17; 50; 257 ]

            let! summands = Gen.listOfLength modules (Gen.elements [ None; Some 0; Some 1; Some 1; Some 3 ])

            let! whole = Gen.elements [ true; false ]
            let! decay = Gen.elements [ 0.0; 0.1 ]
            let! momentum = Gen.elements [ 0.0; 0.9 ]
            let! threads = Gen.choose (1, 3)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Modules = modules
                Width = width
                Summands = summands
                Whole = whole
                Decay = decay
                Momentum = momentum
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 150 typeof<Cases> (20181127UL, 1UL)

type private Data = {
    Parameter: float32[]
    First: float32[]
    Second: float32[]
    /// The rows that are stepped, and each one's number of steps.
    Rows: int64[]
    Steps: int64[]
    /// Summands, and the rows that they are of.
    Values: float32[]
    Of: int64[]
}

let private dataOf (case: Case) =
    let random = Random case.Seed

    let numbers scale length = Array.init length (fun _ -> random.NextSingle() * scale)

    let length = case.Modules * case.Width

    let rows = [|
        for m, s in List.indexed case.Summands do
            if s.IsSome then int64 m
    |]

    let of' =
        [|
            for m, s in List.indexed case.Summands do
                for _ in 1 .. Option.defaultValue 0 s -> int64 m
        |]
        |> Array.sortBy (fun m -> m * 7919L % 31L)

    {
        Parameter = numbers 2f length
        First = numbers 0.1f length
        Second = numbers 0.01f length
        Rows = rows
        Steps = rows |> Array.map (fun _ -> int64 (random.Next(1, 2000)))
        Values = if case.Whole then numbers 1f length else numbers 1f (of'.Length * case.Width)
        Of = if case.Whole then rows else of'
    }

let private gradients (case: Case) (data: Data) =
    OptimiserGradient(Values = ReadOnlySpan data.Values, Rows = ReadOnlySpan data.Of, IsWhole = case.Whole)

/// Of row m at number i, by the definition.
let private gradient (case: Case) (data: Data) m i =
    if case.Whole then
        float data.Values[m * case.Width + i]
    else
        Seq.sum (
            seq {
                for n in 0 .. data.Of.Length - 1 do
                    if data.Of[n] = int64 m then float data.Values[n * case.Width + i]
            }
        )

let private near what (expected: float) (actual: float32) =
    Expect.isLessThan (abs (expected - float actual)) (1e-6 + 3e-6 * abs expected) what

let private rate = 0.01
let private beta1 = 0.9
let private beta2 = 0.999
let private epsilon = 1e-8

[<Tests>]
let tests =
    testList "optimiser steps by rows" [
        testPropertyWithConfig config "Adam is its definition on the rows that are stepped, and nothing on the others"
        <| fun (case: Case) ->
            let data = dataOf case

            let p, m, v = Array.copy data.Parameter, Array.copy data.First, Array.copy data.Second

            let mutable numbers = AdamNumbers(rate, beta1, beta2, epsilon, case.Decay)
            let mutable gradients = gradients case data

            OptimiserSteps.Adam(
                &numbers,
                ReadOnlySpan data.Rows,
                ReadOnlySpan data.Steps,
                case.Modules,
                Span p,
                Span m,
                Span v,
                &gradients,
                Cores(case.Threads, case.Lanes)
            )

            for row in 0 .. case.Modules - 1 do
                for i in 0 .. case.Width - 1 do
                    let at = row * case.Width + i

                    match Array.tryFindIndex ((=) (int64 row)) data.Rows with
                    | None ->
                        Expect.equal p[at] data.Parameter[at] "parameter"
                        Expect.equal m[at] data.First[at] "first moment"
                        Expect.equal v[at] data.Second[at] "second moment"
                    | Some u ->
                        let g = gradient case data row i
                        let t = float data.Steps[u]
                        let first = beta1 * float data.First[at] + (1.0 - beta1) * g
                        let second = beta2 * float data.Second[at] + (1.0 - beta2) * g * g
                        let corrected = first / (1.0 - beta1 ** t)
                        let root = sqrt (second / (1.0 - beta2 ** t))
                        let kept = (1.0 - rate * case.Decay) * float data.Parameter[at]
                        near "first moment" first m[at]
                        near "second moment" second v[at]
                        near "parameter" (kept - rate * corrected / (root + epsilon)) p[at]

        testPropertyWithConfig
            config
            "momentum is its definition on the rows that are stepped, and nothing on the others"
        <| fun (case: Case) ->
            let data = dataOf case
            let p = Array.copy data.Parameter
            let v = if case.Momentum = 0.0 then [||] else Array.copy data.First

            let mutable gradients = gradients case data

            OptimiserSteps.Momentum(
                rate,
                case.Momentum,
                ReadOnlySpan data.Rows,
                case.Modules,
                Span p,
                Span v,
                &gradients,
                Cores(case.Threads, case.Lanes)
            )

            for row in 0 .. case.Modules - 1 do
                for i in 0 .. case.Width - 1 do
                    let at = row * case.Width + i

                    if Array.contains (int64 row) data.Rows then
                        let step =
                            gradient case data row i
                            + (if v.Length = 0 then 0.0 else case.Momentum * float data.First[at])

                        if v.Length > 0 then near "velocity" step v[at]

                        near "parameter" (float data.Parameter[at] - rate * step) p[at]
                    else
                        Expect.equal p[at] data.Parameter[at] "parameter"

                        if v.Length > 0 then Expect.equal v[at] data.First[at] "velocity"

        testCase "large rows are shared among threads, to the same bits"
        <| fun () ->
            for width in [ 40_001; 65_536 ] do
                let case = {
                    Modules = 4
                    Width = width
                    Summands = [ Some 1; None; Some 2; Some 0 ]
                    Whole = false
                    Decay = 0.1
                    Momentum = 0.9
                    Threads = 1
                    Lanes = 16
                    Seed = 1
                }

                let data = dataOf case

                let run threads =
                    let p, m, v = Array.copy data.Parameter, Array.copy data.First, Array.copy data.Second

                    let mutable numbers = AdamNumbers(rate, beta1, beta2, epsilon, case.Decay)
                    let mutable gradients = gradients case data

                    OptimiserSteps.Adam(
                        &numbers,
                        ReadOnlySpan data.Rows,
                        ReadOnlySpan data.Steps,
                        case.Modules,
                        Span p,
                        Span m,
                        Span v,
                        &gradients,
                        Cores(threads: int)
                    )

                    p, m, v

                for threads in [ 2; 3; 7 ] do
                    Expect.isTrue (run threads = run 1) $"{width} wide on {threads} threads"

        testCase "what does not fit is named"
        <| fun () ->
            let fails (text: string) rows (values: float32[]) (of': int64[]) =
                Expect.throwsC
                    (fun () ->
                        let mutable gradients =
                            OptimiserGradient(Values = ReadOnlySpan values, Rows = ReadOnlySpan of')

                        OptimiserSteps.Momentum(
                            0.1,
                            0.0,
                            ReadOnlySpan(rows: int64[]),
                            2,
                            Span(Array.zeroCreate 6),
                            Span.Empty,
                            &gradients,
                            Cores 1
                        ))
                    (fun e -> Expect.stringContains e.Message text "message")

            fails "gradient: expected rows that are stepped, got 1" [| 0L |] [| 1f; 1f; 1f |] [| 1L |]
            fails "gradient: expected [N, n] = 3 numbers, got 2" [| 0L |] [| 1f; 1f |] [| 0L |]
    ]
