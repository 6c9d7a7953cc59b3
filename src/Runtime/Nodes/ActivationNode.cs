using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Applies a nonlinearity, whatever the shape, and keeps the shape.</summary>
public sealed class ActivationNode(string name, Activation activation) : Node(name)
{
    /// <summary>The nonlinearity.</summary>
    internal Activation Activation => activation;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => activation.Apply(x);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => plan.Apply(x, activation);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => activation.ToOnnx(onnx, x);
}
