using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>A pool of any modules of one signature, [n, in] → [n, out] each.</summary>
public sealed class CustomPool : ModulePool
{
    private readonly nn.Module<Tensor, Tensor>[] _modules;

    /// <summary>
    /// Takes the modules over. <paramref name="multiplyAdds"/> is what one module spends on one datapoint, which only
    /// its author knows.
    /// </summary>
    public CustomPool(
        string name, int inputs, int outputs, long multiplyAdds, IReadOnlyList<nn.Module<Tensor, Tensor>> modules)
        : base(name, modules.Count, inputs, outputs)
    {
        MultiplyAdds = multiplyAdds;
        _modules = [.. modules];
        for (int i = 0; i < _modules.Length; i++)
        {
            register_module($"module{i}", _modules[i]);
        }
    }

    /// <inheritdoc/>
    public override long MultiplyAdds { get; }

    /// <inheritdoc/>
    public override Tensor Apply(int module, Tensor x)
    {
        Tensor y = _modules[module].call(x);
        if (y.dim() != 2 || y.shape[0] != x.shape[0] || y.shape[1] != Outputs)
        {
            throw new InvalidOperationException(
                $"pool {Name}, module {module}: expected output [{x.shape[0]}, {Outputs}], got [{string.Join(", ", y.shape)}]"
                + " – declare the width that the module returns");
        }

        return y;
    }

    /// <inheritdoc/>
    public override Tensor ApplyAll(Tensor x) => stack([.. _modules.Select((_, i) => Apply(i, x))], 1);

    /// <inheritdoc/>
    public override Tensor ApplySegments(Tensor x, long[] modules, long[] lengths)
    {
        Tensor[] segments = x.split(lengths);
        return cat([.. segments.Select((s, i) => Apply((int)modules[i], s))], 0);
    }
}
