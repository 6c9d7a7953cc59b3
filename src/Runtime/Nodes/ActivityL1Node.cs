using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An L1 penalty on activations: passes x of any shape on, and in training adds the mean over datapoints of weight · Σ|x| to the loss. Where datapoints
/// have weights of their own, the mean is by them.
/// </summary>
public sealed class ActivityL1Node : PenaltyNode
{
    private readonly double _weight;

    /// <summary>A penalty of <paramref name="weight"/> per unit of |x|. ArgumentOutOfRangeException unless it is positive and finite.</summary>
    public ActivityL1Node(string name, double weight)
        : base(name)
    {
        if (!(weight > 0) || double.IsInfinity(weight))
        {
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "a positive, finite weight");
        }

        _weight = weight;
    }

    /// <inheritdoc/>
    protected override Tensor Penalty(Tensor x, Tensor? weights) => weights is null
        ? x.Magnitude().sum() * (_weight / Math.Max(1, x.shape[0]))
        : Weighting.Mean(x.Magnitude().reshape(x.shape[0], -1).sum(1), weights) * _weight;
}
