using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The last part of a graph, which gives p(y|features).</summary>
public abstract class Head(string kind) : GraphPart(kind)
{
    /// <summary>log p(y|features) in nats, summed over all outputs of a datapoint: features [B, …], targets [B, …] → [B].</summary>
    public abstract Tensor LogLikelihood(Tensor features, Tensor targets);

    /// <summary>The mean of <see cref="LogLikelihood"/> over the batch → scalar, by weights [B] where there are any (<see cref="Batch.Weights"/>).</summary>
    public Tensor MeanLogLikelihood(Tensor features, Tensor targets, Tensor? weights = null) => MeanAndEach(features, targets, weights).Mean;

    /// <summary>
    /// The mean of <see cref="LogLikelihood"/> over the batch → scalar, with gradient, and the value of every datapoint → [B], without
    /// gradient. That is cheaper than a gradient for every datapoint. With weights [B] the mean is Σ_n w_n · each_n / Σ_n w_n.
    /// </summary>
    public virtual (Tensor Mean, Tensor Each) MeanAndEach(Tensor features, Tensor targets, Tensor? weights = null)
    {
        Tensor each = LogLikelihood(features, targets);
        return (Weighting.Mean(each, weights), each.detach());
    }

    /// <summary>
    /// What label smoothing adds to <see cref="LogLikelihood"/> for a share of 1: the mean over classes c of log p(c|features), minus
    /// log p(y|features), summed over all outputs of a datapoint: features [B, …], targets [B, …] → [B], with gradient. UserException where
    /// the head is not over classes.
    /// </summary>
    public virtual Tensor TowardsUniform(Tensor features, Tensor targets) => throw new UserException(
        "train/label_smoothing", "a head over classes, `softmax` or `categorical`", $"`{Name}`", "leave it out, or predict classes");

    /// <summary>The mode of p(y|features), in the shape of the targets: class ids, means, or the most probable bits.</summary>
    public abstract Tensor Predict(Tensor features);

    /// <summary>
    /// log p(y|features) of every class, features [B, …, in] → [B, …, C], or of every bit to be 1, [B, D] → [B, D], in nats; null where y are
    /// numbers, which have a density and no probability.
    /// </summary>
    public virtual Tensor? LogProbabilities(Tensor features) => null;

    /// <summary>
    /// Adds to a <see cref="Predictor"/> what the head says of features: the probability of every class or bit, or the means. UserException where it needs
    /// libtorch's tensors.
    /// </summary>
    internal virtual RowValue ToRows(RowPlan plan, RowValue features) => throw plan.Refusal($"the head {GetType().Name}");

    /// <summary>Adds the head to an ONNX graph and declares its outputs. UserException where an ONNX file cannot hold it.</summary>
    internal virtual void ToOnnx(OnnxGraph onnx, OnnxValue features) => throw onnx.Refusal($"the head {GetType().Name}");

    /// <summary>Declares logits and the softmax over them.</summary>
    private protected static void OutputClasses(OnnxGraph onnx, OnnxValue logits)
    {
        onnx.Output("logits", Onnx.TensorProto.Types.DataType.Float, logits);
        onnx.Output("probabilities", Onnx.TensorProto.Types.DataType.Float, onnx.Each("Softmax", logits, ("axis", -1L)));
    }
}
