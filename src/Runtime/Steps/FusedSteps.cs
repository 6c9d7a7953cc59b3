using ModNet.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An optimiser's step in one pass over each parameter that fits our kernel, on the optimiser's own memory of it. The optimiser itself
/// steps the other parameters.
/// </summary>
internal sealed class FusedSteps(ParameterMemory[] memories, OptimizerHelper optimizer, FactoredGradients? factored = null)
{
    private static readonly long[] TheOneRow = [0];

    // A gradient of the whole parameter has to be within a span's reach.
    private readonly ParameterMemory[] _fused = [.. memories.Where(m => m.FitsKernel && m.Parameter.numel() <= TensorSpans.Reach)];
    private readonly long[] _step = new long[1];

    /// <summary>Steps every parameter that has a gradient, at this learning rate. The kernel's parameters then have no gradient.</summary>
    internal void Step(double rate)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // Those made of factors come first, since rows that they are made of might be a parameter's own.
        foreach (ParameterMemory memory in factored is null ? [] : _fused)
        {
            if (factored!.Of(memory.Parameter) is WeightFactors factors)
            {
                long count = memory.CountStep();
                long[] modules = [.. Enumerable.Range(0, (int)memory.Parameter.shape[0]).Select(m => (long)m)];
                memory.StepByKernel(rate, modules.Length, modules, Array.ConvertAll(modules, _ => count), factors.ForKernel());
                factors.Dispose();
            }
        }

        foreach (ParameterMemory memory in _fused)
        {
            if (memory.Parameter.grad is Tensor gradient)
            {
                _step[0] = memory.CountStep();
                OptimiserGradient values = new() { Values = TensorSpans.Floats(gradient.contiguous()), Rows = TheOneRow, IsWhole = true };
                memory.StepByKernel(rate, 1, TheOneRow, _step, values);
                memory.Parameter.grad = null;
            }
        }

        if (_fused.Length < memories.Length)
        {
            optimizer.step();
        }
    }
}
