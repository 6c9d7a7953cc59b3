using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// h of every recurrent layer, [B, hidden] by the layer's name, as one window of B texts leaves it for the next. Without
/// gradient: windows are learned one by one.
/// </summary>
public sealed class RecurrentState : IDisposable
{
    private readonly SortedDictionary<string, Tensor> _layers = new(StringComparer.Ordinal);

    /// <summary>Where the layer called <paramref name="layer"/> starts; null for zeros.</summary>
    public Tensor? this[string layer] => _layers.GetValueOrDefault(layer);

    /// <summary>All that is held, by layer.</summary>
    public IEnumerable<(string Layer, Tensor State)> Layers => _layers.Select(l => (l.Key, l.Value));

    /// <summary>Where the layer ended: h [B, hidden], kept without gradient beyond the scope.</summary>
    public void Leave(string layer, Tensor h)
    {
        // Cut out of what it may be a view of, which would otherwise live on with it.
        Tensor kept = h.detach().clone().DetachFromDisposeScope();
        _layers.GetValueOrDefault(layer)?.Dispose();
        _layers[layer] = kept;
    }

    /// <summary>Every layer starts at zero again.</summary>
    public void Clear()
    {
        foreach (Tensor state in _layers.Values)
        {
            state.Dispose();
        }

        _layers.Clear();
    }

    /// <summary>Rows [n] (int64) of every layer's B, as a state of their own.</summary>
    internal RecurrentState Rows(Tensor rows) => Map(state => state.index_select(0, rows));

    /// <summary>A state of its own that says the same.</summary>
    internal RecurrentState Copy() => Map(state => state);

    /// <summary>Takes rows [B] (int64) of <paramref name="other"/>, where it holds anything, for what is held here.</summary>
    internal void Take(RecurrentState other, Tensor rows)
    {
        foreach ((string layer, Tensor state) in other.Layers)
        {
            Leave(layer, state.index_select(0, rows));
        }
    }

    private RecurrentState Map(Func<Tensor, Tensor> change)
    {
        var mapped = new RecurrentState();
        foreach ((string layer, Tensor state) in _layers)
        {
            mapped.Leave(layer, change(state));
        }

        return mapped;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();
}
