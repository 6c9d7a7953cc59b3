using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Sorts rows by module and multiplies them in one call of our own kernel, for linear pools in float32 on the CPU. Linear pools of another
/// dtype or device go to <see cref="Dispatch.Grouped"/>.
/// </summary>
internal sealed class KernelDispatch : Dispatch
{
    public override string Name => "kernel";

    public override bool Fits(ModulePool pool) => pool is LinearPool;

    public override Tensor Run(ModulePool pool, Tensor x, Tensor indices)
    {
        Check("dispatch", pool);
        var linear = (LinearPool)pool;
        return FusedModularLinear.Takes(linear, x) ? FusedModularLinear.Run(linear, x, indices) : Grouped.Run(pool, x, indices);
    }
}
