using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What pooling takes from a window.</summary>
public enum Pooling
{
    /// <summary>The greatest value.</summary>
    Max,

    /// <summary>The mean of the values.</summary>
    Average,
}

/// <summary>
/// Pools over square windows without padding: [B, C, H, W] → [B, C, H', W'] with H' = ⌊(H − window) / stride⌋ + 1, and W' likewise.
/// </summary>
public sealed class PoolingNode(string name, Pooling kind, int window, int stride) : Node(name)
{
    /// <inheritdoc/>
    public override Tensor Forward(Tensor x, Route route) => kind switch
    {
        Pooling.Max => nn.functional.max_pool2d(x, window, stride),
        Pooling.Average => nn.functional.avg_pool2d(x, window, stride),
        _ => throw new InvalidOperationException($"{Name}: expected Max or Average, got {kind}"),
    };

    internal override OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x)
    {
        long Size(long size) => ((size - window) / stride) + 1;
        return onnx.Windows(
            kind == Pooling.Max ? "MaxPool" : "AveragePool", [x.Row[0], Size(x.Row[1]), Size(x.Row[2])], [x], window, stride, padding: 0);
    }
}
