using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>Shuffled passes over datapoints that are in memory.</summary>
internal sealed class Minibatches(long count, long size) : IDisposable
{
    private Tensor? _order;
    private long _at = long.MaxValue;

    /// <summary>The next datapoints' numbers [size], fewer at a pass's end.</summary>
    internal Tensor Next()
    {
        if (_order is null || _at >= count)
        {
            _order?.Dispose();
            _order = randperm(count).DetachFromDisposeScope();
            _at = 0;
        }

        long length = Math.Min(size, count - _at);
        _at += length;
        return _order.narrow(0, _at - length, length);
    }

    /// <inheritdoc/>
    public void Dispose() => _order?.Dispose();
}
