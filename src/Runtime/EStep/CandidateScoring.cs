using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Scores the candidates of some datapoints by log p(y|x, a) + log p(a|x). The nodes before the first site are run once for all candidates
/// of a datapoint, and the nodes after the last site once for equal candidates.
/// </summary>
internal sealed class CandidateScoring : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Graph _graph;
    private readonly Batch _batch;
    private readonly RecurrentState? _start;
    private readonly Tensor _before;

    /// <summary>Takes the n datapoints of <paramref name="datapoints"/> out of a minibatch and runs the nodes before the first site.</summary>
    internal CandidateScoring(Graph graph, Batch minibatch, Chunk datapoints, RecurrentState? carried)
    {
        _graph = graph;
        _batch = minibatch.Map(datapoints.Of);
        _start = carried?.Rows(
            arange(datapoints.Datapoint, datapoints.Datapoint + datapoints.Datapoints).to(_batch.Inputs.device));
        _before = graph.BeforeSites(_batch.Inputs, _batch.Side, _start, datapoints.FullBatchOfDatapoints);
        Ended = _start?.Copy();
    }

    /// <summary>The states [n, hidden] to which the candidates kept so far lead; null where no state is carried.</summary>
    internal RecurrentState? Ended { get; }

    /// <summary>The scores of the chunk's candidates.</summary>
    internal CandidateScores Score(Candidates candidates, Chunk chunk)
    {
        using var scope = NewDisposeScope();
        (int datapoints, Device device) = (chunk.Datapoints, _before.device);
        RecurrentState? across = _start?.Rows(arange(datapoints).repeat(chunk.Candidates).to(device));
        GraphOutput output = _graph.AcrossSites(
            _before, candidates.Of(chunk), _batch.Side?.Map(t => t.Tile(chunk.Candidates)), across, chunk.Candidates);
        var rows = new DistinctRows(
            _graph.HasSites ? TensorArrays.Vector<long>(output.Tape.Composition()) : [], datapoints, chunk.Candidates);

        Tensor picked = tensor(rows.Rows, device: device);
        Tensor datapoint = tensor(Array.ConvertAll(rows.Rows, r => r % datapoints), device: device);
        RecurrentState? after = _start?.Rows(datapoint);
        Tensor features = _graph.AfterSites(
            output.Features.index_select(0, picked),
            _batch.Side?.Map(t => t.index_select(0, datapoint)),
            after,
            chunk.FullBatchOfDistinct(rows.Rows.Length));
        Tensor score = _graph.Head.LogLikelihood(features, _batch.Targets.index_select(0, datapoint));
        if (_graph.HasSites)
        {
            score += output.Tape.LogProbability().index_select(0, picked);
        }

        return new(chunk, rows, TensorArrays.Vector<double>(score), across, after);
    }

    /// <summary>Takes over the states to which the kept candidates, in <paramref name="kept"/> [n] rows of the chunk, lead.</summary>
    internal void Follow(CandidateScores scores, long[] kept)
    {
        // A chunk that does not begin with a* has a single datapoint, whose best candidate may lie in an earlier chunk.
        if (Ended is null || kept.Length == 0 || kept[0] < 0)
        {
            return;
        }

        using var scope = NewDisposeScope();
        Ended.Take(scores.AcrossSites!, tensor(kept, device: _before.device));
        Ended.Take(scores.AfterSites!, tensor(Array.ConvertAll(kept, r => (long)scores.Rows.Place[r]), device: _before.device));
    }

    /// <summary>Releases all but <see cref="Ended"/>, which belongs to the caller.</summary>
    public void Dispose()
    {
        _start?.Dispose();
        _scope.Dispose();
    }
}

/// <summary>The scores of a chunk's candidates, and the states to which recurrent layers came under each.</summary>
/// <param name="Chunk">The chunk.</param>
/// <param name="Rows">The chunk's n·c rows, of which equal ones were scored once.</param>
/// <param name="Scores">log p(y|x, a) + log p(a|x) of every distinct row, in nats.</param>
/// <param name="AcrossSites">Where layers between the first site and the last ended, for n·c rows.</param>
/// <param name="AfterSites">Where layers after the last site ended, for the distinct rows.</param>
internal sealed record CandidateScores(
    Chunk Chunk, DistinctRows Rows, double[] Scores, RecurrentState? AcrossSites, RecurrentState? AfterSites) : IDisposable
{
    /// <summary>The score of one of the n·c rows.</summary>
    internal double Of(int row) => Scores[Rows.Place[row]];

    public void Dispose()
    {
        AcrossSites?.Dispose();
        AfterSites?.Dispose();
    }
}

/// <summary>Finds equal candidates among the compositions [c·n, C] of n datapoints, in candidate-major order.</summary>
internal sealed class DistinctRows
{
    private readonly long[] _compositions;
    private readonly int _choices;

    internal DistinctRows(long[] compositions, int datapoints, int candidates)
    {
        _compositions = compositions;
        Place = new int[datapoints * candidates];
        _choices = Place.Length == 0 ? 0 : compositions.Length / Place.Length;
        var firsts = new List<long>();
        for (int row = 0; row < Place.Length; row++)
        {
            int same = -1;
            for (int other = row % datapoints; other < row && same < 0; other += datapoints)
            {
                if (Composition(row).SequenceEqual(Composition(other)))
                {
                    same = Place[other];
                }
            }

            if (same < 0)
            {
                same = firsts.Count;
                firsts.Add(row);
            }

            Place[row] = same;
        }

        Rows = [.. firsts];
    }

    /// <summary>The first row of every distinct pair of datapoint and composition.</summary>
    internal long[] Rows { get; }

    /// <summary>The place of each of the c·n rows in <see cref="Rows"/>.</summary>
    internal int[] Place { get; }

    /// <summary>The composition [C] of one of the c·n rows.</summary>
    internal ReadOnlySpan<long> Composition(int row) => _compositions.AsSpan(row * _choices, _choices);
}
