using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Minibatches of datapoint indices, without replacement within a pass, reshuffled every pass: every datapoint gets its
/// turn. The last minibatch of a pass holds what is left.
/// </summary>
public sealed class MinibatchSampler(long count, long size, Generator generator) : IDisposable
{
    private Tensor? _order;
    private long _position = long.MaxValue;

    /// <summary>Passes begun.</summary>
    public long Passes { get; private set; }

    /// <summary>The next indices, [min(size, what is left of the pass)] int64 on the CPU.</summary>
    public Tensor Next()
    {
        if (_position >= count)
        {
            _order?.Dispose();
            _order = randperm(count, ScalarType.Int64, generator: generator).DetachFromDisposeScope();
            _position = 0;
            Passes++;
        }

        long length = Math.Min(size, count - _position);
        using Tensor part = _order!.narrow(0, _position, length);
        _position += length;
        return part.clone();
    }

    /// <inheritdoc/>
    public void Dispose() => _order?.Dispose();
}
