using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// How a selection is run. Every dispatch agrees with <see cref="Loop"/> in outputs and gradients, and gives unselected
/// modules a gradient of exactly zero.
/// </summary>
public abstract class Dispatch
{
    /// <summary>The oracle: one row and one position at a time.</summary>
    public static Dispatch Loop { get; } = new LoopDispatch();

    /// <summary>Rows sorted by module, one product per module in use. Cost follows K, not M.</summary>
    public static Dispatch Grouped { get; } = new GroupedDispatch();

    /// <summary>All M modules on every row in one product, then the K chosen are picked. Best when M·width is small.</summary>
    public static Dispatch Wide { get; } = new WideDispatch();

    /// <summary><see cref="Wide"/> or <see cref="Grouped"/>, by the rule of <see cref="AutoDispatch"/>.</summary>
    public static Dispatch Auto { get; } = new AutoDispatch();

    /// <summary>The word by which scripts, specs and reports know it.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// x [B, in], indices [B, K] (int64, in [0, M)) → [B, K, out]: at [b, k] the output f_{a_k}(x_b), Eq. 1 before the sum.
    /// </summary>
    public abstract Tensor Run(ModulePool pool, Tensor x, Tensor indices);

    /// <inheritdoc/>
    public override string ToString() => Name;
}
