namespace ModNet.Runtime;

/// <summary>A graph of units or modules whose arcs have a direction and no weight. There is at most one arc from a node to another, and none to itself.</summary>
/// <example><code>var loop = new DirectedGraph(["a", "b", "c"], ["all", "all", "all"], [(0, 1), (1, 2), (2, 0)]);</code></example>
public sealed class DirectedGraph
{
    /// <summary>
    /// Takes the name of each node, the group (layer or pool) that it belongs to, and the arcs; an arc that is given twice counts once. ArgumentException for
    /// a loop or a node that is not there.
    /// </summary>
    public DirectedGraph(IReadOnlyList<string> names, IReadOnlyList<string> groups, IEnumerable<(int From, int To)> arcs)
    {
        if (names.Count != groups.Count)
        {
            throw new ArgumentException($"graph: expected a group for each of {names.Count} nodes, got {groups.Count} – give one each");
        }

        (Names, Groups, Arcs) = ([.. names], [.. groups], [.. arcs.Distinct().Order()]);
        foreach ((int from, int to) in Arcs)
        {
            if (Math.Min(from, to) < 0 || Math.Max(from, to) >= Count || from == to)
            {
                throw new ArgumentException($"graph: expected arcs between two of {Count} nodes, got ({from}, {to}) – leave it out");
            }
        }
    }

    /// <summary>The name of each node.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The layer or pool that each node belongs to.</summary>
    public IReadOnlyList<string> Groups { get; }

    /// <summary>Every arc, in ascending order.</summary>
    public IReadOnlyList<(int From, int To)> Arcs { get; }

    /// <summary>The number of nodes.</summary>
    public int Count => Names.Count;
}
