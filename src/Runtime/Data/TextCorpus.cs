using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A text as token ids, split into training, validation and test text. A directory or an archive has one <c>*.train.txt</c>, one
/// <c>*.valid.txt</c> and one <c>*.test.txt</c>; a single file is split 90/5/5 by lines. Tokens are words, which white space separates, or
/// characters, white space and empty lines among them.
/// </summary>
public sealed class TextCorpus
{
    private readonly TextUnit _unit;

    private TextCorpus(TextFiles files, TextUnit unit, Vocabulary vocabulary, int[] train, int[] validation, int[] test) =>
        (Files, Identity, _unit, Vocabulary, Train, Validation, Test) = (files.Files, files.Identity, unit, vocabulary, train, validation, test);

    /// <summary>The files that were read.</summary>
    public IReadOnlyList<DataFile> Files { get; }

    /// <summary>What tells the text from others.</summary>
    public DataIdentity Identity { get; }

    /// <summary>The words or characters of the training text.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>The token ids of the training text, in order.</summary>
    public int[] Train { get; }

    /// <summary>The token ids of the validation text, in order.</summary>
    public int[] Validation { get; }

    /// <summary>The token ids of the test text, in order.</summary>
    public int[] Test { get; }

    /// <summary>
    /// Reads a directory or a file. <paramref name="vocabulary"/> limits the number of different tokens. UserException where the text cannot be read.
    /// </summary>
    public static TextCorpus Load(string path, int? vocabulary = null, TextUnit unit = TextUnit.Words) =>
        Of(TextFiles.Read(path), vocabulary, unit);

    /// <summary>
    /// The tokens of files that were read. <paramref name="vocabulary"/> limits the number of different ones. UserException where there are too few.
    /// </summary>
    /// <example><code>int size = TextCorpus.Of(TextFiles.Read("data/ptb"), 10_000).Vocabulary.Size;</code></example>
    public static TextCorpus Of(TextFiles files, int? vocabulary, TextUnit unit = TextUnit.Words) => Together([files], vocabulary, unit)[0];

    /// <summary>
    /// The tokens of several texts by one vocabulary, which is that of all their training texts together. <paramref name="vocabulary"/> limits the number of
    /// different ones. UserException where there are too few.
    /// </summary>
    public static IReadOnlyList<TextCorpus> Together(IReadOnlyList<TextFiles> texts, int? vocabulary, TextUnit unit = TextUnit.Words)
    {
        string[][][] split =
        [
            .. texts.Select(files => files.Parts.Count == 1
                ? SplitFile(files.Parts[0], unit)
                : [.. files.Parts.Select(part => Tokens(part.Place, part.Lines(unit), unit))]),
        ];
        Vocabulary tokens = Vocabulary.Of(split.SelectMany(parts => parts[0]), vocabulary, string.Join(", ", texts.Select(files => files.Path)), unit);
        return
        [
            .. texts.Zip(split, (files, parts) =>
            {
                int[][] ids = [.. parts.Select(p => Array.ConvertAll(p, tokens.IdOf))];
                return new TextCorpus(files, unit, tokens, ids[0], ids[1], ids[2]);
            }),
        ];
    }

    /// <summary>
    /// The tokens of a text that are to be predicted: all of a single file, or the test text of three. UserException where it cannot be
    /// read.
    /// </summary>
    /// <example><code>IReadOnlyList&lt;string&gt; words = TextCorpus.TokensToPredict("data/ptb");</code></example>
    public static IReadOnlyList<string> TokensToPredict(string path, TextUnit unit = TextUnit.Words)
    {
        TextPart last = TextFiles.Read(path).Parts[^1];
        return Tokens(last.Place, last.Lines(unit), unit);
    }

    /// <summary>
    /// Cuts the text into windows of T = <paramref name="window"/> tokens that do not overlap, whose targets are the next tokens: [N, T]. The
    /// rest of the training text is dropped; that of held-out text is a shorter window, so that every token but the first is scored. With
    /// <paramref name="carryState"/>, recurrent layers go on from window to window; otherwise each window starts at zero.
    /// </summary>
    public DataSplits Windows(int window, bool carryState = false) => new(
        Parts(Train, window, "training", remainder: false, carryState)[0],
        Parts(Validation, window, "validation", remainder: true, carryState),
        Parts(Test, window, "test", remainder: true, carryState))
    { Identity = Identity };

    private List<Dataset> Parts(int[] ids, int window, string name, bool remainder, bool carryState)
    {
        int targets = ids.Length - 1;
        if (targets < (remainder ? 1 : window))
        {
            throw new UserException(
                $"{name} text", $"more than {(remainder ? 1 : window)} {TextTokens.Name(_unit)}", $"{ids.Length}", "give more text or a shorter window");
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

    private static string[][] SplitFile(TextPart text, TextUnit unit)
    {
        string path = text.Place;
        string[] lines = [.. text.Lines(unit)];
        if (lines.Length is > 0 and < 3)
        {
            throw new UserException(
                path, "at least 3 lines, to be split 90/5/5 into training, validation and test text", $"{lines.Length}",
                "give a longer text, or a directory with *.train.txt, *.valid.txt and *.test.txt");
        }

        int held = Math.Max(1, lines.Length / 20);
        return
        [
            Tokens(path, lines[..Math.Max(0, lines.Length - (2 * held))], unit),
            Tokens(path, lines[Math.Max(0, lines.Length - (2 * held))..Math.Max(0, lines.Length - held)], unit),
            Tokens(path, lines[Math.Max(0, lines.Length - held)..], unit),
        ];
    }

    private static string[] Tokens(string path, IEnumerable<string> lines, TextUnit unit)
    {
        // Of a text of millions of characters, each one is a single object.
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        string Once(string token) => known.TryGetValue(token, out string? same) ? same : known[token] = token;
        string[] tokens = [.. lines.SelectMany(l => TextTokens.OfLine(l, unit).Select(Once).Append(Vocabulary.EndOfSentence))];
        return tokens.Length > 0
            ? tokens
            : throw new UserException(path, "text", "an empty file", $"give a file with {TextTokens.Name(unit)} in it");
    }
}
