using System.Text.Json;

namespace ModNet.Runtime;

/// <summary>The log of a run, <c>metrics.jsonl</c>, as those read it who only look at a run: also while the run goes on writing.</summary>
/// <param name="Lines">By step. Where a resumed run logged a step twice in a phase, the later line counts.</param>
/// <param name="Unreadable">How many lines could not be read. A last line without an end is what a killed run leaves, and is not counted.</param>
public sealed record MetricsLog(IReadOnlyList<MetricsLine> Lines, int Unreadable)
{
    /// <summary>The log in a run's folder; an empty one where the run has not logged yet.</summary>
    /// <example><code>int lines = MetricsLog.OfFolder("runs/toy").Lines.Count;</code></example>
    public static MetricsLog OfFolder(string folder)
    {
        string path = Path.Combine(folder, "metrics.jsonl");
        if (!File.Exists(path))
        {
            return new([], 0);
        }

        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        return OfText(reader.ReadToEnd());
    }

    /// <summary>The log that a text of JSON lines holds.</summary>
    public static MetricsLog OfText(string text)
    {
        string[] rows = text.Split('\n', StringSplitOptions.TrimEntries);
        var latest = new Dictionary<(long, string), MetricsLine>();
        int unreadable = 0;
        for (int i = 0; i < rows.Length; i++)
        {
            bool cutOff = i == rows.Length - 1 && !text.EndsWith('\n');
            if (rows[i] != "" && TryParse(rows[i]) is MetricsLine line)
            {
                latest[(line.Step, line.Phase)] = line;
            }
            else if (rows[i] != "" && !cutOff)
            {
                unreadable++;
            }
        }

        return new([.. latest.Values.OrderBy(line => line.Step)], unreadable);
    }

    // Where bytes were no UTF-8, the decoder has left its mark, which no line has that was written so.
    private static MetricsLine? TryParse(string row)
    {
        try
        {
            return row.Contains('\uFFFD', StringComparison.Ordinal) ? null : MetricsLine.Parse(row);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Steps and values, of equal length, of one field in one phase, where lines have a finite value of it.</summary>
    public static (double[] Steps, double[] Values) Column(string phase, string name, IEnumerable<MetricsLine> lines)
    {
        (double Step, double Value)[] points =
        [
            .. lines
                .Where(line => line.Phase == phase && line.Values.TryGetValue(name, out double value) && double.IsFinite(value))
                .Select(line => ((double)line.Step, line.Values[name])),
        ];
        return ([.. points.Select(p => p.Step)], [.. points.Select(p => p.Value)]);
    }
}
