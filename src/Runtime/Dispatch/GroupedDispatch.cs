using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Sorts the B·K choices by module, runs each module once on its rows, and puts the outputs back in order.</summary>
internal sealed class GroupedDispatch : Dispatch
{
    public override string Name => "grouped";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        (long rows, long positions) = (indices.shape[0], indices.shape[1]);
        if (rows == 0)
        {
            return NoRows(pool, x, indices);
        }

        long[] chosen = TensorArrays.Vector<long>(indices);
        var counts = new long[pool.Count];
        foreach (long module in chosen)
        {
            counts[module]++;
        }

        long[] used = [.. Enumerable.Range(0, pool.Count).Where(m => counts[m] > 0).Select(m => (long)m)];
        var next = new long[pool.Count];
        long start = 0;
        foreach (long module in used)
        {
            next[module] = start;
            start += counts[module];
        }

        // A counting sort: source[i] is the row of x at sorted place i, and place[j] is the sorted place of choice j.
        var source = new long[chosen.Length];
        var place = new long[chosen.Length];
        for (int j = 0; j < chosen.Length; j++)
        {
            long p = next[chosen[j]]++;
            source[p] = j / positions;
            place[j] = p;
        }

        Tensor sorted = x.index_select(0, tensor(source, device: x.device));
        Tensor outputs = pool.ApplySegments(sorted, used, [.. used.Select(m => counts[m])]);
        return ByRow(outputs.index_select(0, tensor(place, device: x.device)), indices);
    }
}
