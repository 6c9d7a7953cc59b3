using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>x → x + f(x), where f runs the nodes one after the other and keeps the shape.</summary>
public sealed class ResidualNode(string name, IReadOnlyList<Node> inside) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        DistinctRows? rows = route.Rows;
        Tensor inside = InOrder(x, route);
        return route.Since(rows, x) + inside;
    }

    internal override bool TakesDistinctRows => true;

    internal override RowValue ToRows(RowPlan plan, RowValue x) => plan.Add(x, InOrder(plan, x));

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => onnx.Two("Add", InOrder(onnx, x), x);
}
