using System.Globalization;

namespace ModNet.Runtime;

/// <summary>
/// The rows of a table as numbers, to train on or to predict: numbers as they stand there, NaN for a missing one, and labels by number. All
/// that is wrong with a file is told in one message.
/// </summary>
internal sealed class CsvRows
{
    private readonly string _path;
    private readonly CsvLayout _layout;
    private readonly Preparation? _run;
    private readonly RowProblems _problems;
    private readonly double _largest;
    private bool[] _dates = [];
    private bool[] _unseenAsZeros = [];

    private CsvRows(string path, CsvLayout layout, bool standardise, Preparation? run)
    {
        _path = path;
        _layout = layout;
        _run = run;
        _problems = new(path);
        // Columns that are standardised become float32 only afterwards.
        _largest = standardise ? double.MaxValue : float.MaxValue;
        Classes = new(run is null ? null : run.Classes ?? []);
        TaskIds = new(run is null ? null : run.Tasks ?? []);
    }

    internal long Count { get; private set; }

    /// <summary>The rows that were left out because a number is missing.</summary>
    internal long Dropped { get; private set; }

    /// <summary>The rows that were left out because their weight is 0.</summary>
    internal long Weightless { get; private set; }

    /// <summary>The columns of x, by the names that the run's data had.</summary>
    internal IReadOnlyList<string> FeatureNames { get; private set; } = [];

    /// <summary>The labels of each column of x that holds categories; null for a column of numbers.</summary>
    internal IReadOnlyList<CsvLabels?> Levels { get; private set; } = [];

    /// <summary>x, row by row.</summary>
    internal List<double> Features { get; } = [];

    internal List<float> Values { get; } = [];

    internal List<long> Labels { get; } = [];

    internal List<long> Tasks { get; } = [];

    internal List<double> Weights { get; } = [];

    /// <summary>How many values each column of x has that are none of its levels and are read as zeros, by its name.</summary>
    internal SortedDictionary<string, long> Unseen { get; } = new(StringComparer.Ordinal);

    internal CsvLabels Classes { get; }

    internal CsvLabels TaskIds { get; }

    /// <summary>Reads a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="layout">What the columns of the run's data hold.</param>
    /// <param name="standardise">Whether features are standardised afterwards.</param>
    /// <param name="run">How a run's data were prepared, whose labels are then the only ones; null for data to train on.</param>
    /// <param name="ofHeader">Finds the columns by the names in the file's header.</param>
    /// <param name="ofCount">Finds them by their number, in a file without a header.</param>
    internal static CsvRows Read(
        FileBytes file, CsvLayout layout, bool standardise, Preparation? run,
        Func<IReadOnlyList<string>, CsvColumns> ofHeader, Func<int, CsvColumns> ofCount) =>
        TableReader.Reading(file, layout.Separator, layout.Header, reader =>
        {
            CsvColumns? columns = reader.Names is { } names ? ofHeader(names) : null;
            var rows = new CsvRows(file.Path, layout, standardise, run);
            while (reader.Read())
            {
                columns ??= ofCount(reader.FieldCount);
                rows.Add(reader, columns);
            }

            rows._problems.Demand();
            return rows.Count > 0 ? rows : throw rows.Nothing(columns);
        });

    // There are no rows, or none is left.
    private UserException Nothing(CsvColumns? columns)
    {
        string missing = FormattableString.Invariant($"{Dropped} rows with missing numbers, which are left out");
        return Weightless > 0
            ? new(
                $"{_path}, column {_layout.Weight}", "rows of a weight above 0",
                FormattableString.Invariant($"{Weightless} rows of weight 0{(Dropped > 0 ? $", and {missing}" : "")}"),
                "give rows that count a weight above 0, or leave `weight` out")
            : new(
                _path, "rows of values", Dropped > 0 ? missing : columns is null ? "an empty file" : "a header alone",
                "give a file with rows in it");
    }

    private void Add(TableReader reader, CsvColumns columns)
    {
        if (FeatureNames.Count == 0)
        {
            Know(columns);
        }

        if (reader.FieldCount != columns.Names.Count)
        {
            _problems.Add(new UserException(
                $"{_path}, {reader.Place}", $"{columns.Names.Count} values, as in the first row", $"{reader.FieldCount}",
                "mend this row"));
            return;
        }

        double weight = columns.Weight is int weighed ? WeightOf(reader, columns, weighed) : 1;
        if (weight == 0)
        {
            Weightless++;
            return;
        }

        // A row that is to be predicted stays, because its prediction is asked for.
        if (_layout.Missing == CsvMissing.Drop && _run is null && IsIncomplete(reader, columns))
        {
            Dropped++;
            return;
        }

        Count++;
        for (int place = 0; place < columns.Features.Count; place++)
        {
            Features.Add(Feature(reader, columns, place));
        }

        foreach (int column in columns.Targets)
        {
            if (_layout.Classes is null)
            {
                Values.Add((float)Number(reader, columns, column, float.MaxValue));
            }
            else
            {
                Labels.Add(Label(reader, columns, column, Classes));
            }
        }

        if (columns.Task is int task)
        {
            Tasks.Add(Label(reader, columns, task, TaskIds));
        }

        if (columns.Weight is not null)
        {
            Weights.Add(weight);
        }
    }

    private void Know(CsvColumns columns)
    {
        FeatureNames = _run?.Columns ?? [.. columns.Features.Select(c => columns.Names[c])];
        _dates = [.. FeatureNames.Select(_layout.Dates.Contains)];
        _unseenAsZeros = [.. FeatureNames.Select(name => _run?.Levels?.Any(l => l.Column == name && l.UnseenAsZeros) == true)];
        Levels = [.. FeatureNames.Select(name =>
            !_layout.Categorical.Contains(name) && !_layout.Coded.Contains(name) ? null
                : new CsvLabels(_run is null ? null : _run.Levels?.FirstOrDefault(l => l.Column == name)?.Levels ?? []))];
    }

    private bool IsIncomplete(TableReader reader, CsvColumns columns)
    {
        for (int place = 0; place < columns.Features.Count; place++)
        {
            if (Levels[place] is null && reader.GetString(columns.Features[place]).Length == 0)
            {
                return true;
            }
        }

        return false;
    }

    private double Feature(TableReader reader, CsvColumns columns, int place)
    {
        int column = columns.Features[place];
        if (Levels[place] is { } levels)
        {
            bool mayBeMissing = _layout.Missing != CsvMissing.Refused;
            string name = FeatureNames[place];
            string level = reader.GetString(column);
            if (_unseenAsZeros[place] && (level.Length > 0 || mayBeMissing) && levels.NumberOf(level) is null)
            {
                Unseen[name] = Unseen.GetValueOrDefault(name) + 1;
                return ColumnLevels.Unseen;
            }

            return Label(reader, columns, column, levels, mayBeMissing);
        }

        string text = reader.GetString(column);
        if (text.Length == 0 && _layout.Missing == CsvMissing.Mean)
        {
            return double.NaN;
        }

        return !_dates[place] ? Number(reader, columns, column, _largest)
            : IsoDate.Days(text) ?? Wrong(reader, columns, column, "a date of ISO 8601, such as 2024-02-29 or 2024-02-29T12:30:00Z", text);
    }

    // What is no weight counts as 1, so that the row's other mistakes are told, too.
    private double WeightOf(TableReader reader, CsvColumns columns, int column)
    {
        string text = reader.GetString(column);
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double weight) && weight is >= 0 and <= float.MaxValue)
        {
            return weight;
        }

        Wrong(reader, columns, column, FormattableString.Invariant($"a weight, a number from 0 to {float.MaxValue:G3}"), text);
        return 1;
    }

    private double Number(TableReader reader, CsvColumns columns, int column, double largest)
    {
        string text = reader.GetString(column);
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) || !double.IsFinite(value))
        {
            return Wrong(reader, columns, column, "a number", text);
        }

        return Math.Abs(value) <= largest
            ? value
            : Wrong(reader, columns, column, FormattableString.Invariant($"a number within ±{largest:G3}, the range of float32"), text);
    }

    private long Label(TableReader reader, CsvColumns columns, int column, CsvLabels labels, bool mayBeMissing = false)
    {
        string text = reader.GetString(column);
        if (text.Length == 0 && !mayBeMissing)
        {
            Wrong(reader, columns, column, "a label", text);
            return 0;
        }

        if (labels.NumberOf(text) is long number)
        {
            return number;
        }

        Wrong(reader, columns, column, labels.Known, text);
        return 0;
    }

    private double Wrong(TableReader reader, CsvColumns columns, int column, string expected, string text)
    {
        _problems.Add(new UserException(
            $"{_path}, {reader.Place}, column {columns.Names[column]}",
            expected,
            text.Length == 0 ? "nothing" : $"`{text}`",
            text.Length == 0 ? "fill the value in, or take the row out" : "mend this value, or leave the column out"));
        return 0;
    }
}
