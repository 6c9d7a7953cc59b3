using BenchmarkDotNet.Attributes;
using ModNet.Kernels;

namespace ModNet.Bench;

/// <summary>The head's kernel as the language model calls it. Not sealed: BenchmarkDotNet derives from it.</summary>
public class HeadKernels
{
    private readonly KernelSizes _sizes = KernelSizes.Current;
    private float[] _h = [];
    private float[] _weight = [];
    private float[] _bias = [];
    private long[] _targets = [];
    private float[] _scores = [];
    private float[] _hGradient = [];
    private float[] _weightGradient = [];
    private float[] _biasGradient = [];

    /// <summary>Random arguments for an E-step's rows; an M-step takes the first of them.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var random = new Random(1);
        PtbSizes model = _sizes.Sizes;
        float[] Draw(long count)
        {
            var values = new float[count];
            for (long i = 0; i < count; i++)
            {
                values[i] = random.NextSingle() - 0.5f;
            }

            return values;
        }

        long rows = (long)_sizes.ERows * model.Window;
        (_h, _weight, _bias) = (Draw(rows * model.Hidden), Draw((long)model.Vocabulary * model.Hidden), Draw(model.Vocabulary));
        _targets = [.. Enumerable.Range(0, (int)rows).Select(_ => random.NextInt64(model.Vocabulary))];
        _scores = new float[rows];
        _hGradient = new float[_h.Length];
        _weightGradient = new float[_weight.Length];
        _biasGradient = new float[_bias.Length];
    }

    /// <summary>The E-step's: every word of every candidate.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "head, E-step: scores")]
    public void Score() => LinearCrossEntropy.Score(new(_h, _weight, _bias, _targets), _scores, _sizes.Threads);

    /// <summary>The M-step's: forward and backward in one pass.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "head, M-step: loss and gradients")]
    public double Gradients()
    {
        int rows = _sizes.MRows * _sizes.Sizes.Window, numbers = rows * _sizes.Sizes.Hidden;
        return LinearCrossEntropy.MeanLossAndGradients(
            new(_h.AsSpan(0, numbers), _weight, _bias, _targets.AsSpan(0, rows)),
            _scores.AsSpan(0, rows),
            new() { H = _hGradient.AsSpan(0, numbers), Weight = _weightGradient, Bias = _biasGradient },
            _sizes.Threads);
    }
}
