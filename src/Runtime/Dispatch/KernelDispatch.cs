using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Rows sorted by module and multiplied by our own kernel, in one call: for linear pools in float32 on the CPU. All else of linear
/// pools goes to <see cref="Dispatch.Grouped"/>.
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
