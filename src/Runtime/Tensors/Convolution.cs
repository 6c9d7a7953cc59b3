using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A convolution with square kernels: [in, H, W] → [Channels, H', W'], H' = ⌊(H + 2·Padding − Kernel) / Stride⌋ + 1, and W'
/// likewise.
/// </summary>
/// <param name="Channels">Output channels.</param>
/// <param name="Kernel">The kernel's height and width.</param>
/// <param name="Stride">Places from one window to the next.</param>
/// <param name="Padding">Zeros on every side.</param>
public sealed record Convolution(int Channels, int Kernel, int Stride, int Padding)
{
    /// <summary>Inputs that one output reads.</summary>
    internal long FanIn(int inputs) => (long)inputs * Kernel * Kernel;

    /// <summary>Outputs that one input reaches, at stride 1.</summary>
    internal long FanOut => (long)Channels * Kernel * Kernel;

    /// <summary>
    /// x [n, groups·in, H, W], weight [groups·Channels, in, Kernel, Kernel], bias [groups·Channels] →
    /// [n, groups·Channels, H', W'].
    /// </summary>
    internal Tensor Apply(Tensor x, Tensor weight, Tensor? bias, long groups = 1) =>
        Products.Convolution(x, weight, bias, Stride, Padding, groups);

    /// <summary>[in, H, W] → [Channels, H', W'].</summary>
    internal long[] Output(long[] row) => [Channels, Size(row[1]), Size(row[2])];

    private long Size(long size) => ((size + (2L * Padding) - Kernel) / Stride) + 1;
}
