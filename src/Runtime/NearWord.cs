namespace ModNet.Runtime;

/// <summary>Finds what a user probably meant by a word or a path that is not there.</summary>
public static class NearWord
{
    // So many insertions, deletions and replacements at most make a word another.
    private const int Farthest = 2;

    // A folder with more entries than this is not searched.
    private const int MostEntries = 10_000;

    /// <summary>The word of <paramref name="known"/> that is nearest to <paramref name="word"/>; null where none is near.</summary>
    public static string? Find(IEnumerable<string> known, string word) =>
        known
            .Select(candidate => (candidate, Distance: Distance(candidate, word)))
            // Two letters of two make every word near.
            .Where(c => c.Distance <= Math.Min(Farthest, word.Length - 1))
            .OrderBy(c => c.Distance)
            .ThenBy(c => c.candidate, StringComparer.Ordinal)
            .FirstOrDefault().candidate;

    /// <summary>What a message says it got where nothing lies at a path; it names a path beside it that the user may have meant.</summary>
    public static string NothingAt(string path) =>
        "nothing at that path" + (Beside(path) is { } near ? $", though there is {near}" : "");

    private static string? Beside(string path)
    {
        try
        {
            string trimmed = Path.TrimEndingDirectorySeparator(path);
            string folder = Path.GetDirectoryName(trimmed) is { Length: > 0 } parent ? parent : ".";
            string[] entries = [.. Directory.EnumerateFileSystemEntries(folder).Take(MostEntries + 1).Select(e => Path.GetFileName(e))];
            if (entries.Length > MostEntries)
            {
                return null;
            }

            string name = Path.GetFileName(trimmed);
            string? near = entries.Where(e => Path.GetFileNameWithoutExtension(e) == name).Order(StringComparer.Ordinal).FirstOrDefault()
                ?? Find(entries, name);
            return near is null ? null : Path.Combine(Path.GetDirectoryName(trimmed) ?? "", near);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // A folder that cannot be read has no names to tell.
            return null;
        }
    }

    private static int Distance(string one, string other)
    {
        int[] row = [.. Enumerable.Range(0, other.Length + 1)];
        foreach (char letter in one)
        {
            int before = row[0]++;
            for (int i = 1; i <= other.Length; i++)
            {
                int replaced = before + (other[i - 1] == letter ? 0 : 1);
                before = row[i];
                row[i] = Math.Min(replaced, 1 + Math.Min(before, row[i - 1]));
            }
        }

        return row[^1];
    }
}
