namespace ModNet.Runtime;

/// <summary>Measures of partitions: the community of each node, by numbers of any kind.</summary>
public static class Partition
{
    /// <summary>
    /// Newman's modularity index Q = Σ_c (w_c / m − (K_c / 2m)²), from −½ to 1: m is the weight of all links, w_c that of the links inside community c, and
    /// K_c the sum of its nodes' strengths. It is 0 without links. (Newman, Girvan 2004; Newman 2004 for weights.)
    /// </summary>
    /// <example><code>double q = Partition.Modularity(graph, [0, 0, 1, 1]);</code></example>
    public static double Modularity(UnitGraph graph, IReadOnlyList<int> communities)
    {
        if (communities.Count != graph.Count)
        {
            throw new ArgumentException($"modularity: expected a community for each of {graph.Count} nodes, got {communities.Count}");
        }

        int[] labels = Numbered(communities);
        int count = labels.Length == 0 ? 0 : labels.Max() + 1;
        double all = graph.Links.Sum(link => link.Weight);
        if (all == 0)
        {
            return 0;
        }

        var inside = new double[count];
        var strength = new double[count];
        foreach (Link link in graph.Links)
        {
            strength[labels[link.From]] += link.Weight;
            strength[labels[link.To]] += link.Weight;
            if (labels[link.From] == labels[link.To])
            {
                inside[labels[link.From]] += link.Weight;
            }
        }

        double q = 0;
        for (int c = 0; c < count; c++)
        {
            double share = strength[c] / (2 * all);
            q += (inside[c] / all) - (share * share);
        }

        return q;
    }

    /// <summary>
    /// The normalised mutual information of two partitions, 2 I(a; b) / (H(a) + H(b)): 1 where they are the same but for the numbers, and near 0 where neither
    /// tells of the other. Two partitions into one part each are the same.
    /// </summary>
    /// <example><code>double same = Partition.Agreement([0, 0, 1], [5, 5, 2]); // 1</code></example>
    public static double Agreement(IReadOnlyList<int> one, IReadOnlyList<int> other)
    {
        if (one.Count != other.Count)
        {
            throw new ArgumentException($"agreement: expected two partitions of the same nodes, got {one.Count} and {other.Count} nodes");
        }

        double first = EntropyOf(one);
        double second = EntropyOf(other);
        double both = EntropyOf(one.Zip(other));
        return first + second == 0 ? 1 : Math.Clamp(2 * (first + second - both) / (first + second), 0, 1);
    }

    /// <summary>
    /// How evenly a node's links are spread over communities, P = 1 − Σ_c (k_c / k)², [nodes]: 0 where all lead into one community, near 1 − 1/C where they lead
    /// alike into C; 0 for a node without links. (Guimerà, Amaral 2005)
    /// </summary>
    /// <example><code>double[] hubs = Partition.Participation(graph, [0, 0, 1, 1]);</code></example>
    public static double[] Participation(UnitGraph graph, IReadOnlyList<int> communities)
    {
        var participation = new double[graph.Count];
        for (int node = 0; node < graph.Count; node++)
        {
            var into = new Dictionary<int, double>();
            for (int place = graph.Starts[node]; place < graph.Starts[node + 1]; place++)
            {
                int community = communities[graph.Neighbours[place]];
                into[community] = into.GetValueOrDefault(community) + graph.Weights[place];
            }

            double strength = into.Values.Sum();
            participation[node] = strength == 0 ? 0 : 1 - into.Values.Sum(weight => weight / strength * (weight / strength));
        }

        return participation;
    }

    /// <summary>The same partition with communities numbered from 0 in the order in which they come.</summary>
    internal static int[] Numbered(IReadOnlyList<int> communities)
    {
        var numbers = new Dictionary<int, int>();
        return [.. communities.Select(community => numbers.TryGetValue(community, out int number)
            ? number
            : numbers[community] = numbers.Count)];
    }

    private static double EntropyOf<T>(IEnumerable<T> labels)
        where T : notnull
    {
        int[] counts = [.. labels.CountBy(label => label).Select(found => found.Value)];
        double total = counts.Sum();
        return SelectionStatistics.EntropyOf(counts.Select(count => count / total));
    }
}
