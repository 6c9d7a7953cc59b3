using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Adds to every step of a window what tells its place p = 0, 1, … (Vaswani et al., Attention Is All You Need, section 3.5): sin(p / 10000^(i / in)) to the features of even
/// number i, and the cosine of the same angle to the feature after it. [B, T, in] → [B, T, in], for any T.
/// </summary>
public sealed class PositionsNode(string name) : Node(name)
{
    private const double Longest = 10_000;

    internal override bool ReadsWholeWindow => true;

    /// <summary>x [B, T, in] → [B, T, in]. UserException where a state is carried from window to window.</summary>
    public override Tensor Forward(Tensor x, Route route)
    {
        route.DemandWindows(Name);
        // Double precision, so that float32 rounds the sines and not their angles.
        Tensor places = arange(x.shape[1], dtype: ScalarType.Float64, device: x.device).unsqueeze(1);
        Tensor number = arange(x.shape[2], dtype: ScalarType.Float64, device: x.device);
        Tensor isOdd = number.remainder(2);
        Tensor angles = places * ((number - isOdd) * (-Math.Log(Longest) / x.shape[2])).exp() + isOdd * (Math.PI / 2);
        return x + angles.sin().to_type(x.dtype);
    }

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        int width = (int)x.Row[1];
        float[] Each(Func<int, double> value) => [.. Enumerable.Range(0, width).Select(i => (float)value(i))];
        OnnxValue rates = onnx.Reals(Each(i => Math.Exp((i - i % 2) * -Math.Log(Longest) / width)), width);
        OnnxValue shifts = onnx.Reals(Each(i => i % 2 * (Math.PI / 2)), width);
        OnnxValue places = onnx.Cast(onnx.Add("Unsqueeze", [], [onnx.Places(x), onnx.Numbers(1)]), Onnx.TensorProto.Types.DataType.Float);
        OnnxValue angles = onnx.Add("Add", [], [onnx.Add("Mul", [], [places, rates]), shifts]);
        return onnx.Two("Add", x, onnx.Add("Sin", [], [angles]));
    }
}
