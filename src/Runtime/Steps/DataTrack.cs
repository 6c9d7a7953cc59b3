using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// One way through the training data: the order of the minibatches, and the state that recurrent layers carry from each to the next where
/// the datapoints are consecutive windows of a text.
/// </summary>
/// <param name="data">The training data.</param>
/// <param name="batches">The order of the minibatches.</param>
/// <param name="more">The datapoints that are added to a minibatch of given ones; null adds none.</param>
/// <param name="name">Names the track in checkpoints: <c>method.NAME_batches.…</c> and <c>method.NAME_carried.LAYER</c>.</param>
internal sealed class DataTrack(Dataset data, Minibatches batches, string name, Func<long[], long[]>? more = null) : IDisposable
{
    // By shard; the states of a minibatch that is run whole are those of shard 0.
    private readonly SortedDictionary<int, RecurrentState> _carried = [];

    /// <summary>The state from which recurrent layers start in a shard of the next minibatch; null where every minibatch starts at zero.</summary>
    internal RecurrentState? Carried(int shard)
    {
        if (!data.IsConsecutive)
        {
            return null;
        }

        if (!_carried.TryGetValue(shard, out RecurrentState? state))
        {
            _carried.Add(shard, state = new());
        }

        return state;
    }

    /// <summary>This rank's shards of the next minibatch. The first minibatch of a pass starts at zero.</summary>
    internal Shard[] Next(Sharding sharding)
    {
        using Tensor indices = batches.Next();
        if (batches.BeginsPass)
        {
            foreach (RecurrentState state in _carried.Values)
            {
                state.Clear();
            }
        }

        long[] datapoints = TensorArrays.Vector<long>(indices);
        return Shard.Of(data, more is null ? datapoints : [.. datapoints, .. more(datapoints)], sharding, Carried);
    }

    /// <summary>The place reached and the state carried there, as tensors for a checkpoint. All ranks ask together.</summary>
    internal IEnumerable<(string Name, Tensor Value)> State(Sharding sharding) =>
    [
        .. batches.State().Select(s => ($"method.{name}_batches.{s.Name}", s.Value)),
        .. CarriedRows.Of(sharding, [.. sharding.Own.Select(Carried).OfType<RecurrentState>()]).Select(l => (StateNames.Carried(name) + l.Layer, l.State)),
    ];

    /// <summary>Goes to the place that <see cref="State"/> gave. States are carried on <paramref name="device"/>.</summary>
    internal void Restore(SavedState state, Device device, Sharding sharding)
    {
        batches.Restore(state.Under($"method.{name}_batches."));
        SavedState saved = state.Under(StateNames.Carried(name));
        foreach (string layer in data.IsConsecutive ? saved.Names : [])
        {
            Tensor all = saved.Get(layer).to(device);
            foreach (int shard in sharding.Own)
            {
                (int start, int length) = sharding.RowsOf(shard, (int)all.shape[0]).GetOffsetAndLength((int)all.shape[0]);
                if (length > 0)
                {
                    Carried(shard)!.Leave(layer, all.narrow(0, start, length));
                }
            }
        }
    }

    public void Dispose()
    {
        batches.Dispose();
        foreach (RecurrentState state in _carried.Values)
        {
            state.Dispose();
        }
    }
}
