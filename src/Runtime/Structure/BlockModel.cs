namespace ModNet.Runtime;

/// <summary>
/// A block model fitted by EM (Newman, Leicht 2007): nodes of a block link to the same nodes, be those inside the block or outside it. With π_r the share of
/// block r and θ_rj the share of its links that lead to node j, log L = Σ_i log Σ_r π_r Π_j θ_rj^A_ij.
/// </summary>
public sealed class BlockModel
{
    private const int MostRounds = 1_000;
    private const double Still = 1e-10;
    // The logarithm of a smaller share would be −∞.
    private const double Smallest = 1e-300;

    private BlockModel(double[][] probabilities, IReadOnlyList<double> course) => (Probabilities, Course) = (probabilities, course);

    /// <summary>How probable each block is for each node, [nodes][blocks].</summary>
    public IReadOnlyList<double[]> Probabilities { get; }

    /// <summary>log L in nats before each M-step but the first, which never falls.</summary>
    public IReadOnlyList<double> Course { get; }

    /// <summary>log L of the fit, in nats.</summary>
    public double LogLikelihood => Course[^1];

    /// <summary>The most probable block of each node, numbered from 0 in the order of nodes.</summary>
    public int[] Blocks() => Partition.Numbered([.. Probabilities.Select(p => Array.IndexOf(p, p.Max()))]);

    /// <summary>
    /// The fit of the highest likelihood among <paramref name="starts"/> random ones, which follow from the seed. ArgumentException unless there are at least
    /// one block and one start.
    /// </summary>
    /// <example><code>int[] blocks = BlockModel.Fit(graph, blocks: 3, seed: 1, starts: 20).Blocks();</code></example>
    public static BlockModel Fit(UnitGraph graph, int blocks, int seed, int starts)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(blocks, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(starts, 1);
        var random = new Random(seed);
        return Enumerable.Range(0, starts).Select(_ => Once(graph, blocks, random)).ToArray().MaxBy(fit => fit.LogLikelihood)!;
    }

    private static BlockModel Once(UnitGraph graph, int blocks, Random random)
    {
        double[][] q = [.. Enumerable.Range(0, graph.Count).Select(_ => Drawn(blocks, random))];
        var course = new List<double>();
        while (true)
        {
            (double[] shares, double[][] links) = MStep(graph, blocks, q);
            course.Add(EStep(graph, shares, links, q));
            if (course.Count == MostRounds || (course.Count > 1 && course[^1] - course[^2] <= Still * Math.Abs(course[^1])))
            {
                return new(q, course);
            }
        }
    }

    // Uniform among all distributions over the blocks.
    private static double[] Drawn(int blocks, Random random)
    {
        double[] raw = [.. Enumerable.Range(0, blocks).Select(_ => -Math.Log(1 - random.NextDouble()))];
        double sum = raw.Sum();
        return [.. raw.Select(value => sum == 0 ? 1.0 / blocks : value / sum)];
    }

    // π and log θ, the latter [nodes][blocks].
    private static (double[] Shares, double[][] Links) MStep(UnitGraph graph, int blocks, double[][] q)
    {
        var shares = new double[blocks];
        var totals = new double[blocks];
        double[][] links = [.. q.Select(_ => new double[blocks])];
        for (int node = 0; node < q.Length; node++)
        {
            for (int block = 0; block < blocks; block++)
            {
                shares[block] += q[node][block] / q.Length;
                totals[block] += q[node][block] * graph.Strength(node);
            }

            for (int place = graph.Starts[node]; place < graph.Starts[node + 1]; place++)
            {
                double[] row = links[graph.Neighbours[place]];
                for (int block = 0; block < blocks; block++)
                {
                    row[block] += graph.Weights[place] * q[node][block];
                }
            }
        }

        foreach (double[] row in links)
        {
            for (int block = 0; block < blocks; block++)
            {
                row[block] = Math.Log(Math.Max(totals[block] == 0 ? 0 : row[block] / totals[block], Smallest));
            }
        }

        return (shares, links);
    }

    // Fills q and gives log L.
    private static double EStep(UnitGraph graph, double[] shares, double[][] links, double[][] q)
    {
        double likelihood = 0;
        for (int node = 0; node < q.Length; node++)
        {
            double[] log = [.. shares.Select(share => Math.Log(Math.Max(share, Smallest)))];
            for (int place = graph.Starts[node]; place < graph.Starts[node + 1]; place++)
            {
                double[] row = links[graph.Neighbours[place]];
                for (int block = 0; block < log.Length; block++)
                {
                    log[block] += graph.Weights[place] * row[block];
                }
            }

            double highest = log.Max();
            double sum = log.Sum(value => Math.Exp(value - highest));
            likelihood += highest + Math.Log(sum);
            for (int block = 0; block < log.Length; block++)
            {
                q[node][block] = Math.Exp(log[block] - highest) / sum;
            }
        }

        return likelihood;
    }
}
