namespace ModNet.Runtime;

/// <summary>
/// MNIST (or a set of its format, such as Fashion-MNIST): images [1, 28, 28] of 10 classes in four idx files, as they are
/// downloaded: <c>train-images-idx3-ubyte</c> and its like, also spelled <c>train-images.idx3-ubyte</c>, each packed
/// (<c>.gz</c>) or not.
/// </summary>
public static class Mnist
{
    /// <summary>Height and width.</summary>
    public const int Side = 28;

    /// <summary>The number of digits.</summary>
    public const int Classes = 10;

    /// <summary>Reads a directory; 60,000 images to train on and 10,000 to test in the original.</summary>
    /// <param name="directory">Where the four files are.</param>
    /// <param name="heldOut">Training images held out for validation.</param>
    /// <param name="standardise">Whether pixels get mean 0 and deviation 1 over the training images; else they are in [0, 1].</param>
    /// <param name="splitSeed">What the held-out images are drawn by.</param>
    public static LoadedData Load(string directory, long heldOut, bool standardise, long splitSeed)
    {
        if (!Directory.Exists(directory))
        {
            throw new UserException(
                directory, "a directory with MNIST's four idx files",
                File.Exists(directory) ? "a file" : "nothing at that path", "give an existing directory with --data");
        }

        var files = new List<DataFile>();
        LabelledImages train = Read(directory, "train", files);
        LabelledImages test = Read(directory, "t10k", files);
        DataSplits splits = ImageSplits.Of(directory, train, test, Classes, heldOut, standardise, splitSeed);
        return new(splits, files, [.. Enumerable.Range(0, Classes).Select(c => $"{c}")]);
    }

    private static LabelledImages Read(string directory, string part, List<DataFile> files)
    {
        string images = Find(directory, $"{part}-images", 3);
        string labels = Find(directory, $"{part}-labels", 1);
        (long[] shape, byte[] pixels) = IdxFile.Read(images, 3);
        (long[] count, byte[] classes) = IdxFile.Read(labels, 1);
        if (shape[1] != Side || shape[2] != Side)
        {
            throw new UserException(
                images, $"images of {Side} × {Side} pixels", $"{shape[1]} × {shape[2]}", "give the files of MNIST");
        }

        if (count[0] != shape[0] || shape[0] == 0)
        {
            throw new UserException(
                labels, $"a label for each of {shape[0]} images", $"{count[0]}", "download both files again");
        }

        files.AddRange([DataFile.Of(images), DataFile.Of(labels)]);
        return new([shape[0], 1, Side, Side], pixels, classes);
    }

    private static string Find(string directory, string name, int dimensions)
    {
        string[] spellings = [$"{name}-idx{dimensions}-ubyte", $"{name}.idx{dimensions}-ubyte"];
        return spellings.SelectMany(s => (string[])[s, s + ".gz"])
            .Select(s => Path.Combine(directory, s))
            .FirstOrDefault(File.Exists)
            ?? throw new UserException(
                directory, $"a file {spellings[0]} or {spellings[0]}.gz", "none", "put MNIST's four files in one directory");
    }
}
