namespace ModNet.Kernels;

/// <summary>
/// Choices sorted by module. Every module in use has a segment; segments come in ascending order of modules, and the choices within
/// one in their own order.
/// </summary>
public sealed class ModularSegments
{
    // Counting all modules at once takes a place for each. Above so many, their numbers are taken in parts of so many bits.
    private const int Bits = 11;

    /// <summary>Sorts choices by counting, so that the cost follows the choices, however many modules there are.</summary>
    /// <param name="indices">The chosen modules, each in [0, M).</param>
    /// <param name="modules">M.</param>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M).</exception>
    public ModularSegments(ReadOnlySpan<long> indices, int modules)
    {
        Expected.Below(indices, modules, nameof(indices), "modules", "M");
        if (modules > 1 << Bits)
        {
            (Modules, Starts, Order) = InParts(indices, modules);
            return;
        }

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

    // Sorts by the lowest bits of modules' numbers, then by the next, each time by counting, so that the choices of a module stay in their order.
    private static (int[] Modules, int[] Starts, int[] Order) InParts(ReadOnlySpan<long> indices, int modules)
    {
        int[] order = new int[indices.Length], before = new int[indices.Length];
        for (int j = 0; j < order.Length; j++)
        {
            order[j] = j;
        }

        int[] next = new int[(1 << Bits) + 1];
        for (int shift = 0; modules - 1 >> shift > 0; shift += Bits)
        {
            (order, before) = (before, order);
            Array.Clear(next);
            foreach (long module in indices)
            {
                next[Part(module, shift) + 1]++;
            }

            for (int part = 0; part < 1 << Bits; part++)
            {
                next[part + 1] += next[part];
            }

            foreach (int j in before)
            {
                order[next[Part(indices[j], shift)]++] = j;
            }
        }

        List<int> used = [], starts = [];
        for (int place = 0; place < order.Length; place++)
        {
            int module = (int)indices[order[place]];
            if (used.Count == 0 || used[^1] != module)
            {
                used.Add(module);
                starts.Add(place);
            }
        }

        return ([.. used], [.. starts, order.Length], order);
    }

    private static int Part(long module, int shift) => (int)(module >> shift) & ((1 << Bits) - 1);

    /// <summary>[U]: the modules in use, ascending.</summary>
    public int[] Modules { get; }

    /// <summary>[U + 1]: segment u is the sorted places Starts[u] to Starts[u + 1] − 1.</summary>
    public int[] Starts { get; }

    /// <summary>[B·K]: which choice stands at each sorted place.</summary>
    public int[] Order { get; }

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
