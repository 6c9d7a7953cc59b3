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
        Tensor drawn = distribution.Sample(generator).to(held.device);
        long rows = held.shape[0];
        drawn.narrow(0, 0, rows).copy_(held.narrow(1, site.Offset, site.Choose));
        return new(drawn);
    }
}
