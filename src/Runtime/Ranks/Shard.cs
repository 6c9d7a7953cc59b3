using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>One part of a minibatch, which has a forward and backward pass of its own.</summary>
/// <param name="Number">Its number among the minibatch's shards, from 0.</param>
/// <param name="Datapoints">The numbers of its datapoints, [n]; none where a minibatch has fewer datapoints than shards.</param>
/// <param name="Share">What its mean counts in the mean of the minibatch: n / B, or its share of the weights.</param>
/// <param name="Most">How many datapoints the largest shard of the minibatch has: n, or one more.</param>
/// <param name="Carried">The state from which recurrent layers start; null where they start at zero.</param>
internal sealed record Shard(int Number, long[] Datapoints, double Share, int Most, RecurrentState? Carried)
{
    /// <summary>Whether there is anything to run.</summary>
    internal bool IsEmpty => Datapoints.Length == 0;

    /// <summary>This rank's shards of a minibatch [B] of the data.</summary>
    internal static Shard[] Of(Dataset data, long[] minibatch, Sharding sharding, Func<int, RecurrentState?> carried)
    {
        double[]? weights = Weights(data, minibatch);
        double all = weights?.Sum() ?? minibatch.Length;
        return
        [
            .. sharding.Own.Select(number =>
            {
                Range rows = sharding.RowsOf(number, minibatch.Length);
                double own = weights?[rows].Sum() ?? minibatch[rows].Length;
                return new Shard(number, minibatch[rows], own / all, (minibatch.Length + sharding.Count - 1) / sharding.Count, carried(number));
            }),
        ];
    }

    private static double[]? Weights(Dataset data, long[] minibatch)
    {
        using var scope = NewDisposeScope();
        return data.Side?.Weights is Tensor weights ? TensorArrays.Vector<double>(weights.index_select(0, tensor(minibatch))) : null;
    }
}
