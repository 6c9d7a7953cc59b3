namespace ModNet.Runtime;

/// <summary>
/// Reads the binary version of CIFAR-10, images [3, 32, 32] of 10 classes, as it is downloaded: the archive <c>cifar-10-binary.tar.gz</c>
/// itself, or a directory with <c>data_batch_1.bin</c> … <c>data_batch_5.bin</c> and <c>test_batch.bin</c>, with the folder
/// <c>cifar-10-batches-bin</c> that has them, or with the archive.
/// </summary>
public static class Cifar10
{
    private const int Channels = 3;
    private const int Side = 32;

    // An image is a label, then the red, the green and the blue pixels, row by row.
    private const int ImageBytes = 1 + Channels * Side * Side;
    private const int MostImagesPerFile = 10_000;
    private const string Archive = "cifar-10-binary.tar.gz";
    private const string Folder = "cifar-10-batches-bin";
    private const string TestFile = "test_batch.bin";

    private static readonly string[] TrainFiles = [.. Enumerable.Range(1, 5).Select(i => $"data_batch_{i}.bin")];

    /// <summary>The names of the classes, by number.</summary>
    public static IReadOnlyList<string> Classes { get; } =
        ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

    /// <summary>Reads a directory or the archive. The original has 50,000 images to train on and 10,000 to test.</summary>
    /// <param name="path">The directory or archive. Nothing is unpacked to the disk.</param>
    /// <param name="heldOut">The number of training images that are held out for validation.</param>
    /// <param name="standardise">Whether each channel gets mean 0 and standard deviation 1 over the training images. Otherwise pixels are in [0, 1].</param>
    /// <param name="splitSeed">The seed by which the held-out images are drawn.</param>
    /// <exception cref="UserException">A file is missing, damaged or of another size.</exception>
    public static LoadedData Load(string path, long heldOut, bool standardise, long splitSeed)
    {
        (Dictionary<string, byte[]> found, List<DataFile> files) = Find(path);
        foreach (string name in (string[])[.. TrainFiles, TestFile])
        {
            if (!found.ContainsKey(name))
            {
                throw new UserException(
                    path, $"{name}, among CIFAR-10's six files", "none", "download cifar-10-binary.tar.gz again");
            }
        }

        LabelledImages train = Images([.. TrainFiles.Select(name => found[name])]);
        LabelledImages test = Images([found[TestFile]]);
        DataSplits splits = ImageSplits.Of(path, train, test, Classes.Count, heldOut, standardise, splitSeed);
        // The six files are the same data whether or not they are in an archive.
        DataIdentity identity = new([.. found.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => DataFile.Of(file.Key, file.Value))]);
        return new(splits with { Identity = identity }, files, Classes);
    }

    /// <summary>
    /// Images to be predicted, with their labels: of one of the files <c>.bin</c>, or of a directory or the archive the images to test.
    /// </summary>
    /// <exception cref="UserException">A file is missing, damaged or of another size.</exception>
    public static Questions ToPredict(string path)
    {
        byte[] bytes;
        if (File.Exists(path) && path.EndsWith(".bin", StringComparison.Ordinal))
        {
            FileBytes file = FileBytes.Read(path);
            bytes = Whole(path, file.Bytes.Length, () => file.Bytes);
        }
        else if (!Find(path).Found.TryGetValue(TestFile, out bytes!))
        {
            throw new UserException(path, TestFile, "none", "give a file of images, such as data_batch_1.bin");
        }

        LabelledImages images = Images([bytes]);
        return new(ImageSplits.Pixels(images), ImageSplits.Labels(path, images, Classes.Count));
    }

    private static (Dictionary<string, byte[]> Found, List<DataFile> Files) Find(string path)
    {
        if (File.Exists(path))
        {
            FileBytes packed = FileBytes.Read(path);
            return (DataFile.Reading(path, () => OfArchive(packed)), [packed.File]);
        }

        if (!Directory.Exists(path))
        {
            throw new UserException(
                path, $"a directory with CIFAR-10's binary files, or {Archive}", NearWord.NothingAt(path),
                "give an existing path with --data");
        }

        string folder = new[] { path, Path.Combine(path, Folder) }
            .FirstOrDefault(d => File.Exists(Path.Combine(d, TestFile))) ?? path;
        string archive = Path.Combine(path, Archive);
        if (!File.Exists(Path.Combine(folder, TestFile)) && File.Exists(archive))
        {
            return Find(archive);
        }

        FileBytes[] files =
        [
            .. TrainFiles.Append(TestFile).Select(name => Path.Combine(folder, name)).Where(File.Exists).Select(FileBytes.Read),
        ];
        var found = files.ToDictionary(file => file.File.Name, file => Whole(file.Path, file.Bytes.Length, () => file.Bytes));
        return (found, [.. files.Select(file => file.File)]);
    }

    // Entries are read into memory by their file name alone. Nothing is written, whatever folder an archive names.
    private static Dictionary<string, byte[]> OfArchive(FileBytes archive)
    {
        var found = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        TarFile.ForEachFile(archive.Bytes, (entry, length, data) =>
        {
            string name = entry[(entry.LastIndexOf('/') + 1)..];
            if (name == TestFile || TrainFiles.Contains(name))
            {
                found[name] = Whole($"{archive.Path}, {name}", length, () => TarFile.Content(data, length));
            }
        });

        return found;
    }

    private static byte[] Whole(string place, long length, Func<byte[]> content) =>
        length % ImageBytes == 0 && length / ImageBytes is >= 1 and <= MostImagesPerFile
            ? content()
            : throw new UserException(
                place, $"1 to {MostImagesPerFile} images of {ImageBytes} bytes", $"{length} bytes",
                "give the binary version of CIFAR-10, whole");

    private static LabelledImages Images(byte[][] files)
    {
        int count = files.Sum(f => f.Length / ImageBytes);
        var labels = new byte[count];
        var pixels = new byte[count * (ImageBytes - 1)];
        int image = 0;
        foreach (byte[] file in files)
        {
            for (int at = 0; at < file.Length; at += ImageBytes, image++)
            {
                labels[image] = file[at];
                file.AsSpan(at + 1, ImageBytes - 1).CopyTo(pixels.AsSpan(image * (ImageBytes - 1)));
            }
        }

        return new([count, Channels, Side, Side], pixels, labels);
    }
}
