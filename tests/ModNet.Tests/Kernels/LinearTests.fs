/// The modular linear kernel against its definition in double precision, and against itself however the work is cut.
module ModNet.Tests.LinearTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type Case = {
    Size: ModularLinearSize
    /// Modules below this number are chosen; those from it on are not.
    Reach: int
    Bias: bool
    Threads: int
    Lanes: int
    Seed: int
}

type Cases =
    static member Case() =
        gen {
            let! rows = Gen.elements [ 0; 1; 2; 3; 5; 33; 150 ]
            let! inputs = Gen.elements [ 1; 3; 5; 8; 16; 17; 40; 64; 100 ]
            let! outputs = Gen.elements [ 1; 2; 3; 4; 7; 16; 33; 70 ]
            let! modules = Gen.elements [ 1; 2; 5; 40 ]
            let! choose = Gen.elements [ 1; 1; 2; 3; modules ]
            let! reach = Gen.choose (1, modules)
            let! relu, bias = Gen.elements [ true; false ] |> Gen.two
            let! threads = Gen.choose (1, 3)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Size = ModularLinearSize(rows, inputs, outputs, modules, min choose 5, Relu = relu)
                Reach = reach
                Bias = bias
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 150 typeof<Cases> (20181126UL, 1UL)

type private Data = { X: float32[]; Indices: int64[]; Weight: float32[]; Bias: float32[]; Upstream: float32[] }

let private dataOf (case: Case) =
    let s = case.Size
    let random = Random case.Seed

    let numbers length = Array.init length (fun _ -> random.NextSingle() * 2f - 1f)

    {
        X = numbers (s.Rows * s.Inputs)
        Indices = Array.init (s.Rows * s.Choose) (fun _ -> int64 (random.Next case.Reach))
        Weight = numbers (s.Modules * s.Outputs * s.Inputs)
        Bias = if case.Bias then numbers (s.Modules * s.Outputs) else [||]
        Upstream = numbers (s.Rows * s.Choose * s.Outputs)
    }

// Results are filled with rubbish first, which must be overwritten.
let private rubbish length = Array.create length nanf

let private forward (case: Case) (data: Data) =
    let mutable s = case.Size
    let output = rubbish (s.Rows * s.Choose * s.Outputs)

    ModularLinear.Forward(
        &s,
        ReadOnlySpan data.X,
        ReadOnlySpan data.Indices,
        ReadOnlySpan data.Weight,
        ReadOnlySpan data.Bias,
        Span output,
        Cores(case.Threads, case.Lanes)
    )

    output

type private Gradients = { X: float32[]; Weight: float32[]; Bias: float32[] }

/// Gradients with as many rows of modules.
let private backward (case: Case) (data: Data) (output: float32[]) rows =
    let mutable s = case.Size

    let gradients = {
        X = rubbish (s.Rows * s.Inputs)
        Weight = rubbish (rows * s.Outputs * s.Inputs)
        Bias = if case.Bias then rubbish (rows * s.Outputs) else [||]
    }

    ModularLinear.Backward(
        &s,
        ReadOnlySpan data.X,
        ReadOnlySpan data.Indices,
        ReadOnlySpan data.Weight,
        ReadOnlySpan output,
        ReadOnlySpan data.Upstream,
        Span gradients.X,
        Span gradients.Weight,
        Span gradients.Bias,
        Cores(case.Threads, case.Lanes)
    )

    gradients

/// The definition: choice by choice, number by number, in double precision.
let private reference (case: Case) (data: Data) (output: float32[]) =
    let s = case.Size
    let y = Array.zeroCreate<float>(s.Rows * s.Choose * s.Outputs)
    let dx = Array.zeroCreate<float> data.X.Length
    let dw = Array.zeroCreate<float> data.Weight.Length
    let db = Array.zeroCreate<float> data.Bias.Length

    for j in 0 .. s.Rows * s.Choose - 1 do
        let b, m = j / s.Choose, int data.Indices[j]

        for o in 0 .. s.Outputs - 1 do
            let row = m * s.Outputs + o
            let at = j * s.Outputs + o
            let start = if case.Bias then float data.Bias[row] else 0.0

            let products = [|
                for i in 0 .. s.Inputs - 1 -> float data.X[b * s.Inputs + i] * float data.Weight[row * s.Inputs + i]
            |]

            y[at] <- start + Array.sum products

            if s.Relu then y[at] <- max 0.0 y[at]

            // Where an output is all but 0, rounding may have it either side: what the kernel gave decides.
            if not s.Relu || output[at] > 0f then
                let g = float data.Upstream[at]

                if case.Bias then db[row] <- db[row] + g

                for i in 0 .. s.Inputs - 1 do
                    let weight = row * s.Inputs + i
                    dx[b * s.Inputs + i] <- dx[b * s.Inputs + i] + g * float data.Weight[weight]
                    dw[weight] <- dw[weight] + g * float data.X[b * s.Inputs + i]

    y, dx, dw, db

let private close what (expected: float[]) (actual: float32[]) =
    Expect.equal actual.Length expected.Length what

    for i in 0 .. expected.Length - 1 do
        // Of sums of up to 150 products of numbers below 1.
        if not (abs (float actual[i] - expected[i]) < 2e-5) then
            failtest $"{what}[{i}]: expected {expected[i]}, got {actual[i]}"

let private inUse (case: Case) (data: Data) =
    ModularLinear.InUse(ReadOnlySpan data.Indices, case.Size.Modules) |> Array.map int

/// The rows of these modules.
let private rowsOf modules (all: 'a[]) count =
    let width = all.Length / count

    modules |> Array.collect (fun m -> Array.sub all (m * width) width)

[<Tests>]
let tests =
    testList "modular linear kernel" [
        testPropertyWithConfig config "is its definition, in outputs and every gradient"
        <| fun (case: Case) ->
            let data = dataOf case
            let output = forward case data
            let y, dx, dw, db = reference case data output
            let gradients = backward case data output case.Size.Modules
            close "output" y output
            close "input gradient" dx gradients.X
            close "weight gradient" dw gradients.Weight
            close "bias gradient" db gradients.Bias

        testPropertyWithConfig config "gives gradients of the modules in use alone, where so many are asked for"
        <| fun (case: Case) ->
            let data = dataOf case
            let output = forward case data
            let dense = backward case data output case.Size.Modules
            let used = inUse case data
            let compact = backward case data output used.Length
            Expect.equal used (data.Indices |> Array.distinct |> Array.sort |> Array.map int) "in use"
            Expect.equal compact.X dense.X "input gradient"
            Expect.equal compact.Weight (rowsOf used dense.Weight case.Size.Modules) "weight gradient"

            if case.Bias then Expect.equal compact.Bias (rowsOf used dense.Bias case.Size.Modules) "bias gradient"

        testPropertyWithConfig config "modules that nothing chose get exactly zero"
        <| fun (case: Case) ->
            let data = dataOf case
            let gradients = backward case data (forward case data) case.Size.Modules
            let idle = [| 0 .. case.Size.Modules - 1 |] |> Array.except (inUse case data)
            Expect.all (rowsOf idle gradients.Weight case.Size.Modules) ((=) 0f) "weight gradient"

            if case.Bias then Expect.all (rowsOf idle gradients.Bias case.Size.Modules) ((=) 0f) "bias gradient"

        testPropertyWithConfig config "gives the same bits on any number of threads"
        <| fun (case: Case) ->
            let data = dataOf case
            let once = { case with Threads = 1 }
            let output = forward once data
            let alone = backward once data output case.Size.Modules

            for threads in [ 2; 5 ] do
                let case = { case with Threads = threads }
                Expect.equal (forward case data) output "output"
                Expect.equal (backward case data output case.Size.Modules) alone "gradients"

        testPropertyWithConfig config "a row's output and gradient are the same bits whichever rows are beside it"
        <| fun (case: Case) ->
            let data = dataOf case
            let s = case.Size
            let output = forward case data
            let gradients = backward case data output s.Modules

            for b in [ 0; s.Rows / 2; s.Rows - 1 ] |> List.filter (fun b -> b >= 0 && b < s.Rows) do
                let part (all: 'a[]) =
                    let width = all.Length / s.Rows
                    Array.sub all (b * width) width

                let alone = {
                    case with
                        Size = ModularLinearSize(1, s.Inputs, s.Outputs, s.Modules, s.Choose, Relu = s.Relu)
                }

                let one = { data with X = part data.X; Indices = part data.Indices; Upstream = part data.Upstream }

                Expect.equal (forward alone one) (part output) "output"
                Expect.equal (backward alone one (part output) s.Modules).X (part gradients.X) "gradient"

        testCase "a large layer is shared among threads, and is its definition"
        <| fun () ->
            for lanes in [ 4; 8; 16 ] do
                let case = {
                    Size = ModularLinearSize(300, 130, 140, 7, 2, Relu = true)
                    Reach = 6
                    Bias = true
                    Threads = 3
                    Lanes = lanes
                    Seed = lanes
                }

                let data = dataOf case
                let output = forward case data
                let y, dx, dw, db = reference case data output
                let gradients = backward case data output case.Size.Modules
                close "output" y output
                close "input gradient" dx gradients.X
                close "weight gradient" dw gradients.Weight
                close "bias gradient" db gradients.Bias
                let alone = { case with Threads = 1 }
                Expect.equal (forward alone data) output "one thread"
                Expect.equal (backward alone data output case.Size.Modules) gradients "one thread's gradients"

        testCase "NaN is passed on, and stays with its row"
        <| fun () ->
            let case = {
                Size = ModularLinearSize(5, 20, 6, 3, 1, Relu = true)
                Reach = 3
                Bias = true
                Threads = 1
                Lanes = 16
                Seed = 3
            }

            let data = dataOf case
            let x = Array.copy data.X
            x[2 * 20 + 7] <- nanf
            let rows = forward case { data with X = x } |> Array.chunkBySize 6
            Expect.isTrue (Array.forall Single.IsNaN rows[2]) "the row"
            let others = Array.removeAt 2 rows |> Array.concat
            Expect.isTrue (Array.forall Single.IsFinite others) "the others"

        testCase "what does not fit is named"
        <| fun () ->
            let case = {
                Size = ModularLinearSize(2, 3, 4, 5, 1)
                Reach = 5
                Bias = true
                Threads = 1
                Lanes = 4
                Seed = 1
            }

            let data = dataOf case

            let fails (text: string) (body: unit -> 'a) =
                Expect.throwsC (fun () -> body () |> ignore) (fun e -> Expect.stringContains e.Message text "message")

            fails "indices: expected modules 0 to 4 (M = 5), got 5 at 1" (fun () ->
                forward case { data with Indices = [| 0L; 5L |] })

            fails "x: expected [B, in] = 6 numbers, got 1" (fun () -> forward case { data with X = [| 1f |] })

            fails "bias: expected [M, out] = 20 numbers, got 1" (fun () -> forward case { data with Bias = [| 1f |] })

            fails "weightGradient: expected [M or U, out, in]" (fun () -> backward case data (forward case data) 7)

            fails "threads: expected at least 1, got 0" (fun () -> forward { case with Threads = 0 } data)
    ]
