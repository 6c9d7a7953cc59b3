using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>Adam (β = 0.9, 0.999) by operators that write where they read. What has no gradient is passed over.</summary>
internal sealed class AdamInPlace(IReadOnlyList<Parameter> parameters, double rate) : IDisposable
{
    private const double First = 0.9;
    private const double Second = 0.999;
    private const double Epsilon = 1e-8;

    private readonly (Tensor Mean, Tensor Square, Tensor Root, int Steps)?[] _states =
        new (Tensor, Tensor, Tensor, int)?[parameters.Count];

    /// <summary>A step down the gradients.</summary>
    internal void Step()
    {
        using var noGradient = no_grad();
        for (int i = 0; i < parameters.Count; i++)
        {
            using var scope = NewDisposeScope();
            if (parameters[i].grad is not Tensor gradient)
            {
                continue;
            }

            (Tensor mean, Tensor square, Tensor root, int before) = _states[i] ?? Fresh(parameters[i]);
            int steps = before + 1;
            _states[i] = (mean, square, root, steps);
            mean.mul_(First).add_(gradient, 1 - First);
            square.mul_(Second).addcmul_(gradient, gradient, 1 - Second);
            double unbiased = Math.Sqrt(1 - Math.Pow(Second, steps));
            root.copy_(square).sqrt_().add_(Epsilon * unbiased);
            parameters[i].addcdiv_(mean, root, -rate * unbiased / (1 - Math.Pow(First, steps)));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((Tensor mean, Tensor square, Tensor root, _) in _states.OfType<(Tensor, Tensor, Tensor, int)>())
        {
            mean.Dispose();
            square.Dispose();
            root.Dispose();
        }
    }

    private static (Tensor Mean, Tensor Square, Tensor Root, int Steps) Fresh(Tensor like)
    {
        Tensor Zeros() => zeros_like(like).detach().DetachFromDisposeScope();
        return (Zeros(), Zeros(), Zeros(), 0);
    }
}
