using ModNet.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An optimiser's step in one pass over each parameter that our kernel takes, on the optimiser's own memory of it; the other parameters are
/// stepped by the optimiser.
/// </summary>
internal sealed class FusedSteps
{
    private static readonly long[] TheOne = [0];

    private readonly OptimizerKind _kind;
    private readonly OptimizerHelper _optimizer;
    private readonly (Parameter Parameter, TorchSharp.Modules.OptimizerState State)[] _taken;
    private readonly bool _leavesSome;
    private readonly long[] _step = new long[1];

    /// <summary>Of an optimiser of this kind over these parameters, in its order.</summary>
    internal FusedSteps(IReadOnlyList<Parameter> parameters, OptimizerKind kind, OptimizerHelper optimizer)
    {
        (_kind, _optimizer) = (kind, optimizer);
        _taken = [.. parameters.Zip(optimizer.state_dict().State).Where(p => RowKernel.Takes(p.First))];
        _leavesSome = _taken.Length < parameters.Count;
    }

    /// <summary>The step of every parameter that has a gradient, at this rate. Gradients that were used are gone.</summary>
    internal void Step(double rate)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach ((Parameter parameter, TorchSharp.Modules.OptimizerState state) in _taken)
        {
            if (parameter.grad is not Tensor gradient)
            {
                continue;
            }

            if (AdamMoments.Of(state) is { } moments)
            {
                _step[0] = ++moments.Step;
            }

            RowGradients values = new() { Values = TensorSpans.Floats(gradient.contiguous()), Rows = TheOne, IsWhole = true };
            RowKernel.Step(_kind, rate, parameter, state, 1, TheOne, _step, values);
            parameter.grad = null;
        }

        if (_leavesSome)
        {
            _optimizer.step();
        }
    }
}
