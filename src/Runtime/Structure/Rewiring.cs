namespace ModNet.Runtime;

/// <summary>
/// Random graphs in which every node has as many links as in a given one (Maslov, Sneppen 2002): again and again, two links a–b and c–d become a–d and c–b,
/// unless that makes a loop or a link that is there. Only links between the same two groups change ends, so that as many links as before lead from a layer
/// to another.
/// </summary>
public static class Rewiring
{
    // Tries per link, after which the graph no longer remembers where it began.
    private const int Tries = 20;

    /// <summary>
    /// Such a graph, drawn by the seed. The weights of the links between two groups are dealt out anew among them, so that degrees are kept, and
    /// strengths only where all weights are the same.
    /// </summary>
    /// <example><code>UnitGraph random = Rewiring.Of(graph, seed: 1);</code></example>
    public static UnitGraph Of(UnitGraph graph, int seed)
    {
        var random = new Random(seed);
        var links = new List<Link>();
        foreach (var kind in graph.Links
            .GroupBy(link => Kind(graph.Groups, link))
            .OrderBy(kind => kind.Key.Item1, StringComparer.Ordinal)
            .ThenBy(kind => kind.Key.Item2, StringComparer.Ordinal))
        {
            // The first end of every link is in the first group.
            (int From, int To)[] ends =
                [.. kind.Select(link => graph.Groups[link.From] == kind.Key.Item1 ? (link.From, link.To) : (link.To, link.From))];
            Swap(ends, random, isDirected: false, turns: kind.Key.Item1 == kind.Key.Item2);
            double[] weights = [.. kind.Select(link => link.Weight)];
            random.Shuffle(weights);
            links.AddRange(ends.Zip(weights, (pair, weight) => new Link(pair.From, pair.To, weight)));
        }

        return new(graph.Names, graph.Groups, links);
    }

    /// <summary>Such a graph with arcs: every node has as many incoming and as many outgoing ones as before.</summary>
    /// <example><code>DirectedGraph random = Rewiring.Of(loop, seed: 1);</code></example>
    public static DirectedGraph Of(DirectedGraph graph, int seed)
    {
        var random = new Random(seed);
        var arcs = new List<(int From, int To)>();
        foreach (var kind in graph.Arcs
            .GroupBy(arc => (graph.Groups[arc.From], graph.Groups[arc.To]))
            .OrderBy(kind => kind.Key.Item1, StringComparer.Ordinal)
            .ThenBy(kind => kind.Key.Item2, StringComparer.Ordinal))
        {
            (int From, int To)[] ends = [.. kind];
            Swap(ends, random, isDirected: true, turns: false);
            arcs.AddRange(ends);
        }

        return new(graph.Names, graph.Groups, arcs);
    }

    private static (string, string) Kind(IReadOnlyList<string> groups, Link link) =>
        string.CompareOrdinal(groups[link.From], groups[link.To]) <= 0
            ? (groups[link.From], groups[link.To])
            : (groups[link.To], groups[link.From]);

    private static void Swap((int From, int To)[] ends, Random random, bool isDirected, bool turns)
    {
        var there = ends.Select(Key).ToHashSet();
        for (int tries = (long)Tries * ends.Length > int.MaxValue ? int.MaxValue : Tries * ends.Length; tries > 0; tries--)
        {
            int first = random.Next(ends.Length);
            int second = random.Next(ends.Length);
            (int a, int b) = ends[first];
            (int c, int d) = turns && random.Next(2) == 1 ? (ends[second].To, ends[second].From) : ends[second];
            if (a == d || c == b || first == second || there.Contains(Key((a, d))) || there.Contains(Key((c, b))))
            {
                continue;
            }

            there.Remove(Key(ends[first]));
            there.Remove(Key(ends[second]));
            (ends[first], ends[second]) = ((a, d), (c, b));
            there.Add(Key(ends[first]));
            there.Add(Key(ends[second]));
        }

        (int, int) Key((int From, int To) pair) => isDirected || pair.From < pair.To ? pair : (pair.To, pair.From);
    }
}
