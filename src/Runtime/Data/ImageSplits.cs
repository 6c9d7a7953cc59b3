using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Images [N, C, H, W] and their labels [N], as bytes.</summary>
internal sealed record LabelledImages(long[] Shape, byte[] Pixels, byte[] Labels);

/// <summary>Makes datasets of the bytes of a training set and a test set.</summary>
internal static class ImageSplits
{
    /// <summary>
    /// Holds out <paramref name="heldOut"/> training images for validation, shuffled by <paramref name="splitSeed"/>. Pixels are divided by
    /// 255, or with <paramref name="standardise"/> each channel is shifted and scaled by the images that are left to train on.
    /// </summary>
    internal static DataSplits Of(
        string path, LabelledImages train, LabelledImages test, int classes, long heldOut, bool standardise, long splitSeed)
    {
        long count = train.Shape[0];
        if (heldOut >= count)
        {
            throw new UserException(
                path, $"fewer than {count} images held out, the number of training images", $"{heldOut}", "hold fewer out");
        }

        using var scope = NewDisposeScope();
        var stored = new Dataset(Pixels(train), Labels(path, train, classes));
        using DataSplits parts = HeldOut.Split(stored, heldOut, 0, splitSeed);
        PixelScale scale = standardise
            ? PixelScale.Standardised(parts.Train.Inputs)
            : PixelScale.Unit((int)train.Shape[1]);
        return new(
            new(parts.Train.Inputs.alias(), parts.Train.Targets.alias(), pixels: scale),
            [.. parts.Validation.Select(part => new Dataset(part.Inputs.alias(), part.Targets.alias(), pixels: scale))],
            [new(Pixels(test), Labels(path, test, classes), pixels: scale)]);
    }

    private static Tensor Pixels(LabelledImages images) => tensor(images.Pixels, ScalarType.Byte).view(images.Shape);

    private static Tensor Labels(string path, LabelledImages images, int classes)
    {
        int wrong = Array.FindIndex(images.Labels, l => l >= classes);
        return wrong < 0
            ? tensor(Array.ConvertAll(images.Labels, l => (long)l))
            : throw new UserException(
                path, $"labels from 0 to {classes - 1}", $"{images.Labels[wrong]} at image {wrong + 1}", "download the files again");
    }
}

/// <summary>
/// How stored bytes become inputs, for each channel: x = byte · scale + shift. Images are kept as bytes, a quarter of their size in
/// float32, and become numbers when a batch is fetched.
/// </summary>
public sealed class PixelScale
{
    private const double Brightest = 255;

    private readonly float[] _scale;
    private readonly float[] _shift;

    private PixelScale(float[] scale, float[] shift) => (_scale, _shift) = (scale, shift);

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
        Tensor scale = tensor(_scale, device: bytes.device).view(-1, 1, 1);
        Tensor shift = tensor(_shift, device: bytes.device).view(-1, 1, 1);
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
