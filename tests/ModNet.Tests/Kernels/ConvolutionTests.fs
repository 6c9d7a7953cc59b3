/// The modular convolution kernel against its definition in double precision, and against itself however the work is cut.
module ModNet.Tests.ConvolutionTests

open System
open Expecto
open FsCheck
open FsCheck.FSharp
open ModNet.Kernels

type Case = {
    Size: ModularConvolutionSize
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
            let! rows = Gen.elements [ 0; 1; 2; 3; 5; 33 ]
            let! inputs, outputs = Gen.elements [ 1; 2; 3; 5 ] |> Gen.two
            let! kernel = Gen.choose (1, 4)
            let! stride = Gen.elements [ 1; 1; 2; 2; 3 ]
            let! padding = Gen.choose (0, 2)
            let least = max 1 (kernel - 2 * padding)
            let! height = Gen.choose (least, least + 8)
            let! width = Gen.oneof [ Gen.choose (least, least + 10); Gen.elements [ 16; 32; 37 ] ]
            let! modules = Gen.elements [ 1; 2; 5; 20 ]
            let! choose = Gen.elements [ 1; 1; 2; 3; modules ]
            let! times = Gen.elements [ 1; 1; 2; 5 ]
            let! reach = Gen.choose (1, modules)
            let! relu, bias = Gen.elements [ true; false ] |> Gen.two
            let! threads = Gen.choose (1, 4)
            let! lanes = Gen.elements [ 4; 8; 16 ]
            let! seed = Gen.choose (0, 1_000_000)

            return {
                Size =
                    ModularConvolutionSize(
                        rows,
                        inputs,
                        height,
                        width,
                        outputs,
                        kernel,
                        stride,
                        padding,
                        modules,
                        min choose 4,
                        Relu = relu,
                        Times = times
                    )
                Reach = reach
                Bias = bias
                Threads = threads
                Lanes = lanes
                Seed = seed
            }
        }
        |> Arb.fromGen

let private config = trying 150 typeof<Cases> (20181127UL, 1UL)

type private Data = { X: float32[]; Indices: int64[]; Weight: float32[]; Bias: float32[]; Upstream: float32[] }

let private imageOf (s: ModularConvolutionSize) = s.Inputs * s.Height * s.Width
let private tapsOf (s: ModularConvolutionSize) = s.Inputs * s.Kernel * s.Kernel
let private outputOf (s: ModularConvolutionSize) = s.Outputs * s.OutputHeight * s.OutputWidth
let private choicesOf (s: ModularConvolutionSize) = s.Times * s.Rows * s.Choose

let private dataOf (case: Case) =
    let s = case.Size
    let random = Random case.Seed

    let numbers length = Array.init length (fun _ -> random.NextSingle() * 2f - 1f)

    {
        X = numbers (s.Rows * imageOf s)
        Indices = Array.init (choicesOf s) (fun _ -> int64 (random.Next case.Reach))
        Weight = numbers (s.Modules * s.Outputs * tapsOf s)
        Bias = if case.Bias then numbers (s.Modules * s.Outputs) else [||]
        Upstream = numbers (choicesOf s * outputOf s)
    }

// Results are filled with rubbish first, which must be overwritten.
let private rubbish length = Array.create length nanf

let private forward (case: Case) (data: Data) =
    let mutable s = case.Size
    let output = rubbish (choicesOf s * outputOf s)

    ModularConvolution.Forward(
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
        X = rubbish (s.Rows * imageOf s)
        Weight = rubbish (rows * s.Outputs * tapsOf s)
        Bias = if case.Bias then rubbish (rows * s.Outputs) else [||]
    }

    ModularConvolution.Backward(
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

/// The definition: choice by choice, window by window, number by number, in double precision.
let private reference (case: Case) (data: Data) (output: float32[]) =
    let s = case.Size
    let y = Array.zeroCreate<float>(choicesOf s * outputOf s)
    let dx = Array.zeroCreate<float> data.X.Length
    let dw = Array.zeroCreate<float> data.Weight.Length
    let db = Array.zeroCreate<float> data.Bias.Length

    for j in 0 .. choicesOf s - 1 do
        // The first selections of all images come first.
        let b, m = j / s.Choose % s.Rows, int data.Indices[j]

        for o in 0 .. s.Outputs - 1 do
            for v in 0 .. s.OutputHeight - 1 do
                for u in 0 .. s.OutputWidth - 1 do
                    let at = ((j * s.Outputs + o) * s.OutputHeight + v) * s.OutputWidth + u

                    // Where each tap of the window lies in the image, and in the weights.
                    let taps = [|
                        for c in 0 .. s.Inputs - 1 do
                            for p in 0 .. s.Kernel - 1 do
                                for q in 0 .. s.Kernel - 1 do
                                    let row, column = v * s.Stride + p - s.Padding, u * s.Stride + q - s.Padding

                                    if row >= 0 && row < s.Height && column >= 0 && column < s.Width then
                                        ((b * s.Inputs + c) * s.Height + row) * s.Width + column,
                                        (((m * s.Outputs + o) * s.Inputs + c) * s.Kernel + p) * s.Kernel + q
                    |]

                    let start = if case.Bias then float data.Bias[m * s.Outputs + o] else 0.0
                    y[at] <- start + (taps |> Array.sumBy (fun (i, w) -> float data.X[i] * float data.Weight[w]))

                    if s.Relu then y[at] <- max 0.0 y[at]

                    // Where an output is all but 0, rounding may have it either side: what the kernel gave decides.
                    if not s.Relu || output[at] > 0f then
                        let g = float data.Upstream[at]

                        if case.Bias then db[m * s.Outputs + o] <- db[m * s.Outputs + o] + g

                        for i, w in taps do
                            dx[i] <- dx[i] + g * float data.Weight[w]
                            dw[w] <- dw[w] + g * float data.X[i]

    y, dx, dw, db

let private close what (expected: float[]) (actual: float32[]) =
    Expect.equal actual.Length expected.Length what
    // The rounding of sums goes with their size.
    let most = expected |> Array.fold (fun most e -> max most (abs e)) 1.0

    for i in 0 .. expected.Length - 1 do
        if not (abs (float actual[i] - expected[i]) < 5e-6 * most) then
            failtest $"{what}[{i}]: expected {expected[i]}, got {actual[i]}"

let private inUse (case: Case) (data: Data) =
    ModularLinear.InUse(ReadOnlySpan data.Indices, case.Size.Modules) |> Array.map int

/// The rows of these modules.
let private rowsOf modules (all: 'a[]) count =
    let width = all.Length / count

    modules |> Array.collect (fun m -> Array.sub all (m * width) width)

let private isDefinition (case: Case) =
    let data = dataOf case
    let output = forward case data
    let y, dx, dw, db = reference case data output
    let gradients = backward case data output case.Size.Modules
    close "output" y output
    close "image gradient" dx gradients.X
    close "weight gradient" dw gradients.Weight
    close "bias gradient" db gradients.Bias

let private sameBits (case: Case) threads =
    let data = dataOf case
    let once = { case with Threads = 1 }
    let output = forward once data
    let alone = backward once data output case.Size.Modules

    for threads in threads do
        let case = { case with Threads = threads }
        Expect.equal (forward case data) output $"output, {threads} threads"
        Expect.equal (backward case data output case.Size.Modules) alone $"gradients, {threads} threads"

[<Tests>]
let tests =
    testList "modular convolution kernel" [
        testPropertyWithConfig config "is its definition, in outputs and every gradient" isDefinition

        testPropertyWithConfig config "gives gradients of the modules in use alone, where so many are asked for"
        <| fun (case: Case) ->
            let data = dataOf case
            let output = forward case data
            let dense = backward case data output case.Size.Modules
            let used = inUse case data
            let compact = backward case data output used.Length
            Expect.equal compact.X dense.X "image gradient"
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
        <| fun (case: Case) -> sameBits case [ 2; 3; 4 ]

        testPropertyWithConfig
            config
            "an image's output and gradient are the same bits whichever images and selections are beside it"
        <| fun (case: Case) ->
            let data = dataOf case
            let s = case.Size
            let output = forward case data

            for b in [ 0; s.Rows / 2; s.Rows - 1 ] |> List.filter (fun b -> b >= 0 && b < s.Rows) do
                for t in [ 0; s.Times - 1 ] |> List.distinct do
                    // Choice (t·B + b)·K and the K − 1 after it.
                    let first = (t * s.Rows + b) * s.Choose
                    let chosen width (all: 'a[]) = Array.sub all (first * width) (s.Choose * width)

                    let alone = {
                        case with
                            Size =
                                ModularConvolutionSize(
                                    1,
                                    s.Inputs,
                                    s.Height,
                                    s.Width,
                                    s.Outputs,
                                    s.Kernel,
                                    s.Stride,
                                    s.Padding,
                                    s.Modules,
                                    s.Choose,
                                    Relu = s.Relu
                                )
                    }

                    let one = {
                        data with
                            X = Array.sub data.X (b * imageOf s) (imageOf s)
                            Indices = chosen 1 data.Indices
                            Upstream = chosen (outputOf s) data.Upstream
                    }

                    Expect.equal (forward alone one) (chosen (outputOf s) output) "output"

                    if s.Times = 1 then
                        let gradient = (backward case data output s.Modules).X
                        let own = (backward alone one (chosen (outputOf s) output) s.Modules).X
                        Expect.equal own (Array.sub gradient (b * imageOf s) (imageOf s)) "gradient"

        testPropertyWithConfig
            config
            "images are read where they lie, and outputs are written where they are wanted, to the same bits"
        <| fun (case: Case) ->
            let data = dataOf case
            let mutable s = case.Size
            let random = Random(case.Seed + 1)
            let all = forward case data |> Array.chunkBySize (max 1 (s.Choose * outputOf s))
            // The images in another order, with others between them.
            let sources = Array.init case.Size.Rows (fun b -> 2 * (case.Size.Rows - 1 - b) + 1)

            let rows, image = s.Rows, imageOf s

            let x = [|
                for n in 0 .. 2 * rows - 1 do
                    if n % 2 = 0 then Array.create image nanf else Array.sub data.X ((rows - 1 - n / 2) * image) image
            |]

            let wanted = [|
                for row in 0 .. case.Size.Times * rows - 1 do
                    if random.Next 3 > 0 then row
            |]

            let places = wanted |> Array.sortBy (fun row -> row * 7919 % 31)
            let targets = Array.create (s.Times * s.Rows) -1
            places |> Array.iteri (fun place row -> targets[row] <- place)
            let output = Array.create (places.Length * s.Choose * outputOf s) nanf

            ModularConvolution.ForwardSome(
                &s,
                ReadOnlySpan(Array.concat x),
                ReadOnlySpan sources,
                ReadOnlySpan data.Indices,
                ReadOnlySpan targets,
                ReadOnlySpan data.Weight,
                ReadOnlySpan data.Bias,
                Span output,
                Cores(case.Threads, case.Lanes)
            )

            Expect.equal output (Array.concat [| for row in places -> all[row] |]) "outputs"

        testCase "a large layer is shared among threads, and is its definition"
        <| fun () ->
            for lanes in [ 4; 8; 16 ] do
                let case = {
                    Size = ModularConvolutionSize(70, 3, 32, 32, 1, 3, 2, 1, 10, 2, Relu = true)
                    Reach = 9
                    Bias = true
                    Threads = 3
                    Lanes = lanes
                    Seed = lanes
                }

                isDefinition case
                sameBits case [ 2; 4 ]

                let wide = {
                    case with
                        Size = ModularConvolutionSize(20, 6, 9, 9, 13, 3, 1, 1, 4, 2, Relu = true)
                        Reach = 4
                }

                isDefinition wide
                sameBits wide [ 2; 4 ]

        testCase "NaN is passed on, and stays with its image"
        <| fun () ->
            let case = {
                Size = ModularConvolutionSize(5, 2, 4, 5, 3, 3, 1, 1, 3, 1, Relu = true)
                Reach = 3
                Bias = true
                Threads = 1
                Lanes = 16
                Seed = 3
            }

            let data = dataOf case
            let x = Array.copy data.X
            // In the middle of the image, so that some windows read it and others do not.
            x[2 * imageOf case.Size + 7] <- nanf
            let images = forward case { data with X = x } |> Array.chunkBySize (outputOf case.Size)
            Expect.exists images[2] Single.IsNaN "the image"
            Expect.exists images[2] Single.IsFinite "windows that do not read it"
            Expect.all (Array.removeAt 2 images |> Array.concat) Single.IsFinite "the others"

        testCase "what does not fit is named"
        <| fun () ->
            let case = {
                Size = ModularConvolutionSize(2, 1, 3, 4, 2, 3, 1, 0, 5, 1)
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

            fails "x: expected [B, in, H, W] = 24 numbers, got 1" (fun () -> forward case { data with X = [| 1f |] })

            fails "bias: expected [M, out] = 10 numbers, got 1" (fun () -> forward case { data with Bias = [| 1f |] })

            fails "weightGradient: expected [M or U, out, in, Kernel, Kernel]" (fun () ->
                backward case data (forward case data) 7)

            fails "H + 2·Padding: expected at least 4, got 3" (fun () ->
                forward { case with Size = ModularConvolutionSize(2, 1, 3, 4, 2, 4, 1, 0, 5, 1) } data)

            fails "threads: expected at least 1, got 0" (fun () -> forward { case with Threads = 0 } data)
    ]
