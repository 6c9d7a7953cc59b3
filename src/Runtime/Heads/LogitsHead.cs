using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A softmax over as many classes as there are features: they are the logits.</summary>
public sealed class LogitsHead(int classes) : Head("categorical")
{
    /// <summary>Number of classes.</summary>
    public int Classes { get; } = classes;

    /// <summary>features [B, classes], targets [B] int64 in [0, classes) → [B].</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets) =>
        -nn.functional.cross_entropy(features, targets, reduction: nn.Reduction.None);

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) => features.argmax(-1);
}
