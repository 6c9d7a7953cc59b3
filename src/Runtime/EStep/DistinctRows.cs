using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Which of the c·n rows of an E-step's candidates are still the same, because they have the same datapoint and made the same choices so far. The rows are
/// candidate-major: all n datapoints with the first candidate come first. Of equal rows, a layer runs the first alone.
/// </summary>
internal sealed class DistinctRows
{
    // A table of so many places for each row is filled faster than a dictionary.
    private const long Dense = 64;

    private readonly long[] _firsts;
    private readonly int[] _place;

    /// <summary>Whether nothing was chosen yet: the rows of a datapoint are the same for all its candidates.</summary>
    internal bool Unchosen { get; }

    /// <summary>c, the number of candidates of a datapoint.</summary>
    internal int Candidates { get; }

    /// <summary>Before any choice: the rows of a datapoint are the same for all its candidates.</summary>
    internal DistinctRows(int datapoints, int candidates)
    {
        (Unchosen, Candidates) = (true, candidates);
        _firsts = [.. Enumerable.Range(0, datapoints).Select(n => (long)n)];
        _place = [.. Enumerable.Range(0, checked(datapoints * candidates)).Select(row => row % datapoints)];
    }

    /// <summary>Rows of which each stands for itself, although some may be the same.</summary>
    internal static DistinctRows Each(int datapoints, int candidates)
    {
        int all = checked(datapoints * candidates);
        return new([.. Enumerable.Range(0, all).Select(row => (long)row)], [.. Enumerable.Range(0, all)], candidates);
    }

    private DistinctRows(long[] firsts, int[] place, int candidates) => (_firsts, _place, Candidates) = (firsts, place, candidates);

    /// <summary>c·n, the number of rows.</summary>
    internal int All => _place.Length;

    /// <summary>d, the number of distinct rows.</summary>
    internal int Count => _firsts.Length;

    /// <summary>The place of one of the c·n rows among the distinct rows.</summary>
    internal int Place(long row) => _place[row];

    /// <summary>The first of the rows that are the same as this one.</summary>
    internal long First(long row) => _firsts[_place[row]];

    /// <summary>What is left the same after further choices [c·n, K] of all rows, given row by row.</summary>
    internal DistinctRows After(ReadOnlySpan<long> choices)
    {
        int positions = All == 0 ? 0 : choices.Length / All;
        (long[] firsts, int[] place) = (_firsts, _place);
        for (int k = 0; k < positions && firsts.Length < All; k++)
        {
            (firsts, place) = Apart(place, choices, k, positions);
        }

        return new(firsts, place, Candidates);
    }

    /// <summary>Takes the distinct rows out of all: [c·n, …] → [d, …].</summary>
    internal Tensor Pick(Tensor all) => all.IndexSelect(0, tensor(_firsts, device: all.device));

    /// <summary>Gives every row what its distinct row has: [d, …] → [c·n, …].</summary>
    internal Tensor Spread(Tensor distinct) => distinct.IndexSelect(0, tensor(Array.ConvertAll(_place, p => (long)p), device: distinct.device));

    /// <summary>The place of each distinct row among the distinct rows of <paramref name="before"/>, where fewer choices had been made, [d].</summary>
    internal Tensor PlacesIn(DistinctRows before, Device device) => tensor(Array.ConvertAll(_firsts, row => (long)before._place[row]), device: device);

    /// <summary>The same, as numbers.</summary>
    internal int[] SourcesIn(DistinctRows before) => Array.ConvertAll(_firsts, row => before._place[row]);

    /// <summary>For each of the c·n rows its place among the distinct rows, if it is the first of those that are the same; else −1.</summary>
    internal int[] Targets()
    {
        var targets = new int[All];
        Array.Fill(targets, -1);
        for (int place = 0; place < _firsts.Length; place++)
        {
            targets[_firsts[place]] = place;
        }

        return targets;
    }

    // What a place and a choice lead to, in a table where that is small, else by looking them up.
    private static (long[] Firsts, int[] Place) Apart(int[] place, ReadOnlySpan<long> choices, int position, int positions)
    {
        long most = 0, last = 0;
        for (int row = 0; row < place.Length; row++)
        {
            most = Math.Max(most, choices[row * positions + position]);
            last = Math.Max(last, place[row]);
        }

        long width = most + 1, size = (last + 1) * width;
        int[]? table = size <= Dense * (long)place.Length ? new int[size] : null;
        Dictionary<long, int>? seen = table is null ? new(place.Length) : null;
        var firsts = new List<long>();
        var apart = new int[place.Length];
        for (int row = 0; row < place.Length; row++)
        {
            long key = place[row] * width + choices[row * positions + position];
            int known = table is not null ? table[key] : seen!.GetValueOrDefault(key);
            if (known == 0)
            {
                firsts.Add(row);
                known = firsts.Count;
                if (table is not null)
                {
                    table[key] = known;
                }
                else
                {
                    seen!.Add(key, known);
                }
            }

            apart[row] = known - 1;
        }

        return ([.. firsts], apart);
    }
}
