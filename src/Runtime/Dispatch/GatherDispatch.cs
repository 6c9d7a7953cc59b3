using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Fetches the chosen modules' weights for every row, then runs one batched product: nothing is sorted and nothing needless
/// run, but B·K·out·in weights are copied.
/// </summary>
internal sealed class GatherDispatch : Dispatch
{
    public override string Name => "gather";

    public override bool Fits(ModulePool pool) => pool is LinearPool;

    internal override long Holds(ModulePool pool, long row, long positions, long outputs) => outputs * row;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        return ((LinearPool)pool).ApplyChosen(x, indices);
    }
}
