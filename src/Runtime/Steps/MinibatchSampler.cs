using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Minibatches of datapoint indices, without replacement within a pass, reshuffled every pass: every datapoint gets its
/// turn. The last minibatch of a pass holds what is left.
/// </summary>
public sealed class MinibatchSampler(long count, long size, Generator generator) : Minibatches
{
    private Tensor? _order;
    private long _position = long.MaxValue;
    private bool _begins;

    /// <summary>Passes begun.</summary>
    public long Passes { get; private set; }

    /// <inheritdoc/>
    public override bool BeginsPass => _begins;

    /// <summary>The next indices, [min(size, what is left of the pass)] int64 on the CPU.</summary>
    public override Tensor Next()
    {
        _begins = _position >= count;
        if (_begins)
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

    /// <summary>The order of the pass and the place in it, once there is one.</summary>
    public override IEnumerable<(string Name, Tensor Value)> State() =>
        _order is null ? [] : [("order", _order), ("position", tensor(new[] { _position, Passes }))];

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        if (state.Has("order"))
        {
            _order?.Dispose();
            Tensor order = state.Get("order", count).to_type(ScalarType.Int64);
            long[] place = TensorArrays.Vector<long>(state.Get("position", 2));
            if (!order.sort().Values.Equals(arange(count)) || place[0] < 0 || place[0] > count || place[1] < 1)
            {
                throw state.Refused("order", $"every datapoint of {count} once, and a place among them", "others");
            }

            _order = order.clone().DetachFromDisposeScope();
            (_position, Passes) = (place[0], place[1]);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _order?.Dispose();
        }
    }
}
