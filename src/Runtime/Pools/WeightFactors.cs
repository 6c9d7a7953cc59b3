using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ModNet.Runtime;

/// <summary>
/// What a backward pass keeps of the gradient in a linear pool's weights [M, out, in]: the rows and the gradients in their outputs, whose products it is the sum of. The
/// optimiser makes each module's gradient while it steps the module, so that no gradient as large as the weights is written and read again. That is possible where the
/// weights are used once in a step; where they are used more often, all uses give their gradients as tensors.
/// </summary>
internal sealed class WeightFactors(Parameter weight, ModulePool pool) : IDisposable
{
    // Sums of products whose absolute values are below this are finite however they are rounded.
    private const double Bounded = 1e37;

    private Kept? _kept;
    private bool _isOpen;
    private bool _isTaken;
    private int _uses;

    /// <summary>The weights.</summary>
    internal Parameter Weight { get; } = weight;

    /// <summary>Whether there are factors that nobody has taken over.</summary>
    internal bool Any => _kept is not null && !_isTaken;

    /// <summary>Whether the backward pass that runs now may keep factors.</summary>
    internal bool Takes => _isOpen && _uses == 1 && _kept is null;

    /// <summary>Is called before the forward pass of a step that makes gradients of factors.</summary>
    internal void Begin()
    {
        Dispose();
        (_isOpen, _uses) = (true, 0);
    }

    /// <summary>Is called after the backward pass.</summary>
    internal void End() => _isOpen = false;

    /// <summary>Is called for each use of the weights in a forward pass with gradient.</summary>
    internal void Use() => _uses++;

    /// <summary>The factors are the caller's to step by; nobody else finds any.</summary>
    internal WeightFactors Take()
    {
        _isTaken = true;
        return this;
    }

    /// <summary>Keeps the factors of a backward pass.</summary>
    internal void Keep(FusedKernel kernel, Tensor x, Tensor indices, Tensor? output, Tensor upstream)
    {
        Tensor Held(Tensor of) => of.detach().DetachFromDisposeScope();
        _kept = new(kernel, Held(x), Held(indices), output is null ? null : Held(output), Held(upstream));
    }

    /// <summary>
    /// Whether the gradient surely is finite: by the inequality of Cauchy and Schwarz, no number of it, nor any partial sum, is greater than the norm of all rows times that of the
    /// gradients in all outputs.
    /// </summary>
    internal bool IsBounded
    {
        get
        {
            using var scope = NewDisposeScope();
            return _kept!.X.norm().ToDouble() * _kept.Upstream.norm().ToDouble() < Bounded;
        }
    }

    /// <summary>The factors as a step takes them.</summary>
    internal OptimiserGradient ForKernel() => new() { Factors = _kept!.Kernel.Factors(_kept.X, _kept.Indices, _kept.Output, _kept.Upstream) };

    /// <summary>Adds the gradient to that of the parameter, as a tensor, in place of the factors.</summary>
    internal void Make()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Kept kept = _kept!;
        Tensor gradient = FusedModules.Gradient(
            kept.Indices,
            Weight.shape,
            pool.InUse is not null,
            values => kept.Kernel.Backward(kept.X, kept.Indices, Weight, kept.Output, kept.Upstream, null, values, null));
        Tensor? other = Weight.grad;
        Weight.grad = other is null ? gradient : other.is_sparse ? gradient + other : other + gradient;
        Dispose();
    }

    /// <summary>Drops what was kept.</summary>
    public void Dispose()
    {
        _kept?.Dispose();
        (_kept, _isTaken) = (null, false);
    }

    private sealed record Kept(FusedKernel Kernel, Tensor X, Tensor Indices, Tensor? Output, Tensor Upstream) : IDisposable
    {
        public void Dispose()
        {
            X.Dispose();
            Indices.Dispose();
            Output?.Dispose();
            Upstream.Dispose();
        }
    }
}
