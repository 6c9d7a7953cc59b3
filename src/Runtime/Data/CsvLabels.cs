namespace ModNet.Runtime;

/// <summary>The labels of a column and their numbers: those that are known, or those that come up, in the order in which they do.</summary>
internal sealed class CsvLabels
{
    private readonly Dictionary<string, long> _numbers = new(StringComparer.Ordinal);
    private readonly bool _isOpen;

    /// <summary>Takes every label that comes up where <paramref name="known"/> is null; else only these, numbered from 0.</summary>
    internal CsvLabels(IReadOnlyList<string>? known)
    {
        _isOpen = known is null;
        foreach (string label in known ?? [])
        {
            _numbers.Add(label, _numbers.Count);
        }
    }

    /// <summary>The number of a label; null where it is not known.</summary>
    internal long? NumberOf(string label)
    {
        if (_numbers.TryGetValue(label, out long number))
        {
            return number;
        }

        return _isOpen ? _numbers[label] = _numbers.Count : null;
    }

    /// <summary>What a message says of the known labels.</summary>
    internal string Known =>
        $"one of the {_numbers.Count} labels that the run's data had ({string.Join(", ", _numbers.Keys.Take(RowProblems.MostLines))}{(_numbers.Count > RowProblems.MostLines ? ", …" : "")})";

    /// <summary>
    /// The labels in order, and for each number given here its place among them; a missing value comes last. UserException, with
    /// <paramref name="place"/>, where a number is written in several ways.
    /// </summary>
    internal (string[] Labels, long[] Places) Ordered(string place)
    {
        string[] said = [.. _numbers.OrderBy(p => p.Value).Select(p => p.Key)];
        string[] present = [.. said.Where(label => label.Length > 0)];
        string[] labels = LabelOrder.Ordered(present, place);
        string[] all = present.Length < said.Length ? [.. labels, ""] : labels;
        Dictionary<string, long> places = all.Select((label, i) => (label, i)).ToDictionary(p => p.label, p => (long)p.i, StringComparer.Ordinal);
        return (all, Array.ConvertAll(said, label => places[label]));
    }
}
