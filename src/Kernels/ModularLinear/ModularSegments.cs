namespace ModNet.Kernels;

/// <summary>
/// Choices sorted by module. Every module in use has a segment; segments come in ascending order of modules, and the choices within
/// one in their own order.
/// </summary>
internal sealed class ModularSegments
{
    /// <summary>Sorts choices (a counting sort).</summary>
    /// <param name="indices">The chosen modules, each in [0, M).</param>
    /// <param name="modules">M.</param>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M).</exception>
    internal ModularSegments(ReadOnlySpan<long> indices, int modules)
    {
        Expected.Below(indices, modules, nameof(indices), "modules", "M");
        int[] counts = new int[modules];
        foreach (long module in indices)
        {
            counts[module]++;
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

    /// <summary>[B·K]: which choice stands at each sorted place.</summary>
    internal int[] Order { get; }

    /// <summary>The segment that a sorted place lies in.</summary>
    internal int SegmentOf(int place)
    {
        int found = Array.BinarySearch(Starts, place);
        return found >= 0 ? found : ~found - 1;
    }

    /// <summary>Cuts sorted places [from, to) at the ends of segments and into blocks of rows, and calls body(segment, place, count) for each.</summary>
    internal void InBlocks(int from, int to, int rows, Action<int, int, int> body)
    {
        if (from == to)
        {
            return;
        }

        for (int segment = SegmentOf(from), place = from; place < to; segment++)
        {
            int end = Math.Min(Starts[segment + 1], to);
            for (; place < end; place += Math.Min(rows, end - place))
            {
                body(segment, place, Math.Min(rows, end - place));
            }
        }
    }

    /// <summary>[M]: whether something chose the module.</summary>
    internal bool[] InUse(int modules)
    {
        var inUse = new bool[modules];
        foreach (int module in Modules)
        {
            inUse[module] = true;
        }

        return inUse;
    }
}
