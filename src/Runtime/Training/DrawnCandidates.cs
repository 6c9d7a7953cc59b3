using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// a* [B, C], and for every datapoint fresh draws from the controllers. What they are drawn by is drawn for all candidates of all
/// datapoints when a site is first come to, and kept for the ranges that follow (S·B·C numbers in all): so the generator goes the same
/// way, and every row is drawn by the same numbers, however rows are cut.
/// </summary>
internal sealed class DrawnCandidates(Tensor held, int count, Generator generator) : Candidates(count), IDisposable
{
    // By the first of the choices that they are for: [S, B, K] of a site, [T, S, B, K] of T that are said ahead.
    private readonly Dictionary<int, Tensor> _uniforms = [];

    private long Datapoints => held.shape[0];

    internal override Selector Of(CandidateRange range) => new Drawing(this, range);

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

    private sealed class Drawing(DrawnCandidates all, CandidateRange range) : Selector
    {
        private readonly Tensor? _held = range.Candidate == 0 ? range.Of(all.Held) : null;

        public override Selection Select(Site site, ChoiceDistribution distribution)
        {
            Tensor uniforms = all.Uniforms(
                site.Offset,
                () => distribution.Uniforms(all.Count * all.Datapoints, all.Generator).view(all.Count, all.Datapoints, site.Choose));
            Tensor own = Own(uniforms, 0).reshape(range.Rows, site.Choose, 1);
            Tensor drawn = distribution.SampleBy(own);
            if (_held is not null)
            {
                drawn.narrow(0, 0, range.Datapoints).copy_(_held.narrow(1, site.Offset, site.Choose));
            }

            return new(drawn);
        }

        public override WindowChoice? Ahead(Site first, int steps, long rows, Device device)
        {
            Tensor uniforms = all.Uniforms(
                first.Offset,
                () => WindowChoice.Drawn(first, steps, all.Count * all.Datapoints, all.Generator)
                    .Uniforms!.view(steps, all.Count, all.Datapoints, first.Choose));
            return new(
                _held is null ? null : WindowChoice.Columns(_held, first, steps),
                Own(uniforms, 1).reshape(steps, range.Rows, first.Choose).contiguous());
        }

        // [S, B, K] of all, from dimension d on, → [c, n, K].
        private Tensor Own(Tensor uniforms, int d) =>
            uniforms.narrow(d, range.Candidate, range.Count).narrow(d + 1, range.Datapoint, range.Datapoints);
    }

    private Tensor Held => held;

    private Generator Generator => generator;
}
