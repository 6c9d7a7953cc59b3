using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A penalty on co-activity at a distance, the soft locality that the authors' blog post asks for: it "moves correlated activations together". Passes x
/// on, and in training adds weight · 1/(n(n − 1)) · Σ_{i≠j} A_ij d_ij² to the loss, the mean over ordered pairs of its n units.
/// <para>
/// A_ij = |r_ij| in [0, 1] is Pearson's correlation of two units over the rows of the minibatch, without its sign; 0 where a unit does not vary. Units and
/// rows are those of <see cref="UnitOutputs"/>: the values of a vector [B, n]; the channels of an image [B, n, H, W], by their mean over places; the
/// values at every step of a sequence [B, T, n], a row for each step. Where datapoints have weights, means are by them.
/// </para>
/// <para>
/// d_ij in [0, 1] is the distance of two units on a ring on which the units stand in their order, over the largest distance there is: min(|i − j|, n − |i − j|) / ⌊n/2⌋.
/// </para>
/// </summary>
public sealed class LocalityNode : PenaltyNode
{
    private readonly double _weight;

    /// <summary>A penalty of this weight; 0 adds nothing. ArgumentOutOfRangeException unless it is at least 0 and finite.</summary>
    public LocalityNode(string name, double weight)
        : base(name)
    {
        if (!(weight >= 0) || double.IsInfinity(weight))
        {
            throw new ArgumentOutOfRangeException(nameof(weight), weight, "a finite weight of at least 0");
        }

        _weight = weight;
    }

    /// <inheritdoc/>
    protected override Tensor? Penalty(Tensor x, Tensor? weights)
    {
        long units = UnitOutputs.Count(x);
        if (_weight == 0 || units < 2)
        {
            return null;
        }

        Tensor rows = UnitOutputs.Rows(x);
        long steps = rows.shape[0] / x.shape[0];
        Tensor? shares = weights is null ? null : Weighting.Shares(weights, rows.dtype).repeat_interleave(steps) / steps;
        Tensor alike = UnitOutputs.Alike(rows, shares);
        return (alike * Distances(units, x).square()).sum() * (_weight / (units * (units - 1)));
    }

    // d, [units, units].
    private static Tensor Distances(long units, Tensor like)
    {
        Tensor places = arange(units, dtype: like.dtype, device: like.device);
        Tensor apart = (places.unsqueeze(0) - places.unsqueeze(1)).Magnitude();
        return minimum(apart, units - apart) / (double)(units / 2);
    }
}
