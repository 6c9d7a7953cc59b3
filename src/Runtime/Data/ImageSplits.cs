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

    internal static Tensor Pixels(LabelledImages images) => tensor(images.Pixels, ScalarType.Byte).view(images.Shape);

    internal static Tensor Labels(string path, LabelledImages images, int classes)
    {
        int wrong = Array.FindIndex(images.Labels, l => l >= classes);
        return wrong < 0
            ? tensor(Array.ConvertAll(images.Labels, l => (long)l))
            : throw new UserException(
                path, $"labels from 0 to {classes - 1}", $"{images.Labels[wrong]} at image {wrong + 1}", "download the files again");
    }
}
