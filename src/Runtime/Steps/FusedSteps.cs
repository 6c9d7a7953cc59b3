using ModNet.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// An optimiser's step in one pass over each parameter that fits our kernel, on the optimiser's own memory of it. The optimiser itself
/// steps the other parameters.
/// </summary>
/// <remarks>Modules that live on ranks are stepped one by one, because the last few numbers of a stretch are rounded otherwise than those before.</remarks>
internal sealed class FusedSteps(ParameterMemory[] memories, OptimizerHelper optimizer, SpreadPools spread)
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
        foreach (ParameterMemory memory in _fused)
        {
            if (memory.Parameter.grad is Tensor gradient)
            {
                _step[0] = memory.CountStep();
                bool each = spread.Hold(memory.Parameter);
                long[] rows = each ? [.. Enumerable.Range(0, (int)memory.Parameter.shape[0]).Select(row => (long)row)] : TheOneRow;
                OptimiserGradient values = new() { Values = TensorSpans.Floats(gradient.contiguous()), Rows = rows, IsWhole = true };
                memory.StepByKernel(rate, rows.Length, rows, each ? [.. rows.Select(_ => _step[0])] : _step, values);
                memory.Parameter.grad = null;
            }
        }

        if (_fused.Length < memories.Length)
        {
            optimizer.step();
        }
    }
}
