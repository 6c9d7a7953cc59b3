using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The order in which the datapoints of a stream come. Every task has a pass of its own through its datapoints, as if there were no others, and
/// only the present one is remembered, since no task comes again.
/// </summary>
/// <param name="stream">The tasks.</param>
/// <param name="task">Tells the number of the present task.</param>
/// <param name="size">B, the number of datapoints per minibatch.</param>
/// <param name="consecutive">Whether datapoints are consecutive windows of a text.</param>
/// <param name="generator">Shuffles the datapoints of a task.</param>
internal sealed class StreamMinibatches(TaskStream stream, Func<int> task, long size, bool consecutive, Generator generator) : Minibatches
{
    private int _task = -1;
    private Minibatches? _own;

    /// <inheritdoc/>
    public override bool BeginsPass => _own?.BeginsPass ?? false;

    /// <summary>The numbers of the present task's next datapoints, [B] int64 on the CPU.</summary>
    public override Tensor Next()
    {
        if (task() is var now && now != _task)
        {
            Enter(now);
        }

        using Tensor own = _own!.Next();
        return own + stream.Tasks[_task].First;
    }

    /// <inheritdoc/>
    public override IEnumerable<(string Name, Tensor Value)> State() =>
        _own is null ? [] : [("task", tensor(new[] { (long)_task })), .. _own.State()];

    /// <inheritdoc/>
    public override void Restore(SavedState state)
    {
        if (!state.Has("task"))
        {
            return;
        }

        long saved = state.Count("task");
        if (saved >= stream.Tasks.Count)
        {
            throw state.Refused("task", $"a task from 0 to {stream.Tasks.Count - 1}", $"{saved}");
        }

        Enter((int)saved);
        _own!.Restore(state);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _own?.Dispose();
        }
    }

    private void Enter(int now)
    {
        _own?.Dispose();
        _own = Of(stream.Tasks[now].Count, size, consecutive, generator);
        _task = now;
    }
}
