using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How often a module counts that several positions of one row chose.</summary>
public enum Duplicates
{
    /// <summary>Once for every position (Eq. 1).</summary>
    Every,

    /// <summary>Once in all, as in the reference library. It is for sums only.</summary>
    Once,
}

/// <summary>Applies a <see cref="Duplicates"/>.</summary>
internal static class Counting
{
    /// <summary>The factors [B, K] on the chosen modules' outputs, or null where all are 1.</summary>
    internal static Tensor? Weights(this Duplicates duplicates, Selection selection, ScalarType dtype)
    {
        if (duplicates == Duplicates.Every || selection.Indices.shape[1] == 1)
        {
            return selection.Weights;
        }

        // A position counts unless one before it chose the same module: [B, k, j], j < k.
        Tensor same = selection.Indices.unsqueeze(2).eq(selection.Indices.unsqueeze(1));
        Tensor first = same.tril(-1).any(2).eq(false).to_type(dtype);
        return selection.Weights is null ? first : first * selection.Weights;
    }

    /// <summary>Adds the factors to an ONNX graph: outputs [n, K, …out] of modules [n, K] → the same, those that do not count set to 0.</summary>
    internal static OnnxValue ToOnnx(this Duplicates duplicates, OnnxGraph onnx, OnnxValue outputs, OnnxValue modules)
    {
        long choose = modules.Row[0];
        if (duplicates == Duplicates.Every || choose == 1)
        {
            return outputs;
        }

        OnnxValue down = onnx.Add("Unsqueeze", [choose, 1], [modules, onnx.Numbers(2)]);
        OnnxValue across = onnx.Add("Unsqueeze", [1, choose], [modules, onnx.Numbers(1)]);
        OnnxValue same = onnx.Cast(onnx.Add("Equal", [choose, choose], [down, across]), Onnx.TensorProto.Types.DataType.Float);
        float[] earlier = [.. Enumerable.Range(0, (int)(choose * choose)).Select(i => i % choose < i / choose ? 1f : 0f)];
        OnnxValue before = onnx.Add(
            "ReduceSum", [choose], [onnx.Two("Mul", same, onnx.Reals(earlier, choose, choose)), onnx.Numbers(2)], ("keepdims", 0L));
        OnnxValue first = onnx.Cast(onnx.Each("Not", onnx.Cast(before, Onnx.TensorProto.Types.DataType.Bool)), Onnx.TensorProto.Types.DataType.Float);
        return onnx.Two("Mul", outputs, onnx.Reshape(first, [choose, .. outputs.Row[1..].Select(_ => 1L)]));
    }
}
