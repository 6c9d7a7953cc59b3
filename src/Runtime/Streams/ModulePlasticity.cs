using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Scales what a gradient step does to single modules. A module that earlier tasks use by a share u in [0, 1] keeps 1 − (1 − p) u of its step, p being
/// the plasticity: all of it where no earlier task uses the module, and p of it where u is 1. That is a learning rate of the module's own, for whatever optimiser.
/// </summary>
/// <remarks>What the optimiser remembers of a module goes on as if its whole step were taken.</remarks>
internal sealed class ModulePlasticity(IReadOnlyList<ModulePool> pools)
{
    private readonly SortedDictionary<string, double[]> _used = new(StringComparer.Ordinal);
    private double _plasticity = 1;
    private List<(Tensor Of, Tensor? Rows, Tensor Before, Tensor Kept)> _before = [];

    /// <summary>Says by which share earlier tasks use each module of a pool, [M].</summary>
    internal void Set(string pool, double plasticity, double[] used) => (_used[pool], _plasticity) = (used, plasticity);

    /// <summary>Is called before the step.</summary>
    internal void Keep()
    {
        using var noGrad = no_grad();
        foreach (ModulePool pool in pools.Where(pool => _used.ContainsKey(pool.Name)))
        {
            double[] kept = [.. _used[pool.Name].Select(used => 1 - (1 - _plasticity) * used)];
            long[] slowed = [.. Enumerable.Range(0, kept.Length).Where(m => kept[m] < 1).Select(m => (long)m)];
            long[] rows = pool.RowsHere(slowed);
            foreach (var stacked in pool.Stacked.Where(p => p.requires_grad && rows.Length > 0))
            {
                Tensor index = tensor(rows, device: stacked.device);
                double[] ofRows = [.. rows.Select(row => kept[row + pool.FirstHere])];
                Tensor factors = tensor(ofRows, dtype: stacked.dtype, device: stacked.device).view([rows.Length, .. stacked.shape[1..].Select(_ => 1L)]);
                _before.Add((stacked, index, stacked.index_select(0, index), factors));
            }

            foreach (long module in slowed)
            {
                foreach (var own in pool.Own((int)module).Where(p => p.requires_grad))
                {
                    _before.Add((own, null, own.clone(), tensor(kept[module], own.dtype, own.device)));
                }
            }
        }
    }

    /// <summary>Is called after the step, in the same dispose scope.</summary>
    internal void Scale()
    {
        using var noGrad = no_grad();
        foreach ((Tensor of, Tensor? rows, Tensor before, Tensor kept) in _before)
        {
            Tensor after = rows is null ? of : of.index_select(0, rows);
            Tensor scaled = before + kept * (after - before);
            _ = rows is null ? of.copy_(scaled) : of.index_copy_(0, rows, scaled);
        }

        _before = [];
    }

    /// <summary>The shares as <c>method.used_earlier.POOL</c> [M], for a checkpoint.</summary>
    internal IEnumerable<(string Name, Tensor Value)> State() => _used.Select(pool => (StateNames.UsedEarlier + pool.Key, tensor(pool.Value)));

    /// <summary>Takes back what <see cref="State"/> gave.</summary>
    internal void Restore(SavedState state, double plasticity)
    {
        foreach (ModulePool pool in pools.Where(pool => state.Has(StateNames.UsedEarlier + pool.Name)))
        {
            Set(pool.Name, plasticity, TensorArrays.Vector<double>(state.Get(StateNames.UsedEarlier + pool.Name, pool.Count)));
        }
    }
}
