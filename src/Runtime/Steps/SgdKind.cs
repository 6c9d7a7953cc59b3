using ModNet.Kernels;
using TorchSharp.Modules;
using static ModNet.Runtime.TensorSpans;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gradient descent with momentum: v ← momentum · v + gradient, θ ← θ − rate · v.</summary>
public sealed record SgdKind(double Rate, double Momentum) : OptimizerKind(Rate)
{
    internal override OptimizerHelper Over(IEnumerable<Parameter> parameters) =>
        optim.SGD(parameters, Rate, momentum: Momentum);

    private protected override ParameterMemory Memory(Parameter parameter, OptimizerState state) =>
        new SgdMemory(parameter, (SGD.State)state, Momentum);

    internal override ParameterMemory Apart(Parameter parameter) => new SgdMemory(parameter, null, Momentum);
}

/// <summary>What gradient descent remembers of one parameter: with momentum v, which is null before the first step.</summary>
internal sealed class SgdMemory(Parameter parameter, SGD.State? state, double momentum) : ParameterMemory(parameter)
{
    private const string Buffer = "momentum_buffer";

    private Tensor? _apart;

    // Null before the first step.
    private Tensor? Known
    {
        get => state is null ? _apart : state.momentum_buffer;
        set
        {
            if (state is null)
            {
                _apart = value;
            }
            else
            {
                state.momentum_buffer = value;
            }
        }
    }

    // v, which begins as zeros.
    private Tensor Velocity => Known ??= ZeroPages.Like(Parameter);

    internal override IEnumerable<(string Part, Tensor Value)> State() =>
        Known is Tensor velocity ? [(Buffer, velocity)] : [];

    internal override void Restore(SavedState saved)
    {
        if (saved.Has(Buffer))
        {
            Known?.Dispose();
            Known = saved.Get(Buffer, Parameter.shape).to(Parameter.device).clone().DetachFromDisposeScope();
        }
    }

    public override void Dispose() => _apart?.Dispose();

    internal override void StepByKernel(double rate, int modules, long[] rows, long[] steps, in OptimiserGradient gradient) =>
        OptimiserSteps.Momentum(
            rate, momentum, rows, modules, Pinned(Parameter), momentum == 0 ? default : Pinned(Velocity), gradient, get_num_threads());

    internal override void StepByOperators(double rate, Tensor rows, long[] steps, Tensor gradient)
    {
        Tensor step = gradient;
        if (momentum != 0)
        {
            step = Velocity.IndexSelect(0, rows) * momentum + gradient;
            Velocity.CopyAt(0, rows, step);
        }

        Parameter.CopyAt(0, rows, Parameter.IndexSelect(0, rows) - rate * step);
    }
}
