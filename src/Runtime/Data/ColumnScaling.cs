using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The mean and the deviation of each column of some rows, by which columns are shifted and scaled: z = (x − mean) / deviation. All of it
/// is double precision, because float32 would merge values that lie close together far from zero, such as times in seconds.
/// </summary>
/// <param name="Mean">The mean of each column.</param>
/// <param name="Deviation">The standard deviation of each column, over N; 1 for a column of a single value.</param>
/// <example><code>ColumnScaling.Fit(train).Of(1.5, column: 0)</code></example>
public sealed record ColumnScaling(IReadOnlyList<double> Mean, IReadOnlyList<double> Deviation)
{
    /// <summary>Takes the mean and the deviation of each column of <paramref name="rows"/>, [N, D] with N of at least 1.</summary>
    public static ColumnScaling Fit(Tensor rows)
    {
        int columns = (int)rows.shape[1];
        double[] values = TensorArrays.Vector<double>(rows);
        int count = values.Length / columns;
        var mean = new double[columns];
        var deviation = new double[columns];
        var column = new double[count];
        for (int c = 0; c < columns; c++)
        {
            for (int n = 0; n < count; n++)
            {
                column[n] = values[n * columns + c];
            }

            (mean[c], deviation[c]) = MeanAndDeviation(column);
        }

        return new(mean, deviation);
    }

    /// <summary>z of a value in a column.</summary>
    public double Of(double value, int column) => (value - Mean[column]) / Deviation[column];

    /// <summary>The mean of numbers of any size, at least one.</summary>
    internal static double MeanOf(double[] values) => MeanAndDeviation(values).Mean;

    // Values are taken from the first one, so that a column of one value has no spread at all, and in units of the largest, so that no
    // square leaves the range of a double. The unit is a power of two, by which nothing is rounded.
    private static (double Mean, double Deviation) MeanAndDeviation(double[] column)
    {
        double largest = column.Max(Math.Abs);
        if (largest == 0)
        {
            return (0, 1);
        }

        int exponent = Math.ILogB(largest) + 2;
        double first = Math.ScaleB(column[0], -exponent);
        double fromFirst = column.Average(x => Math.ScaleB(x, -exponent) - first);
        double variance = column.Average(x => Square(Math.ScaleB(x, -exponent) - first - fromFirst));
        double deviation = Math.ScaleB(Math.Sqrt(variance), exponent);
        return (Math.ScaleB(first + fromFirst, exponent), deviation > 0 ? deviation : 1);
    }

    private static double Square(double value) => value * value;
}
