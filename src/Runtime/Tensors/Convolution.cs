using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The form of a convolution with square kernels: [in, H, W] → [Channels, H', W'] with H' = ⌊(H + 2·Padding − Kernel) / Stride⌋ + 1, and W'
/// likewise.
/// </summary>
/// <param name="Channels">The number of output channels.</param>
/// <param name="Kernel">The kernel's height and width.</param>
/// <param name="Stride">The distance from one window to the next.</param>
/// <param name="Padding">The number of zeros on every side.</param>
public sealed record Convolution(int Channels, int Kernel, int Stride, int Padding)
{
    /// <summary>The number of inputs that one output reads.</summary>
    internal long FanIn(int inputs) => (long)inputs * Kernel * Kernel;

    /// <summary>The number of outputs that one input reaches at stride 1.</summary>
    internal long FanOut => (long)Channels * Kernel * Kernel;

    /// <summary>
    /// Convolves x [n, groups·in, H, W] with weight [groups·Channels, in, Kernel, Kernel] and bias [groups·Channels] → [n, groups·Channels,
    /// H', W'].
    /// </summary>
    internal Tensor Apply(Tensor x, Tensor weight, Tensor? bias, long groups = 1) =>
        Products.Convolution(x, weight, bias, Stride, Padding, groups);

    /// <summary>The shape of the output for a row of shape [in, H, W]: [Channels, H', W'].</summary>
    internal long[] Output(long[] row) => [Channels, Size(row[1]), Size(row[2])];

    /// <summary>The same as an operator of ONNX: x [n, groups·in, H, W] with weight and, if there is one, bias → [n, groups·Channels, H', W'].</summary>
    internal OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue[] weights, long groups = 1, long channels = 0)
    {
        long[] output = Output(x.Row);
        return onnx.Windows("Conv", [channels == 0 ? output[0] : channels, output[1], output[2]], [x, .. weights], Kernel, Stride, Padding, groups);
    }

    private long Size(long size) => ((size + (2L * Padding) - Kernel) / Stride) + 1;
}
