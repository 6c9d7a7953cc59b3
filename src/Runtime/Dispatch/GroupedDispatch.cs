using ModNet.Kernels;
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

        // source[i] is the row of x at sorted place i, and place[j] is the sorted place of choice j.
        var segments = new ModularSegments(FromDevice.Vector<long>(indices, Wait.Choices), pool.Count);
        long[] used = Array.ConvertAll(segments.Modules, m => (long)m);
        long[] lengths = [.. used.Select((_, u) => (long)(segments.Starts[u + 1] - segments.Starts[u]))];
        long[] source = Array.ConvertAll(segments.Order, j => j / positions);
        var place = new long[source.Length];
        for (int i = 0; i < place.Length; i++)
        {
            place[segments.Order[i]] = i;
        }

        Tensor sorted = x.IndexSelect(0, tensor(source, device: x.device));
        Tensor outputs = pool.ApplySegments(sorted, used, lengths);
        return ByRow(outputs.IndexSelect(0, tensor(place, device: x.device)), indices);
    }
}
