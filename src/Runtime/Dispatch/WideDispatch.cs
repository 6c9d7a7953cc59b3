using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Runs all modules on all rows, then picks; the pick's gradient leaves unselected modules at exactly zero.</summary>
internal sealed class WideDispatch : Dispatch
{
    public override string Name => "wide";

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Tensor pick = indices.unsqueeze(-1).expand(-1, -1, pool.Outputs);
        return pool.ApplyAll(x).gather(1, pick);
    }
}
