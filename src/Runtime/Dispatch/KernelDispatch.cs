using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Sorts rows by module and runs all modules in use in one call of our own kernel: for linear pools, and for pools of units whose stages a kernel knows, in float32
/// on the CPU. What no kernel takes, and other dtypes and devices, go to <see cref="Dispatch.Grouped"/>.
/// </summary>
internal sealed class KernelDispatch : Dispatch
{
    public override string Name => "kernel";

    public override bool Fits(ModulePool pool) => pool is LinearPool or ChainPool;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        return pool switch
        {
            LinearPool linear when FusedModularLinear.Takes(linear, x) => FusedModularLinear.Run(linear, x, indices),
            ChainPool chain when UnitPlan.Of(chain, x, indices.numel()) is UnitPlan plan => FusedModularUnit.Run(plan, x, indices),
            _ => Grouped.Run(pool, x, indices),
        };
    }
}
