namespace ModNet.Runtime;

/// <summary>Words, or characters, and their ids, the most frequent first. Unknown ones are <c>&lt;unk&gt;</c>, and line ends <c>&lt;eos&gt;</c>.</summary>
public sealed class Vocabulary
{
    /// <summary>Stands for every word that is not in the vocabulary.</summary>
    public const string Unknown = "<unk>";

    /// <summary>Stands at the end of every line.</summary>
    public const string EndOfSentence = "<eos>";

    private readonly Dictionary<string, int> _ids;

    private Vocabulary(IReadOnlyList<string> words)
    {
        Words = words;
        _ids = words.Select((w, i) => (w, i)).ToDictionary(p => p.w, p => p.i, StringComparer.Ordinal);
    }

    /// <summary>The words in the order of their ids.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>V, the number of words.</summary>
    public int Size => Words.Count;

    /// <summary>
    /// The words of a text, ordered by frequency and then by code points. With <paramref name="limit"/>, only the most frequent are kept,
    /// so that V is the limit. UserException where the text has fewer words than that.
    /// </summary>
    public static Vocabulary Of(IEnumerable<string> words, int? limit, string place, TextUnit unit = TextUnit.Words)
    {
        var counts = new Dictionary<string, long>(StringComparer.Ordinal) { [Unknown] = 0, [EndOfSentence] = 0 };
        foreach (string word in words)
        {
            counts[word] = counts.GetValueOrDefault(word) + 1;
        }

        if (limit is int size && (size < 3 || size > counts.Count))
        {
            throw new UserException(
                place,
                $"a vocabulary of 3 to {counts.Count} {TextTokens.Name(unit)} (what the training text holds)",
                $"{size}",
                "change --vocab, or leave it out to take the data's own");
        }

        IEnumerable<string> special = [Unknown, EndOfSentence];
        var kept = counts.Where(c => !special.Contains(c.Key))
            .OrderByDescending(c => c.Value)
            .ThenBy(c => c.Key, StringComparer.Ordinal)
            .Take((limit ?? counts.Count) - 2)
            .Select(c => c.Key)
            .Concat(special)
            .OrderByDescending(w => counts[w])
            .ThenBy(w => w, StringComparer.Ordinal);
        return new Vocabulary([.. kept]);
    }

    /// <summary>The vocabulary of a run, whose words by token id its <see cref="Preparation"/> keeps.</summary>
    public static Vocabulary OfWords(IReadOnlyList<string> words) => new(words);

    /// <summary>Whether the word has a token id of its own.</summary>
    public bool Has(string word) => _ids.ContainsKey(word);

    /// <summary>The id of a word; for an unknown word, the id of <c>&lt;unk&gt;</c>.</summary>
    public int IdOf(string word) => _ids.TryGetValue(word, out int id) ? id : _ids[Unknown];
}
