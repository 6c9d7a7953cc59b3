namespace ModNet.Runtime;

/// <summary>
/// Finds communities by modularity (Blondel, Guillaume, Lambiotte, Lefebvre 2008): nodes move one by one into the neighbouring community that raises Q the
/// most; where none moves any more, each community becomes a node, and the same begins again.
/// </summary>
public static class Louvain
{
    // Below this, a gain of Q is rounding.
    private const double Least = 1e-12;

    /// <summary>
    /// The community of each node, numbered from 0 in the order of nodes: the partition of the highest Q among <paramref name="orders"/> random orders of the
    /// nodes, which follow from the seed. A node without links is a community of its own.
    /// </summary>
    /// <example><code>int[] communities = Louvain.Of(graph, seed: 1, orders: 10);</code></example>
    public static int[] Of(UnitGraph graph, int seed, int orders)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(orders, 1);
        var random = new Random(seed);
        int[] best = [];
        double highest = double.NegativeInfinity;
        for (int order = 0; order < orders; order++)
        {
            int[] found = Once(graph, random);
            double q = Partition.Modularity(graph, found);
            if (q > highest + Least)
            {
                (best, highest) = (Partition.Numbered(found), q);
            }
        }

        return best;
    }

    private static int[] Once(UnitGraph graph, Random random)
    {
        var level = new Level(
            [.. graph.Starts],
            [.. graph.Neighbours],
            [.. graph.Weights],
            [.. Enumerable.Range(0, graph.Count).Select(graph.Strength)]);
        int[] communities = [.. Enumerable.Range(0, graph.Count)];
        while (true)
        {
            int[] moved = level.Moved(random);
            int count = moved.Length == 0 ? 0 : moved.Max() + 1;
            communities = [.. communities.Select(node => moved[node])];
            if (count == moved.Length)
            {
                return communities;
            }

            level = level.Of(moved, count);
        }
    }

    // A graph whose nodes are communities of the level below. Links inside a node count in its strength alone: wherever it goes, they go with it.
    private sealed class Level(int[] starts, int[] neighbours, double[] weights, double[] strengths)
    {
        private readonly double _twice = strengths.Sum();

        internal int[] Moved(Random random)
        {
            int count = strengths.Length;
            int[] communities = [.. Enumerable.Range(0, count)];
            double[] totals = [.. strengths];
            int[] order = [.. Enumerable.Range(0, count)];
            random.Shuffle(order);
            var into = new double[count];
            var met = new List<int>();
            bool any = true;
            while (any)
            {
                any = false;
                foreach (int node in order)
                {
                    int own = communities[node];
                    met.Clear();
                    for (int place = starts[node]; place < starts[node + 1]; place++)
                    {
                        int community = communities[neighbours[place]];
                        if (into[community] == 0)
                        {
                            met.Add(community);
                        }

                        into[community] += weights[place];
                    }

                    totals[own] -= strengths[node];
                    int best = own;
                    double highest = Gain(own) + (Least * _twice);
                    foreach (int community in met)
                    {
                        if (community != own && Gain(community) > highest)
                        {
                            (best, highest) = (community, Gain(community));
                        }
                    }

                    totals[best] += strengths[node];
                    communities[node] = best;
                    any |= best != own;
                    foreach (int community in met)
                    {
                        into[community] = 0;
                    }

                    double Gain(int community) => into[community] - (totals[community] * strengths[node] / _twice);
                }
            }

            return Partition.Numbered(communities);
        }

        internal Level Of(int[] communities, int count)
        {
            var joined = new Dictionary<int, double>[count];
            var sums = new double[count];
            for (int node = 0; node < strengths.Length; node++)
            {
                int community = communities[node];
                sums[community] += strengths[node];
                Dictionary<int, double> row = joined[community] ??= [];
                for (int place = starts[node]; place < starts[node + 1]; place++)
                {
                    int other = communities[neighbours[place]];
                    if (other != community)
                    {
                        row[other] = row.GetValueOrDefault(other) + weights[place];
                    }
                }
            }

            var begins = new int[count + 1];
            for (int community = 0; community < count; community++)
            {
                begins[community + 1] = begins[community] + joined[community].Count;
            }

            var rows = joined.SelectMany(row => row.OrderBy(entry => entry.Key)).ToArray();
            return new(begins, [.. rows.Select(entry => entry.Key)], [.. rows.Select(entry => entry.Value)], sums);
        }
    }
}
