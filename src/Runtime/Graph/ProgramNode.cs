using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Runs the steps of a program one after the other. A row that chooses the last module of a layer that halts has halted: from there on its layers' choices are settled, those of layers that halt on their
/// last module, those of all others on module 0.
/// </summary>
public sealed class ProgramNode(string name, IReadOnlyList<Node> inside) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        Halting? outer = route.Halting;
        route.Halting = new(overSteps: false);
        x = InOrder(x, route);
        route.Halting = outer;
        return x;
    }

    internal override bool TakesDistinctRows => true;

    internal override RowValue ToRows(RowPlan plan, RowValue x) => throw plan.Refusal("a program that halts");

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => throw onnx.Refusal("a program that halts");
}
