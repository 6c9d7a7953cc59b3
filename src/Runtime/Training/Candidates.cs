using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Some candidates of some datapoints of an E-step's minibatch.</summary>
/// <param name="Datapoint">The first datapoint's row in the minibatch.</param>
/// <param name="Datapoints">n.</param>
/// <param name="Candidate">The first candidate; 0 is a*.</param>
/// <param name="Count">c.</param>
internal readonly record struct CandidateRange(int Datapoint, int Datapoints, int Candidate, int Count)
{
    /// <summary>n·c.</summary>
    internal int Rows => Datapoints * Count;

    /// <summary>Of something of all datapoints, [B, …]: that of these, [n, …].</summary>
    internal Tensor Of(Tensor all) => all.narrow(0, Datapoint, Datapoints);
}

/// <summary>The compositions that an E-step chooses among: S for each of B datapoints, the first of them a*.</summary>
internal abstract class Candidates(int count)
{
    /// <summary>S.</summary>
    internal int Count { get; } = count;

    /// <summary>Chooses for the n·c rows of a range, candidate-major. Ranges may be asked for in any order, and each more than once.</summary>
    internal abstract Selector Of(CandidateRange range);
}

/// <summary>a* alone: [B, C].</summary>
internal sealed class HeldAlone(Tensor held) : Candidates(1)
{
    internal override Selector Of(CandidateRange range) => new GivenSelector(range.Of(held));
}

/// <summary>a* [B, C], and the same compositions [A, C] for every datapoint.</summary>
internal sealed class EveryComposition(Tensor held, Tensor all) : Candidates(checked((int)all.shape[0] + 1))
{
    internal override Selector Of(CandidateRange range)
    {
        bool first = range.Candidate == 0;
        Tensor others = all.narrow(0, first ? 0 : range.Candidate - 1, first ? range.Count - 1 : range.Count);
        Tensor tiled = others.repeat_interleave(range.Datapoints, dim: 0);
        return new GivenSelector(first ? cat([range.Of(held), tiled], 0) : tiled);
    }
}
