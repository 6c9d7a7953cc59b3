using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The compositions among which an E-step chooses: S for each of B datapoints. Candidate 0 is a*.</summary>
internal abstract class Candidates(int count)
{
    /// <summary>S, the number of candidates per datapoint.</summary>
    internal int Count { get; } = count;

    /// <summary>
    /// A selector that gives each of the chunk's n·c rows its candidate. Chunks may be asked for in any order, and each more than once.
    /// </summary>
    internal abstract Selector Of(Chunk chunk);
}

/// <summary>The only candidate is a* [B, C].</summary>
internal sealed class HeldAlone(Tensor held) : Candidates(1)
{
    internal override Selector Of(Chunk chunk) => new GivenSelector(chunk.Of(held)) { FullBatch = chunk.FullBatch };
}

/// <summary>The candidates are a* [B, C] and the same compositions [A, C] for every datapoint.</summary>
internal sealed class EveryComposition(Tensor held, Tensor all) : Candidates(checked((int)all.shape[0] + 1))
{
    internal override Selector Of(Chunk chunk)
    {
        bool first = chunk.Candidate == 0;
        Tensor others = all.narrow(0, first ? 0 : chunk.Candidate - 1, first ? chunk.Candidates - 1 : chunk.Candidates);
        Tensor tiled = others.repeat_interleave(chunk.Datapoints, dim: 0);
        return new GivenSelector(first ? Operators.Join([chunk.Of(held), tiled], 0) : tiled) { FullBatch = chunk.FullBatch };
    }
}

/// <summary>The candidates are given, [S, B, C].</summary>
internal sealed class SharedCandidates(Tensor all) : Candidates((int)all.shape[0])
{
    internal override Selector Of(Chunk chunk) =>
        new GivenSelector(all.narrow(0, chunk.Candidate, chunk.Candidates).narrow(1, chunk.Datapoint, chunk.Datapoints).flatten(0, 1))
        {
            FullBatch = chunk.FullBatch,
        };
}

/// <summary>The candidates are a* [B, C] and S − 1 fresh ancestral samples ã_s ~ p(a|x, φ) for every datapoint (Eq. 11).</summary>
/// <remarks>
/// The uniform numbers by which all candidates of all datapoints are drawn are taken from the generator when the first chunk comes to a
/// site, and are kept for the other chunks (S·B·C numbers in all, and of a factored distribution one for each digit). So the generator ends in the same state, and every row is drawn by the
/// same numbers, however the rows are cut into chunks.
/// </remarks>
internal sealed class DrawnCandidates(Tensor held, int count, Generator generator) : Candidates(count), IDisposable
{
    // By the offset of the first choice that they are for: [S, B, K, D] of one site, [T, S, B, K] of a window's T sites.
    private readonly Dictionary<int, Tensor> _uniforms = [];

    private readonly Tensor _held = held;
    private readonly Generator _generator = generator;

    private long Datapoints => _held.shape[0];

    internal override Selector Of(Chunk chunk) => new Drawing(this, chunk) { FullBatch = chunk.FullBatch };

    public void Dispose()
    {
        foreach (Tensor drawn in _uniforms.Values)
        {
            drawn.Dispose();
        }
    }

    private Tensor Uniforms(int choice, Func<Tensor> draw)
    {
        if (!_uniforms.TryGetValue(choice, out Tensor? drawn))
        {
            drawn = draw().DetachFromDisposeScope();
            _uniforms.Add(choice, drawn);
        }

        return drawn;
    }

    private sealed class Drawing(DrawnCandidates all, Chunk chunk) : Selector
    {
        private readonly Tensor? _held = chunk.Candidate == 0 ? chunk.Of(all._held) : null;

        public override Selection Select(Site site, ChoiceDistribution distribution)
        {
            Tensor uniforms = all.Uniforms(
                site.Offset,
                () => distribution.Uniforms(all.Count * all.Datapoints, all._generator).view(all.Count, all.Datapoints, site.Choose, -1));
            Tensor drawn = distribution.SampleBy(Own(uniforms, 0).reshape(chunk.Rows, site.Choose, -1));
            if (_held is not null)
            {
                drawn.narrow(0, 0, chunk.Datapoints).copy_(_held.narrow(1, site.Offset, site.Choose));
            }

            return new(drawn);
        }

        public override WindowChoice? Ahead(Site first, int steps, long rows, Device device)
        {
            Tensor uniforms = all.Uniforms(
                first.Offset,
                () => WindowChoice.Drawn(first, steps, all.Count * all.Datapoints, all._generator)
                    .Uniforms!.view(steps, all.Count, all.Datapoints, first.Choose));
            return new(
                _held is null ? null : WindowChoice.Columns(_held, first, steps),
                Own(uniforms, 1).reshape(steps, chunk.Rows, first.Choose).contiguous());
        }

        // The chunk's part of all uniforms, whose dimensions d and d + 1 are S and B: [S, B, …] → [c, n, …].
        private Tensor Own(Tensor uniforms, int d) =>
            uniforms.narrow(d, chunk.Candidate, chunk.Candidates).narrow(d + 1, chunk.Datapoint, chunk.Datapoints);
    }
}
