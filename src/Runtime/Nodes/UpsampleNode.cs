using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Makes each value of an image a square of factor × factor equal values: [B, C, H, W] → [B, C, factor·H, factor·W].</summary>
public sealed class UpsampleNode(string name, int factor) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route)
    {
        (long batch, long channels, long height, long width) = (x.shape[0], x.shape[1], x.shape[2], x.shape[3]);
        return x.unsqueeze(3).unsqueeze(5)
            .expand(batch, channels, height, factor, width, factor)
            .reshape(batch, channels, height * factor, width * factor);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        long[] row = [x.Row[0], x.Row[1] * factor, x.Row[2] * factor];
        // No region of interest, which is the second input.
        OnnxValue[] inputs = [x, new("", []), onnx.Reals([1, 1, factor, factor], 4)];
        return onnx.Add(
            "Resize", row, inputs,
            ("mode", "nearest"), ("coordinate_transformation_mode", "asymmetric"), ("nearest_mode", "floor"));
    }
}
