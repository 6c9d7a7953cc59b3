using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs all modules on all rows, then picks; the pick's gradient leaves unselected modules at exactly zero.</summary>
internal sealed class WideDispatch : Dispatch
{
    public override string Name => "wide";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Tensor all = pool.ApplyAll(x);
        if (all.dim() == 3)
        {
            return Pick(all, indices);
        }

        return Pick(all.flatten(2), indices).view([.. indices.shape, .. all.shape[2..]]);
    }

    // all [B, M, out], indices [B, K] → [B, K, out].
    private static Tensor Pick(Tensor all, Tensor indices) =>
        all.gather(1, indices.unsqueeze(-1).expand(-1, -1, all.shape[2]));
}
