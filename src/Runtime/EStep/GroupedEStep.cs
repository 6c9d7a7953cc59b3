using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The partial E-step (Eq. 11) where the datapoints of a group share one composition. The candidates of a group are its a* and S samples, the s-th of which its s-th member draws
/// from its own controller, in turn. Each is scored by Σ_n log p(y_n|x_n, a) + log p(a|x_n) over the members in the minibatch; a* is replaced only by a candidate that scores
/// strictly higher. With groups of one it is <see cref="EStep"/>.
/// </summary>
internal static class GroupedEStep
{
    /// <summary>Runs the E-step on B datapoints, whose groups are <paramref name="groupOf"/> [B], and whose a* is the same within a group.</summary>
    /// <param name="graph">Runs without gradient and in evaluation mode.</param>
    /// <param name="batch">The B datapoints, on the graph's device.</param>
    /// <param name="groupOf">The number of each datapoint's group.</param>
    /// <param name="candidates">The compositions of each datapoint, of which candidate 0 is a*.</param>
    /// <param name="keep">Is called with (group, composition [C]) for every replacement.</param>
    /// <param name="rowsAtOnce">The largest number of rows that are run at a time.</param>
    internal static EStepResult Run(
        Graph graph, Batch batch, IReadOnlyList<int> groupOf, Candidates candidates, Action<int, long[]> keep, long rowsAtOnce)
    {
        using var scope = NewDisposeScope();
        int datapoints = groupOf.Count;
        var chunking = new Chunking(datapoints, candidates.Count, rowsAtOnce);
        int[][] groups = [.. Enumerable.Range(0, datapoints).GroupBy(b => groupOf[b]).Select(rows => rows.ToArray())];
        Table drawn = graph.InEvaluation(() => Scored(graph, batch, candidates, chunking, datapoints));
        if (groups.Length < datapoints && candidates is DrawnCandidates)
        {
            var shared = new SharedCandidates(drawn.SharedBy(groups).to(batch.Inputs.device));
            drawn = graph.InEvaluation(() => Scored(graph, batch, shared, chunking, datapoints));
        }

        double before = 0, after = 0;
        long replaced = 0;
        foreach (int[] members in groups)
        {
            double Score(int candidate) => members.Aggregate(0.0, (sum, b) => sum + drawn.Scores[candidate * datapoints + b]);
            double held = Score(0), best = held;
            int kept = 0;
            for (int s = 1; s < candidates.Count; s++)
            {
                double score = Score(s);
                if (score > best)
                {
                    (best, kept) = (score, s);
                }
            }

            if (kept > 0)
            {
                keep(groupOf[members[0]], drawn.Composition(kept, members[0]));
                replaced += members.Length;
            }

            before += held;
            after += best;
        }

        return new(datapoints, replaced, before, after);
    }

    private static Table Scored(Graph graph, Batch batch, Candidates candidates, Chunking chunking, int datapoints)
    {
        var table = new Table(candidates.Count, datapoints);
        foreach (Chunk ofDatapoints in chunking.OfDatapoints())
        {
            using var scoring = new CandidateScoring(graph, batch, ofDatapoints, null);
            foreach (Chunk chunk in chunking.OfCandidates(ofDatapoints))
            {
                using CandidateScores scores = scoring.Score(candidates, chunk);
                table.Add(scores);
            }
        }

        return table;
    }

    // Scores and compositions of S candidates for each of B datapoints, candidate-major.
    private sealed class Table(int candidates, int datapoints)
    {
        private readonly long[][] _compositions = new long[candidates * datapoints][];

        internal double[] Scores { get; } = new double[candidates * datapoints];

        internal long[] Composition(int candidate, int datapoint) => _compositions[candidate * datapoints + datapoint];

        internal void Add(CandidateScores scores)
        {
            Chunk chunk = scores.Chunk;
            for (int row = 0; row < chunk.Rows; row++)
            {
                int at = (chunk.Candidate + row / chunk.Datapoints) * datapoints + chunk.Datapoint + row % chunk.Datapoints;
                (Scores[at], _compositions[at]) = (scores.Of(row), scores.Composition(row).ToArray());
            }
        }

        // [S, B, C]: candidate s of every member is what one of them drew.
        internal Tensor SharedBy(int[][] groups)
        {
            int choices = _compositions[0].Length;
            var shared = new long[_compositions.Length * choices];
            foreach (int[] members in groups)
            {
                for (int s = 0; s < candidates; s++)
                {
                    long[] composition = Composition(s, members[Math.Max(0, s - 1) % members.Length]);
                    foreach (int b in members)
                    {
                        composition.CopyTo(shared, (s * datapoints + b) * choices);
                    }
                }
            }

            return tensor(shared).view(candidates, datapoints, choices);
        }
    }
}
