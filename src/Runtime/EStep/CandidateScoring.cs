using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Scores the candidates of some datapoints by log p(y|x, a) + log p(a|x). The nodes before the first site are run once for all candidates
/// of a datapoint, the nodes after the last site once for equal candidates, and the nodes between once for candidates that made the same choices so far
/// (<see cref="Graph.CandidatesAcrossSites"/>).
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
        AcrossSites output = _graph.CandidatesAcrossSites(
            _before, candidates.Of(chunk), _batch.Side?.Map(t => t.Tile(chunk.Candidates)), across, chunk.Candidates);
        DistinctRows rows = output.Rows;
        Tensor datapoint = rows.PlacesIn(new(datapoints, chunk.Candidates), device);
        RecurrentState? after = _start?.Rows(datapoint);
        Tensor features = _graph.AfterSites(
            output.Features, _batch.Side?.Map(t => t.IndexSelect(0, datapoint)), after, chunk.FullBatchOfDistinct(rows.Count));
        Tensor score = _graph.Head.LogLikelihood(features, _batch.Targets.IndexSelect(0, datapoint));
        if (_graph.HasSites)
        {
            score += rows.Pick(output.Tape.LogProbability());
        }

        if (output.Composition is long[] known)
        {
            return new(chunk, rows, known, TensorArrays.Vector<double>(score), across, after);
        }

        (long[] composition, double[] scores) = Read(output.Tape.Composition(), score, new DistinctRows(datapoints, chunk.Candidates));
        return new(chunk, rows, composition, scores, across, after);
    }

    // Compositions and scores by one read. A composition that several candidates of a datapoint have counts by the score of the first, as if it had been scored once.
    private static (long[] Composition, double[] Scores) Read(Tensor compositions, Tensor scores, DistinctRows candidates)
    {
        double[][] read = FromDevice.Vectors([compositions, scores], Wait.EStepOutcome);
        long[] composition = Array.ConvertAll(read[0], module => (long)module);
        DistinctRows same = candidates.After(composition);
        return (composition, [.. Enumerable.Range(0, read[1].Length).Select(row => read[1][same.First(row)])]);
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
        Ended.Take(scores.AfterSites!, tensor(Array.ConvertAll(kept, r => (long)scores.Rows.Place(r)), device: _before.device));
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
/// <param name="Compositions">The compositions of the n·c rows, row by row.</param>
/// <param name="Scores">log p(y|x, a) + log p(a|x) of every distinct row, in nats.</param>
/// <param name="AcrossSites">Where layers between the first site and the last ended, for n·c rows.</param>
/// <param name="AfterSites">Where layers after the last site ended, for the distinct rows.</param>
internal sealed record CandidateScores(
    Chunk Chunk, DistinctRows Rows, long[] Compositions, double[] Scores, RecurrentState? AcrossSites, RecurrentState? AfterSites) : IDisposable
{
    /// <summary>The score of one of the n·c rows.</summary>
    internal double Of(int row) => Scores[Rows.Place(row)];

    /// <summary>The composition [C] of one of the n·c rows.</summary>
    internal ReadOnlySpan<long> Composition(int row)
    {
        int choices = Compositions.Length / Rows.All;
        return Compositions.AsSpan(row * choices, choices);
    }

    public void Dispose()
    {
        AcrossSites?.Dispose();
        AfterSites?.Dispose();
    }
}
