namespace ModNet.Runtime;

/// <summary>One way in which three nodes can be joined.</summary>
/// <param name="Name">Its usual name: how many pairs are joined both ways, one way and not at all, and a letter (Holland, Leinhardt 1976).</param>
/// <param name="Arcs">Its arcs among A, B and C, as in <c>A→B B→C</c>.</param>
public sealed record Triad(string Name, string Arcs);

/// <summary>Counts the ways in which three nodes of a directed graph are joined.</summary>
public static class Triads
{
    // A code has a bit for each possible arc among three nodes.
    private static readonly (int From, int To)[] Bits = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)];

    /// <summary>The 13 ways in which three nodes are joined so that each has a neighbour.</summary>
    public static IReadOnlyList<Triad> All { get; } =
    [
        new("021D", "B→A B→C"),
        new("021U", "A→B C→B"),
        new("021C", "A→B B→C"),
        new("111D", "A↔B C→B"),
        new("111U", "A↔B B→C"),
        new("030T", "A→B B→C A→C"),
        new("030C", "A→B B→C C→A"),
        new("201", "A↔B B↔C"),
        new("120D", "B→A B→C A↔C"),
        new("120U", "A→B C→B A↔C"),
        new("120C", "A→B B→C A↔C"),
        new("210", "A→B B↔C A↔C"),
        new("300", "A↔B B↔C A↔C"),
    ];

    // For each code, the place in All of its triad; −1 where some node has no neighbour.
    private static readonly int[] Places = PlacesOfCodes();

    /// <summary>How many triples of nodes are joined in each way, in the order of <see cref="All"/>.</summary>
    /// <example><code>long[] counts = Triads.Count(loop);</code></example>
    public static long[] Count(DirectedGraph graph)
    {
        int nodes = graph.Count;
        HashSet<int>[] near = [.. Enumerable.Range(0, nodes).Select(_ => new HashSet<int>())];
        var arcs = graph.Arcs.ToHashSet();
        foreach ((int from, int to) in graph.Arcs)
        {
            near[from].Add(to);
            near[to].Add(from);
        }

        var counts = new long[All.Count];
        for (int first = 0; first < nodes; first++)
        {
            foreach (int second in near[first].Where(other => other > first))
            {
                // A triple is counted at the lowest of its joined pairs (Batagelj, Mrvar 2001).
                foreach (int third in near[first].Union(near[second]))
                {
                    if (third > second || (third > first && third < second && !near[first].Contains(third)))
                    {
                        counts[Places[Code([first, second, third], arcs.Contains)]]++;
                    }
                }
            }
        }

        return counts;
    }

    private static int Code(ReadOnlySpan<int> nodes, Func<(int From, int To), bool> isThere)
    {
        int code = 0;
        for (int bit = 0; bit < Bits.Length; bit++)
        {
            code |= isThere((nodes[Bits[bit].From], nodes[Bits[bit].To])) ? 1 << bit : 0;
        }

        return code;
    }

    private static int[] PlacesOfCodes()
    {
        int[] places = [.. Enumerable.Repeat(-1, 1 << Bits.Length)];
        int[][] orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for (int place = 0; place < All.Count; place++)
        {
            var arcs = new HashSet<(int From, int To)>();
            foreach (string arc in All[place].Arcs.Split(' '))
            {
                (int from, int to) = (arc[0] - 'A', arc[2] - 'A');
                arcs.Add((from, to));
                if (arc[1] == '↔')
                {
                    arcs.Add((to, from));
                }
            }

            foreach (int[] order in orders)
            {
                places[Code(order, arcs.Contains)] = place;
            }
        }

        return places;
    }
}
