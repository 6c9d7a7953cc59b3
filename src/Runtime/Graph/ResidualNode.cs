using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>x → x + f(x), f the nodes one after the other; the shape is kept.</summary>
public sealed class ResidualNode(string name, IReadOnlyList<Node> inside) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => x + InOrder(x, route);
}
