using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The states [B, …] that layers over sequences carry, by the layer's name, as one window of B texts leaves them for the next: h [B, hidden] of a GRU, h and
/// the cell side by side [B, 2·hidden] of an LSTM, the last inputs [B, steps, in] of a convolution. They carry no gradient, so learning does not reach back
/// into earlier windows.
/// </summary>
public sealed class RecurrentState : IDisposable
{
    private readonly SortedDictionary<string, Tensor> _layers = new(StringComparer.Ordinal);
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    /// <summary>The state from which the layer called <paramref name="layer"/> starts; null stands for zeros.</summary>
    public Tensor? this[string layer] => _layers.GetValueOrDefault(layer);

    /// <summary>All states, by layer.</summary>
    public IEnumerable<(string Layer, Tensor State)> Layers => _layers.Select(l => (l.Key, l.Value));

    /// <summary>Keeps the state [B, …] in which a layer ended, without gradient and beyond the dispose scope.</summary>
    public void Leave(string layer, Tensor state)
    {
        _layers.GetValueOrDefault(layer)?.Dispose();
        Hold(layer, state);
        _left.Add(layer);
    }

    /// <summary>Lets every layer start at zero again.</summary>
    public void Clear()
    {
        foreach (Tensor state in _layers.Values)
        {
            state.Dispose();
        }

        _layers.Clear();
        _left.Clear();
    }

    /// <summary>A new state of the given rows [n] (int64) of every layer.</summary>
    internal RecurrentState Rows(Tensor rows) => Map(state => state.IndexSelect(0, rows));

    /// <summary>A copy.</summary>
    internal RecurrentState Copy() => Map(state => state);

    /// <summary>Takes the given rows [B] (int64) of those layers of <paramref name="other"/> that have ended since it was copied from here.</summary>
    internal void Take(RecurrentState other, Tensor rows)
    {
        foreach (string layer in other._left)
        {
            Leave(layer, other._layers[layer].IndexSelect(0, rows));
        }
    }

    /// <summary>Takes the states of all parts, one part's rows after the other's, and disposes of the parts.</summary>
    internal void Take(IReadOnlyList<RecurrentState> parts)
    {
        foreach (string layer in parts.SelectMany(p => p._layers.Keys).Distinct().ToArray())
        {
            using Tensor whole = Operators.Join([.. parts.Select(p => p._layers[layer])], 0);
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

    // A clone, because the state may be a view of a larger tensor, which would live on with it.
    private void Hold(string layer, Tensor state) => _layers[layer] = state.detach().clone().DetachFromDisposeScope();

    /// <inheritdoc/>
    public void Dispose() => Clear();
}
