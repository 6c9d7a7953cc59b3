using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// How stored bytes become inputs, for each channel: x = byte · scale + shift. Images are kept as bytes, a quarter of their size in
/// float32, and become numbers when a batch is fetched.
/// </summary>
/// <param name="Scale">The factor of each channel.</param>
/// <param name="Shift">What is added to each channel.</param>
public sealed record PixelScale(IReadOnlyList<float> Scale, IReadOnlyList<float> Shift)
{
    private const double Brightest = 255;


    /// <summary>The scale for x = byte / 255, in [0, 1].</summary>
    public static PixelScale Unit(int channels) =>
        new([.. Enumerable.Repeat((float)(1 / Brightest), channels)], new float[channels]);

    /// <summary>
    /// The scale that gives every channel of <paramref name="bytes"/> [N, C, H, W] mean 0 and standard deviation 1. A channel of one value
    /// becomes 0.
    /// </summary>
    public static PixelScale Standardised(Tensor bytes)
    {
        int channels = (int)bytes.shape[1];
        var scale = new float[channels];
        var shift = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            (double mean, double deviation) = MeanAndDeviation(bytes, c);
            double factor = deviation > 0 ? 1 / deviation : 1;
            (scale[c], shift[c]) = ((float)factor, (float)(-mean * factor));
        }

        return new(scale, shift);
    }

    /// <summary>bytes [B, C, H, W] uint8 → [B, C, H, W] float32 on the same device.</summary>
    public Tensor Apply(Tensor bytes)
    {
        using var scope = NewDisposeScope();
        Tensor scale = tensor(Scale.ToArray(), device: bytes.device).view(-1, 1, 1);
        Tensor shift = tensor(Shift.ToArray(), device: bytes.device).view(-1, 1, 1);
        return bytes.to_type(ScalarType.Float32).mul_(scale).add_(shift).MoveToOuterDisposeScope();
    }

    // Exact, because it goes by the counts of the 256 values.
    private static (double Mean, double Deviation) MeanAndDeviation(Tensor bytes, int channel)
    {
        using var scope = NewDisposeScope();
        long[] counts = TensorArrays.Vector<long>(bytes.select(1, channel).flatten().bincount(null, 256));
        double total = counts.Sum();
        double mean = Enumerable.Range(0, 256).Sum(v => v * (double)counts[v]) / total;
        double variance = Enumerable.Range(0, 256).Sum(v => counts[v] * (v - mean) * (v - mean)) / total;
        return (mean, Math.Sqrt(variance));
    }
}
