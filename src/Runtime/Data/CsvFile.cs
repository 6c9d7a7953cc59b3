using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Reads datapoints from a table, one per row: x [features], and y [targets] in float32 or a class. A file whose name ends in <c>.parquet</c> is
/// Parquet (<see cref="ParquetReading"/>); every other one is CSV (RFC 4180), where values that contain separators, line ends or doubled quotes
/// stand in quotes.
/// </summary>
public static class CsvFile
{
    /// <summary>Reads the file and holds out the given shares of its rows, shuffled by <paramref name="splitSeed"/>.</summary>
    /// <param name="path">The file or pipe; CSV is in UTF-8.</param>
    /// <param name="layout">What the columns hold.</param>
    /// <param name="heldOut">The share of rows for validation, in [0, 1).</param>
    /// <param name="test">The share of rows for the test, in [0, 1).</param>
    /// <param name="standardise">Whether every feature gets mean 0 and standard deviation 1 over the training rows.</param>
    /// <param name="splitSeed">The seed of the shuffle.</param>
    /// <exception cref="UserException">Something cannot be read; the message names file, line and column.</exception>
    public static LoadedData Load(
        string path, CsvLayout layout, double heldOut, double test, bool standardise, long splitSeed)
    {
        FileBytes file = TableReader.BytesOf(path);
        CsvRows rows = CsvRows.Read(
            file, layout, standardise, null,
            names => CsvColumns.OfHeader(path, names, layout, 1), count => CsvColumns.OfCount(path, count, layout));
        long validationRows = (long)Math.Round(heldOut * rows.Count);
        long testRows = (long)Math.Round(test * rows.Count);
        if (rows.Count - validationRows - testRows < 1 || (heldOut > 0 && validationRows == 0) || (test > 0 && testRows == 0))
        {
            throw new UserException(
                path, FormattableString.Invariant($"rows enough to hold out {heldOut:P0} and {test:P0} of them"), $"{rows.Count} rows",
                "give a longer file, or hold out another share");
        }

        (Dataset all, string[]? labels, string[]? tasks, ColumnLevels[]? levels) = ToDataset(path, layout, rows);
        using DataSplits exact = HeldOut.Split(all, validationRows, testRows, splitSeed);
        ColumnSteps steps = Fit(path, layout, standardise, rows, levels, exact.Train.Inputs);
        DataSplits splits = exact.Map(part => InFloat32(path, rows, part, steps));
        return new(splits, [file.File], labels, tasks, steps.Scaling, rows.FeatureNames)
        {
            Fill = steps.Fill,
            Levels = levels,
            Dropped = rows.Dropped,
            Weightless = rows.Weightless,
        };
    }

    private static (Dataset All, string[]? Labels, string[]? Tasks, ColumnLevels[]? Levels) ToDataset(string path, CsvLayout layout, CsvRows rows)
    {
        using var scope = NewDisposeScope();
        double[] features = [.. rows.Features];
        int columns = rows.FeatureNames.Count;
        var levels = new List<ColumnLevels>();
        for (int c = 0; c < columns; c++)
        {
            if (rows.Levels[c] is { } known)
            {
                string name = rows.FeatureNames[c];
                (string[] ordered, long[] places) = known.Ordered($"{path}, column {name}");
                bool coded = layout.Coded.Contains(name);
                levels.Add(new(name, ordered, coded) { UnseenAsZeros = layout.UnseenAsZeros && !coded });
                for (int i = c; i < features.Length; i += columns)
                {
                    features[i] = places[(long)features[i]];
                }
            }
        }

        Tensor inputs = tensor(features).view(rows.Count, -1);
        ColumnLevels[]? categories = levels.Count > 0 ? [.. levels] : null;
        (string[]? tasks, Tensor? ids) = (null, null);
        if (layout.Task is not null)
        {
            (tasks, long[] places) = rows.TaskIds.Ordered($"{path}, column {layout.Task}");
            ids = tensor(rows.Tasks.Select(id => places[id]).ToArray());
        }

        Tensor? weights = layout.Weight is null ? null : tensor(rows.Weights.ToArray());
        SideInputs? side = ids is null && weights is null ? null : new(ids, null, weights);

        if (layout.Classes is not int classes)
        {
            return (new(inputs, tensor(rows.Values.ToArray()).view(rows.Count, -1), side), null, tasks, categories);
        }

        (string[] labels, long[] numbers) = rows.Classes.Ordered($"{path}, column {layout.Targets[0]}");
        if (labels.Length != classes)
        {
            const int shown = 12;
            string some = string.Join(", ", labels.Take(shown)) + (labels.Length > shown ? ", …" : "");
            throw new UserException(
                $"{path}, column {layout.Targets[0]}", $"{classes} classes", $"{labels.Length}: {some}",
                $"say classes {labels.Length} here and in the network's head, or mend the labels");
        }

        return (new(inputs, tensor(rows.Labels.Select(label => numbers[label]).ToArray()), side), labels, tasks, categories);
    }

    // What is learned of the columns is learned of the rows that are trained on.
    private static ColumnSteps Fit(string path, CsvLayout layout, bool standardise, CsvRows rows, ColumnLevels[]? levels, Tensor train)
    {
        var steps = new ColumnSteps(rows.FeatureNames, null, null, levels);
        bool[] areNumbers = steps.AreNumbers(rows.FeatureNames.Count);
        if (layout.Missing == CsvMissing.Mean)
        {
            steps = steps with { Fill = Means(path, rows, areNumbers, train) };
        }

        if (!standardise)
        {
            return steps;
        }

        // Columns of categories stay as they are.
        double[] values = TensorArrays.Vector<double>(train);
        int columns = areNumbers.Length;
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % columns;
            values[i] = !areNumbers[c] ? 0 : double.IsNaN(values[i]) ? steps.Fill![c] : values[i];
        }

        using Tensor filled = tensor(values).view(train.shape);
        return steps with { Scaling = ColumnScaling.Fit(filled) };
    }

    private static double[] Means(string path, CsvRows rows, bool[] areNumbers, Tensor train)
    {
        double[] values = TensorArrays.Vector<double>(train);
        var means = new double[areNumbers.Length];
        for (int c = 0; c < means.Length; c++)
        {
            if (areNumbers[c])
            {
                double[] present = [.. values.Where((value, i) => i % means.Length == c && !double.IsNaN(value))];
                means[c] = present.Length > 0
                    ? ColumnScaling.MeanOf(present)
                    : throw new UserException(
                        $"{path}, column {rows.FeatureNames[c]}", "a number in one of the training rows, for the mean", "none",
                        "leave the column out");
            }
        }

        return means;
    }

    // Features are rounded to float32 here, when they have been standardised, and no sooner.
    private static Dataset InFloat32(string path, CsvRows rows, Dataset part, ColumnSteps steps)
    {
        using var scope = NewDisposeScope();
        Tensor inputs = steps.Apply(part.Inputs);
        Tensor wrong = inputs.isfinite().logical_not().nonzero();
        if (wrong.shape[0] > 0)
        {
            (long row, int column) = (wrong[0, 0].ToInt64(), steps.Source(rows.FeatureNames.Count, wrong[0, 1].ToInt64()));
            throw new UserException(
                $"{path}, column {rows.FeatureNames[column]}",
                "numbers that stay in the range of float32 when they are standardised by the training rows",
                part.Inputs[row, column].ToDouble().ToString(CultureInfo.InvariantCulture),
                "mend this value, or leave the column out");
        }

        return new(inputs, part.Targets.alias(), part.Side?.Map(t => t.alias()));
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
                ParquetReading.IsNamed(path) ? path : $"{path}, line {line}", "columns of different names", $"`{twice.Key}` {twice.Count()} times", "rename one of them");
        }

        Names = names;
        int Place(string name)
        {
            int place = names.ToList().FindIndex(n => string.Equals(n, name, StringComparison.Ordinal));
            return place >= 0
                ? place
                : throw new UserException(
                    path, $"a column `{name}`", $"the columns {string.Join(", ", names)}",
                    !layout.Header ? "columns without a header are numbered from 1"
                        : ParquetReading.IsNamed(path) ? "name one of these"
                        : "name one of these, or say that the file has no header");
        }

        foreach (string name in layout.Categorical.Concat(layout.Coded).Concat(layout.Dates))
        {
            Place(name);
        }

        Targets = [.. layout.Targets.Select(Place)];
        Task = layout.Task is { } task ? Place(task) : null;
        Weight = layout.Weight is { } weight ? Place(weight) : null;
        Features = layout.Features is { } features
            ? [.. features.Select(Place)]
            : [.. Enumerable.Range(0, names.Count).Except(Targets).Where(c => c != Task && c != Weight)];
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

    /// <summary>The column of weights; null where there is none, or none is to be read.</summary>
    internal int? Weight { get; }

    /// <summary>Finds columns by the names in a file's first row.</summary>
    internal static CsvColumns OfHeader(string path, IReadOnlyList<string> names, CsvLayout layout, long line) =>
        new(path, names, layout, line);

    /// <summary>Finds columns by number, in a file without a header.</summary>
    internal static CsvColumns OfCount(string path, int count, CsvLayout layout) =>
        new(path, [.. Enumerable.Range(1, count).Select(n => $"{n}")], layout, 1);
}

/// <summary>What the columns of a table hold. Without a header, columns are named 1, 2, ….</summary>
public sealed record CsvLayout
{
    /// <summary>The columns of y in order: numbers, or with <see cref="Classes"/> a single column of labels.</summary>
    public required IReadOnlyList<string> Targets { get; init; }

    /// <summary>The number of different labels in the target column; null where targets are numbers.</summary>
    public int? Classes { get; init; }

    /// <summary>The columns of x in order; null takes all columns that are neither target nor task nor weight.</summary>
    public IReadOnlyList<string>? Features { get; init; }

    /// <summary>The column of task ids, which may be any labels; null where there are no tasks.</summary>
    public string? Task { get; init; }

    /// <summary>
    /// The column of weights, numbers of 0 or more: how much a row counts in losses and metrics. Rows of weight 0 are left out, as if the
    /// file did not have them. Null where all rows count alike.
    /// </summary>
    public string? Weight { get; init; }

    /// <summary>The columns of x that hold categories, each of which becomes a column for each of its levels.</summary>
    public IReadOnlyList<string> Categorical { get; init; } = [];

    /// <summary>The columns of x that hold categories which the network reads as codes, from 0.</summary>
    public IReadOnlyList<string> Coded { get; init; } = [];

    /// <summary>The columns of x that hold dates of ISO 8601, which become days since the beginning of 1970.</summary>
    public IReadOnlyList<string> Dates { get; init; } = [];

    /// <summary>What becomes of values of x that are missing.</summary>
    public CsvMissing Missing { get; init; }

    /// <summary>
    /// Whether a level of a categorical column that the file does not have is read as zeros in a prediction; otherwise it is refused. A coded column
    /// has no code for it and refuses it always.
    /// </summary>
    public bool UnseenAsZeros { get; init; }

    /// <summary>Whether columns go by their names, which stand in the first row of a CSV file; else by their numbers.</summary>
    public bool Header { get; init; } = true;

    /// <summary>The character between two values of a CSV file.</summary>
    public char Separator { get; init; } = ',';
}

/// <summary>
/// What becomes of values of x that are missing, which are empty. Unless they are refused, a missing category is a level of its own.
/// </summary>
public enum CsvMissing
{
    /// <summary>They are refused.</summary>
    Refused,

    /// <summary>A number becomes the mean of its column over the training rows.</summary>
    Mean,

    /// <summary>A row without one of its numbers is left out.</summary>
    Drop,
}
