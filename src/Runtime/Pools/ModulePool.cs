using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>What one module does to a row.</summary>
/// <param name="MultiplyAdds">Its multiply-adds.</param>
/// <param name="Output">The shape of what it gives.</param>
/// <param name="Reading">
/// What reading the row costs before the first product, in the multiply-adds that the machine does meanwhile. Modules that run side by
/// side read a row once.
/// </param>
public readonly record struct RowCost(long MultiplyAdds, long[] Output, long Reading = 0);

/// <summary>
/// M modules of one signature, f_i : [n, …in] → [n, …out] (paper, section 2). Rows are vectors [n, in] or images
/// [n, C, H, W]. A pool may be shared by several layers and by all time steps; the graph, not the layer, owns it.
/// </summary>
public abstract class ModulePool : nn.Module
{
    /// <summary>A pool of <paramref name="count"/> modules.</summary>
    protected ModulePool(string name, int count)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Name = name;
        Count = count;
    }

    /// <summary>
    /// The name under which layers share the pool; of a stage inside another pool, the last component is what it is
    /// registered under.
    /// </summary>
    public string Name { get; }

    /// <summary>M.</summary>
    public int Count { get; }

    /// <summary>The last component of <see cref="Name"/>.</summary>
    internal string LocalName => Name[(Name.LastIndexOf('/') + 1)..];

    /// <summary>
    /// The modules in use, where somebody asks (<see cref="Unselected.Rest"/>): then gradients need rows for those alone. Else null.
    /// </summary>
    internal ModulesInUse? InUse { get; private set; }

    /// <summary>Parameters [M, …] that hold all modules, one below the other.</summary>
    internal virtual IEnumerable<Parameter> Stacked => [];

    /// <summary>
    /// What one module spends on a row of this shape, [in] or [C, H, W]. Null where only running it would tell: such a pool
    /// has nothing to gain from running all modules at once.
    /// </summary>
    public abstract RowCost? Cost(long[] row);

    /// <summary>f_module(x): x [n, …in] → [n, …out].</summary>
    public abstract Tensor Apply(int module, Tensor x);

    /// <summary>Every module on every row: x [n, …in] → [n, M, …out].</summary>
    public virtual Tensor ApplyAll(Tensor x) => ApplyEach(x.unsqueeze(1).expand([x.shape[0], Count, .. x.shape[1..]]));

    /// <summary>Every module on rows of its own: x [n, M, …in] → [n, M, …out], at [:, m] module m on x[:, m].</summary>
    public virtual Tensor ApplyEach(Tensor x)
    {
        long rows = x.shape[0];
        var lengths = new long[Count];
        Array.Fill(lengths, rows);
        Tensor sorted = x.transpose(0, 1).flatten(0, 1);
        Tensor outputs = ApplySegments(sorted, [.. Enumerable.Range(0, Count).Select(m => (long)m)], lengths);
        return outputs.view([Count, rows, .. outputs.shape[1..]]).transpose(0, 1);
    }

    /// <summary>
    /// Module <c>modules[i]</c> on the next <c>lengths[i]</c> rows of x [n, …in] → [n, …out], in the order of x. No module
    /// is named twice and lengths are positive and sum to n.
    /// </summary>
    public abstract Tensor ApplySegments(Tensor x, long[] modules, long[] lengths);

    /// <summary>Parameters of one module alone.</summary>
    internal virtual IEnumerable<Parameter> Own(int module) => [];

    /// <summary>Keeps from now on, or no longer (null), which modules are in use.</summary>
    internal virtual void Track(ModulesInUse? inUse) => InUse = inUse;

    /// <summary>Nothing: what a pool holds it registers itself, by names of its choice.</summary>
    protected override void RegisterComponents()
    {
    }
}
