using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What an E-step did to its datapoints.</summary>
/// <param name="Datapoints">B, the number of datapoints.</param>
/// <param name="Replaced">How many datapoints got a new composition.</param>
/// <param name="Before">Σ_n log p(y_n, a*_n | x_n) under the old assignments, in nats.</param>
/// <param name="After">The same sum under the new assignments; it is never less.</param>
public sealed record EStepResult(long Datapoints, long Replaced, double Before, double After);

/// <summary>
/// The partial E-step (Eq. 11). The candidates of a datapoint are a* and S samples. All are scored under the current parameters by log
/// p(y|x, a) + log p(a|x), and the best is kept: a* is replaced only by a candidate that scores strictly higher, at all sites of the
/// datapoint together.
/// </summary>
internal static class EStep
{
    /// <summary>Runs the E-step on B datapoints.</summary>
    /// <param name="graph">Runs without gradient and in evaluation mode, so with dropout off.</param>
    /// <param name="batch">The B datapoints, on the graph's device.</param>
    /// <param name="candidates">The compositions among which each datapoint's is chosen.</param>
    /// <param name="keep">Is called with (row of the batch, composition [C]) for every replacement.</param>
    /// <param name="carried">
    /// The state from which recurrent layers start; they leave there the state to which the kept composition leads. Null starts them at zero.
    /// </param>
    /// <param name="rowsAtOnce">The largest number of rows (candidates of datapoints) that are run at a time.</param>
    /// <param name="together">
    /// The largest number of datapoints of an E-step that another rank runs at the same time, where all have to make as many passes; else 0. The last pass is made again where
    /// others need more.
    /// </param>
    internal static EStepResult Run(
        Graph graph,
        Batch batch,
        Candidates candidates,
        Action<int, long[]> keep,
        RecurrentState? carried = null,
        long rowsAtOnce = long.MaxValue,
        int together = 0)
    {
        using var scope = NewDisposeScope();
        var chunking = new Chunking((int)batch.Inputs.shape[0], candidates.Count, rowsAtOnce);
        BestCandidates best = graph.InEvaluation(() => Best(graph, batch, candidates, carried, chunking, chunking.Of(together).OfDatapoints().Count()));
        return best.Replace(keep);
    }

    private static BestCandidates Best(
        Graph graph, Batch batch, Candidates candidates, RecurrentState? carried, Chunking chunking, int passes)
    {
        var best = new BestCandidates((int)batch.Inputs.shape[0]);
        var ended = new List<RecurrentState>();
        Chunk[] chunks = [.. chunking.OfDatapoints()];
        for (int pass = chunks.Length; pass < passes; pass++)
        {
            using var again = new CandidateScoring(graph, batch, chunks[^1], carried);
            foreach (Chunk chunk in chunking.OfCandidates(chunks[^1]))
            {
                again.Score(candidates, chunk).Dispose();
            }
        }

        foreach (Chunk datapoints in chunks)
        {
            using var scoring = new CandidateScoring(graph, batch, datapoints, carried);
            foreach (Chunk chunk in chunking.OfCandidates(datapoints))
            {
                using CandidateScores scores = scoring.Score(candidates, chunk);
                scoring.Follow(scores, best.Keep(scores));
            }

            if (scoring.Ended is RecurrentState end)
            {
                ended.Add(end);
            }
        }

        carried?.Take(ended);
        return best;
    }
}

/// <summary>The best candidate so far of each of B datapoints.</summary>
internal sealed class BestCandidates(int datapoints)
{
    private readonly double[] _held = new double[datapoints];
    private readonly double[] _best = new double[datapoints];
    private readonly long[]?[] _compositions = new long[]?[datapoints];

    /// <summary>
    /// Keeps the best candidate of each datapoint: a* until another one scores strictly higher. The result [n] is the row of the kept
    /// candidate in the chunk, or −1 where a candidate of an earlier chunk stays the best.
    /// </summary>
    internal long[] Keep(CandidateScores scores)
    {
        Chunk chunk = scores.Chunk;
        var rows = new long[chunk.Datapoints];
        for (int b = 0; b < chunk.Datapoints; b++)
        {
            int n = chunk.Datapoint + b;
            rows[b] = -1;
            for (int s = 0; s < chunk.Candidates; s++)
            {
                int row = s * chunk.Datapoints + b;
                double score = scores.Of(row);
                if (chunk.Candidate + s == 0)
                {
                    (_held[n], _best[n], rows[b]) = (score, score, row);
                }
                else if (score > _best[n])
                {
                    (_best[n], rows[b]) = (score, row);
                    _compositions[n] = scores.Composition(row).ToArray();
                }
            }
        }

        return rows;
    }

    /// <summary>Calls <paramref name="keep"/> for every datapoint whose best candidate is not a*.</summary>
    internal EStepResult Replace(Action<int, long[]> keep)
    {
        for (int b = 0; b < datapoints; b++)
        {
            if (_compositions[b] is long[] composition)
            {
                keep(b, composition);
            }
        }

        return new(datapoints, _compositions.Count(c => c is not null), Sum(_held), Sum(_best));
    }

    // From the first to the last, so that the bits of a sum do not depend on how LINQ adds.
    private static double Sum(double[] scores)
    {
        double sum = 0;
        foreach (double score in scores)
        {
            sum += score;
        }

        return sum;
    }
}
