using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs all modules on all rows, then picks the chosen outputs. The gradient of the pick is exactly zero for all other modules.</summary>
internal sealed class WideDispatch : Dispatch
{
    // Below so many values per output, picking value by value is faster than copying whole outputs (by a third at 8 values, measured).
    private const long Narrow = 16;

    public override string Name => "wide";

    internal override long Holds(ModulePool pool, long row, long positions, long outputs) =>
        row + outputs / positions * pool.Count + outputs;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        return Pick(pool.ApplyAll(x), indices);
    }

    // Rows that read the same row of x share its M outputs.
    internal override Tensor RunApart(ModulePool pool, Tensor x, Tensor indices, DistinctRows before, DistinctRows after)
    {
        Tensor all = pool.ApplyAll(x), own = after.Pick(indices);
        Tensor outputs = (after.PlacesIn(before, x.device).unsqueeze(-1) * pool.Count + own).reshape(-1);
        return all.flatten(0, 1).IndexSelect(0, outputs).view([.. own.shape, .. all.shape[2..]]);
    }

    private static Tensor Pick(Tensor all, Tensor indices)
    {
        Tensor flat = all.dim() == 3 ? all : all.flatten(2);
        Tensor picked = flat.shape[2] < Narrow ? PickValues(flat, indices) : PickOutputs(flat, indices);
        return picked.view([.. indices.shape, .. all.shape[2..]]);
    }

    // all [B, M, out], indices [B, K] → [B, K, out].
    private static Tensor PickValues(Tensor all, Tensor indices) =>
        all.Gather(1, indices.unsqueeze(-1).expand(-1, -1, all.shape[2]));

    // The same by copying whole outputs, which are rows of [B·M, out].
    private static Tensor PickOutputs(Tensor all, Tensor indices)
    {
        Tensor first = arange(0, all.shape[0] * all.shape[1], all.shape[1], ScalarType.Int64, indices.device);
        return all.flatten(0, 1).IndexSelect(0, (indices + first.unsqueeze(-1)).reshape(-1));
    }
}
