using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// x itself, any shape; in training the mean over datapoints of weight · Σ|x| is left on the tape, for the loss: an L1 penalty
/// on activations.
/// </summary>
public sealed class ActivityPenaltyNode : Node
{
    private readonly double _weight;

    /// <summary>weight &gt; 0, per unit of |x|.</summary>
    public ActivityPenaltyNode(string name, double weight)
        : base(name)
    {
        if (!(weight > 0) || double.IsInfinity(weight))
        {
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "a positive, finite weight");
        }

        _weight = weight;
    }

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        if (training)
        {
            route.Tape.Penalise(x.abs().sum() * (_weight / Math.Max(1, x.shape[0])));
        }

        return x;
    }
}
