using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Makes a task of a set of images: some of its classes, or its pixels in another order.</summary>
public static class ImageSelection
{
    /// <summary>
    /// Takes over images and keeps those of some classes, in every split. With <paramref name="renumber"/>, the first of <paramref name="classes"/> becomes
    /// class 0, the second class 1, and so on; otherwise classes keep their numbers. UserException where a split has none of them.
    /// </summary>
    public static LoadedData Only(LoadedData images, IReadOnlyList<int> classes, bool renumber)
    {
        using var scope = NewDisposeScope();
        Tensor wanted = tensor(classes.Select(c => (long)c).ToArray());
        Dataset Part(Dataset whole, string split)
        {
            using var inner = NewDisposeScope();
            Tensor hits = whole.Targets.unsqueeze(1).eq(wanted);
            Tensor rows = hits.any(1).nonzero().squeeze(1);
            if (rows.shape[0] == 0)
            {
                throw new UserException("data/only", $"{split} images of the classes {string.Join(", ", classes)}", "none", "name classes that the images have");
            }

            Tensor targets = renumber ? hits.index_select(0, rows).to_type(ScalarType.Int64).argmax(1) : whole.Targets.index_select(0, rows);
            return new(whole.Inputs.index_select(0, rows), targets, pixels: whole.Pixels);
        }

        return Changed(images, Part, renumber ? [.. classes.Select(c => images.Classes![c])] : images.Classes);
    }

    /// <summary>
    /// Takes over images and tells one class from all others, in every split: all images of class <paramref name="number"/> become class 1, and as many of the others, drawn by
    /// <paramref name="seed"/>, class 0; where they are fewer, all of them. Images stay in their order. UserException where a split has no image of the class, or none of the others.
    /// </summary>
    public static LoadedData OneVsRest(LoadedData images, int number, long seed)
    {
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(seed);
        Dataset Part(Dataset whole, string split)
        {
            using var inner = NewDisposeScope();
            Tensor hits = whole.Targets.eq(number);
            Tensor own = hits.nonzero().squeeze(1), others = hits.logical_not().nonzero().squeeze(1);
            if (own.shape[0] == 0 || others.shape[0] == 0)
            {
                throw new UserException(
                    "data/one_vs_rest", $"{split} images of class {number} and of others", own.shape[0] == 0 ? $"none of class {number}" : "none of others",
                    "name a class that some of the images have");
            }

            Tensor drawn = randperm(others.shape[0], ScalarType.Int64, generator: streams["rest"]).narrow(0, 0, Math.Min(own.shape[0], others.shape[0]));
            Tensor rows = cat([own, others.index_select(0, drawn)]).sort(0).Values;
            return new(whole.Inputs.index_select(0, rows), hits.index_select(0, rows).to_type(ScalarType.Int64), pixels: whole.Pixels);
        }

        return Changed(images, Part, ["rest", images.Classes![number]]);
    }

    /// <summary>Takes over images and puts their H·W pixels into an order that is drawn by <paramref name="seed"/>, the same for all images and channels.</summary>
    public static LoadedData Permuted(LoadedData images, long seed)
    {
        using var scope = NewDisposeScope();
        using var streams = new RandomStreams(seed);
        long[] image = images.Splits.Train.Inputs.shape[1..];
        Tensor order = randperm(image[1] * image[2], ScalarType.Int64, generator: streams["pixels"]);
        return Changed(
            images,
            (whole, _) => new(whole.Inputs.flatten(2).index_select(2, order).view(whole.Inputs.shape), whole.Targets.alias(), pixels: whole.Pixels),
            images.Classes);
    }

    /// <summary>Takes over images [N, C, H, W] and makes each its own target, in place of its class: targets [N, C·H·W] float32, as the network reads the image.</summary>
    public static LoadedData Reconstructed(LoadedData images) => Changed(
        images,
        (whole, _) => new(whole.Inputs.alias(), (whole.Pixels is { } scale ? scale.Apply(whole.Inputs) : whole.Inputs).flatten(1), pixels: whole.Pixels),
        null);

    private static LoadedData Changed(LoadedData images, Func<Dataset, string, Dataset> change, IReadOnlyList<string>? classes)
    {
        DataSplits old = images.Splits;
        var splits = new DataSplits(
            change(old.Train, "training"), [.. old.Validation.Select(part => change(part, "validation"))], [.. old.Test.Select(part => change(part, "test"))])
        { Identity = old.Identity };
        var changed = new LoadedData(splits, images.Files, classes);
        images.Dispose();
        return changed;
    }
}
