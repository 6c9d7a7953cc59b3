using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Accumulates over batches how close predictions, the mode of p(y|x, a), come to the targets: the share of hits for classes and bits, and
/// the mean squared error for numbers, by the datapoints' weights where they have any. Sequences of classes are left out, because perplexity
/// measures them.
/// </summary>
public sealed class PredictionScore
{
    private readonly Head _head;
    private readonly LateNumbers _late;
    private double _total;
    private double _outputs;

    /// <summary>Scores predictions of this head.</summary>
    public PredictionScore(Head head)
        : this(head, new())
    {
    }

    internal PredictionScore(Head head, LateNumbers late) => (_head, _late) = (head, late);

    /// <summary>The share of datapoints whose most probable class is right, or of bits that are right; null where neither applies.</summary>
    public double? Accuracy => _head is GaussianHead || Outputs == 0 ? null : _total / _outputs;

    /// <summary>The mean of (y − μ)² over datapoints and dimensions; null unless the head is Gaussian.</summary>
    public double? SquaredError => _head is GaussianHead && Outputs > 0 ? _total / _outputs : null;

    /// <summary>Adds a batch: what the head reads, [B, …], and targets [B, …] on the same device, with weights [B] if they have any.</summary>
    public void Add(Tensor features, Tensor targets, Tensor? weights = null)
    {
        bool sequence = _head is SoftmaxHead && targets.dim() > 1;
        if (sequence)
        {
            return;
        }

        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor predicted = _head.Predict(features);
        Tensor each = _head is GaussianHead ? (targets - predicted).pow(2) : predicted.eq(targets);
        long datapoints = targets.shape[0], perDatapoint = targets.numel() / Math.Max(1, datapoints);
        bool weighted = weights is not null;
        Tensor sum = Weighting.Sum(each, weights);
        _late.Add(weighted ? [sum, weights!.sum()] : [sum], seen =>
        {
            _total += seen[0][0];
            _outputs += (weighted ? seen[1][0] : datapoints) * perDatapoint;
        });
    }

    /// <summary>Writes what was accumulated, for <see cref="Add(BinaryReader)"/>.</summary>
    internal void Write(BinaryWriter writer)
    {
        double outputs = Outputs;
        writer.Write(_total);
        writer.Write(outputs);
    }

    /// <summary>Adds what others have accumulated and written.</summary>
    internal void Add(BinaryReader reader)
    {
        _total += reader.ReadDouble();
        _outputs += reader.ReadDouble();
    }

    // How many numbers were compared, all that were added being read.
    private double Outputs
    {
        get
        {
            _late.Read(Wait.Report);
            return _outputs;
        }
    }
}
