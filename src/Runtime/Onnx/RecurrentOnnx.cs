using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>ONNX's recurrent layers, whose state starts at zero.</summary>
internal static class RecurrentOnnx
{
    /// <summary>
    /// Adds a layer over x [B, T, in] → [B, T, hidden]. <paramref name="weights"/> and <paramref name="biases"/> give rows in ONNX's order, whose
    /// columns read [h, x].
    /// </summary>
    internal static OnnxValue Add(
        OnnxGraph onnx, string op, OnnxValue x, int hidden, Tensor weight, Func<Tensor, Tensor> weights, Tensor bias, Func<Tensor, Tensor> biases)
    {
        OnnxValue steps = onnx.Turned(x);
        OnnxValue read = onnx.Weight(weight, "weight", "/of_x", w => weights(w).narrow(1, hidden, x.Row[1]).unsqueeze(0));
        OnnxValue recurrent = onnx.Weight(weight, "weight", "/of_h", w => weights(w).narrow(1, 0, hidden).unsqueeze(0));
        // ONNX has two biases, which it adds.
        OnnxValue both = onnx.Weight(bias, "bias", "/of_both", b => cat([biases(b), zeros_like(biases(b))], 0).unsqueeze(0));
        // [T, 1, B, hidden], where 1 is the number of directions.
        OnnxValue states = onnx.Add(op, [], [steps, read, recurrent, both], ("hidden_size", (long)hidden));
        return onnx.Turned(onnx.Add("Squeeze", [-1, hidden], [states, onnx.Numbers(1)]));
    }
}
