namespace ModNet.Runtime;

/// <summary>A link between two nodes, by their numbers.</summary>
/// <param name="From">One node.</param>
/// <param name="To">The other node.</param>
/// <param name="Weight">How strongly they are joined, above 0.</param>
public readonly record struct Link(int From, int To, double Weight);

/// <summary>
/// A graph of units or modules, with weighted links that have no direction, none from a node to itself. Rows are compressed: the neighbours of node i are
/// <see cref="Neighbours"/> from <see cref="Starts"/>[i] to <see cref="Starts"/>[i + 1].
/// </summary>
/// <example><code>var pair = new UnitGraph(["a", "b"], ["all", "all"], [new Link(0, 1, 1)]);</code></example>
public sealed class UnitGraph
{
    private readonly double[] _strengths;

    /// <summary>
    /// Takes the name of each node, the group (layer or pool) that it belongs to, and the links. Links between the same two nodes are added up, and a
    /// link of weight 0 is none. ArgumentException for a loop, a node that is not there, or a weight that is negative or not finite.
    /// </summary>
    public UnitGraph(IReadOnlyList<string> names, IReadOnlyList<string> groups, IEnumerable<Link> links)
    {
        if (names.Count != groups.Count)
        {
            throw new ArgumentException($"graph: expected a group for each of {names.Count} nodes, got {groups.Count} – give one each");
        }

        int count = names.Count;
        var joined = new Dictionary<(int From, int To), double>();
        foreach (Link link in links)
        {
            bool fits = Math.Min(link.From, link.To) >= 0 && Math.Max(link.From, link.To) < count && link.From != link.To;
            if (!fits || !double.IsFinite(link.Weight) || link.Weight < 0)
            {
                throw new ArgumentException(
                    $"graph: expected links between two of {count} nodes with a weight of at least 0, got {link} – leave it out");
            }

            if (link.Weight > 0)
            {
                var key = (Math.Min(link.From, link.To), Math.Max(link.From, link.To));
                joined[key] = joined.GetValueOrDefault(key) + link.Weight;
            }
        }

        (Names, Groups) = ([.. names], [.. groups]);
        Links = [.. joined.OrderBy(j => j.Key).Select(j => new Link(j.Key.From, j.Key.To, j.Value))];
        var starts = new int[count + 1];
        foreach (Link link in Links)
        {
            starts[link.From + 1]++;
            starts[link.To + 1]++;
        }

        for (int node = 0; node < count; node++)
        {
            starts[node + 1] += starts[node];
        }

        int[] next = starts[..count];
        var neighbours = new int[2 * Links.Count];
        var weights = new double[2 * Links.Count];
        _strengths = new double[count];
        foreach (Link link in Links)
        {
            foreach ((int node, int other) in new[] { (link.From, link.To), (link.To, link.From) })
            {
                neighbours[next[node]] = other;
                weights[next[node]++] = link.Weight;
                _strengths[node] += link.Weight;
            }
        }

        (Starts, Neighbours, Weights) = (starts, neighbours, weights);
    }

    /// <summary>The name of each node.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The layer or pool that each node belongs to.</summary>
    public IReadOnlyList<string> Groups { get; }

    /// <summary>Every link once, with From below To, in ascending order.</summary>
    public IReadOnlyList<Link> Links { get; }

    /// <summary>Where the neighbours of each node begin, and behind the last node where they end: [nodes + 1].</summary>
    public IReadOnlyList<int> Starts { get; }

    /// <summary>The neighbours of all nodes, node after node: [2 · links].</summary>
    public IReadOnlyList<int> Neighbours { get; }

    /// <summary>The weights of the links to them: [2 · links].</summary>
    public IReadOnlyList<double> Weights { get; }

    /// <summary>The number of nodes.</summary>
    public int Count => Names.Count;

    /// <summary>The number of a node's links.</summary>
    public int Degree(int node) => Starts[node + 1] - Starts[node];

    /// <summary>The sum of the weights of a node's links.</summary>
    public double Strength(int node) => _strengths[node];

    /// <summary>The weights between all nodes, [nodes, nodes]; 0 where there is no link.</summary>
    public double[,] Matrix()
    {
        var matrix = new double[Count, Count];
        foreach (Link link in Links)
        {
            matrix[link.From, link.To] = matrix[link.To, link.From] = link.Weight;
        }

        return matrix;
    }
}
