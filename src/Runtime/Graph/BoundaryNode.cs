using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A place that no gradient of the loss crosses: it passes x [B, …] on, and in training gives what is before it another gradient than the loss's, or none. E-steps, evaluation
/// and exported networks know nothing of it. Together, boundaries cut a network into segments that share no gradient.
/// </summary>
public abstract class BoundaryNode(string name, IReadOnlyList<Node> inside) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public sealed override Tensor Forward(Tensor x, Route route) => training && is_grad_enabled() ? Cut(x, route) : x;

    internal sealed override bool TakesDistinctRows => true;

    /// <summary>x [B, …] without gradient towards what is before; that gets its gradient by a penalty on the route's tape.</summary>
    private protected abstract Tensor Cut(Tensor x, Route route);

    internal sealed override RowValue ToRows(RowPlan plan, RowValue x) => x;

    internal sealed override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => x;
}
