using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// What turns the columns of a table into those that a network reads: missing numbers, which are NaN, are filled in, numbers are standardised,
/// and codes of categories become a column for each level, unless the network reads the codes. Training data and questions go the same way.
/// </summary>
/// <param name="Names">The names of the table's columns; null where they have none.</param>
/// <param name="Scaling">By what columns are standardised; null where they are not.</param>
/// <param name="Fill">What stands for a missing number, by column; null where no number may be missing.</param>
/// <param name="Levels">The columns that hold codes of categories; null where there are none.</param>
internal sealed record ColumnSteps(
    IReadOnlyList<string>? Names, ColumnScaling? Scaling, IReadOnlyList<double>? Fill, IReadOnlyList<ColumnLevels>? Levels)
{
    /// <summary>Whether columns stay as they are.</summary>
    internal bool AreNone => Scaling is null && Fill is null && Levels is null;

    /// <summary>The number of the table's columns; null where any number will do.</summary>
    internal int? Width => Scaling?.Mean.Count ?? Fill?.Count ?? (Levels is null ? null : Names?.Count);

    /// <summary>rows [N, D] in any precision → [N, D'] in float32, rounded at the end. UserException where a code is none.</summary>
    internal Tensor Apply(Tensor rows)
    {
        int columns = (int)rows.shape[1];
        int width = ByColumn(columns).Sum(l => l?.Width ?? 1);
        var prepared = new float[rows.shape[0] * width];
        Prepare(TensorArrays.Vector<double>(rows), columns, prepared);
        return tensor(prepared).view(rows.shape[0], width);
    }

    /// <summary>The same of arrays: values [N, D] → prepared [N, D'], overwritten.</summary>
    internal void Prepare(ReadOnlySpan<double> values, int columns, Span<float> prepared)
    {
        prepared.Clear();
        ColumnLevels?[] levels = ByColumn(columns);
        for (int n = 0, at = 0; n < values.Length / columns; n++)
        {
            for (int c = 0; c < columns; c++)
            {
                double value = values[n * columns + c];
                if (levels[c] is not { } known)
                {
                    value = double.IsNaN(value) && Fill is not null ? Fill[c] : value;
                    prepared[at++] = (float)(Scaling is null ? value : Scaling.Of(value, c));
                    continue;
                }

                if (!(known.UnseenAsZeros && value == ColumnLevels.Unseen))
                {
                    Demand(known, value);
                    prepared[at + (known.Coded ? 0 : (int)value)] = known.Coded ? (float)value : 1;
                }

                at += known.Width;
            }
        }
    }

    /// <summary>The table's column that a column of <see cref="Apply"/>'s result is made of.</summary>
    internal int Source(int columns, long prepared)
    {
        ColumnLevels?[] levels = ByColumn(columns);
        int column = 0;
        for (long end = levels[0]?.Width ?? 1; end <= prepared; end += levels[column]?.Width ?? 1)
        {
            column++;
        }

        return column;
    }

    /// <summary>The columns that hold numbers.</summary>
    internal bool[] AreNumbers(int columns) => Array.ConvertAll(ByColumn(columns), levels => levels is null);

    /// <summary>The levels of each of the table's columns; null for one of numbers.</summary>
    internal ColumnLevels?[] ByColumn(int columns)
    {
        var levels = new ColumnLevels?[columns];
        foreach (ColumnLevels known in Levels ?? [])
        {
            levels[Names!.ToList().IndexOf(known.Column)] = known;
        }

        return levels;
    }

    private static void Demand(ColumnLevels known, double code)
    {
        // Also where the code is NaN.
        if (!(code >= 0 && code < known.Levels.Count && Math.Floor(code) == code))
        {
            throw new UserException(
                $"x, column {known.Column}",
                $"the code of one of {known.Levels.Count} levels, from 0 ({string.Join(", ", known.Levels.Take(RowProblems.MostLines))}{(known.Levels.Count > RowProblems.MostLines ? ", …" : "")})",
                code.ToString(CultureInfo.InvariantCulture), $"give the level's place among these{(known.UnseenAsZeros ? $", or {ColumnLevels.Unseen} for none of them" : "")}");
        }
    }
}
