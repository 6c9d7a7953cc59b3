using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Minibatches of whole groups in random order, as <see cref="MinibatchSampler"/> has those of datapoints.</summary>
internal sealed class GroupMinibatches(TaskGroups groups, long groupsAtOnce, Generator generator) : Minibatches
{
    private readonly MinibatchSampler _order = new(groups.Count, groupsAtOnce, generator);

    /// <inheritdoc/>
    public override bool BeginsPass => _order.BeginsPass;

    /// <summary>The datapoints of the next groups, int64 on the CPU.</summary>
    public override Tensor Next()
    {
        using Tensor next = _order.Next();
        return tensor(TensorArrays.Vector<long>(next).SelectMany(group => groups.Of((int)group)).ToArray());
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State() => _order.State();

    /// <inheritdoc/>
    public override void Restore(SavedState state) => _order.Restore(state);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _order.Dispose();
        }
    }
}
