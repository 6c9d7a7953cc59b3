using TorchSharp.Utils;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>A linear map to logits and a softmax over classes, or over the words of a vocabulary.</summary>
public sealed class SoftmaxHead : Head
{
    // Without gradient, logits are made for a few rows at a time: with 10,000 words, all at once would need gigabytes.
    private const long LogitsAtOnce = 4_000_000;

    [ComponentName(Name = "weight")]
    private Parameter _weight;
    [ComponentName(Name = "bias")]
    private Parameter _bias;

    /// <summary>Parameters weight [classes, inputs] and bias [classes].</summary>
    public SoftmaxHead(int inputs, int classes, Initialiser initialiser)
        : base("softmax")
    {
        Classes = classes;
        _weight = initialiser.Uniform(inputs, classes, inputs);
        _bias = initialiser.Uniform(inputs, classes);
        register_parameter("weight", _weight);
        register_parameter("bias", _bias);
    }

    /// <summary>The number of classes.</summary>
    public int Classes { get; }

    /// <summary>log p(y|features) of features [B, …, in] and targets [B, …] int64 in [0, classes) → [B], in nats, summed over the steps of a sequence.</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets)
    {
        Tensor rows = features.reshape(-1, features.shape[^1]);
        Tensor classes = targets.reshape(-1);
        Tensor perRow = (FusedCrossEntropy.Takes(rows), is_grad_enabled()) switch
        {
            (true, true) => FusedCrossEntropy.PerRow(rows, _weight, _bias, classes),
            (true, false) => FusedCrossEntropy.Score(rows, _weight, _bias, classes),
            (false, true) => Score(rows, classes),
            (false, false) => ScoreInParts(rows, classes),
        };
        return perRow.view(features.shape[0], -1).sum(1);
    }

    /// <inheritdoc/>
    public override (Tensor Mean, Tensor Each) MeanAndEach(Tensor features, Tensor targets, Tensor? weights = null)
    {
        Tensor rows = features.reshape(-1, features.shape[^1]);
        // The kernel of the mean makes its gradients for a plain mean; the one for each row takes a gradient for each.
        if (weights is not null || !is_grad_enabled() || !FusedCrossEntropy.Takes(rows))
        {
            return base.MeanAndEach(features, targets, weights);
        }

        Tensor perRow = empty(rows.shape[0], dtype: ScalarType.Float32);
        Tensor mean = FusedCrossEntropy.Mean(rows, _weight, _bias, targets.reshape(-1), features.shape[0], perRow);
        return (mean, perRow.view(features.shape[0], -1).sum(1));
    }

    /// <summary>
    /// The mean of the logits minus that of the target, summed over the steps of a sequence → [B]; a softmax takes the same from all logits. The
    /// logits are not made: their mean is the features' product with the mean weight.
    /// </summary>
    public override Tensor TowardsUniform(Tensor features, Tensor targets)
    {
        Tensor rows = features.reshape(-1, features.shape[^1]);
        Tensor classes = targets.reshape(-1);
        Tensor weights = _weight.mean([0]) - _weight.IndexSelect(0, classes);
        Tensor biases = _bias.mean() - _bias.IndexSelect(0, classes);
        return ((rows * weights).sum(1) + biases).view(features.shape[0], -1).sum(1);
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) =>
        Products.Linear(features, _weight, _bias).argmax(-1);

    /// <inheritdoc/>
    public override Tensor? LogProbabilities(Tensor features) =>
        nn.functional.log_softmax(Products.Linear(features, _weight, _bias), -1);

    internal override RowValue ToRows(RowPlan plan, RowValue features) => plan.Linear(features, _weight, _bias, Activation.Softmax);

    internal override void ToOnnx(OnnxGraph onnx, OnnxValue features) => OutputClasses(onnx, onnx.Linear(features, _weight, _bias));

    private Tensor ScoreInParts(Tensor rows, Tensor classes)
    {
        long count = rows.shape[0];
        long step = Math.Max(1, LogitsAtOnce / Classes);
        var parts = new List<Tensor>();
        for (long start = 0; start < count; start += step)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(step, count - start);
            Tensor part = Score(rows.narrow(0, start, length), classes.narrow(0, start, length));
            parts.Add(part.MoveToOuterDisposeScope());
        }

        return parts.Count == 1 ? parts[0] : Operators.Join([.. parts], 0);
    }

    private Tensor Score(Tensor rows, Tensor classes)
    {
        Tensor logits = Products.Linear(rows, _weight, _bias);
        return -Operators.CrossEntropy(logits, classes);
    }
}
