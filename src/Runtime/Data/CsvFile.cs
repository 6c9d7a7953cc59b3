using System.Globalization;
using CsvHelper;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads datapoints from a CSV file (RFC 4180), one per row: x [features], and y [targets] in float32 or a class. Values that contain
/// separators, line ends or doubled quotes stand in quotes.
/// </summary>
public static class CsvFile
{
    /// <summary>Reads the file and holds out the given shares of its rows, shuffled by <paramref name="splitSeed"/>.</summary>
    /// <param name="path">The file or pipe, in UTF-8.</param>
    /// <param name="layout">What the columns hold.</param>
    /// <param name="heldOut">The share of rows for validation, in [0, 1).</param>
    /// <param name="test">The share of rows for the test, in [0, 1).</param>
    /// <param name="standardise">Whether every feature gets mean 0 and standard deviation 1 over the training rows.</param>
    /// <param name="splitSeed">The seed of the shuffle.</param>
    /// <exception cref="UserException">Something cannot be read; the message names file, line and column.</exception>
    public static LoadedData Load(
        string path, CsvLayout layout, double heldOut, double test, bool standardise, long splitSeed)
    {
        FileBytes file = BytesOf(path);
        Rows rows = Read(file, layout, standardise);
        long validationRows = (long)Math.Round(heldOut * rows.Count);
        long testRows = (long)Math.Round(test * rows.Count);
        if (rows.Count - validationRows - testRows < 1 || (heldOut > 0 && validationRows == 0) || (test > 0 && testRows == 0))
        {
            throw new UserException(
                path, FormattableString.Invariant($"rows enough to hold out {heldOut:P0} and {test:P0} of them"), $"{rows.Count} rows",
                "give a longer file, or hold out another share");
        }

        (Dataset all, string[]? labels, string[]? tasks) = ToDataset(path, layout, rows);
        using DataSplits exact = HeldOut.Split(all, validationRows, testRows, splitSeed);
        ColumnScaling? scaling = standardise ? ColumnScaling.Fit(exact.Train.Inputs) : null;
        DataSplits splits = exact.Map(part => InFloat32(path, rows, part, scaling));
        return new(splits, [file.File], labels, tasks, scaling, rows.FeatureNames);
    }

    private static Rows Read(FileBytes file, CsvLayout layout, bool standardise) =>
        Reading(file, layout, reader => Read(file.Path, layout, reader, Largest(standardise)));

    /// <summary>The largest number that a column may hold: columns that are standardised become float32 only afterwards.</summary>
    internal static double Largest(bool standardise) => standardise ? double.MaxValue : float.MaxValue;

    /// <summary>All bytes of a file. UserException where there is none.</summary>
    internal static FileBytes BytesOf(string path) => File.Exists(path)
        ? FileBytes.Read(path)
        : throw new UserException(
            path, "a CSV file", Directory.Exists(path) ? "a directory" : NearWord.NothingAt(path), "give an existing file with --data");

    /// <summary>Reads a file row by row. UserException where its quotes are wrong.</summary>
    internal static TResult Reading<TResult>(FileBytes file, CsvLayout layout, Func<CsvReader, TResult> read)
    {
        var options = new CsvReaderOptions
        {
            Separator = layout.Separator,
            HasHeader = layout.Header,
            TrimWhitespace = true,
            TrackLineNumbers = true,
            MalformedData = CsvMalformedDataHandling.Throw,
        };
        try
        {
            using CsvReader reader = CsvReader.Create(PlainText.InUtf8(file.Path, file.Bytes), options);
            return read(reader);
        }
        catch (CsvFormatException e)
        {
            string what = e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 2)..];
            throw new UserException(
                $"{file.Path}, line {e.LineNumber}", "values with quotes, if any, around the whole of them", what, "mend this row");
        }
    }

    private static Rows Read(string path, CsvLayout layout, CsvReader reader, double largest)
    {
        CsvColumns? columns = null;
        if (layout.Header)
        {
            reader.ReadHeader();
            columns = reader.Headers is { Count: > 0 } names ? CsvColumns.OfHeader(path, names, layout, 1) : null;
        }

        var rows = new Rows();
        while (reader.Read())
        {
            columns ??= CsvColumns.OfCount(path, reader.FieldCount, layout);
            if (reader.FieldCount != columns.Names.Count)
            {
                throw new UserException(
                    $"{path}, line {reader.LineNumber}", $"{columns.Names.Count} values, as in the first row",
                    $"{reader.FieldCount}", "mend this row");
            }

            rows.Count++;
            rows.Features.AddRange(columns.Features.Select(c => Number(path, reader, columns, c, largest)));
            if (layout.Classes is null)
            {
                rows.Targets.AddRange(columns.Targets.Select(c => (float)Number(path, reader, columns, c, float.MaxValue)));
            }
            else
            {
                rows.Labels.Add(Label(path, reader, columns, columns.Targets[0]));
            }

            if (columns.Task is int task)
            {
                rows.Tasks.Add(Label(path, reader, columns, task));
            }
        }

        rows.FeatureNames = [.. columns?.Features.Select(c => columns.Names[c]) ?? []];
        return rows.Count > 0
            ? rows
            : throw new UserException(
                path, "rows of values", columns is null ? "an empty file" : "a header alone", "give a file with rows in it");
    }

    private static (Dataset All, string[]? Labels, string[]? Tasks) ToDataset(string path, CsvLayout layout, Rows rows)
    {
        using var scope = NewDisposeScope();
        Tensor inputs = tensor(rows.Features.ToArray()).view(rows.Count, -1);
        (string[]? tasks, SideInputs? side) = (null, null);
        if (layout.Task is not null)
        {
            (tasks, long[] ids) = LabelNumbers.Of(rows.Tasks, $"{path}, column {layout.Task}");
            side = new(tensor(ids), null);
        }

        if (layout.Classes is not int classes)
        {
            return (new(inputs, tensor(rows.Targets.ToArray()).view(rows.Count, -1), side), null, tasks);
        }

        (string[] labels, long[] numbers) = LabelNumbers.Of(rows.Labels, $"{path}, column {layout.Targets[0]}");
        if (labels.Length != classes)
        {
            const int shown = 12;
            string some = string.Join(", ", labels.Take(shown)) + (labels.Length > shown ? ", …" : "");
            throw new UserException(
                $"{path}, column {layout.Targets[0]}", $"{classes} classes", $"{labels.Length}: {some}",
                $"say classes {labels.Length} here and in the network's head, or mend the labels");
        }

        return (new(inputs, tensor(numbers), side), labels, tasks);
    }

    // Features are rounded to float32 here, when they have been standardised, and no sooner.
    private static Dataset InFloat32(string path, Rows rows, Dataset part, ColumnScaling? scaling)
    {
        using var scope = NewDisposeScope();
        Tensor inputs = scaling is null ? part.Inputs.to_type(ScalarType.Float32) : scaling.Apply(part.Inputs);
        Tensor wrong = inputs.isfinite().logical_not().nonzero();
        if (wrong.shape[0] > 0)
        {
            (long row, long column) = (wrong[0, 0].ToInt64(), wrong[0, 1].ToInt64());
            throw new UserException(
                $"{path}, column {rows.FeatureNames[(int)column]}",
                "numbers that stay in the range of float32 when they are standardised by the training rows",
                part.Inputs[row, column].ToDouble().ToString(CultureInfo.InvariantCulture),
                "mend this value, or leave the column out");
        }

        return new(inputs, part.Targets.alias(), part.Side?.Map(t => t.alias()));
    }

    internal static double Number(string path, CsvReader reader, CsvColumns columns, int column, double largest)
    {
        string text = reader.GetString(column);
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value))
        {
            throw Wrong(path, reader, columns, column, "a number", text);
        }

        return Math.Abs(value) <= largest
            ? value
            : throw Wrong(path, reader, columns, column, FormattableString.Invariant($"a number within ±{largest:G3}, the range of float32"), text);
    }

    internal static string Label(string path, CsvReader reader, CsvColumns columns, int column)
    {
        string text = reader.GetString(column);
        return text.Length > 0 ? text : throw Wrong(path, reader, columns, column, "a label", text);
    }

    internal static UserException Wrong(string path, CsvReader reader, CsvColumns columns, int column, string expected, string text) => new(
        $"{path}, line {reader.LineNumber}, column {columns.Names[column]}",
        expected,
        text.Length == 0 ? "nothing" : $"`{text}`",
        text.Length == 0 ? "fill the value in, or take the row out" : "mend this value, or leave the column out");

    private sealed class Rows
    {
        internal long Count { get; set; }

        internal IReadOnlyList<string> FeatureNames { get; set; } = [];

        internal List<double> Features { get; } = [];

        internal List<float> Targets { get; } = [];

        internal List<string> Labels { get; } = [];

        internal List<string> Tasks { get; } = [];
    }
}

/// <summary>Where the columns of a layout are in one file.</summary>
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

    /// <summary>The names of all columns of the file.</summary>
    internal IReadOnlyList<string> Names { get; }

    /// <summary>The columns of y.</summary>
    internal IReadOnlyList<int> Targets { get; }

    /// <summary>The columns of x.</summary>
    internal IReadOnlyList<int> Features { get; }

    /// <summary>The column of task ids; null where there is none.</summary>
    internal int? Task { get; }

    /// <summary>Finds columns by the names in a file's first row.</summary>
    internal static CsvColumns OfHeader(string path, IReadOnlyList<string> names, CsvLayout layout, long line) =>
        new(path, names, layout, line);

    /// <summary>Finds columns by number, in a file without a header.</summary>
    internal static CsvColumns OfCount(string path, int count, CsvLayout layout) =>
        new(path, [.. Enumerable.Range(1, count).Select(n => $"{n}")], layout, 1);
}

/// <summary>What the columns of a CSV file hold. In a file without a header, columns are named 1, 2, ….</summary>
public sealed record CsvLayout
{
    /// <summary>The columns of y in order: numbers, or with <see cref="Classes"/> a single column of labels.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The number of different labels in the target column; null where targets are numbers.</summary>
    public int? Classes { get; init; }

    /// <summary>The columns of x in order; null takes all columns that are neither target nor task.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>The column of task ids, which may be any labels; null where there are no tasks.</summary>
    public string? Task { get; init; }

    /// <summary>Whether the first row names the columns.</summary>
    public bool Header { get; init; } = true;

    /// <summary>The character between two values.</summary>
    public char Separator { get; init; } = ',';
}
