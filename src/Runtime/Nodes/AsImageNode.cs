using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Turns vectors into images, channel by channel and row by row: [B, C·H·W] → [B, C, H, W], the inverse of <see cref="FlattenNode"/>.</summary>
public sealed class AsImageNode(string name, int channels, int height, int width) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => x.view(-1, channels, height, width);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => x with { Row = [channels, height, width] };

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => onnx.Reshape(x, channels, height, width);
}
