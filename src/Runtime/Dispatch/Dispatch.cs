using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// A way to run a selection. Every dispatch agrees with <see cref="Loop"/> in outputs and gradients, and gives modules that were not
/// selected a gradient of exactly zero.
/// </summary>
public abstract class Dispatch
{
    /// <summary>Runs one row and one position at a time. It is the oracle of the others.</summary>
    public static Dispatch Loop { get; } = new LoopDispatch();

    /// <summary>Sorts rows by module and makes one product per module in use. Its cost follows K, not M.</summary>
    public static Dispatch Grouped { get; } = new GroupedDispatch();

    /// <summary>Runs all M modules on every row in one product, then picks the K chosen. It is best where M·width is small.</summary>
    public static Dispatch Wide { get; } = new WideDispatch();

    /// <summary>Copies the chosen modules' weights for every row, then makes one batched product. It is for linear pools.</summary>
    public static Dispatch Gather { get; } = new GatherDispatch();

    /// <summary>
    /// Runs all modules in use by one call of our own kernel, for pools of linear units, of convolutions and of chains in float32 on the CPU. Those of another
    /// dtype, and chains with a stage that the kernel does not know, are run by <see cref="Grouped"/>, and those on another device by <see cref="Auto"/>.
    /// </summary>
    public static Dispatch Kernel { get; } = new KernelDispatch();

    /// <summary>Sends rows to the ranks where their modules live, and their outputs back. It is for a <see cref="SpreadPool"/>, which no other runs.</summary>
    public static Dispatch Spread { get; } = new SpreadDispatch();

    /// <summary>
    /// Picks <see cref="Wide"/>, <see cref="Grouped"/> or <see cref="Kernel"/> by the rule of <see cref="AutoDispatch"/>, on an accelerator <see cref="Wide"/> or
    /// <see cref="Gather"/>, which read nothing back, and <see cref="Spread"/> for a <see cref="SpreadPool"/>. A <see cref="ModularGru"/> is run by a kernel for the whole window where that is possible.
    /// </summary>
    public static Dispatch Auto { get; } = new AutoDispatch();

    /// <summary>The name of the dispatch in scripts, specs and reports.</summary>
    public abstract string Name { get; }

    /// <summary>Whether this dispatch can run modules of the pool.</summary>
    public virtual bool Fits(ModulePool pool) => pool is not SpreadPool;

    /// <summary>
    /// Runs the chosen modules: x [B, …in], indices [B, K] int64 in [0, M) → [B, K, …out], with f_{a_k}(x_b) at [b, k]: Eq. 1 before the
    /// sum.
    /// </summary>
    public abstract Tensor Run(ModulePool pool, Tensor x, Tensor indices);

    /// <summary>
    /// Runs the distinct rows of an E-step's candidates, where indices [c·n, K] are those of all: x [d, …in] of rows that were the same before the choice →
    /// [d', K, …out] of those that are the same after it.
    /// </summary>
    internal virtual Tensor RunApart(ModulePool pool, Tensor x, Tensor indices, DistinctRows before, DistinctRows after) =>
        Run(pool, x.IndexSelect(0, after.PlacesIn(before, x.device)), after.Pick(indices));

    /// <summary>
    /// Runs several selections for every row, of which the first ones of all rows come first: x [B, …in], indices [times·B, K] → [times·B, K, …out].
    /// </summary>
    internal virtual Tensor RunSeveral(ModulePool pool, Tensor x, Tensor indices, int times)
    {
        // A row's selections side by side, as if it had times·K positions: indices [times·B, K] → [B, times·K].
        (long rows, long positions) = (x.shape[0], indices.shape[1]);
        Tensor beside = indices.view(times, rows, positions).transpose(0, 1).reshape(rows, times * positions);
        Tensor outputs = Run(pool, x, beside);
        return outputs.view([rows, times, positions, .. outputs.shape[2..]]).transpose(0, 1).flatten(0, 1);
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>The dispatch that runs so many rows of x's shape with so many positions each. It differs from this one under <see cref="Auto"/>.</summary>
    internal virtual Dispatch For(ModulePool pool, Tensor x, long rows, long positions) => this;

    /// <summary>How many numbers it holds for a row of <paramref name="row"/> numbers whose positions give <paramref name="outputs"/> numbers together.</summary>
    internal virtual long Holds(ModulePool pool, long row, long positions, long outputs) => positions * row + 2 * outputs;

    /// <summary>ArgumentException where this dispatch cannot run modules of the pool.</summary>
    internal void Check(string place, ModulePool pool)
    {
        if (!Fits(pool))
        {
            throw new ArgumentException(
                $"{place}: expected a pool of equal linear modules{(pool is SpreadPool ? " in this process" : "")} for dispatch {Name}, got pool {pool.Name}, "
                + $"a {pool.GetType().Name} – use auto");
        }
    }

    /// <summary>Arranges the outputs of B·K choices, [B·K, …out] row by row, as [B, K, …out].</summary>
    private protected static Tensor ByRow(Tensor outputs, Tensor indices) =>
        outputs.view([.. indices.shape, .. outputs.shape[1..]]);

    /// <summary>The outputs of no rows, [0, K, …out].</summary>
    private protected static Tensor NoRows(ModulePool pool, Tensor x, Tensor indices) =>
        ByRow(pool.Apply(0, x), indices);
}
