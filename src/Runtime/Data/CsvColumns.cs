namespace ModNet.Runtime;

/// <summary>The places of a layout's columns in one file.</summary>
internal sealed class CsvColumns
{
    private CsvColumns(string path, IReadOnlyList<string> names, CsvLayout layout, long line)
    {
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new UserException(
                $"{path}, line {line}", "columns of different names", $"`{twice.Key}` {twice.Count()} times", "rename one of them");
        }

        Names = names;
        int Place(string name)
        {
            int place = names.ToList().FindIndex(n => string.Equals(n, name, StringComparison.Ordinal));
            return place >= 0
                ? place
                : throw new UserException(
                    path, $"a column `{name}`", $"the columns {string.Join(", ", names)}",
                    layout.Header
                        ? "name one of these, or say that the file has no header"
                        : "columns without a header are numbered from 1");
        }

        Targets = [.. layout.Targets.Select(Place)];
        Task = layout.Task is { } task ? Place(task) : null;
        Features = layout.Features is { } features
            ? [.. features.Select(Place)]
            : [.. Enumerable.Range(0, names.Count).Except(Targets).Where(c => c != Task)];
        if (Features.Count == 0)
        {
            throw new UserException(
                path, "columns to predict from", $"only {string.Join(", ", names)}", "give a file with more columns");
        }
    }

    /// <summary>All columns of the file.</summary>
    internal IReadOnlyList<string> Names { get; }

    /// <summary>Where y is.</summary>
    internal IReadOnlyList<int> Targets { get; }

    /// <summary>Where x is.</summary>
    internal IReadOnlyList<int> Features { get; }

    /// <summary>Where task ids are, if anywhere.</summary>
    internal int? Task { get; }

    /// <summary>By the names in a file's first row.</summary>
    internal static CsvColumns OfHeader(string path, IReadOnlyList<string> names, CsvLayout layout, long line) =>
        new(path, names, layout, line);

    /// <summary>By number, for a file that names none.</summary>
    internal static CsvColumns OfCount(string path, int count, CsvLayout layout) =>
        new(path, [.. Enumerable.Range(1, count).Select(n => $"{n}")], layout, 1);
}
