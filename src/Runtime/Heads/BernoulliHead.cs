using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Independent bits with logits = features.</summary>
public sealed class BernoulliHead() : Head("bernoulli")
{
    /// <summary>features [B, …], targets in {0, 1} of the same shape → [B].</summary>
    public override Tensor LogLikelihood(Tensor features, Tensor targets)
    {
        // log σ(±l) = −softplus(∓l), safe for any logit.
        Tensor signed = features * (1 - 2 * targets);
        return -nn.functional.softplus(signed).flatten(1).sum(1);
    }

    /// <inheritdoc/>
    public override Tensor Predict(Tensor features) => (features > 0).to_type(features.dtype);
}
