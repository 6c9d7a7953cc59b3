using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>In which order datapoints come, minibatch by minibatch; remembers its place, so that a run can resume.</summary>
public abstract class Minibatches : IDisposable
{
    /// <summary>
    /// Shuffled, unless the datapoints of <paramref name="data"/> are consecutive windows of a text whose state is carried.
    /// </summary>
    public static Minibatches Of(Dataset data, long size, Generator generator) => data.IsConsecutive
        ? new ConsecutiveMinibatches(data.Count, size)
        : new MinibatchSampler(data.Count, size, generator);

    /// <summary>The next indices [B], int64 on the CPU.</summary>
    public abstract Tensor Next();

    /// <summary>Whether the newest minibatch is the first of its pass.</summary>
    public abstract bool BeginsPass { get; }

    /// <summary>The place reached, as tensors for a checkpoint.</summary>
    public abstract IEnumerable<(string Name, Tensor Value)> State();

    /// <summary>Goes to the place that <see cref="State"/> told.</summary>
    public abstract void Restore(SavedState state);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases what is held.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
