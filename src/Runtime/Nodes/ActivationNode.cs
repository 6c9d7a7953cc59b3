using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A nonlinearity on its own: any shape, elementwise.</summary>
public sealed class ActivationNode(string name, Activation activation) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => activation.Apply(x);
}
