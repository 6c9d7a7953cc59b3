using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Applies a nonlinearity, whatever the shape, and keeps the shape.</summary>
public sealed class ActivationNode(string name, Activation activation) : Node(name)
{
    internal bool IsRelu => activation == Activation.Relu;

    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => activation.Apply(x);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => activation.ToOnnx(onnx, x);
}
