using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Evaluation that skips zeros: after a ReLU many activations are zero, and what multiplies them need not be computed. Kirsch's blog post asks for it: "about 90% of all
/// activations can be zero – effectively making 90% of the weight matrix irrelevant".
/// </summary>
public static class SparseEvaluation
{
    /// <summary>
    /// Lets the linear layers at the graph's top that read what a ReLU gives skip blocks of inputs that are all zero in a datapoint (at a step of a sequence), and gives their
    /// names. Between the ReLU and the layer there may be flattening, pooling, dropout and penalties. Outputs stay the same up to rounding. It holds for float32 on the CPU,
    /// without gradient and in evaluation mode. The layers copy their weights; the next forward pass in training mode ends it.
    /// </summary>
    /// <param name="graph">A trained graph.</param>
    /// <param name="block">How many neighbouring inputs are skipped together: a power of two. With 1 every zero is skipped.</param>
    /// <exception cref="UserException">No linear layer reads what a ReLU gives, or the block is no power of two.</exception>
    /// <example><code>IReadOnlyList&lt;string&gt; layers = SparseEvaluation.Skip(graph, block: 1);</code></example>
    public static IReadOnlyList<string> Skip(Graph graph, int block)
    {
        Check(block);
        var skipping = new List<LinearNode>();
        bool zeros = false;
        foreach (Node node in graph.Nodes)
        {
            if (zeros && node is LinearNode linear)
            {
                skipping.Add(linear);
            }

            zeros = node switch
            {
                LinearNode own => own.Activation == Activation.Relu,
                ConvNode own => own.Activation == Activation.Relu,
                ActivationNode own => own.Activation == Activation.Relu,
                FlattenNode or PoolingNode or DropoutNode or PenaltyNode or BoundaryNode => zeros,
                _ => false,
            };
        }

        if (skipping.Count == 0)
        {
            throw new UserException(
                "network", "a linear layer that reads what a ReLU gives, both at the network's top", "none", "a softmax head does not skip");
        }

        foreach (LinearNode node in skipping)
        {
            node.Skip(block);
        }

        return [.. skipping.Select(node => node.Name)];
    }

    /// <summary>
    /// The share of blocks of neighbouring numbers of rows x […, in] that are all zero; the last block of a row has the numbers that are left.
    /// </summary>
    /// <exception cref="UserException">The block is no power of two.</exception>
    /// <example><code>double share = SparseEvaluation.ZeroBlocks(relu(randn(64, 256)), block: 8);</code></example>
    public static double ZeroBlocks(Tensor x, int block)
    {
        Check(block);
        using var scope = NewDisposeScope();
        Tensor rows = x.reshape(-1, x.shape[^1]).ne(0);
        long left = (block - rows.shape[1] % block) % block;
        Tensor filled = left == 0 ? rows : cat([rows, zeros(rows.shape[0], left, dtype: ScalarType.Bool, device: x.device)], 1);
        return 1 - filled.reshape(rows.shape[0], -1, block).any(2).to_type(ScalarType.Float64).mean().ToDouble();
    }

    private static void Check(int block)
    {
        if (block < 1 || !int.IsPow2(block))
        {
            throw new UserException("block", "a power of two", $"{block}", "give 1 to skip every zero, or 8, 16, …");
        }
    }
}
