using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A softmax over classes whose logits are the features.</summary>
public sealed class CategoricalHead(int classes) : Head("categorical")
{
    /// <summary>The number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>log p(y|features) of features [B, classes] and targets [B] int64 in [0, classes) → [B], in nats.</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets) =>
        -Operators.CrossEntropy(features, targets);

    /// <summary>The mean of the logits minus that of the target → [B]; a softmax takes the same from all logits.</summary>
    public override Tensor TowardsUniform(Tensor features, Tensor targets) =>
        features.mean([-1]) - features.Gather(-1, targets.unsqueeze(-1)).squeeze(-1);

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) => features.argmax(-1);

    /// <inheritdoc/>
    public override Tensor? LogProbabilities(Tensor features) => nn.functional.log_softmax(features, -1);

    internal override RowValue ToRows(RowPlan plan, RowValue features) => plan.Apply(features, Activation.Softmax);

    internal override void ToOnnx(OnnxGraph onnx, OnnxValue features) => OutputClasses(onnx, features);
}
