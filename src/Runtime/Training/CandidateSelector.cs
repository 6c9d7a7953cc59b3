using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// For an E-step's rows, candidate-major: the first B rows take the given a* [B, C], all rows after them are drawn from the
/// controller.
/// </summary>
internal sealed class CandidateSelector(Tensor held, Generator generator) : Selector
{
    public override Selection Select(Site site, ChoiceDistribution distribution)
    {
        Tensor drawn = distribution.Sample(generator);
        long rows = held.shape[0];
        drawn.narrow(0, 0, rows).copy_(held.narrow(1, site.Offset, site.Choose));
        return new(drawn);
    }

    public override WindowChoice? Ahead(Site first, int steps, long rows, Device device) =>
        WindowChoice.Drawn(first, steps, rows, generator) with { Given = WindowChoice.Columns(held, first, steps) };
}
