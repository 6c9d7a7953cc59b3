namespace ModNet.Kernels;

/// <summary>Choices sorted by module: a segment for every module in use, in ascending order, and in it the choices in theirs.</summary>
internal sealed class ModularSegments
{
    /// <summary>A counting sort of <paramref name="indices"/>, each in [0, <paramref name="modules"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is not.</exception>
    internal ModularSegments(ReadOnlySpan<long> indices, int modules)
    {
        int[] counts = new int[modules];
        for (int j = 0; j < indices.Length; j++)
        {
            if ((ulong)indices[j] >= (ulong)modules)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(indices), $"indices: expected modules 0 to {modules - 1} (M = {modules}), got {indices[j]} at {j}.");
            }

            counts[indices[j]]++;
        }

        int used = counts.Count(c => c > 0);
        Modules = new int[used];
        Starts = new int[used + 1];
        int u = 0;
        for (int m = 0; m < modules; m++)
        {
            if (counts[m] > 0)
            {
                Modules[u] = m;
                Starts[u + 1] = Starts[u] + counts[m];
                counts[m] = Starts[u++];
            }
        }

        Order = new int[indices.Length];
        for (int j = 0; j < indices.Length; j++)
        {
            Order[counts[indices[j]]++] = j;
        }
    }

    /// <summary>[U]: the modules in use, ascending.</summary>
    internal int[] Modules { get; }

    /// <summary>[U + 1]: segment u is the sorted places Starts[u] to Starts[u + 1] − 1.</summary>
    internal int[] Starts { get; }

    /// <summary>[B·K]: which choice stands at a sorted place.</summary>
    internal int[] Order { get; }

    /// <summary>The segment that a sorted place lies in.</summary>
    internal int SegmentOf(int place)
    {
        int found = Array.BinarySearch(Starts, place);
        return found >= 0 ? found : ~found - 1;
    }
}
