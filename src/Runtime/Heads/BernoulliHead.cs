using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Independent bits whose logits are the features.</summary>
public sealed class BernoulliHead() : Head("bernoulli")
{
    /// <summary>log p(y|features) of features [B, …] and targets in {0, 1} of the same shape → [B], in nats.</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets)
    {
        // log σ(±l) = −softplus(∓l) neither over- nor underflows.
        Tensor signed = features * (1 - 2 * targets);
        return -nn.functional.softplus(signed).flatten(1).sum(1);
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) => (features > 0).to_type(features.dtype);

    /// <inheritdoc/>
    public override Tensor? LogProbabilities(Tensor features) => -nn.functional.softplus(-features);

    internal override RowValue ToRows(RowPlan plan, RowValue features) => plan.Apply(features, Activation.Sigmoid);

    internal override void ToOnnx(OnnxGraph onnx, OnnxValue features)
    {
        onnx.Output("logits", Onnx.TensorProto.Types.DataType.Float, features);
        onnx.Output("probabilities", Onnx.TensorProto.Types.DataType.Float, onnx.Each("Sigmoid", features));
    }
}
