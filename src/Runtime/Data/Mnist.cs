namespace ModNet.Runtime;

/// <summary>
/// Reads MNIST, or a set in its format such as Fashion-MNIST: images [1, 28, 28] of 10 classes in four idx files, as they are downloaded.
/// The files are called <c>train-images-idx3-ubyte</c> or <c>train-images.idx3-ubyte</c> and so on, and each may be packed (<c>.gz</c>).
/// </summary>
public static class Mnist
{
    /// <summary>The height and width of an image in pixels.</summary>
    public const int Side = 28;

    /// <summary>The number of digits.</summary>
    public const int Classes = 10;

    /// <summary>Reads a directory. The original has 60,000 images to train on and 10,000 to test.</summary>
    /// <param name="directory">The directory of the four files.</param>
    /// <param name="heldOut">The number of training images that are held out for validation.</param>
    /// <param name="standardise">Whether pixels get mean 0 and standard deviation 1 over the training images. Otherwise they are in [0, 1].</param>
    /// <param name="splitSeed">The seed by which the held-out images are drawn.</param>
    /// <exception cref="UserException">A file is missing or damaged.</exception>
    public static LoadedData Load(string directory, long heldOut, bool standardise, long splitSeed)
    {
        if (!Directory.Exists(directory))
        {
            throw new UserException(
                directory, "a directory with MNIST's four idx files",
                File.Exists(directory) ? "a file" : NearWord.NothingAt(directory), "give an existing directory with --data");
        }

        var files = new List<DataFile>();
        var unpacked = new List<DataFile>();
        LabelledImages train = Read(directory, "train", files, unpacked);
        LabelledImages test = Read(directory, "t10k", files, unpacked);
        DataSplits splits = ImageSplits.Of(directory, train, test, Classes, heldOut, standardise, splitSeed);
        // However the files are packed, the data are the same.
        return new(splits with { Identity = new(unpacked) }, files, [.. Enumerable.Range(0, Classes).Select(c => $"{c}")]);
    }

    /// <summary>
    /// Images to be predicted: of an idx file, with the labels of the file beside it where there is one (<c>t10k-labels-idx1-ubyte</c> beside
    /// <c>t10k-images-idx3-ubyte</c>), or of a directory the images to test with their labels.
    /// </summary>
    /// <exception cref="UserException">A file is missing or damaged.</exception>
    public static Questions ToPredict(string path)
    {
        if (Directory.Exists(path))
        {
            LabelledImages test = Read(path, "t10k", [], []);
            return new(ImageSplits.Pixels(test), ImageSplits.Labels(path, test, Classes));
        }

        if (!File.Exists(path))
        {
            throw new UserException(
                path, "a file of images (idx3), or a directory with MNIST's files", NearWord.NothingAt(path), "give an existing path with --data");
        }

        string name = Path.GetFileName(path);
        string beside = Path.Combine(
            Path.GetDirectoryName(path) ?? "",
            name.Replace("images", "labels", StringComparison.Ordinal).Replace("idx3", "idx1", StringComparison.Ordinal));
        string packed = path.EndsWith(".gz", StringComparison.Ordinal) ? beside[..^3] : beside + ".gz";
        string? labels = beside == path ? null : new[] { beside, packed }.FirstOrDefault(File.Exists);
        if (labels is not null)
        {
            LabelledImages both = Both(path, labels, [], []);
            return new(ImageSplits.Pixels(both), ImageSplits.Labels(labels, both, Classes));
        }

        IdxValues pixels = Pixels(path);
        return new(ImageSplits.Pixels(new([pixels.Shape[0], 1, Side, Side], pixels.Values, [])), null);
    }

    private static LabelledImages Read(string directory, string part, List<DataFile> files, List<DataFile> unpacked)
    {
        string images = Find(directory, $"{part}-images", 3);
        string labels = Find(directory, $"{part}-labels", 1);
        return Both(images, labels, files, unpacked, part);
    }

    private static LabelledImages Both(
        string images, string labels, List<DataFile> files, List<DataFile> unpacked, string part = "")
    {
        IdxValues pixels = Pixels(images);
        IdxValues classes = IdxFile.Read(labels, 1);
        long count = pixels.Shape[0];
        if (classes.Shape[0] != count || count == 0)
        {
            throw new UserException(
                labels, $"a label for each of {count} images", $"{classes.Shape[0]}", "download both files again");
        }

        files.AddRange([pixels.File, classes.File]);
        unpacked.AddRange([pixels.Unpacked($"{part}-images"), classes.Unpacked($"{part}-labels")]);
        return new([count, 1, Side, Side], pixels.Values, classes.Values);
    }

    private static IdxValues Pixels(string images)
    {
        IdxValues pixels = IdxFile.Read(images, 3);
        long[] shape = pixels.Shape;
        return shape[1] == Side && shape[2] == Side
            ? pixels
            : throw new UserException(
                images, $"images of {Side} × {Side} pixels", $"{shape[1]} × {shape[2]}", "give the files of MNIST");
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
