namespace ModNet.Kernels;

/// <summary>
/// Choices sorted by module. Every module in use has a segment; segments come in ascending order of modules, and the choices within
/// one in their own order.
/// </summary>
public sealed class ModularSegments
{
    // Counting takes a place for every module; where there are many more modules than choices, sorting takes less.
    private const int ModulesPerChoice = 16;

    /// <summary>Sorts choices: by counting, or, where modules are many, by comparing, so that the cost follows the choices.</summary>
    /// <param name="indices">The chosen modules, each in [0, M).</param>
    /// <param name="modules">M.</param>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M).</exception>
    public ModularSegments(ReadOnlySpan<long> indices, int modules)
    {
        Expected.Below(indices, modules, nameof(indices), "modules", "M");
        if (modules > (long)ModulesPerChoice * Math.Max(1, indices.Length))
        {
            (Modules, Starts, Order) = Compared(indices);
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

    private static (int[] Modules, int[] Starts, int[] Order) Compared(ReadOnlySpan<long> indices)
    {
        // A choice's number breaks ties, so that the choices of a module stay in their order.
        var keys = new long[indices.Length];
        for (int j = 0; j < keys.Length; j++)
        {
            keys[j] = (indices[j] << 32) | (uint)j;
        }

        Array.Sort(keys);
        var order = new int[keys.Length];
        List<int> modules = [], starts = [];
        for (int place = 0; place < keys.Length; place++)
        {
            order[place] = (int)(keys[place] & uint.MaxValue);
            int module = (int)(keys[place] >> 32);
            if (modules.Count == 0 || modules[^1] != module)
            {
                modules.Add(module);
                starts.Add(place);
            }
        }

        return ([.. modules], [.. starts, keys.Length], order);
    }

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
}
