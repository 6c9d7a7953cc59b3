using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Consecutive windows of a text: it is cut into <c>size</c> equally long stretches, and minibatch t holds window t of every
/// stretch, so that row b always goes on where it stopped. What is left over at the end of the text is not used.
/// </summary>
public sealed class ConsecutiveMinibatches : Minibatches
{
    private readonly long _size;
    private readonly long _length;
    private long _position;

    /// <summary><paramref name="count"/> windows in the order of the text. UserException where they are fewer than <paramref name="size"/>.</summary>
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
