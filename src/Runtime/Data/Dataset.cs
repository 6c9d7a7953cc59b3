using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A minibatch: inputs [B, …] and targets [B, …].</summary>
public readonly record struct Batch(Tensor Inputs, Tensor Targets);

/// <summary>N datapoints (x_n, y_n) that can be fetched by index, in memory.</summary>
public sealed class Dataset : IDisposable
{
    /// <summary>inputs [N, …], targets [N, …]; taken over.</summary>
    public Dataset(Tensor inputs, Tensor targets)
    {
        if (inputs.shape[0] != targets.shape[0])
        {
            throw new ArgumentException(
                $"dataset: expected as many targets as inputs, got {inputs.shape[0]} inputs and {targets.shape[0]} targets");
        }

        Inputs = inputs.DetachFromDisposeScope();
        Targets = targets.DetachFromDisposeScope();
    }

    /// <summary>[N, …].</summary>
    public Tensor Inputs { get; }

    /// <summary>[N, …].</summary>
    public Tensor Targets { get; }

    /// <summary>N.</summary>
    public long Count => Inputs.shape[0];

    /// <summary>Outputs per datapoint whose likelihoods are multiplied: T words of a window, D dimensions, or 1.</summary>
    public long OutputsPerDatapoint => Targets.dim() == 1 ? 1 : Targets.numel() / Math.Max(1, Count);

    /// <summary>The datapoints at indices [B] (int64).</summary>
    public Batch Get(Tensor indices) => new(Inputs.index_select(0, indices), Targets.index_select(0, indices));

    /// <summary>All datapoints in order, at most <paramref name="size"/> at once.</summary>
    public IEnumerable<Batch> InOrder(long size)
    {
        for (long start = 0; start < Count; start += size)
        {
            long length = Math.Min(size, Count - start);
            yield return new(Inputs.narrow(0, start, length), Targets.narrow(0, start, length));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
    }
}
