using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Turns images into vectors, channel by channel and row by row: [B, C, H, W] → [B, C·H·W].</summary>
public sealed class FlattenNode(string name) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => x.flatten(1);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => x with { Row = [x.Width] };

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => onnx.Reshape(x, x.Row.Aggregate(1L, (a, b) => a * b));
}
