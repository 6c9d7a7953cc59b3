using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// M modules of one signature, f_i : [n, in] → [n, out] (paper, section 2). A pool may be shared by several layers and by
/// all time steps; the graph, not the layer, owns it.
/// </summary>
public abstract class ModulePool : nn.Module
{
    /// <summary>A pool of <paramref name="count"/> modules, from <paramref name="inputs"/> to <paramref name="outputs"/> wide.</summary>
    protected ModulePool(string name, int count, int inputs, int outputs)
        : base(name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(inputs, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(outputs, 1);
        Name = name;
        Count = count;
        Inputs = inputs;
        Outputs = outputs;
    }

    /// <summary>The name under which layers share the pool.</summary>
    public string Name { get; }

    /// <summary>M.</summary>
    public int Count { get; }

    /// <summary>Width of a module's input.</summary>
    public int Inputs { get; }

    /// <summary>Width of a module's output.</summary>
    public int Outputs { get; }

    /// <summary>Multiply-adds that one module spends on one datapoint.</summary>
    public abstract long MultiplyAdds { get; }

    /// <summary>f_module(x): x [n, in] → [n, out].</summary>
    public abstract Tensor Apply(int module, Tensor x);

    /// <summary>Every module on every row: x [n, in] → [n, M, out].</summary>
    public abstract Tensor ApplyAll(Tensor x);

    /// <summary>
    /// Module <c>modules[i]</c> on the next <c>lengths[i]</c> rows of x [n, in] → [n, out], in the order of x. No module
    /// is named twice and lengths are positive and sum to n.
    /// </summary>
    public abstract Tensor ApplySegments(Tensor x, long[] modules, long[] lengths);
}
