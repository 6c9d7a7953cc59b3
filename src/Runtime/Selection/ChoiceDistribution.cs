using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(a|x, φ) at one site: K independent softmaxes over the same M modules, log p(a|x) = Σ_k log p_k(a_k|x).</summary>
public sealed class ChoiceDistribution
{
    private ChoiceDistribution(Tensor logProbabilities, bool latent) =>
        (LogProbabilities, Latent) = (logProbabilities, latent);

    /// <summary>[B, K, M], normalised over M.</summary>
    public Tensor LogProbabilities { get; }

    /// <summary>Whether there is something to choose; otherwise the data give the choices, which have all probability.</summary>
    public bool Latent { get; }

    /// <summary>K.</summary>
    public int Choose => (int)LogProbabilities.shape[1];

    /// <summary>M.</summary>
    public int Modules => (int)LogProbabilities.shape[2];

    /// <summary>From unnormalised scores [B, K, M].</summary>
    public static ChoiceDistribution FromLogits(Tensor logits) => new(nn.functional.log_softmax(logits, -1), true);

    /// <summary>All probability on given choices [B, K] among M modules: log-probabilities 0 there, −∞ elsewhere.</summary>
    public static ChoiceDistribution Given(Tensor indices, int modules, ScalarType dtype) =>
        new(nn.functional.one_hot(indices, modules).to_type(dtype).log(), false);

    /// <summary>
    /// Several distributions as one: along dimension 0 rows follow each other ([ΣB, K, M]), along 1 positions ([B, ΣK, M]).
    /// </summary>
    public static ChoiceDistribution Join(IReadOnlyList<ChoiceDistribution> parts, long dimension) =>
        new(cat([.. parts.Select(p => p.LogProbabilities)], dimension), parts.Any(p => p.Latent));

    /// <summary>Of sequences' steps, [B·T, K, M] with a sequence's T steps in a row: one distribution [B, K, M] per step.</summary>
    public IEnumerable<ChoiceDistribution> Steps(long steps) =>
        LogProbabilities.view(-1, steps, Choose, Modules).unbind(1).Select(step => new ChoiceDistribution(step, Latent));

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
