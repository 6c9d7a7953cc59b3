/// Plain arithmetic on arrays, to hold tensors against.
module ModNet.Tests.Plain

open TorchSharp

/// [B, C, H, W] as images [C][H][W].
let images (t: torch.Tensor) : float[][][][] =
    numbers t
    |> Array.chunkBySize (int t.shape[3])
    |> Array.chunkBySize (int t.shape[2])
    |> Array.chunkBySize (int t.shape[1])

/// [out, in, k, k] as kernels [out][in][k][k].
let kernels (t: torch.Tensor) : float[][][][] = images t

/// Channel by channel, row by row.
let flat (image: float[][][]) : float[] = image |> Array.collect (Array.collect id)

/// The convolution of images [C][H][W], by its definition; before any activation.
let convolve (images: float[][][][]) (kernels: float[][][][]) (bias: float[]) stride padding : float[][][][] =
    let size = kernels[0].[0].Length

    let places length = (length + 2 * padding - size) / stride + 1

    images
    |> Array.map (fun image ->
        let height, width = image[0].Length, image[0].[0].Length

        let at c i j = if i >= 0 && i < height && j >= 0 && j < width then image[c].[i].[j] else 0.0

        Array.map2
            (fun (kernel: float[][][]) bias -> [|
                for i in 0 .. places height - 1 ->
                    [|
                        for j in 0 .. places width - 1 ->
                            bias
                            + Seq.sum (
                                seq {
                                    for c in 0 .. image.Length - 1 do
                                        for u in 0 .. size - 1 do
                                            for v in 0 .. size - 1 ->
                                                kernel[c].[u].[v]
                                                * at c (i * stride + u - padding) (j * stride + v - padding)
                                }
                            )
                    |]
            |])
            kernels
            bias)

/// (v − mean) / √(variance + 1e-5), mean and variance (divisor n) those of `among`.
let standardised (among: float[]) (values: float[]) : float[] =
    let mean = Array.average among
    let variance = among |> Array.averageBy (fun v -> (v - mean) ** 2.0)
    values |> Array.map (fun v -> (v - mean) / sqrt (variance + 1e-5))
