namespace ModNet.Runtime;

/// <summary>
/// Conventions of a graph (Jackson, Storms 2017): sets of nodes such that a node is in the set exactly where at least a share q of its links' weight leads into the
/// set. Atoms are groups of nodes that no convention parts: they behave alike in all of them. A node without links is in no convention.
/// </summary>
public static class Conventions
{
    /// <summary>Up to so many nodes, conventions are found from every set of nodes, and none is missed.</summary>
    public const int MostNodesForAll = 14;

    // Below this share of a node's links, a difference is rounding.
    private const double Rounding = 1e-9;
    private const int MostCommunities = 8;
    private const int MostJoined = 200;

    /// <summary>Whether a set is a convention, by the definition.</summary>
    /// <example><code>bool is = Conventions.Holds(graph, [true, true, false], 0.5);</code></example>
    public static bool Holds(UnitGraph graph, IReadOnlyList<bool> members, double share) =>
        Enumerable.Range(0, graph.Count).All(node => members[node] == Adopts(graph, members, node, share));

    /// <summary>
    /// The conventions of a graph for 0 &lt; <paramref name="share"/> ≤ 1, the empty one first. Of more than <see cref="MostNodesForAll"/> nodes these are the ones that a search
    /// meets: from each node's neighbourhood, unions of communities, <paramref name="tries"/> random sets, and what the conventions that were found have in common, have
    /// together, and leave over.
    /// </summary>
    /// <example><code>IReadOnlyList&lt;bool[]&gt; all = Conventions.Of(graph, 0.5, seed: 1, tries: 1000);</code></example>
    public static IReadOnlyList<bool[]> Of(UnitGraph graph, double share, int seed, int tries)
    {
        if (!(share > 0 && share <= 1))
        {
            throw new UserException("conventions", "a share q above 0 and at most 1", $"{share}", "0.5 is the majority of a node's links");
        }

        var found = new List<bool[]>();
        var known = new HashSet<string>(StringComparer.Ordinal);

        void Take(bool[] start)
        {
            bool[] convention = From(graph, start, share);
            if (known.Add(string.Concat(convention.Select(member => member ? '1' : '0'))))
            {
                found.Add(convention);
            }
        }

        int count = graph.Count;
        Take(new bool[count]);
        if (count <= MostNodesForAll)
        {
            for (int set = 1; set < 1 << count; set++)
            {
                Take([.. Enumerable.Range(0, count).Select(node => ((set >> node) & 1) == 1)]);
            }

            return found;
        }

        foreach (bool[] start in Starts(graph, seed, tries))
        {
            Take(start);
        }

        for (int one = 0; one < Math.Min(found.Count, MostJoined); one++)
        {
            bool[] first = found[one];
            Take([.. first.Select(member => !member)]);
            for (int other = 0; other < one; other++)
            {
                bool[] second = found[other];
                Take([.. first.Zip(second, (a, b) => a || b)]);
                Take([.. first.Zip(second, (a, b) => a && b)]);
            }
        }

        return found;
    }

    /// <summary>The atom of each of so many nodes, numbered from 0 in the order in which the nodes meet them.</summary>
    /// <example><code>int[] atoms = Conventions.Atoms(Conventions.Of(graph, 0.5, 1, 1000), graph.Count);</code></example>
    public static int[] Atoms(IReadOnlyList<bool[]> conventions, int nodes)
    {
        var atoms = new int[nodes];
        foreach (bool[] convention in conventions)
        {
            var numbers = new Dictionary<(int Atom, bool Member), int>();
            for (int node = 0; node < nodes; node++)
            {
                var key = (atoms[node], convention[node]);
                if (!numbers.TryGetValue(key, out int number))
                {
                    numbers.Add(key, number = numbers.Count);
                }

                atoms[node] = number;
            }
        }

        return Partition.Numbered(atoms);
    }

    private static IEnumerable<bool[]> Starts(UnitGraph graph, int seed, int tries)
    {
        int count = graph.Count;
        for (int node = 0; node < count; node++)
        {
            var near = new bool[count];
            near[node] = true;
            for (int place = graph.Starts[node]; place < graph.Starts[node + 1]; place++)
            {
                near[graph.Neighbours[place]] = true;
            }

            yield return near;
        }

        int[] communities = Louvain.Of(graph, seed, orders: 3);
        int some = Math.Min(MostCommunities, communities.DefaultIfEmpty().Max() + 1);
        for (int set = 1; set < 1 << some; set++)
        {
            yield return [.. communities.Select(community => community < some && ((set >> community) & 1) == 1)];
        }

        foreach (int community in communities.Distinct())
        {
            yield return [.. communities.Select(other => other == community)];
        }

        var random = new Random(seed);
        for (int turn = 0; turn < tries; turn++)
        {
            double chance = random.NextDouble();
            yield return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() < chance)];
        }
    }

    // The convention that a set leads to: first nodes leave that have too few links into it, then others join. A convention leads to itself.
    private static bool[] From(UnitGraph graph, bool[] start, double share)
    {
        bool[] members = [.. start];
        foreach (bool joins in new[] { false, true })
        {
            for (bool any = true; any;)
            {
                any = false;
                for (int node = 0; node < graph.Count; node++)
                {
                    if (members[node] != joins && Adopts(graph, members, node, share) == joins)
                    {
                        (members[node], any) = (joins, true);
                    }
                }
            }
        }

        return members;
    }

    private static bool Adopts(UnitGraph graph, IReadOnlyList<bool> members, int node, double share)
    {
        double strength = graph.Strength(node), inside = 0;
        for (int place = graph.Starts[node]; place < graph.Starts[node + 1]; place++)
        {
            inside += members[graph.Neighbours[place]] ? graph.Weights[place] : 0;
        }

        return strength > 0 && inside >= (share - Rounding) * strength;
    }
}
