using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What an E-step did to its datapoints.</summary>
/// <param name="Datapoints">B.</param>
/// <param name="Replaced">How many got a new composition.</param>
/// <param name="Before">Σ_n log p(y_n, a*_n | x_n) under the old assignments.</param>
/// <param name="After">The same under the new ones; never less.</param>
public sealed record EStepResult(long Datapoints, long Replaced, double Before, double After);

/// <summary>
/// The partial E-step (Eq. 11): candidates are scored under the current parameters by log p(y|x, a) + log p(a|x), and a*
/// is replaced only by a strictly better one, all sites of a datapoint together.
/// </summary>
internal static class EStep
{
    /// <summary>
    /// Rows of x are tiled at the first site, not before; equal candidates are scored once. Row 0 of every datapoint's
    /// candidates must be its a*.
    /// </summary>
    /// <param name="graph">Run without gradient, in evaluation mode (dropout off).</param>
    /// <param name="batch">B datapoints on the graph's device.</param>
    /// <param name="candidates">How many compositions each datapoint is given.</param>
    /// <param name="selector">Chooses for candidates·B rows, candidate-major.</param>
    /// <param name="keep">Called with (row of the batch, composition [C]) for every replacement.</param>
    /// <param name="carried">Where recurrent layers start; they leave there where the composition that is kept takes them. Null: at zero.</param>
    internal static EStepResult Run(
        Graph graph, Batch batch, int candidates, Selector selector, Action<int, long[]> keep, RecurrentState? carried = null)
    {
        using var scope = NewDisposeScope();
        return graph.InEvaluation(() => Score(graph, batch, candidates, selector, keep, carried));
    }

    private static EStepResult Score(
        Graph graph, Batch batch, int candidates, Selector selector, Action<int, long[]> keep, RecurrentState? carried)
    {
        int rows = (int)batch.Inputs.shape[0];
        Tensor before = graph.BeforeSites(batch.Inputs, batch.Side, carried);
        using RecurrentState? tiled = carried?.Rows(arange(rows).repeat(candidates).to(batch.Inputs.device));
        GraphOutput across = graph.AcrossSites(
            before, selector, batch.Side?.Map(t => Tile(t, candidates)), tiled, candidates);
        long[] compositions = graph.HasSites
            ? across.Tape.Composition().cpu().contiguous().data<long>().ToArray()
            : [];
        int choices = compositions.Length / (rows * candidates);
        Distinct distinct = Distinct.Find(compositions, rows, candidates, choices);

        Tensor picked = tensor(distinct.Rows, device: batch.Inputs.device);
        Tensor datapoint = tensor(Array.ConvertAll(distinct.Rows, r => r % rows), device: batch.Inputs.device);
        SideInputs? side = batch.Side?.Map(t => t.index_select(0, datapoint));
        using RecurrentState? after = carried?.Rows(datapoint);
        Tensor features = graph.AfterSites(across.Features.index_select(0, picked), side, after);
        Tensor joint = graph.Head.LogLikelihood(features, batch.Targets.index_select(0, datapoint));
        if (graph.HasSites)
        {
            joint += across.Tape.LogProbability().index_select(0, picked);
        }

        double[] scores = joint.to_type(ScalarType.Float64).cpu().data<double>().ToArray();
        long[] kept = new long[rows];
        EStepResult result = Choose(scores, distinct, compositions, rows, candidates, choices, keep, kept);
        if (carried is not null)
        {
            Tensor place = tensor(Array.ConvertAll(kept, k => (long)distinct.Place[k]), device: batch.Inputs.device);
            carried.Take(tiled!, tensor(kept, device: batch.Inputs.device));
            carried.Take(after!, place);
        }

        return result;
    }

    private static EStepResult Choose(
        double[] scores,
        Distinct distinct,
        long[] compositions,
        int rows,
        int candidates,
        int choices,
        Action<int, long[]> keep,
        long[] kept)
    {
        long replaced = 0;
        double before = 0, after = 0;
        for (int b = 0; b < rows; b++)
        {
            double held = scores[distinct.Place[b]];
            double best = held;
            int bestRow = b;
            for (int s = 1; s < candidates; s++)
            {
                int row = s * rows + b;
                double score = scores[distinct.Place[row]];
                if (score > best)
                {
                    (best, bestRow) = (score, row);
                }
            }

            kept[b] = bestRow;
            before += held;
            after += best;
            if (bestRow != b)
            {
                replaced++;
                keep(b, compositions[(bestRow * choices)..((bestRow + 1) * choices)]);
            }
        }

        return new(rows, replaced, before, after);
    }

    /// <summary>[B, …] → [times·B, …]: all rows, and again.</summary>
    internal static Tensor Tile(Tensor x, int times)
    {
        var repeats = new long[x.dim()];
        Array.Fill(repeats, 1);
        repeats[0] = times;
        return times == 1 ? x : x.repeat(repeats);
    }

    /// <summary>The first row of every distinct (datapoint, composition), and for each row its place among them.</summary>
    private sealed record Distinct(long[] Rows, int[] Place)
    {
        internal static Distinct Find(long[] compositions, int rows, int candidates, int choices)
        {
            var firsts = new List<long>();
            var place = new int[rows * candidates];
            for (int row = 0; row < place.Length; row++)
            {
                ReadOnlySpan<long> own = compositions.AsSpan(row * choices, choices);
                int same = -1;
                for (int other = row % rows; other < row && same < 0; other += rows)
                {
                    if (own.SequenceEqual(compositions.AsSpan(other * choices, choices)))
                    {
                        same = place[other];
                    }
                }

                if (same < 0)
                {
                    same = firsts.Count;
                    firsts.Add(row);
                }

                place[row] = same;
            }

            return new([.. firsts], place);
        }
    }
}
