using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>How the outputs of the K chosen modules become the layer's output.</summary>
public enum Combine
{
    /// <summary>y = Σ_k f_{a_k}(x) (Eq. 1). A module that is chosen twice counts twice, unless <see cref="Duplicates.Once"/> is set.</summary>
    Sum,

    /// <summary>y = [f_{a_1}(x), …, f_{a_K}(x)] in the order of positions, along the features (the channels of images).</summary>
    Concat,
}

/// <summary>Applies a <see cref="Combine"/>.</summary>
public static class Combining
{
    /// <summary>Combines outputs [B, K, …out], weighted by [B, K] if there are weights → [B, …out] or [B, K·out, …].</summary>
    public static Tensor Apply(this Combine combine, Tensor outputs, Tensor? weights)
    {
        Tensor weighted = weights is null ? outputs : outputs * Like(weights, outputs);
        return combine switch
        {
            Combine.Sum => outputs.shape[1] == 1 ? weighted.squeeze(1) : weighted.sum(1),
            Combine.Concat => weighted.flatten(1, 2),
            _ => throw new ArgumentOutOfRangeException(nameof(combine), combine, "Sum or Concat"),
        };
    }

    /// <summary>The width of the combined output of K modules whose outputs are <paramref name="outputs"/> wide.</summary>
    public static int Width(this Combine combine, int outputs, int choose) =>
        combine == Combine.Sum ? outputs : outputs * choose;

    /// <summary>Adds the same to an ONNX graph.</summary>
    internal static OnnxValue ToOnnx(this Combine combine, OnnxGraph onnx, OnnxValue outputs)
    {
        long[] row = outputs.Row[1..];
        return combine == Combine.Concat ? onnx.Reshape(outputs, [outputs.Row[0] * row[0], .. row[1..]])
            : outputs.Row[0] == 1 ? onnx.Reshape(outputs, row)
            : onnx.Add("ReduceSum", row, [outputs, onnx.Numbers(1)], ("keepdims", 0L));
    }

    // [B, K] → [B, K, 1, …]
    private static Tensor Like(Tensor weights, Tensor outputs)
    {
        var shape = new long[outputs.dim()];
        Array.Fill(shape, 1);
        (shape[0], shape[1]) = (weights.shape[0], weights.shape[1]);
        return weights.reshape(shape);
    }
}
