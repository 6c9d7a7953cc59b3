using ModNet.Kernels;
using TorchSharp.Modules;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Adam (Kingma and Ba 2015), with β = (0.9, 0.999) and ε = 1e-8.</summary>
public sealed record AdamKind(double Rate = 1e-3) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) =>
        optim.Adam(parameters, Rate, beta1: AdamMemory.Beta1, beta2: AdamMemory.Beta2, eps: AdamMemory.Epsilon);

    private protected override ParameterMemory Memory(Parameter parameter, OptimizerState state) =>
        new AdamMemory(parameter, AdamMoments.Of(state)!, decay: 0);

    internal override ParameterMemory Apart(Parameter parameter) => new AdamMemory(parameter, AdamMoments.Apart(parameter), decay: 0);
}

/// <summary>AdamW (Loshchilov and Hutter 2019): Adam, where every step first takes rate · decay of each parameter away.</summary>
public sealed record AdamWKind(double Rate, double Decay) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) => optim.AdamW(
        parameters, Rate, beta1: AdamMemory.Beta1, beta2: AdamMemory.Beta2, eps: AdamMemory.Epsilon, weight_decay: Decay);

    private protected override ParameterMemory Memory(Parameter parameter, OptimizerState state) =>
        new AdamMemory(parameter, AdamMoments.Of(state)!, Decay);

    internal override ParameterMemory Apart(Parameter parameter) => new AdamMemory(parameter, AdamMoments.Apart(parameter), Decay);
}

/// <summary>The moments that Adam and AdamW keep of one parameter. TorchSharp gives the two states no common type.</summary>
internal sealed class AdamMoments : IDisposable
{
    private readonly Adam.State? _adam;
    private readonly AdamW.State? _adamW;

    private readonly Parameter? _apart;
    private Tensor? _first;
    private Tensor? _second;
    private long _step;

    private AdamMoments(Adam.State? adam, AdamW.State? adamW, Parameter? apart = null) => (_adam, _adamW, _apart) = (adam, adamW, apart);

    /// <summary>The running mean of gradients, in the parameter's shape.</summary>
    internal Tensor First => _adam?.exp_avg ?? _adamW?.exp_avg ?? (_first ??= ZeroPages.Like(_apart!));

    /// <summary>The running mean of squared gradients, in the parameter's shape.</summary>
    internal Tensor Second => _adam?.exp_avg_sq ?? _adamW?.exp_avg_sq ?? (_second ??= ZeroPages.Like(_apart!));

    /// <summary>How many steps the parameter has had.</summary>
    internal long Step
    {
        get => _adam?.step ?? _adamW?.step ?? _step;
        set
        {
            if (_adam is not null)
            {
                _adam.step = value;
            }
            else if (_adamW is not null)
            {
                _adamW.step = value;
            }
            else
            {
                _step = value;
            }
        }
    }

    /// <summary>Moments of a parameter that no optimiser of libtorch holds.</summary>
    internal static AdamMoments Apart(Parameter parameter) => new(null, null, parameter);

    /// <summary>Releases moments that no optimiser of libtorch holds.</summary>
    public void Dispose()
    {
        _first?.Dispose();
        _second?.Dispose();
    }

    /// <summary>The moments in the state of an optimiser; null where the optimiser is neither Adam nor AdamW.</summary>
    internal static AdamMoments? Of(OptimizerState state) => state switch
    {
        Adam.State adam => new(adam, null),
        AdamW.State adamW => new(null, adamW),
        _ => null,
    };
}

/// <summary>What Adam or AdamW remembers of one parameter.</summary>
internal sealed class AdamMemory(Parameter parameter, AdamMoments moments, double decay) : ParameterMemory(parameter)
{
    // As the authors give them. They are always passed on: the default of beta2 is 0.99 in some versions of this API.
    internal const double Beta1 = 0.9;
    internal const double Beta2 = 0.999;
    internal const double Epsilon = 1e-8;

    /// <summary>The numbers of a step at this learning rate, as the kernel takes them.</summary>
    internal static AdamNumbers Numbers(double rate, double decay) => new(rate, Beta1, Beta2, Epsilon, decay);

    internal override IEnumerable<(string Part, Tensor Value)> State() =>
        [("exp_avg", moments.First), ("exp_avg_sq", moments.Second), ("step", tensor(new long[] { moments.Step }))];

    internal override void Restore(SavedState saved)
    {
        moments.First.copy_(saved.Get("exp_avg", Parameter.shape));
        moments.Second.copy_(saved.Get("exp_avg_sq", Parameter.shape));
        moments.Step = saved.Count("step");
    }

    public override void Dispose() => moments.Dispose();

    internal override long CountStep() => ++moments.Step;

    internal override void StepByKernel(double rate, int modules, long[] rows, long[] steps, in OptimiserGradient gradient) =>
        OptimiserSteps.Adam(
            Numbers(rate, decay),
            rows,
            steps,
            modules,
            Pinned(Parameter),
            Pinned(moments.First),
            Pinned(moments.Second),
            gradient,
            get_num_threads());

    internal override void StepByOperators(double rate, Tensor rows, long[] steps, Tensor gradient)
    {
        Tensor first = moments.First.IndexSelect(0, rows) * Beta1 + gradient * (1 - Beta1);
        Tensor second = moments.Second.IndexSelect(0, rows) * Beta2 + gradient * gradient * (1 - Beta2);
        Tensor own = PerRow(steps, t => rate / (1 - Math.Pow(Beta1, t)));
        Tensor root = PerRow(steps, t => Math.Sqrt(1 - Math.Pow(Beta2, t)));
        Tensor kept = Parameter.IndexSelect(0, rows) * (1 - rate * decay);
        moments.First.CopyAt(0, rows, first);
        moments.Second.CopyAt(0, rows, second);
        Parameter.CopyAt(0, rows, kept - own * first / (second.sqrt() / root + Epsilon));
    }

    // A number for every row: [U, 1, …], in the parameter's dtype.
    private Tensor PerRow(long[] steps, Func<long, double> of)
    {
        var shape = new long[Parameter.dim()];
        Array.Fill(shape, 1);
        shape[0] = steps.Length;
        return tensor(Array.ConvertAll(steps, t => of(t))).to_type(Parameter.dtype).to(Parameter.device).view(shape);
    }
}
