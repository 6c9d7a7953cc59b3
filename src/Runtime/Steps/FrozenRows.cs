using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// Keeps the frozen modules of stacked pools as they are around a gradient step: their rows of gradients become zero, and their rows of the
/// parameters, and of what the optimiser remembers of them, are put back after the step.
/// </summary>
internal sealed class FrozenRows
{
    private readonly (ParameterMemory Memory, long[] Rows)[] _parts;
    private List<(Tensor Of, Tensor Rows, Tensor Values)> _kept = [];

    internal FrozenRows(IEnumerable<ModulePool> pools, IEnumerable<ParameterMemory> memories)
    {
        Dictionary<nint, ParameterMemory> byHandle = memories.ToDictionary(m => m.Parameter.Handle);
        _parts =
        [
            .. pools.Where(pool => pool.Frozen.Count > 0).SelectMany(
                pool => pool.Stacked.Where(p => p.requires_grad),
                (pool, stacked) => (byHandle[stacked.Handle], pool.RowsHere(pool.Frozen.Select(m => (long)m)))),
        ];
    }

    /// <summary>Is called between the backward pass and the step, before gradients are clipped.</summary>
    internal void Keep()
    {
        using var noGrad = no_grad();
        foreach ((ParameterMemory memory, long[] rows) in _parts)
        {
            if (memory.Parameter.grad is Tensor gradient)
            {
                Hush(gradient, rows);
            }

            Tensor index = tensor(rows, device: memory.Parameter.device);
            foreach (Tensor of in memory.State().Select(s => s.Value).Prepend(memory.Parameter).Where(t => t.shape.SequenceEqual(memory.Parameter.shape)))
            {
                _kept.Add((of, index, of.IndexSelect(0, index)));
            }
        }
    }

    /// <summary>Is called after the step, in the same dispose scope.</summary>
    internal void PutBack()
    {
        using var noGrad = no_grad();
        foreach ((Tensor of, Tensor rows, Tensor values) in _kept)
        {
            of.CopyAt(0, rows, values);
        }

        _kept = [];
    }

    private static void Hush(Tensor gradient, long[] rows)
    {
        if (!gradient.is_sparse)
        {
            gradient.FillAt(0, tensor(rows, device: gradient.device), 0);
            return;
        }

        long[] present = TensorArrays.Vector<long>(gradient.SparseIndices.select(0, 0));
        long[] places = [.. Enumerable.Range(0, present.Length).Where(i => Array.IndexOf(rows, present[i]) >= 0).Select(i => (long)i)];
        if (places.Length > 0)
        {
            gradient.SparseValues.FillAt(0, tensor(places, device: gradient.device), 0);
        }
    }
}
