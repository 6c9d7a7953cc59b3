using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One way through the training data: the order of the minibatches, and the state that recurrent layers carry from each to the next where
/// the datapoints are consecutive windows of a text.
/// </summary>
/// <param name="data">The training data.</param>
/// <param name="size">B, the number of datapoints per minibatch.</param>
/// <param name="generator">Shuffles the datapoints, unless they are consecutive.</param>
/// <param name="name">Names the track in checkpoints: <c>method.NAME_batches.…</c> and <c>method.NAME_carried.LAYER</c>.</param>
internal sealed class DataTrack(Dataset data, long size, Generator generator, string name) : IDisposable
{
    private readonly Minibatches _batches = Minibatches.Of(data, size, generator);

    /// <summary>The state from which recurrent layers start; null where every minibatch starts at zero.</summary>
    internal RecurrentState? Carried { get; } = data.IsConsecutive ? new() : null;

    /// <summary>The numbers of the next minibatch's datapoints, [B]. The first minibatch of a pass starts at zero.</summary>
    internal long[] Next()
    {
        using Tensor indices = _batches.Next();
        if (_batches.BeginsPass)
        {
            Carried?.Clear();
        }

        return TensorArrays.Vector<long>(indices);
    }

    /// <summary>The place reached and the state carried there, as tensors for a checkpoint.</summary>
    internal IEnumerable<(string Name, Tensor Value)> State() =>
    [
        .. _batches.State().Select(s => ($"method.{name}_batches.{s.Name}", s.Value)),
        .. (Carried?.Layers ?? []).Select(l => (StateNames.Carried(name) + l.Layer, l.State)),
    ];

    /// <summary>Goes to the place that <see cref="State"/> gave. States are carried on <paramref name="device"/>.</summary>
    internal void Restore(SavedState state, Device device)
    {
        _batches.Restore(state.Under($"method.{name}_batches."));
        SavedState saved = state.Under(StateNames.Carried(name));
        foreach (string layer in Carried is null ? [] : saved.Names)
        {
            Carried!.Leave(layer, saved.Get(layer).to(device));
        }
    }

    public void Dispose()
    {
        _batches.Dispose();
        Carried?.Dispose();
    }
}
