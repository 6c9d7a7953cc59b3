using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Runs all chosen modules in one call of our own kernel, for pools of linear units and of convolutions, in float32 on the CPU. Such pools of another
/// dtype or device go to <see cref="Dispatch.Grouped"/>.
/// </summary>
internal sealed class KernelDispatch : Dispatch
{
    public override string Name => "kernel";

    public override bool Fits(ModulePool pool) => pool is LinearPool or ConvPool;

    // The kernel of convolutions reads an image where it lies, once for all its positions.
    internal override long Holds(ModulePool pool, long row, long positions, long outputs) =>
        pool is ConvPool ? row + 2 * outputs : base.Holds(pool, row, positions, outputs);

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        return pool switch
        {
            LinearPool linear when FusedModularLinear.Takes(linear, x) => FusedModularLinear.Run(linear, x, indices),
            ConvPool convolutions when FusedModularConvolution.Takes(convolutions, x) => FusedModularConvolution.Run(convolutions, x, indices),
            _ => Grouped.Run(pool, x, indices),
        };
    }

    internal override Tensor RunSeveral(ModulePool pool, Tensor x, Tensor indices, int times) =>
        pool is ConvPool convolutions && FusedModularConvolution.Takes(convolutions, x)
            ? FusedModularConvolution.Run(convolutions, x, indices, times)
            : base.RunSeveral(pool, x, indices, times);
}
