using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Sorts rows by module and runs all modules in use in one call of our own kernel: for linear pools, for convolutions, and for pools of units whose stages a kernel
/// knows, in float32 on the CPU. What no kernel takes, and other dtypes, go to <see cref="Dispatch.Grouped"/>, and other devices to <see cref="Dispatch.Auto"/>.
/// </summary>
internal sealed class KernelDispatch : Dispatch
{
    public override string Name => "kernel";

    public override bool Fits(ModulePool pool) => pool is LinearPool or ConvPool or ChainPool;

    // The kernel of convolutions reads an image where it lies, once for all its positions.
    internal override long Holds(ModulePool pool, long row, long positions, long outputs) =>
        pool is ConvPool ? row + 2 * outputs : base.Holds(pool, row, positions, outputs);

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        return pool switch
        {
            LinearPool linear when FusedModularLinear.Takes(linear, x) => FusedModularLinear.Run(linear, x, indices),
            ChainPool chain when UnitPlan.Of(chain, x, indices.numel()) is UnitPlan plan => FusedModularUnit.Run(plan, x, indices),
            ConvPool convolutions when FusedModularConvolution.Takes(convolutions, x) => FusedModularConvolution.Run(convolutions, x, indices),
            _ => (Accelerator.Holds(x) ? Auto : Grouped).Run(pool, x, indices),
        };
    }

    internal override Tensor RunSeveral(ModulePool pool, Tensor x, Tensor indices, int times) =>
        pool is ConvPool convolutions && FusedModularConvolution.Takes(convolutions, x)
            ? FusedModularConvolution.Run(convolutions, x, indices, times)
            : base.RunSeveral(pool, x, indices, times);

    // Candidates of one image share its windows, and a module that several of them name runs once anyway.
    internal override Tensor RunApart(ModulePool pool, Tensor x, Tensor indices, DistinctRows before, DistinctRows after) =>
        pool is not ConvPool convolutions || !FusedModularConvolution.Takes(convolutions, x) ? base.RunApart(pool, x, indices, before, after)
        : !is_grad_enabled() ? FusedModularConvolution.RunApart(convolutions, x, indices, before, after)
        : before.Unchosen ? after.Pick(RunSeveral(pool, x, indices, before.Candidates))
        : base.RunApart(pool, x, indices, before, after);
}
