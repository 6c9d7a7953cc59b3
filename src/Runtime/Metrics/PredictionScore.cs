using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Accumulates over batches how close predictions, the mode of p(y|x, a), come to the targets: the share of hits for classes and bits, and
/// the mean squared error for numbers, by the datapoints' weights where they have any. Sequences of classes are left out, because perplexity
/// measures them.
/// </summary>
public sealed class PredictionScore(Head head)
{
    private double _total;
    private double _outputs;

    /// <summary>The share of datapoints whose most probable class is right, or of bits that are right; null where neither applies.</summary>
    public double? Accuracy => head is GaussianHead || _outputs == 0 ? null : _total / _outputs;

    /// <summary>The mean of (y − μ)² over datapoints and dimensions; null unless the head is Gaussian.</summary>
    public double? SquaredError => head is GaussianHead && _outputs > 0 ? _total / _outputs : null;

    /// <summary>Adds a batch: what the head reads, [B, …], and targets [B, …] on the same device, with weights [B] if they have any.</summary>
    public void Add(Tensor features, Tensor targets, Tensor? weights = null)
    {
        bool sequence = head is SoftmaxHead && targets.dim() > 1;
        if (sequence)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor predicted = head.Predict(features);
        Tensor each = head is GaussianHead ? (targets - predicted).pow(2) : predicted.eq(targets);
        _total += Weighting.Sum(each, weights);
        _outputs += Weighting.Count(targets.shape[0], weights) * (targets.numel() / Math.Max(1, targets.shape[0]));
    }

    /// <summary>Writes what was accumulated, for <see cref="Add(BinaryReader)"/>.</summary>
    internal void Write(BinaryWriter writer)
    {
        writer.Write(_total);
        writer.Write(_outputs);
    }

    /// <summary>Adds what others have accumulated and written.</summary>
    internal void Add(BinaryReader reader)
    {
        _total += reader.ReadDouble();
        _outputs += reader.ReadDouble();
    }
}
