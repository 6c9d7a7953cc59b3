using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A text as token ids, split into training, validation and test text. A directory or an archive has one <c>*.train.txt</c>, one
/// <c>*.valid.txt</c> and one <c>*.test.txt</c>; a single file is split 90/5/5 by lines. White space separates words.
/// </summary>
public sealed class TextCorpus
{
    private TextCorpus(TextFiles files, Vocabulary vocabulary, int[] train, int[] validation, int[] test) =>
        (Files, Identity, Vocabulary, Train, Validation, Test) = (files.Files, files.Identity, vocabulary, train, validation, test);

    /// <summary>The files that were read.</summary>
    public IReadOnlyList<DataFile> Files { get; }

    /// <summary>What tells the text from others.</summary>
    public DataIdentity Identity { get; }

    /// <summary>The words of the training text.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>The token ids of the training text, in order.</summary>
    public int[] Train { get; }

    /// <summary>The token ids of the validation text, in order.</summary>
    public int[] Validation { get; }

    /// <summary>The token ids of the test text, in order.</summary>
    public int[] Test { get; }

    /// <summary>Reads a directory or a file. <paramref name="vocabulary"/> limits the number of words. UserException where the text cannot be read.</summary>
    public static TextCorpus Load(string path, int? vocabulary = null) => Of(TextFiles.Read(path), vocabulary);

    /// <summary>The words of files that were read. <paramref name="vocabulary"/> limits their number. UserException where there are too few.</summary>
    /// <example><code>int size = TextCorpus.Of(TextFiles.Read("data/ptb"), 10_000).Vocabulary.Size;</code></example>
    public static TextCorpus Of(TextFiles files, int? vocabulary)
    {
        string[][] parts = files.Parts.Count == 1
            ? SplitFile(files.Parts[0])
            : [.. files.Parts.Select(part => Words(part.Place, part.Lines()))];
        Vocabulary words = Vocabulary.Of(parts[0], vocabulary, files.Path);
        int[][] ids = [.. parts.Select(p => Array.ConvertAll(p, words.IdOf))];
        return new(files, words, ids[0], ids[1], ids[2]);
    }

    /// <summary>
    /// The words of a text whose words are to be predicted: all of a single file, or the test text of three. UserException where it cannot be
    /// read.
    /// </summary>
    /// <example><code>IReadOnlyList&lt;string&gt; words = TextCorpus.WordsToPredict("data/ptb");</code></example>
    public static IReadOnlyList<string> WordsToPredict(string path)
    {
        TextPart last = TextFiles.Read(path).Parts[^1];
        return Words(last.Place, last.Lines());
    }

    /// <summary>
    /// Cuts the text into windows of T = <paramref name="window"/> words that do not overlap, whose targets are the next words: [N, T]. The
    /// rest of the training text is dropped; that of held-out text is a shorter window, so that every word but the first is scored. With
    /// <paramref name="carryState"/>, recurrent layers go on from window to window; otherwise each window starts at zero.
    /// </summary>
    public DataSplits Windows(int window, bool carryState = false) => new(
        Parts(Train, window, "training", remainder: false, carryState)[0],
        Parts(Validation, window, "validation", remainder: true, carryState),
        Parts(Test, window, "test", remainder: true, carryState))
    { Identity = Identity };

    private static List<Dataset> Parts(int[] ids, int window, string name, bool remainder, bool carryState)
    {
        int targets = ids.Length - 1;
        if (targets < (remainder ? 1 : window))
        {
            throw new UserException(
                $"{name} text", $"more than {(remainder ? 1 : window)} words", $"{ids.Length}", "give more text or a shorter window");
        }

        using var scope = NewDisposeScope();
        Tensor all = tensor(Array.ConvertAll(ids, i => (long)i));
        var parts = new List<Dataset>();
        int whole = targets / window;
        if (whole > 0)
        {
            parts.Add(Window(all, 0, whole, window, carryState));
        }

        int rest = targets - whole * window;
        if (remainder && rest > 0)
        {
            parts.Add(Window(all, (long)whole * window, 1, rest, carryState));
        }

        return parts;
    }

    private static Dataset Window(Tensor ids, long start, long count, long length, bool consecutive) => new(
        ids.narrow(0, start, count * length).view(count, length),
        ids.narrow(0, start + 1, count * length).view(count, length),
        consecutive: consecutive);

    private static string[][] SplitFile(TextPart text)
    {
        string path = text.Place;
        string[] lines = [.. text.Lines()];
        if (lines.Length is > 0 and < 3)
        {
            throw new UserException(
                path, "at least 3 lines, to be split 90/5/5 into training, validation and test text", $"{lines.Length}",
                "give a longer text, or a directory with *.train.txt, *.valid.txt and *.test.txt");
        }

        int held = Math.Max(1, lines.Length / 20);
        return
        [
            Words(path, lines[..Math.Max(0, lines.Length - (2 * held))]),
            Words(path, lines[Math.Max(0, lines.Length - (2 * held))..Math.Max(0, lines.Length - held)]),
            Words(path, lines[Math.Max(0, lines.Length - held)..]),
        ];
    }

    private static string[] Words(string path, IEnumerable<string> lines)
    {
        string[] words =
        [
            .. lines.SelectMany(l => (string[])[.. l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), Vocabulary.EndOfSentence]),
        ];
        return words.Length > 0
            ? words
            : throw new UserException(path, "text", "an empty file", "give a file with words in it");
    }
}
