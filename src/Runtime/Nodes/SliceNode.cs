using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Some of the features, side by side: of vectors [B, n] → [B, width], of every step [B, T, n] → [B, T, width], of images' channels [B, C, H, W] → [B, width, H, W]. They begin
/// at feature <paramref name="first"/>, from 0.
/// </summary>
public sealed class SliceNode(string name, int first, int width) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => x.narrow(x.dim() == 4 ? 1 : -1, first, width);

    internal override RowValue ToRows(RowPlan plan, RowValue x) => plan.Part(x, first, width);

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x) => onnx.Features(x, first, width);
}
