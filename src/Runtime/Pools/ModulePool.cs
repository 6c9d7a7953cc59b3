using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>What it costs to run one module on a row.</summary>
/// <param name="MultiplyAdds">The number of multiply-adds.</param>
/// <param name="Output">The shape of the row's output.</param>
/// <param name="Reading">
/// What reading the row costs before the first product, in multiply-adds that the machine does in the same time. Modules that run side by
/// side read a row once.
/// </param>
public readonly record struct RowCost(long MultiplyAdds, long[] Output, long Reading = 0);

/// <summary>
/// M modules of one signature, f_i : [n, …in] → [n, …out] (paper, section 2). Rows are vectors [n, in] or images [n, C, H, W]. Several
/// layers and all time steps may share a pool; the graph owns it.
/// </summary>
public abstract class ModulePool : GraphPart
{
    private readonly SortedSet<int> _frozen = [];

    /// <summary>A pool of <paramref name="count"/> ≥ 1 modules, by whose name layers share it.</summary>
    protected ModulePool(string name, int count)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        Count = count;
    }

    /// <summary>M, the number of modules.</summary>
    public int Count { get; }

    /// <summary>
    /// The modules in use, while they are tracked (<see cref="Unselected.Rest"/>): gradients then need rows for those alone. Else null.
    /// </summary>
    internal ModulesInUse? InUse { get; private set; }

    /// <summary>In which numbers products of its modules are multiplied. No kernel of ours has another than that of the weights.</summary>
    internal Precision Precision { get; set; }

    /// <summary>Keeps the gradient in the weights as factors, while steps are taken that make it of them (<see cref="FactoredGradients"/>). Else null.</summary>
    internal WeightFactors? Factors { get; set; }

    /// <summary>The modules that training leaves as they are, ascending.</summary>
    public IReadOnlyCollection<int> Frozen => _frozen;

    /// <summary>Has training leave a module as it is (<see cref="Freezing"/>).</summary>
    internal void Freeze(int module) => _frozen.Add(module);

    /// <summary>Is told of rows [n, …in] and the modules [n, K] that are run on them, while somebody listens; else null.</summary>
    internal Action<Tensor, Tensor>? Heard { get; set; }

    /// <summary>How many modules have their parameters in this process: all M, unless they live on several ranks.</summary>
    internal virtual int CountHere => Count;

    /// <summary>The first of them.</summary>
    internal virtual int FirstHere => 0;

    /// <summary>The rows of <see cref="Stacked"/> that are those of some modules, as far as they are here.</summary>
    internal long[] RowsHere(IEnumerable<long> modules) => [.. modules.Where(m => m >= FirstHere && m < FirstHere + CountHere).Select(m => m - FirstHere)];

    /// <summary>The parameters [M, …] that hold all modules stacked; of modules that live on several ranks, those that are here.</summary>
    internal virtual IEnumerable<Parameter> Stacked => [];

    /// <summary>
    /// What it costs to run one module on a row of this shape, [in] or [C, H, W]. Null where only running the module would tell; such a
    /// pool gains nothing from running all modules at once.
    /// </summary>
    public abstract RowCost? Cost(long[] row);

    /// <summary>Runs one module: x [n, …in] → f_module(x) [n, …out].</summary>
    public abstract Tensor Apply(int module, Tensor x);

    /// <summary>Runs every module on every row: x [n, …in] → [n, M, …out].</summary>
    public virtual Tensor ApplyAll(Tensor x) => ApplyEach(x.unsqueeze(1).expand([x.shape[0], Count, .. x.shape[1..]]));

    /// <summary>Runs every module m on rows x[:, m] of its own: x [n, M, …in] → [n, M, …out].</summary>
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
    /// Runs module <c>modules[i]</c> on the next <c>lengths[i]</c> rows of x [n, …in] → [n, …out], in the order of x. No module is named
    /// twice, and the lengths are positive and sum to n.
    /// </summary>
    public abstract Tensor ApplySegments(Tensor x, long[] modules, long[] lengths);

    /// <summary>The parameters that belong to one module alone.</summary>
    internal virtual IEnumerable<Parameter> Own(int module) => [];

    /// <summary>Starts to note in <paramref name="inUse"/> which modules are in use; null stops it.</summary>
    internal virtual void Track(ModulesInUse? inUse) => InUse = inUse;

    /// <summary>Whether <see cref="ToOnnx"/> takes the chosen modules' weights out of the stack, so that its cost follows K and not M.</summary>
    internal virtual bool GathersInOnnx => false;

    /// <summary>
    /// Adds the modules to an ONNX graph. With modules [n, K], those of every row: x [n, 1 or K, …in] → [n, K, …out]. Without, all M: x [n, 1 or M,
    /// …in] → [n, M, …out]. Where nothing differs between modules, 1 stays 1.
    /// </summary>
    internal virtual OnnxValue ToOnnx(OnnxGraph onnx, OnnxValue x, OnnxValue? modules) => throw onnx.Refusal($"a pool of {GetType().Name}");
}
