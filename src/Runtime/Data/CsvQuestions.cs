using CsvHelper;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads the rows of a CSV file about which a network is asked: the columns that the network learned from, and its targets where the file has
/// them. Other columns are left alone where a header names them.
/// </summary>
public static class CsvQuestions
{
    // More lines would tell no more.
    private const int MostLines = 12;

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file or pipe, in UTF-8.</param>
    /// <param name="layout">What the columns of the run's data held.</param>
    /// <param name="preparation">How the run's data became the network's inputs: names of columns, classes and tasks.</param>
    /// <exception cref="UserException">Something cannot be read; the message has a line for each mistake, with file, line and column.</exception>
    public static Questions Load(string path, CsvLayout layout, Preparation preparation)
    {
        FileBytes file = CsvFile.BytesOf(path);
        return CsvFile.Reading(file, layout, reader => Read(path, layout, preparation, reader));
    }

    private static Questions Read(string path, CsvLayout layout, Preparation preparation, CsvReader reader)
    {
        CsvColumns? columns = null;
        if (layout.Header)
        {
            reader.ReadHeader();
            columns = reader.Headers is { Count: > 0 } names ? Named(path, names, layout, preparation) : null;
        }

        var problems = new Problems(path);
        var rows = new Rows(path, layout, preparation);
        while (reader.Read())
        {
            columns ??= Numbered(path, reader.FieldCount, layout, preparation);
            problems.Watch(() => rows.Add(reader, columns));
        }

        problems.Demand();
        return rows.Count > 0
            ? rows.ToQuestions()
            : throw new UserException(
                path, "rows of values", columns is null ? "an empty file" : "a header alone", "give a file with rows in it");
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

    // Without a header, columns are known by their places. Where the targets are not there, the columns after them have moved up.
    private static CsvColumns Numbered(string path, int count, CsvLayout layout, Preparation preparation)
    {
        string[] used = [.. preparation.Columns ?? [], .. layout.Task is { } task ? [task] : Array.Empty<string>()];
        int last = used.Concat(layout.Targets).Max(name => int.TryParse(name, out int place) ? place : 0);
        if (count >= last)
        {
            return CsvColumns.OfCount(path, count, Like(layout, preparation, layout.Targets));
        }

        if (count != last - layout.Targets.Count)
        {
            throw new UserException(
                path, $"{last} columns, as the run's data had, or {last - layout.Targets.Count} without the targets", $"{count}",
                "give the same columns in the same order");
        }

        string Moved(string name) =>
            $"{int.Parse(name) - layout.Targets.Count(target => int.Parse(target) < int.Parse(name))}";
        CsvLayout without = layout with
        {
            Targets = [],
            Features = [.. (preparation.Columns ?? []).Select(Moved)],
            Task = layout.Task is { } moved ? Moved(moved) : null,
        };
        return CsvColumns.OfCount(path, count, without);
    }

    private static CsvLayout Like(CsvLayout layout, Preparation preparation, IReadOnlyList<string> targets) =>
        layout with { Targets = targets, Features = preparation.Columns ?? layout.Features };

    /// <summary>All mistakes of a file, of which a message shows the first ones.</summary>
    private sealed class Problems(string path)
    {
        private readonly List<string> _shown = [];
        private int _count;

        internal void Watch(Action read)
        {
            try
            {
                read();
            }
            catch (UserException problem)
            {
                _count++;
                if (_shown.Count < MostLines)
                {
                    _shown.Add(problem.Message);
                }
            }
        }

        internal void Demand()
        {
            if (_count > 0)
            {
                string rest = _count > _shown.Count ? $"\n{path}: and {_count - _shown.Count} more such rows" : "";
                throw new UserException(string.Join("\n", _shown) + rest);
            }
        }
    }

    private sealed class Rows(string path, CsvLayout layout, Preparation preparation)
    {
        private readonly Dictionary<string, long> _classes = Numbers(preparation.Classes);
        private readonly Dictionary<string, long> _taskIds = Numbers(preparation.Tasks);
        private readonly List<double> _features = [];
        private readonly List<float> _values = [];
        private readonly List<long> _labels = [];
        private readonly List<long> _tasks = [];

        internal long Count { get; private set; }

        internal void Add(CsvReader reader, CsvColumns columns)
        {
            if (reader.FieldCount != columns.Names.Count)
            {
                throw new UserException(
                    $"{path}, line {reader.LineNumber}", $"{columns.Names.Count} values, as in the first row",
                    $"{reader.FieldCount}", "mend this row");
            }

            Count++;
            double largest = CsvFile.Largest(preparation.Scaling is not null);
            _features.AddRange(columns.Features.Select(c => CsvFile.Number(path, reader, columns, c, largest)));
            if (layout.Classes is not null)
            {
                _labels.AddRange(columns.Targets.Select(c => Known(reader, columns, c, _classes)));
            }
            else
            {
                _values.AddRange(columns.Targets.Select(c => (float)CsvFile.Number(path, reader, columns, c, float.MaxValue)));
            }

            if (columns.Task is int task)
            {
                _tasks.Add(Known(reader, columns, task, _taskIds));
            }
        }

        internal Questions ToQuestions()
        {
            using var scope = NewDisposeScope();
            Tensor inputs = tensor(_features.ToArray()).view(Count, -1);
            Tensor? targets = _labels.Count > 0 ? tensor(_labels.ToArray())
                : _values.Count > 0 ? tensor(_values.ToArray()).view(Count, -1)
                : null;
            Tensor? tasks = _tasks.Count > 0 ? tensor(_tasks.ToArray()).MoveToOuterDisposeScope() : null;
            return new(
                inputs.MoveToOuterDisposeScope(), targets?.MoveToOuterDisposeScope(), tasks is null ? null : new(tasks, null));
        }

        private long Known(CsvReader reader, CsvColumns columns, int column, Dictionary<string, long> known)
        {
            string label = CsvFile.Label(path, reader, columns, column);
            return known.TryGetValue(label, out long number)
                ? number
                : throw CsvFile.Wrong(
                    path, reader, columns, column,
                    $"one of the {known.Count} labels that the run's data had ({string.Join(", ", known.Keys.Take(MostLines))}{(known.Count > MostLines ? ", …" : "")})",
                    label);
        }

        private static Dictionary<string, long> Numbers(IReadOnlyList<string>? names) =>
            (names ?? []).Select((name, number) => (name, number)).ToDictionary(p => p.name, p => (long)p.number, StringComparer.Ordinal);
    }
}
