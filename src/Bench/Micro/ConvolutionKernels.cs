using BenchmarkDotNet.Attributes;
using ModNet.Kernels;

namespace ModNet.Bench;

/// <summary>
/// The kernel of modular convolutions, as an M-step runs the first layer of Figure 6's network, and an E-step its first and second; uniform routing.
/// Not sealed: BenchmarkDotNet derives from it.
/// </summary>
public class ConvolutionKernels
{
    private readonly KernelSizes _sizes = KernelSizes.Current;
    private Call _candidates = null!;
    private Call _second = null!;
    private Call _step = null!;

    /// <summary>Random arguments.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        (_candidates, _second, _step) = (new(_sizes.Candidates, random), new(_sizes.Second, random), new(_sizes.First, random));
    }

    /// <summary>Outputs of all candidates of an image.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular convolution: all candidates of an image")]
    public void AllCandidates() => _candidates.Forward(_sizes.Threads);

    /// <summary>Outputs.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular convolution: forward")]
    public void Convolution() => _second.Forward(_sizes.Threads);

    /// <summary>All gradients.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "modular convolution: gradients")]
    public void ConvolutionGradients() => _step.Backward(_sizes.Threads);

    private sealed class Call(ModularConvolutionSize size, Random random)
    {
        private readonly long[] _indices = [.. Enumerable.Range(0, size.Choices).Select(_ => random.NextInt64(size.Modules))];
        private readonly AlignedFloats _x = new(random, size.Rows * size.Image);
        private readonly AlignedFloats _weight = new(random, size.Modules * size.WeightLength);
        private readonly AlignedFloats _bias = new(random, size.Modules * size.Outputs);
        private readonly AlignedFloats _output = new(random, size.Choices * size.Output);
        private readonly AlignedFloats _upstream = new(random, size.Choices * size.Output);
        private readonly AlignedFloats _xGradient = new(random, size.Rows * size.Image);
        private readonly AlignedFloats _weightGradient = new(random, size.Modules * size.WeightLength);
        private readonly AlignedFloats _biasGradient = new(random, size.Modules * size.Outputs);

        internal void Forward(int threads) =>
            ModularConvolution.Forward(size, _x.Span, _indices, _weight.Span, _bias.Span, _output.Span, threads);

        internal void Backward(int threads) => ModularConvolution.Backward(
            size,
            _x.Span,
            _indices,
            _weight.Span,
            _output.Span,
            _upstream.Span,
            _xGradient.Span,
            _weightGradient.Span,
            _biasGradient.Span,
            threads);
    }
}
