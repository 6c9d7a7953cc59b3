using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.TorchSharpPeer;

/// <summary>
/// Σ log p(target | feature) over rows with gradients made on the way, a few rows' logits at a time: what stays in the cache need not go
/// through memory, and no block of gigabytes is asked of the system at every step.
/// </summary>
internal sealed class SummedInParts : autograd.SingleTensorFunction<SummedInParts>
{
    /// <inheritdoc/>
    public override string Name => nameof(SummedInParts);

    /// <summary>Features [N, H], weight [V, H], bias [V], targets [N], rows at a time.</summary>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var (features, weight, bias, targets, rows) =
            ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Tensor)vars[3], (long)vars[4]);
        using var noGradient = no_grad();
        Tensor total = zeros(1), slopes = empty_like(features);
        Tensor weightSlope = zeros_like(weight), biasSlope = zeros_like(bias);
        using Tensor transposed = weight.t();
        for (long at = 0; at < features.shape[0]; at += rows)
        {
            using var scope = NewDisposeScope();
            long length = Math.Min(rows, features.shape[0] - at);
            Tensor part = features.narrow(0, at, length), target = targets.narrow(0, at, length).unsqueeze(1);
            Tensor log = bias.addmm(part, transposed).log_softmax(1);
            Tensor picked = log.gather(1, target);
            total.add_(picked.sum());

            // ∂/∂logits of Σ log p(target) is onehot − p.
            Tensor upstream = log.exp_().neg_();
            upstream.scatter_add_(1, target, ones_like(picked));
            slopes.narrow(0, at, length).addmm_(upstream, weight, beta: 0);
            weightSlope.addmm_(upstream.t(), part);
            // As sum(0), the 0 would be a type.
            biasSlope.add_(upstream.sum([0]));
        }

        ctx.save_for_backward([slopes, weightSlope, biasSlope]);
        return total;
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        List<Tensor> saved = ctx.get_saved_variables();
        return [saved[0] * grad_output, saved[1] * grad_output, saved[2] * grad_output, null!, null!];
    }
}
