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
/// <remarks>
/// Candidates are scored all at once, or, where that would be too many rows, in parts: some datapoints with all their candidates, or
/// where even one's are too many, some of its candidates. The result is the same: draws are (<see cref="DrawnCandidates"/>), and so is
/// what is run (<see cref="Share"/>). It is the same to the last bit where rows do not depend on those beside them, as is so of our kernels
/// and of all that goes row by row; a row of libtorch's matrix product may be rounded otherwise beside fewer others, and with it a score.
/// </remarks>
internal sealed class EStep
{
    private readonly Graph _graph;
    private readonly Batch _batch;
    private readonly Candidates _candidates;
    private readonly RecurrentState? _carried;
    private readonly int _rows;
    private readonly double[] _held;
    private readonly double[] _best;
    private readonly long[]?[] _compositions;

    private EStep(Graph graph, Batch batch, Candidates candidates, RecurrentState? carried)
    {
        (_graph, _batch, _candidates, _carried) = (graph, batch, candidates, carried);
        _rows = (int)batch.Inputs.shape[0];
        (_held, _best, _compositions) = (new double[_rows], new double[_rows], new long[]?[_rows]);
    }

    /// <summary>
    /// Rows of x are tiled at the first site, not before; equal candidates are scored once.
    /// </summary>
    /// <param name="graph">Run without gradient, in evaluation mode (dropout off).</param>
    /// <param name="batch">B datapoints on the graph's device.</param>
    /// <param name="candidates">The compositions that each datapoint is given.</param>
    /// <param name="keep">Called with (row of the batch, composition [C]) for every replacement.</param>
    /// <param name="carried">Where recurrent layers start; they leave there where the composition that is kept takes them. Null: at zero.</param>
    /// <param name="rowsAtOnce">At most so many rows (candidates of datapoints) are run at a time; at least one is.</param>
    internal static EStepResult Run(
        Graph graph,
        Batch batch,
        Candidates candidates,
        Action<int, long[]> keep,
        RecurrentState? carried = null,
        long rowsAtOnce = long.MaxValue)
    {
        using var scope = NewDisposeScope();
        var step = new EStep(graph, batch, candidates, carried);
        graph.InEvaluation(() => step.Score(rowsAtOnce));
        return step.Replace(keep);
    }

    /// <summary>[B, …] → [times·B, …]: all rows, and again.</summary>
    internal static Tensor Tile(Tensor x, int times)
    {
        var repeats = new long[x.dim()];
        Array.Fill(repeats, 1);
        repeats[0] = times;
        return times == 1 ? x : x.repeat(repeats);
    }

    private bool Score(long rowsAtOnce)
    {
        int datapoints = (int)Math.Clamp(rowsAtOnce / _candidates.Count, 1, Math.Max(_rows, 1));
        int candidates = (int)Math.Clamp(rowsAtOnce, 1, _candidates.Count);
        var kept = new List<RecurrentState>();
        for (int first = 0; first < _rows; first += datapoints)
        {
            RecurrentState? left = ScoreDatapoints(first, Math.Min(datapoints, _rows - first), candidates);
            if (left is not null)
            {
                kept.Add(left);
            }
        }

        _carried?.Take(kept);
        return kept.Count > 0;
    }

    // All candidates of n datapoints; where their recurrent layers end under the best of each.
    private RecurrentState? ScoreDatapoints(int first, int count, int candidatesAtOnce)
    {
        using var scope = NewDisposeScope();
        Batch batch = _batch.Map(t => t.narrow(0, first, count));
        using RecurrentState? start = _carried?.Rows(arange(first, first + count).to(batch.Inputs.device));
        Tensor before = _graph.BeforeSites(batch.Inputs, batch.Side, start, new Share(count, _rows));
        RecurrentState? kept = start?.Copy();
        for (int candidate = 0; candidate < _candidates.Count; candidate += candidatesAtOnce)
        {
            var range = new CandidateRange(first, count, candidate, Math.Min(candidatesAtOnce, _candidates.Count - candidate));
            ScoreRange(range, batch, before, start, kept);
        }

        return kept;
    }

    private void ScoreRange(CandidateRange range, Batch batch, Tensor before, RecurrentState? start, RecurrentState? kept)
    {
        using var scope = NewDisposeScope();
        (int rows, Device device) = (range.Datapoints, before.device);
        using RecurrentState? tiled = start?.Rows(arange(rows).repeat(range.Count).to(device));
        GraphOutput across = _graph.AcrossSites(
            before,
            _candidates.Of(range),
            batch.Side?.Map(t => Tile(t, range.Count)),
            tiled,
            range.Count,
            new Share(rows, _rows, range.Count, _candidates.Count));
        var distinct = new DistinctRows(
            _graph.HasSites ? TensorArrays.Vector<long>(across.Tape.Composition()) : [], rows, range.Count);

        Tensor picked = tensor(distinct.Rows, device: device);
        Tensor datapoint = tensor(Array.ConvertAll(distinct.Rows, r => r % rows), device: device);
        using RecurrentState? after = start?.Rows(datapoint);
        Tensor features = _graph.AfterSites(
            across.Features.index_select(0, picked),
            batch.Side?.Map(t => t.index_select(0, datapoint)),
            after,
            new Share(distinct.Rows.Length, (long)_rows * _candidates.Count));
        Tensor joint = _graph.Head.LogLikelihood(features, batch.Targets.index_select(0, datapoint));
        if (_graph.HasSites)
        {
            joint += across.Tape.LogProbability().index_select(0, picked);
        }

        long[] best = Compare(range, distinct, TensorArrays.Vector<double>(joint));
        // Only where a single datapoint's candidates are cut can there be others before these, and these no better.
        if (kept is not null && (range.Candidate == 0 || best[0] >= 0))
        {
            kept.Take(tiled!, tensor(best, device: device));
            kept.Take(after!, tensor(Array.ConvertAll(best, r => (long)distinct.Place[r]), device: device));
        }
    }

    // The row of every datapoint's best candidate here; −1 where one before was as good.
    private long[] Compare(CandidateRange range, DistinctRows distinct, double[] scores)
    {
        var rows = new long[range.Datapoints];
        for (int b = 0; b < range.Datapoints; b++)
        {
            int n = range.Datapoint + b;
            rows[b] = -1;
            for (int s = 0; s < range.Count; s++)
            {
                int row = s * range.Datapoints + b;
                double score = scores[distinct.Place[row]];
                if (range.Candidate + s == 0)
                {
                    (_held[n], _best[n], rows[b]) = (score, score, row);
                }
                else if (score > _best[n])
                {
                    (_best[n], rows[b]) = (score, row);
                    _compositions[n] = distinct.Composition(row).ToArray();
                }
            }
        }

        return rows;
    }

    private EStepResult Replace(Action<int, long[]> keep)
    {
        long replaced = 0;
        double before = 0, after = 0;
        for (int b = 0; b < _rows; b++)
        {
            before += _held[b];
            after += _best[b];
            if (_compositions[b] is long[] composition)
            {
                replaced++;
                keep(b, composition);
            }
        }

        return new(_rows, replaced, before, after);
    }
}
