namespace ModNet.Runtime;

/// <summary>Candidates' compositions [c·n, C], candidate-major, of n datapoints: which rows are the same as one before.</summary>
internal sealed class DistinctRows
{
    private readonly long[] _compositions;
    private readonly int _choices;

    internal DistinctRows(long[] compositions, int datapoints, int candidates)
    {
        _compositions = compositions;
        Place = new int[datapoints * candidates];
        _choices = Place.Length == 0 ? 0 : compositions.Length / Place.Length;
        var firsts = new List<long>();
        for (int row = 0; row < Place.Length; row++)
        {
            int same = -1;
            for (int other = row % datapoints; other < row && same < 0; other += datapoints)
            {
                if (Composition(row).SequenceEqual(Composition(other)))
                {
                    same = Place[other];
                }
            }

            if (same < 0)
            {
                same = firsts.Count;
                firsts.Add(row);
            }

            Place[row] = same;
        }

        Rows = [.. firsts];
    }

    /// <summary>The first row of every distinct (datapoint, composition).</summary>
    internal long[] Rows { get; }

    /// <summary>For each row its place among them.</summary>
    internal int[] Place { get; }

    /// <summary>[C].</summary>
    internal ReadOnlySpan<long> Composition(int row) => _compositions.AsSpan(row * _choices, _choices);
}
