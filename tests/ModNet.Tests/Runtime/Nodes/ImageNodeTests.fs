/// Layers that make images larger, and columns that hold categories: held against libtorch's own and plain arithmetic.
module ModNet.Tests.ImageNodeTests

open System
open Expecto
open FsCheck.FSharp
open ModNet.Runtime
open ModNet.Tests.Parts
open ModNet.Tests.Plain
open TorchSharp

/// Sizes of an image and of what makes it larger.
type LargerSizes = {
    Seed: int
    Batch: int
    Inputs: int
    Channels: int
    Height: int
    Width: int
    Kernel: int
    Stride: int
    Padding: int
}

/// Rows of features, some of whose columns hold categories.
type ColumnSizes = { Seed: int; Batch: int; Columns: int; Embedded: (int * int * int) list }

type Arbitraries =
    static member LargerSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! batch = Gen.choose (1, 3)
            let! inputs = Gen.choose (1, 3)
            let! channels = Gen.choose (1, 3)
            let! height = Gen.choose (2, 5)
            let! width = Gen.choose (2, 5)
            let! kernel = Gen.choose (1, 4)
            let! stride = Gen.choose (1, 3)
            // What is left has a place at least.
            let least = (min height width - 1) * stride + kernel
            let! padding = Gen.choose (0, min (kernel - 1) ((least - 1) / 2))

            return {
                Seed = seed
                Batch = batch
                Inputs = inputs
                Channels = channels
                Height = height
                Width = width
                Kernel = kernel
                Stride = stride
                Padding = padding
            }
        }
        |> Arb.fromGen

    static member ColumnSizes() =
        gen {
            let! seed = Gen.choose (1, 1_000_000)
            let! batch = Gen.choose (1, 5)
            let! columns = Gen.choose (1, 5)
            let! count = Gen.choose (1, columns)
            let! order = Gen.shuffle [ 0 .. columns - 1 ]

            let one column =
                gen {
                    let! categories = Gen.choose (1, 5)
                    let! width = Gen.choose (1, 4)
                    return column, categories, width
                }

            let! embedded = order |> Seq.truncate count |> Seq.map one |> Gen.sequenceToList
            return { Seed = seed; Batch = batch; Columns = columns; Embedded = embedded }
        }
        |> Arb.fromGen

let private config = { FsCheckConfig.defaultConfig with maxTest = 40; arbitrary = [ typeof<Arbitraries> ] }

let private columnsOf s =
    new EmbedColumnsNode(
        "embed_columns",
        s.Columns,
        [| for column, categories, width in s.Embedded -> EmbeddedColumn(column, categories, width) |],
        doubles s.Seed
    )

/// Numbers N(0, 1), and categories where such belong.
let private rowsOf s =
    let x = normal s.Seed [ s.Batch; s.Columns ]

    for column, categories, _ in s.Embedded do
        let drawn = indices (s.Seed + column) categories s.Batch 1
        x.select(1L, int64 column).copy_(drawn.view(-1L).to_type torch.ScalarType.Float64) |> ignore

    x

[<Tests>]
let tests =
    testList "image and column nodes" [
        testPropertyWithConfig config "a transposed convolution is libtorch's, forward and backward"
        <| fun (s: LargerSizes) ->
            scoped
            <| fun () ->
                let form = Convolution(s.Channels, s.Kernel, s.Stride, s.Padding)
                let hasBias = s.Seed % 2 = 0
                use node = new ConvTransposeNode("t1", s.Inputs, form, Activation.Identity, hasBias, doubles s.Seed)

                use peer =
                    torch.nn.ConvTranspose2d(
                        int64 s.Inputs,
                        int64 s.Channels,
                        int64 s.Kernel,
                        stride = int64 s.Stride,
                        padding = int64 s.Padding,
                        bias = hasBias,
                        dtype = Nullable torch.ScalarType.Float64
                    )

                (use _ = torch.no_grad ()
                 peer.weight.copy_ (parameter node "weight") |> ignore
                 if hasBias then peer.bias.copy_ (parameter node "bias") |> ignore)

                let make () = (normal s.Seed [ s.Batch; s.Inputs; s.Height; s.Width ]).requires_grad_ true
                let own, other = make (), make ()
                let y, expected = run node own, peer.forward other
                let side length = int64 ((length - 1) * s.Stride - 2 * s.Padding + s.Kernel)

                Expect.equal
                    y.shape
                    [| int64 s.Batch; int64 s.Channels; side s.Height; side s.Width |]
                    "shape by the formula"

                Expect.isLessThan (distance expected y) 1e-12 "values"
                let upstream = normal (s.Seed + 1) [ for n in y.shape -> int n ]
                (y * upstream).sum().backward()
                (expected * upstream).sum().backward()
                Expect.isLessThan (distance other.grad own.grad) 1e-12 "input gradient"
                Expect.isLessThan (distance peer.weight.grad (parameter node "weight").grad) 1e-12 "weight gradient"

                if hasBias then
                    Expect.isLessThan (distance peer.bias.grad (parameter node "bias").grad) 1e-12 "bias gradient"

        testPropertyWithConfig config "a transposed convolution is the transpose of the convolution of its form"
        <| fun (s: LargerSizes) ->
            scoped
            <| fun () ->
                let form = Convolution(s.Channels, s.Kernel, s.Stride, s.Padding)
                let node = new ConvTransposeNode("t1", s.Inputs, form, Activation.Identity, false, doubles s.Seed)
                let x = normal s.Seed [ s.Batch; s.Inputs; s.Height; s.Width ]
                let y = run node x
                let z = normal (s.Seed + 1) [ for n in y.shape -> int n ]
                let weight = kernels (parameter node "weight")
                let back = convolve (images z) weight (Array.zeroCreate s.Inputs) s.Stride s.Padding

                // ⟨A x, z⟩ = ⟨x, Aᵀ z⟩.
                let left = Array.sum (Array.map2 (*) (numbers y) (numbers z))
                let right = Array.sum (Array.map2 (*) (numbers x) (Array.collect flat back))
                Expect.isLessThan (abs (left - right)) 1e-9 "the two products"

        testScoped "a transposed convolution applies its activation"
        <| fun () ->
            let form = Convolution(2, 3, 2, 1)
            let make activation = new ConvTransposeNode("t1", 2, form, activation, true, doubles 1)
            let x = normal 1 [ 2; 2; 3; 3 ]
            let linear = run (make Activation.Identity) x
            Expect.equal (distance (run (make Activation.Mish) x) (Activation.Mish.Apply linear)) 0.0 "mish"
            slopes (make Activation.Mish) x

        testPropertyWithConfig config "upsampling gives each value a square, forward and backward"
        <| fun (s: LargerSizes) ->
            scoped
            <| fun () ->
                let node = new UpsampleNode("upsample1", s.Stride)
                let x = normal s.Seed [ s.Batch; s.Channels; s.Height; s.Width ]

                let expected = [|
                    for image in images x do
                        for channel in image do
                            for i in 0 .. s.Stride * s.Height - 1 do
                                for j in 0 .. s.Stride * s.Width - 1 -> channel[i / s.Stride].[j / s.Stride]
                |]

                Expect.equal (numbers (run node x)) expected "values"
                slopes node x

        testPropertyWithConfig config "columns of categories become the rows of their tables, after the numbers"
        <| fun (s: ColumnSizes) ->
            scoped
            <| fun () ->
                use node = columnsOf s
                let x = rowsOf s
                let categorical = [ for column, _, _ in s.Embedded -> column ]
                let table column = matrix (parameter node $"column{column}.weight")

                let expected = [|
                    for row in matrix x do
                        for column in 0 .. s.Columns - 1 do
                            if not (List.contains column categorical) then row[column]

                        for column in categorical do
                            yield! (table column)[int row[column]]
                |]

                let y = run node x
                let width = s.Columns - s.Embedded.Length + List.sumBy (fun (_, _, width) -> width) s.Embedded
                Expect.equal y.shape [| int64 s.Batch; int64 width |] "shape"
                Expect.equal (numbers y) expected "values"
                let upstream = normal (s.Seed + 1) [ s.Batch; width ]
                Slopes.agree (Slopes.parameters node) (fun () -> (run node x * upstream).sum())

        for wrong, shown in [ 2.5, "2.5"; -1.0, "-1"; 3.0, "3"; nan, "NaN"; infinity, "Infinity" ] do
            testScoped $"{shown} is refused as one of three categories, in one message"
            <| fun () ->
                use node = new EmbedColumnsNode("embed_columns", 2, [| EmbeddedColumn(1, 3, 2) |], doubles 1)

                let x = torch.tensor([| 7.5; 2.0; 7.5; wrong |], dtype = Nullable torch.ScalarType.Float64).view(2L, 2L)

                Expect.throwsC (fun () -> run node x |> ignore) (fun error ->
                    Expect.isTrue (error :? UserException) "a user's mistake"

                    Expect.equal
                        error.Message
                        $"embed_columns, column 1: expected a category from 0 to 2, got {shown} – give the column its categories as whole numbers from 0, not standardised, or say how many there are"
                        "message")
    ]
