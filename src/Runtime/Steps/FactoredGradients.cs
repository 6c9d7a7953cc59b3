using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// The gradients of a step that are kept as factors and made while the optimiser passes over the weights (<see cref="WeightFactors"/>): those in the weights of pools of linear
/// units that fit our kernels and have no frozen module. What needs a gradient as a tensor, such as its norm or a sum over shards, does without this class.
/// </summary>
internal sealed class FactoredGradients : IDisposable
{
    /// <summary>Weights of fewer numbers lie in the caches, and their gradients, too.</summary>
    internal const long Least = 1L << 20;

    private readonly ModulePool[] _pools;

    /// <summary>Of those pools whose weights have so many numbers or more.</summary>
    internal FactoredGradients(IEnumerable<ModulePool> pools, IEnumerable<ParameterMemory> memories, long least = Least)
    {
        HashSet<nint> fitting = [.. memories.Where(m => m.FitsKernel && m.Parameter.requires_grad).Select(m => m.Parameter.Handle)];
        _pools = [.. pools.OfType<LinearPool>().Where(p => p.Frozen.Count == 0 && p.Weight.numel() >= least && fitting.Contains(p.Weight.Handle))];
    }

    /// <summary>Is called before the forward pass of a step.</summary>
    internal void Begin()
    {
        foreach (ModulePool pool in _pools)
        {
            (pool.Factors ??= new((Parameter)pool.Stacked.First(), pool)).Begin();
        }
    }

    /// <summary>
    /// Is called after the backward pass. Gradients that may not be finite become tensors, so that whoever looks for what is not finite finds it there; and so do those of weights that have
    /// another gradient beside.
    /// </summary>
    internal void End()
    {
        foreach (WeightFactors factors in _pools.Select(p => p.Factors).OfType<WeightFactors>())
        {
            factors.End();
            if (factors.Any && (factors.Weight.grad is not null || !factors.IsBounded))
            {
                factors.Make();
            }
        }
    }

    /// <summary>The factors of a parameter's gradient; null where there are none.</summary>
    internal WeightFactors? Of(Tensor parameter) =>
        Array.Find(_pools, p => p.Factors is { Any: true } factors && factors.Weight.Handle == parameter.Handle)?.Factors;

    /// <summary>The pools keep no factors any longer.</summary>
    public void Dispose()
    {
        foreach (ModulePool pool in _pools)
        {
            pool.Factors?.Dispose();
            pool.Factors = null;
        }
    }
}
