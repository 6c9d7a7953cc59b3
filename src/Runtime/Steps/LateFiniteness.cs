using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Looks for losses and gradients that are not finite where they are on an accelerator. Each step leaves a number there, and the host reads those of many steps at
/// once, so that no step waits. By the time that a number is found not to be finite, later steps may have been taken; none of them has been reported or saved.
/// </summary>
internal sealed class LateFiniteness
{
    // So many steps have their numbers read even where nothing is reported.
    private const int Most = 1024;

    private readonly LateNumbers _late = new();
    private (long Step, double Sum)? _first;
    private long _last;

    /// <summary>Takes notice of the loss and the gradients of a step, which is counted from 1.</summary>
    internal void Watch(long step, Tensor loss, IReadOnlyList<Parameter> parameters)
    {
        using (NewDisposeScope())
        using (no_grad())
        {
            // A sum of float32 numbers in double precision does not overflow, so it is finite where all of them are.
            Tensor[] sums =
            [
                loss.to_type(ScalarType.Float64),
                .. parameters.Select(p => p.grad).OfType<Tensor>().Select(g => Finiteness.Values(g).to_type(ScalarType.Float64).sum()),
            ];
            _late.Add([Operators.Stack(sums, 0).sum()], sum => _first ??= double.IsFinite(sum[0][0]) ? null : (step, sum[0][0]));
        }

        _last = step;
        if (_late.Count >= Most)
        {
            Demand();
        }
    }

    /// <summary>NonFiniteException where a step since the last time had a loss or a gradient that is not finite.</summary>
    internal void Demand()
    {
        _late.Read(Wait.Finiteness);
        if (_first is (long step, double sum))
        {
            _first = null;
            string later = step < _last ? $", seen after step {_last}, because an accelerator is asked only at reports" : "";
            throw new NonFiniteException(
                step, "a finite loss and finite gradients", $"{sum.ToString("G6", CultureInfo.InvariantCulture)} in their sum{later}");
        }
    }
}
