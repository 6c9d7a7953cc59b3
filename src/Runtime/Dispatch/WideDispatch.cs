using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs all modules on all rows, then picks; the pick's gradient leaves unselected modules at exactly zero.</summary>
internal sealed class WideDispatch : Dispatch
{
    public override string Name => "wide";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        // [n, M, out], whatever the rank of a module's output.
        Tensor all = pool.ApplyAll(x);
        Tensor flat = all.flatten(2);
        Tensor pick = indices.unsqueeze(-1).expand(-1, -1, flat.shape[2]);
        return flat.gather(1, pick).view([.. indices.shape, .. all.shape[2..]]);
    }
}
