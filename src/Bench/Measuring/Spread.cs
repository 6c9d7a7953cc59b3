namespace ModNet.Bench;

/// <summary>What samples say: the least, the middle and the greatest.</summary>
public readonly record struct Spread(double Minimum, double Median, double Maximum)
{
    /// <summary>Of at least one sample. The median of an even number is the mean of the middle two.</summary>
    /// <exception cref="ArgumentException">No samples.</exception>
    public static Spread Of(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples.Order()];
        if (sorted.Length == 0)
        {
            throw new ArgumentException("spread: expected at least one sample, got none");
        }

        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new(sorted[0], median, sorted[^1]);
    }
}
