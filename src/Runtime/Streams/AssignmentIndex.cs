namespace ModNet.Runtime;

/// <summary>
/// Which datapoints have a module in their a*: the assignments the other way round, for the datapoints that were added to it. A replaced a* is
/// followed at once, so index and assignments never differ.
/// </summary>
/// <remarks>
/// The datapoints of a module are in ascending order, whatever the order in which they came: a draw from them is the same in a run that was
/// resumed, which makes its index anew. Where layers or time steps share a pool, its module is one.
/// </remarks>
internal sealed class AssignmentIndex : IDisposable
{
    private readonly Assignments _table;
    private readonly int[] _firstOfPool;
    private readonly List<long>[] _holders;
    private readonly HashSet<long> _added = [];

    /// <summary>An empty index. <paramref name="pools"/> [C] names the pool of every choice, and <paramref name="modules"/> [C] says its M.</summary>
    internal AssignmentIndex(Assignments table, IReadOnlyList<string> pools, IReadOnlyList<int> modules)
    {
        _table = table;
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        int keys = 0;
        for (int c = 0; c < pools.Count; c++)
        {
            if (first.TryAdd(pools[c], keys))
            {
                keys += modules[c];
            }
        }

        _firstOfPool = [.. pools.Select(pool => first[pool])];
        _holders = [.. Enumerable.Range(0, keys).Select(_ => new List<long>())];
        table.Replaced += Follow;
    }

    /// <summary>The number of modules over all pools.</summary>
    internal int Modules => _holders.Length;

    /// <summary>The modules of a datapoint's a*, a number for each of its C choices: modules are counted through all pools.</summary>
    internal int[] ModulesOf(long datapoint)
    {
        var modules = new int[_firstOfPool.Length];
        for (int c = 0; c < modules.Length; c++)
        {
            modules[c] = _firstOfPool[c] + (int)_table[datapoint, c];
        }

        return modules;
    }

    /// <summary>The added datapoints whose a* has the module, in ascending order.</summary>
    internal IReadOnlyList<long> Holders(int module) => _holders[module];

    /// <summary>Adds datapoints that are not there yet.</summary>
    internal void Add(IEnumerable<long> datapoints)
    {
        foreach (long datapoint in datapoints)
        {
            _added.Add(datapoint);
            foreach (int module in ModulesOf(datapoint).Distinct())
            {
                Insert(module, datapoint);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _table.Replaced -= Follow;

    private void Follow(long datapoint, long[] before)
    {
        if (!_added.Contains(datapoint))
        {
            return;
        }

        int[] old = [.. before.Select((module, c) => _firstOfPool[c] + (int)module)];
        int[] now = ModulesOf(datapoint);
        foreach (int module in old.Except(now))
        {
            _holders[module].RemoveAt(_holders[module].BinarySearch(datapoint));
        }

        foreach (int module in now.Except(old))
        {
            Insert(module, datapoint);
        }
    }

    private void Insert(int module, long datapoint)
    {
        List<long> holders = _holders[module];
        holders.Insert(~holders.BinarySearch(datapoint), datapoint);
    }
}
