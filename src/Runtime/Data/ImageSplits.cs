using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Labelled images as bytes: [N, C, H, W] and [N].</summary>
internal sealed record LabelledImages(long[] Shape, byte[] Pixels, byte[] Labels);

/// <summary>From the bytes of a training and a test set to datasets.</summary>
internal static class ImageSplits
{
    /// <summary>
    /// Holds <paramref name="heldOut"/> training images out for validation, shuffled by <paramref name="splitSeed"/>. Pixels
    /// are divided by 255; <paramref name="standardise"/> shifts and scales each channel by what is left to train on.
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
