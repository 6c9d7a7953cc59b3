using BenchmarkDotNet.Attributes;
using ModNet.Kernels;

namespace ModNet.Bench;

/// <summary>
/// The kernel of modular linear layers and the optimiser's step on what they used, uniform routing. Not sealed: BenchmarkDotNet derives
/// from it.
/// </summary>
public class LayerKernels
{
    private static readonly AdamNumbers Adam = Runtime.AdamMemory.Numbers(rate: 1e-3, decay: 0);

    private readonly KernelSizes _sizes = KernelSizes.Current;
    private readonly Random _random = new(1);
    private ModularLinearSize _size;
    private AlignedFloats _x = null!;
    private AlignedFloats _weight = null!;
    private AlignedFloats _bias = null!;
    private AlignedFloats _output = null!;
    private AlignedFloats _upstream = null!;
    private AlignedFloats _xGradient = null!;
    private AlignedFloats _weightGradient = null!;
    private AlignedFloats _biasGradient = null!;
    private AlignedFloats _first = null!;
    private AlignedFloats _second = null!;
    private long[] _indices = [];
    private long[] _rows = [];
    private long[] _steps = [];

    /// <summary>Random arguments.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        LayerSizes layer = _sizes.Layer;
        _size = new(layer.Batch, layer.Width, layer.Width, layer.Modules, layer.Choose);
        _indices = [.. Enumerable.Range(0, layer.Batch * layer.Choose).Select(_ => _random.NextInt64(layer.InUse))];
        _rows = ModularLinear.InUse(_indices, layer.Modules);
        _steps = [.. _rows.Select(_ => 10L)];
        int weights = layer.Width * layer.Width, outputs = _indices.Length * layer.Width;
        AlignedFloats Draw(int length) => new(_random, length);
        (_x, _xGradient) = (Draw(layer.Batch * layer.Width), Draw(layer.Batch * layer.Width));
        (_output, _upstream) = (Draw(outputs), Draw(outputs));
        (_weight, _weightGradient) = (Draw(layer.Modules * weights), Draw(_rows.Length * weights));
        (_bias, _biasGradient) = (Draw(layer.Modules * layer.Width), Draw(_rows.Length * layer.Width));
        (_first, _second) = (Draw(layer.Modules * weights), Draw(layer.Modules * weights));
        foreach (ref float value in _second.Span)
        {
            value = Math.Abs(value);
        }
    }

    /// <summary>Outputs.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular linear layer: forward")]
    public void Layer() =>
        ModularLinear.Forward(_size, _x.Span, _indices, _weight.Span, _bias.Span, _output.Span, _sizes.Threads);

    /// <summary>All gradients.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular linear layer: gradients")]
    public void LayerGradients() => ModularLinear.Backward(
        _size,
        _x.Span,
        _indices,
        _weight.Span,
        default,
        _upstream.Span,
        _xGradient.Span,
        _weightGradient.Span,
        _biasGradient.Span,
        _sizes.Threads);

    /// <summary>The step of the weights.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular linear layer: Adam")]
    public void Step() => OptimiserSteps.Adam(
        Adam,
        _rows,
        _steps,
        _sizes.Layer.Modules,
        _weight.Span,
        _first.Span,
        _second.Span,
        new() { Values = _weightGradient.Span, Rows = _rows },
        _sizes.Threads);
}
