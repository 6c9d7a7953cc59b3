using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// h of every recurrent layer, [B, hidden] by the layer's name, as one window of B texts leaves it for the next. Without
/// gradient: windows are learned one by one.
/// </summary>
public sealed class RecurrentState : IDisposable
{
    private readonly SortedDictionary<string, Tensor> _layers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    /// <summary>Where the layer called <paramref name="layer"/> starts; null for zeros.</summary>
    public Tensor? this[string layer] => _layers.GetValueOrDefault(layer);

    /// <summary>All that is held, by layer.</summary>
    public IEnumerable<(string Layer, Tensor State)> Layers => _layers.Select(l => (l.Key, l.Value));

    /// <summary>Where the layer ended: h [B, hidden], kept without gradient beyond the scope.</summary>
    public void Leave(string layer, Tensor h)
    {
        _layers.GetValueOrDefault(layer)?.Dispose();
        Hold(layer, h);
        _left.Add(layer);
    }

    /// <summary>Every layer starts at zero again.</summary>
    public void Clear()
    {
        foreach (Tensor state in _layers.Values)
        {
            state.Dispose();
        }

        _layers.Clear();
        _left.Clear();
    }

    /// <summary>Rows [n] (int64) of every layer's B, as a state of their own.</summary>
    internal RecurrentState Rows(Tensor rows) => Map(state => state.index_select(0, rows));

    /// <summary>A state of its own that says the same.</summary>
    internal RecurrentState Copy() => Map(state => state);

    /// <summary>Of layers that have ended since <paramref name="other"/> was copied from here: its rows [B] (int64).</summary>
    internal void Take(RecurrentState other, Tensor rows)
    {
        foreach (string layer in other._left)
        {
            Leave(layer, other._layers[layer].index_select(0, rows));
        }
    }

    /// <summary>What its parts, in order of rows, have come to; they are used up.</summary>
    internal void Take(IReadOnlyList<RecurrentState> parts)
    {
        foreach (string layer in parts.SelectMany(p => p._layers.Keys).Distinct().ToArray())
        {
            using Tensor whole = cat([.. parts.Select(p => p._layers[layer])], 0);
            Leave(layer, whole);
        }

        foreach (RecurrentState part in parts)
        {
            part.Dispose();
        }
    }

    private RecurrentState Map(Func<Tensor, Tensor> change)
    {
        var mapped = new RecurrentState();
        foreach ((string layer, Tensor state) in _layers)
        {
            mapped.Hold(layer, change(state));
        }

        return mapped;
    }

    // Cut out of what it may be a view of, which would otherwise live on with it.
    private void Hold(string layer, Tensor h) => _layers[layer] = h.detach().clone().DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose() => Clear();
}
