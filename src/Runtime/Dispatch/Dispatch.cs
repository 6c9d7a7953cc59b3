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

    /// <summary>The chosen modules' weights fetched for every row, then one batched product; for linear pools.</summary>
    public static Dispatch Gather { get; } = new GatherDispatch();

    /// <summary>
    /// As <see cref="Grouped"/>, all modules in use by one call of our own kernel; for linear pools. In float32 on the CPU; elsewhere it
    /// is <see cref="Grouped"/>.
    /// </summary>
    public static Dispatch Kernel { get; } = new KernelDispatch();

    /// <summary>
    /// <see cref="Wide"/>, <see cref="Grouped"/> or <see cref="Kernel"/>, by the rule of <see cref="AutoDispatch"/>; of a <see cref="ModularGru"/>, where
    /// it can, a kernel that runs the whole window.
    /// </summary>
    public static Dispatch Auto { get; } = new AutoDispatch();

    /// <summary>The word by which scripts, specs and reports know it.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it can run modules of this pool.</summary>
    public virtual bool Fits(ModulePool pool) => true;

    /// <summary>
    /// x [B, …in], indices [B, K] (int64, in [0, M)) → [B, K, …out]: at [b, k] the output f_{a_k}(x_b), Eq. 1 before the
    /// sum.
    /// </summary>
    public abstract Tensor Run(ModulePool pool, Tensor x, Tensor indices);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>What runs rows of this shape, so many of them, with so many positions each.</summary>
    internal virtual Dispatch For(ModulePool pool, Tensor x, long rows, long positions) => this;

    /// <summary>Numbers that it holds for a row of so many, whose K positions give so many together.</summary>
    internal virtual long Holds(ModulePool pool, long row, long positions, long outputs) => positions * row + 2 * outputs;

    /// <summary>ArgumentException where it does not fit.</summary>
    internal void Check(string place, ModulePool pool)
    {
        if (!Fits(pool))
        {
            throw new ArgumentException(
                $"{place}: expected a pool of equal linear modules for dispatch {Name}, got pool {pool.Name}, "
                + $"a {pool.GetType().Name} – use auto");
        }
    }

    /// <summary>Outputs of B·K choices [B·K, …out], row by row → [B, K, …out].</summary>
    private protected static Tensor ByRow(Tensor outputs, Tensor indices) =>
        outputs.view([.. indices.shape, .. outputs.shape[1..]]);

    /// <summary>[0, K, …out], of no rows.</summary>
    private protected static Tensor NoRows(ModulePool pool, Tensor x, Tensor indices) =>
        ByRow(pool.Apply(0, x), indices);
}
