using BenchmarkDotNet.Attributes;
using ModNet.Kernels;

namespace ModNet.Bench;

/// <summary>The modular GRU's kernel as the language model calls it. Not sealed: BenchmarkDotNet derives from it.</summary>
public class GruKernels
{
    private readonly KernelSizes _sizes = KernelSizes.Current;
    private readonly Random _random = new(1);
    private Parameters _weights = new();
    private Parameters _gradients = new();
    private float[] _x = [];
    private float[] _uniforms = [];
    private long[] _given = [];
    private float[] _states = [];
    private float[] _logs = [];
    private long[] _indices = [];
    private float[] _record = [];
    private float[] _above = [];
    private float[] _logsAbove = [];
    private float[] _xGradient = [];

    /// <summary>Random arguments for an E-step's rows; an M-step takes the first of them.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        ModularGruSize size = Size(_sizes.ERows);
        int steps = size.Rows * size.Steps, few = _sizes.MRows * size.Steps;
        _weights = new(size, Draw);
        _gradients = new(size, count => new float[count]);
        _x = Draw(steps * size.Inputs);
        _uniforms = [.. Draw(steps * size.Choose).Select(v => v + 0.5f)];
        _given = [.. Enumerable.Range(0, few * size.Choose).Select(_ => _random.NextInt64(size.Modules))];
        _states = new float[steps * size.Hidden];
        _logs = new float[steps * size.Choose * size.Modules];
        _indices = new long[steps * size.Choose];
        _record = new float[few * ModularGruWindow.RecordLength(Size(_sizes.MRows))];
        _above = Draw(few * size.Hidden);
        _logsAbove = Draw(few * size.Choose * size.Modules);
        _xGradient = new float[few * size.Inputs];
    }

    /// <summary>The forward pass whose record backward reads.</summary>
    [GlobalSetup(Target = nameof(Backward))]
    public void SetUpBackward()
    {
        SetUp();
        Forward();
    }

    /// <summary>The E-step's: a* for the first rows, all others drawn.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "GRU, E-step: window, drawn")]
    public void Drawn() => ModularGruWindow.Forward(
        Size(_sizes.ERows),
        _x,
        default,
        _weights.Spans,
        new() { Given = _given, Uniforms = _uniforms },
        Trace(_sizes.ERows, false),
        _sizes.Threads);

    /// <summary>The M-step's, forward.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "GRU, M-step: window")]
    public void Forward() => ModularGruWindow.Forward(
        Size(_sizes.MRows),
        _x.AsSpan(0, _xGradient.Length),
        default,
        _weights.Spans,
        new() { Given = _given },
        Trace(_sizes.MRows, true),
        _sizes.Threads);

    /// <summary>The M-step's, backward.</summary>
    [BenchmarkDotNet.Attributes.Benchmark(Description = "GRU, M-step: gradients")]
    public void Backward() => ModularGruWindow.Backward(
        Size(_sizes.MRows),
        _x.AsSpan(0, _xGradient.Length),
        default,
        _weights.Spans,
        Trace(_sizes.MRows, true),
        new() { States = _above, LogProbabilities = _logsAbove },
        _xGradient,
        default,
        _gradients.Spans,
        _sizes.Threads);

    private ModularGruSize Size(int rows)
    {
        PtbSizes model = _sizes.Sizes;
        return new(rows, model.Window, model.Embed, model.Hidden, model.Modules, model.Choose) { ReluInside = true };
    }

    private ModularGruTrace Trace(int rows, bool recorded)
    {
        ModularGruSize size = Size(rows);
        int steps = size.Rows * size.Steps;
        return new()
        {
            States = _states.AsSpan(0, steps * size.Hidden),
            LogProbabilities = _logs.AsSpan(0, steps * size.Choose * size.Modules),
            Indices = _indices.AsSpan(0, steps * size.Choose),
            Record = recorded ? _record : default,
        };
    }

    private float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.NextSingle() - 0.5f)];

    private sealed class Parameters
    {
        private readonly float[] _gate = [];
        private readonly float[] _gateBias = [];
        private readonly float[] _controller = [];
        private readonly float[] _controllerBias = [];
        private readonly float[] _module = [];
        private readonly float[] _moduleBias = [];

        internal Parameters()
        {
        }

        internal Parameters(in ModularGruSize size, Func<int, float[]> make)
        {
            int both = size.Hidden + size.Inputs, logits = size.Choose * size.Modules;
            (_gate, _gateBias) = (make(2 * size.Hidden * both), make(2 * size.Hidden));
            (_controller, _controllerBias) = (make(logits * both), make(logits));
            (_module, _moduleBias) = (make(size.Modules * size.Hidden * both), make(size.Modules * size.Hidden));
        }

        internal ModularGruWeights Spans => new()
        {
            Gate = _gate,
            GateBias = _gateBias,
            Controller = _controller,
            ControllerBias = _controllerBias,
            Module = _module,
            ModuleBias = _moduleBias,
        };
    }
}
