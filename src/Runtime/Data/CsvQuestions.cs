using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads the rows of a table, CSV or Parquet, about which a network is asked: the columns that the network learned from, and its targets where the file has
/// them. Other columns are left alone where a header names them.
/// </summary>
public static class CsvQuestions
{
    /// <summary>Reads a file.</summary>
    /// <param name="path">The file or pipe; CSV is in UTF-8.</param>
    /// <param name="layout">What the columns of the run's data held.</param>
    /// <param name="preparation">How the run's data became the network's inputs: names of columns, classes and tasks.</param>
    /// <exception cref="UserException">Something cannot be read; the message has a line for each mistake, with file, line and column.</exception>
    public static Questions Load(string path, CsvLayout layout, Preparation preparation)
    {
        CsvRows rows = CsvRows.Read(
            TableReader.BytesOf(path), layout, preparation.Scaling is not null, preparation,
            names => Named(path, names, layout, preparation), count => Numbered(path, count, layout, preparation));
        using var scope = NewDisposeScope();
        Tensor inputs = tensor(rows.Features.ToArray()).view(rows.Count, -1);
        Tensor? targets = rows.Labels.Count > 0 ? tensor(rows.Labels.ToArray())
            : rows.Values.Count > 0 ? tensor(rows.Values.ToArray()).view(rows.Count, -1)
            : null;
        Tensor? tasks = rows.Tasks.Count > 0 ? tensor(rows.Tasks.ToArray()).MoveToOuterDisposeScope() : null;
        return new(
            inputs.MoveToOuterDisposeScope(), targets?.MoveToOuterDisposeScope(), tasks is null ? null : new(tasks, null))
        { Unseen = rows.Unseen };
    }

    private static CsvColumns Named(string path, IReadOnlyList<string> names, CsvLayout layout, Preparation preparation)
    {
        string[] known = [.. preparation.Columns ?? [], .. layout.Task is { } task ? [task] : Array.Empty<string>()];
        string[] targets = [.. layout.Targets.Where(names.Contains)];
        // Either all targets are known, or none is.
        string[] missing = [.. known.Concat(targets.Length > 0 ? layout.Targets : []).Except(names)];
        return missing.Length == 0
            ? CsvColumns.OfHeader(path, names, Like(layout, preparation, targets), 1)
            : throw new UserException(
                path, $"the columns that the network learned from; missing: {string.Join(", ", missing.Select(m => $"`{m}`"))}",
                $"the columns {string.Join(", ", names)}", "add them, or name them as the run's data did");
    }

    // Without a header, columns are known by their places. Where targets and weight are not there, the columns after them have moved up.
    private static CsvColumns Numbered(string path, int count, CsvLayout layout, Preparation preparation)
    {
        string[] used = [.. preparation.Columns ?? [], .. layout.Task is { } task ? [task] : Array.Empty<string>()];
        string[] mayLack = [.. layout.Targets, .. layout.Weight is { } weight ? [weight] : Array.Empty<string>()];
        int last = used.Concat(mayLack).Max(name => int.TryParse(name, out int place) ? place : 0);
        if (count >= last)
        {
            return CsvColumns.OfCount(path, count, Like(layout, preparation, layout.Targets));
        }

        if (count != last - mayLack.Length)
        {
            string without = layout.Weight is null ? "the targets" : "targets and weight";
            throw new UserException(
                path, $"{last} columns, as the run's data had, or {last - mayLack.Length} without {without}", $"{count}",
                "give the same columns in the same order");
        }

        string Moved(string name) =>
            $"{int.Parse(name) - mayLack.Count(lacking => int.Parse(lacking) < int.Parse(name))}";
        CsvLayout moved = Like(layout, preparation, []) with
        {
            Features = [.. (preparation.Columns ?? []).Select(Moved)],
            Task = layout.Task is { } ids ? Moved(ids) : null,
        };
        return CsvColumns.OfCount(path, count, moved);
    }

    // Categories and dates are known by the run's columns, and a prediction has no use for a weight.
    private static CsvLayout Like(CsvLayout layout, Preparation preparation, IReadOnlyList<string> targets) => layout with
    {
        Targets = targets,
        Features = preparation.Columns ?? layout.Features,
        Categorical = [],
        Coded = [],
        Dates = [],
        Weight = null,
    };
}
