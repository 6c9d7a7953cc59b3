using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>The order in which datapoints come, minibatch by minibatch. It remembers its place, so that a run can resume.</summary>
public abstract class Minibatches : IDisposable
{
    /// <summary>
    /// Minibatches of <paramref name="size"/> datapoints: shuffled, unless the datapoints are consecutive windows of a text whose state is
    /// carried.
    /// </summary>
    public static Minibatches Of(Dataset data, long size, Generator generator) => Of(data.Count, size, data.IsConsecutive, generator);

    /// <summary>The same of so many datapoints.</summary>
    internal static Minibatches Of(long count, long size, bool consecutive, Generator generator) => consecutive
        ? new ConsecutiveMinibatches(count, size)
        : new MinibatchSampler(count, size, generator);

    /// <summary>
    /// How many minibatches of <paramref name="size"/> a pass through <paramref name="count"/> datapoints has, at least one. Consecutive windows
    /// leave out the rest at the end of the text.
    /// </summary>
    public static long PerPass(long count, long size, bool consecutive) =>
        Math.Max(1, consecutive ? count / size : count / size + (count % size == 0 ? 0 : 1));

    /// <summary>The next indices [B], int64 on the CPU.</summary>
    public abstract Tensor Next();

    /// <summary>Whether the newest minibatch is the first of its pass through the data.</summary>
    public abstract bool BeginsPass { get; }

    /// <summary>The place reached, as tensors for a checkpoint.</summary>
    public abstract IEnumerable<(string Name, Tensor Value)> State();

    /// <summary>Goes to the place that <see cref="State"/> gave.</summary>
    public abstract void Restore(SavedState state);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the tensors that are held.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>
/// Minibatches in random order, without replacement within a pass and shuffled anew for every pass, so that every datapoint gets its turn.
/// The last minibatch of a pass holds the datapoints that are left.
/// </summary>
public sealed class MinibatchSampler(long count, long size, Generator generator) : Minibatches
{
    private Tensor? _order;
    private long _position = long.MaxValue;
    private bool _begins;

    /// <summary>The number of passes that have begun.</summary>
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

    /// <summary>The order of the present pass and the place in it; nothing before the first pass.</summary>
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

/// <summary>
/// Consecutive windows of a text. The text is cut into <c>size</c> stretches of equal length, and minibatch t holds window t of every
/// stretch, so that row b goes on where it stopped. The rest at the end of the text is not used.
/// </summary>
public sealed class ConsecutiveMinibatches : Minibatches
{
    private readonly long _size;
    private readonly long _length;
    private long _position;

    /// <summary>Takes <paramref name="count"/> windows in the order of the text. UserException where there are fewer than <paramref name="size"/>.</summary>
    public ConsecutiveMinibatches(long count, long size)
    {
        if (count < size)
        {
            throw new UserException(
                "train/batch", $"at most {count}, the windows of the text, which is read in as many stretches", $"{size}",
                "lower `batch`, or give a longer text");
        }

        (_size, _length) = (size, count / size);
    }

    /// <inheritdoc/>
    public override bool BeginsPass => _position % _length == 1 || _length == 1;

    /// <summary>The next indices [size], int64 on the CPU.</summary>
    public override Tensor Next() => arange(_size) * _length + _position++ % _length;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State() => [("position", tensor(new[] { _position }))];

    /// <inheritdoc/>
    public override void Restore(SavedState state) => _position = state.Count("position");
}
