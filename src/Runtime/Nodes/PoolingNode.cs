using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>What becomes of a window.</summary>
public enum Pooling
{
    /// <summary>Its greatest value.</summary>
    Max,

    /// <summary>The mean of its values.</summary>
    Average,
}

/// <summary>
/// Pooling over square windows, without padding: [B, C, H, W] → [B, C, H', W'], H' = ⌊(H − window) / stride⌋ + 1.
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
}
