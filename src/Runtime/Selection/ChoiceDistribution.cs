using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(a|x, φ) at one site: K independent softmaxes over the same M modules, log p(a|x) = Σ_k log p_k(a_k|x).</summary>
public sealed class ChoiceDistribution
{
    private ChoiceDistribution(Tensor logProbabilities) => LogProbabilities = logProbabilities;

    /// <summary>[B, K, M], normalised over M.</summary>
    public Tensor LogProbabilities { get; }

    /// <summary>K.</summary>
    public int Choose => (int)LogProbabilities.shape[1];

    /// <summary>M.</summary>
    public int Modules => (int)LogProbabilities.shape[2];

    /// <summary>From unnormalised scores [B, K, M].</summary>
    public static ChoiceDistribution FromLogits(Tensor logits) => new(nn.functional.log_softmax(logits, -1));

    /// <summary>
    /// Several distributions as one: along dimension 0 rows follow each other ([ΣB, K, M]), along 1 positions ([B, ΣK, M]).
    /// </summary>
    public static ChoiceDistribution Join(IEnumerable<ChoiceDistribution> parts, long dimension) =>
        new(cat([.. parts.Select(p => p.LogProbabilities)], dimension));

    /// <summary>log p(a|x): indices [B, K] → [B].</summary>
    public Tensor LogProbability(Tensor indices) =>
        LogProbabilities.gather(2, indices.unsqueeze(-1)).squeeze(-1).sum(1);

    /// <summary>An independent draw per position → [B, K].</summary>
    public Tensor Sample(Generator generator)
    {
        using var noGrad = no_grad();
        Tensor probabilities = LogProbabilities.detach().exp().view(-1, Modules);
        return multinomial(probabilities, 1, replacement: true, generator: generator).view(-1, Choose);
    }

    /// <summary>The most probable module per position → [B, K].</summary>
    public Tensor Mode() => LogProbabilities.detach().argmax(-1);

    /// <summary>Entropy of p(a|x) in nats, the sum over positions (Eq. 15's joint) → [B].</summary>
    public Tensor Entropy()
    {
        // 0·log 0 is 0: the floor makes it so where a probability is exactly 0, and lets NaN through to be seen.
        Tensor floored = LogProbabilities.clamp(min: -1e4);
        return -(LogProbabilities.exp() * floored).sum(-1).sum(-1);
    }
}
