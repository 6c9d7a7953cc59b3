using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Copies the chosen modules' weights for every row, then makes one batched product. It sorts nothing and runs no other modules, but copies
/// B·K·out·in weights.
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
