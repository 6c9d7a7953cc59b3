/// The linear map that skips zeros against the dense product in double precision.
module ModNet.Tests.SkippingTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type SkippingCase = {
    Rows: int
    Inputs: int
    Outputs: int
    Block: int
    /// How many of 100 numbers are zeros.
    Zeros: int
    /// Zeros come in runs of so many.
    Run: int
    Bias: bool
    Threads: int
    Lanes: int
    Seed: int
}

type SkippingCases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 3; 4; 5; 33; 150 ]
            let! inputs = Gen.elements [ 1; 3; 8; 15; 16; 17; 40; 64; 100; 300 ]
            let! outputs = Gen.elements [ 1; 2; 4; 7; 16; 33; 48; 70; 128; 200 ]
            let! block = Gen.elements [ 1; 1; 2; 4; 8; 16; 32; 64; 512 ]
            let! zeros = Gen.elements [ 0; 30; 50; 90; 99; 100 ]
            let! run = Gen.elements [ 1; 1; 8; 16; 1_000 ]
            let! bias = Gen.elements [ true; false ]
            let! threads = Gen.choose (1, 3)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Rows = rows
                Inputs = inputs
                Outputs = outputs
                Block = block
                Zeros = zeros
                Run = run
                Bias = bias
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 300 typeof<SkippingCases> (20260301UL, 1UL)

let private numbers (random: Random) length = Array.init length (fun _ -> random.NextSingle() * 2f - 1f)

/// x [rows, inputs], weight and bias; about half of the zeros are −0.
let private dataOf (case: SkippingCase) =
    let random = Random case.Seed
    let weight = numbers random (case.Outputs * case.Inputs)
    let bias = if case.Bias then numbers random case.Outputs else [||]
    let x = numbers random (case.Rows * case.Inputs)

    for start in 0 .. case.Run .. x.Length - 1 do
        if random.Next 100 < case.Zeros then
            for i in start .. min x.Length (start + case.Run) - 1 do
                x[i] <- if random.Next 2 = 0 then 0f else -0f

    x, weight, bias

let private forward (case: SkippingCase) threads (x: float32[], weight: float32[], bias: float32[]) =
    let map = SkippingLinear(ReadOnlySpan weight, ReadOnlySpan bias, case.Inputs, case.Outputs, case.Block)
    // Results are filled with rubbish first, which must be overwritten.
    let y = Array.create (case.Rows * case.Outputs) nanf
    map.Forward(ReadOnlySpan x, Span y, Cores(threads, case.Lanes))
    map, y

let private blocks (case: SkippingCase) = [
    for start in 0 .. case.Block .. case.Inputs - 1 -> start, min case.Inputs (start + case.Block)
]

[<Tests>]
let tests =
    testList "linear map that skips zeros" [
        testPropertyWithConfig config "gives what the dense product gives, and exactly the bias for rows of zeros"
        <| fun (case: SkippingCase) ->
            let x, weight, bias = dataOf case
            let _, y = forward case case.Threads (x, weight, bias)

            for row in 0 .. case.Rows - 1 do
                let own = x[row * case.Inputs .. (row + 1) * case.Inputs - 1]
                let isEmpty = own |> Array.forall ((=) 0f)

                for output in 0 .. case.Outputs - 1 do
                    let start = if case.Bias then float bias[output] else 0.0
                    let terms = Array.init case.Inputs (fun i -> float own[i] * float weight[output * case.Inputs + i])
                    let expected, size = start + Array.sum terms, abs start + Array.sumBy abs terms
                    let found = float y[row * case.Outputs + output]
                    Expect.isLessThanOrEqual (abs (found - expected)) (1e-5 * size) $"row {row}, output {output}"
                    if isEmpty then Expect.equal found start "a row of zeros"

        testPropertyWithConfig
            config
            "is the same bits on any number of threads, and a row's whichever rows are beside it"
        <| fun (case: SkippingCase) ->
            let x, weight, bias = dataOf case
            let _, alone = forward case 1 (x, weight, bias)
            let _, shared = forward case 3 (x, weight, bias)
            Expect.equal shared alone "threads"

            if case.Rows > 0 then
                let one = x[.. case.Inputs - 1]
                let _, single = forward { case with Rows = 1 } 1 (one, weight, bias)
                Expect.equal single alone[.. case.Outputs - 1] "the first row by itself"

        testPropertyWithConfig config "counts the inputs in blocks that are not all zero"
        <| fun (case: SkippingCase) ->
            let x, weight, bias = dataOf case
            let map, _ = forward case 1 (x, weight, bias)

            let used =
                Seq.sum (
                    seq {
                        for row in 0 .. case.Rows - 1 do
                            for start, till in blocks case do
                                if Seq.exists (fun i -> x[row * case.Inputs + i] <> 0f) (seq { start .. till - 1 }) then
                                    int64 (till - start)
                    }
                )

            Expect.equal (map.Used(ReadOnlySpan x)) used "used"

        testCase "weights of blocks that are skipped are not read"
        <| fun () ->
            for lanes in [ 4; 8; 16 ] do
                // Inputs 0 to 15 are zeros in all rows; their weights would make everything NaN.
                let weight = Array.init (20 * 40) (fun n -> if n % 40 < 16 then nanf else 1f)
                let x = Array.init (8 * 40) (fun n -> if n % 40 < 16 then 0f else 2f)
                let map = SkippingLinear(ReadOnlySpan weight, ReadOnlySpan [||], 40, 20, 8)
                let y = Array.create (8 * 20) nanf
                map.Forward(ReadOnlySpan x, Span y, Cores(1, lanes))
                Expect.equal y (Array.create (8 * 20) 48f) $"{lanes} lanes"

        testCase "NaN is no zero"
        <| fun () ->
            let map = SkippingLinear(ReadOnlySpan(Array.create 8 1f), ReadOnlySpan [||], 8, 1, 1)
            let y = [| 0f |]
            map.Forward(ReadOnlySpan [| 0f; nanf; 0f; 0f; 0f; 0f; 0f; 0f |], Span y, Cores 1)
            Expect.isTrue (Single.IsNaN y[0]) "NaN goes on"

        testCase "sizes that do not fit are refused"
        <| fun () ->
            let make weight bias inputs outputs block () =
                SkippingLinear(
                    ReadOnlySpan(Array.zeroCreate<float32> weight),
                    ReadOnlySpan(Array.zeroCreate<float32> bias),
                    inputs,
                    outputs,
                    block
                )
                |> ignore

            Expect.throwsT<ArgumentException> (make 5 0 2 3 1) "weight"
            Expect.throwsT<ArgumentException> (make 6 2 2 3 1) "bias"
            Expect.throwsT<ArgumentException> (make 6 0 2 3 3) "a block of three"
            Expect.throwsT<ArgumentOutOfRangeException> (make 6 0 2 3 0) "a block of none"
            Expect.throwsT<ArgumentOutOfRangeException> (make 0 0 0 3 1) "no inputs"
            let map = SkippingLinear(ReadOnlySpan(Array.zeroCreate 6), ReadOnlySpan [||], 2, 3, 1)

            Expect.throwsT<ArgumentException>
                (fun () -> map.Forward(ReadOnlySpan(Array.zeroCreate 5), Span(Array.zeroCreate 9), Cores 1))
                "no whole rows"

            Expect.throwsT<ArgumentException>
                (fun () -> map.Forward(ReadOnlySpan(Array.zeroCreate 4), Span(Array.zeroCreate 5), Cores 1))
                "y"
    ]
