using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs nodes one after the other. Without nodes it is the identity.</summary>
public sealed class ChainNode(string name, IReadOnlyList<Node> inside) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => InOrder(x, route);

    internal override bool TakesDistinctRows => true;

    internal override RowValue ToRows(RowPlan plan, RowValue x) => InOrder(plan, x);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => InOrder(onnx, x);
}
