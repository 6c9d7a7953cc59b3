using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// [x₁, x₂] → [x₂ + f(x₁), x₁], where x₁ and x₂ are the halves of the features (of images the channels) and f runs the nodes one after the other and keeps
/// the shape; or the inverse, [y₁, y₂] → [y₂, y₁ − f(y₂)]. Additive coupling (Dinh, Krueger, Bengio 2014, eq. 8 and 9) that also swaps the halves.
/// </summary>
/// <param name="name">The node's name.</param>
/// <param name="inside">The nodes of f.</param>
/// <param name="isInverse">Whether it is the inverse.</param>
public sealed class CouplingNode(string name, IReadOnlyList<Node> inside, bool isInverse) : ContainerNode(name, inside)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        int features = x.dim() == 4 ? 1 : (int)x.dim() - 1;
        Tensor[] halves = x.chunk(2, features);
        (Tensor first, Tensor second) = (halves[0].contiguous(), halves[1].contiguous());
        DistinctRows? rows = route.Rows;
        Tensor inside = InOrder(isInverse ? second : first, route);
        (first, second) = (route.Since(rows, first), route.Since(rows, second));
        return isInverse
            ? Operators.Join([second, first - inside], features)
            : Operators.Join([second + inside, first], features);
    }

    internal override bool TakesDistinctRows => true;

    internal override RowValue ToRows(RowPlan plan, RowValue x)
    {
        int half = (int)x.Row[0] / 2;
        (RowValue first, RowValue second) = (plan.Part(x, 0, half), plan.Part(x, half, half));
        return isInverse
            ? plan.Concat(second, plan.Add(first, InOrder(plan, second), subtracts: true))
            : plan.Concat(plan.Add(second, InOrder(plan, first)), first);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        // The channels of images, the features of everything else.
        int place = x.Rank == 4 ? 0 : x.Row.Length - 1;
        long half = x.Row[place] / 2;
        OnnxValue first = onnx.Features(x, 0, half), second = onnx.Features(x, half, half);
        OnnxValue[] joined = isInverse
            ? [second, onnx.Two("Sub", first, InOrder(onnx, second))]
            : [onnx.Two("Add", second, InOrder(onnx, first)), first];
        return onnx.Add("Concat", x.Row, joined, ("axis", place + 1L));
    }
}
