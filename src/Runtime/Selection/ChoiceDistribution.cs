using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>p(a|x, φ) at one site: K independent softmaxes over the same M modules, log p(a|x) = Σ_k log p_k(a_k|x).</summary>
public sealed class ChoiceDistribution
{
    private ChoiceDistribution(Tensor logProbabilities, bool latent, Tensor? noiseScale = null) =>
        (LogProbabilities, Latent, NoiseScale) = (logProbabilities, latent, noiseScale);

    /// <summary>[B, K, M], normalised over M.</summary>
    public Tensor LogProbabilities { get; }

    /// <summary>Whether there is something to choose; otherwise the data give the choices, which have all probability.</summary>
    public bool Latent { get; }

    /// <summary>[B, K, M]: the deviation of noisy top-k's noise on each logit; null for all other methods, and in evaluation.</summary>
    public Tensor? NoiseScale { get; }

    /// <summary>K.</summary>
    public int Choose => (int)LogProbabilities.shape[1];

    /// <summary>M.</summary>
    public int Modules => (int)LogProbabilities.shape[2];

    /// <summary>From unnormalised scores [B, K, M], and the deviation of the noise on them where there is any.</summary>
    public static ChoiceDistribution FromLogits(Tensor logits, Tensor? noiseScale = null) =>
        new(nn.functional.log_softmax(logits, -1), true, noiseScale);

    /// <summary>From log-probabilities [B, K, M], normalised over M, of latent choices.</summary>
    internal static ChoiceDistribution FromLogProbabilities(Tensor logProbabilities) => new(logProbabilities, true);

    /// <summary>All probability on given choices [B, K] among M modules: log-probabilities 0 there, −∞ elsewhere.</summary>
    public static ChoiceDistribution Given(Tensor indices, int modules, ScalarType dtype) =>
        new(nn.functional.one_hot(indices, modules).to_type(dtype).log(), false);

    /// <summary>Weights [B, k] that sum to 1 on indices [B, k] as one position's distribution [B, 1, M]: −∞ elsewhere.</summary>
    internal static ChoiceDistribution Gate(Tensor indices, Tensor weights, int modules) =>
        new(zeros(indices.shape[0], modules, weights.dtype, weights.device).scatter(1, indices, weights).log().unsqueeze(1), true);

    /// <summary>
    /// Several distributions as one: along dimension 0 rows follow each other ([ΣB, K, M]), along 1 positions ([B, ΣK, M]).
    /// Without their noise.
    /// </summary>
    public static ChoiceDistribution Join(IReadOnlyList<ChoiceDistribution> parts, long dimension) =>
        new(cat([.. parts.Select(p => p.LogProbabilities)], dimension), parts.Any(p => p.Latent));

    /// <summary>All rows, and again: [times·B, K, M]. Without noise.</summary>
    internal ChoiceDistribution Tile(int times) => new(LogProbabilities.Tile(times), Latent);

    /// <summary>Of sequences' steps, [B·T, K, M] with a sequence's T steps in a row: one distribution [B, K, M] per step.</summary>
    public IEnumerable<ChoiceDistribution> Steps(long steps)
    {
        Tensor[] Apart(Tensor rows) => [.. rows.view(-1, steps, Choose, Modules).unbind(1)];
        Tensor[]? scales = NoiseScale is null ? null : Apart(NoiseScale);
        return Apart(LogProbabilities).Select((step, t) => new ChoiceDistribution(step, Latent, scales?[t]));
    }

    /// <summary>log p(a|x): indices [B, K] → [B].</summary>
    public Tensor LogProbability(Tensor indices) =>
        LogProbabilities.gather(2, indices.unsqueeze(-1)).squeeze(-1).sum(1);

    /// <summary>
    /// An independent draw per position → [B, K]: of B·K numbers u, uniform in [0, 1) and in row order, each takes the first
    /// module up to which the probabilities sum to more than u times the sum of all. Never a module of probability 0.
    /// </summary>
    public Tensor Sample(Generator generator) => SampleBy(Uniforms(LogProbabilities.shape[0], generator));

    /// <summary>The same by given u, [B, K, 1].</summary>
    internal Tensor SampleBy(Tensor uniforms)
    {
        using var noGrad = no_grad();
        Tensor sums = LogProbabilities.detach().exp().cumsum(-1);
        return sums.le(uniforms.to(sums.device) * sums.narrow(-1, Modules - 1, 1)).sum(dim: -1);
    }

    /// <summary>u of as many rows, [rows, K, 1]. Drawn on the CPU, where the run's streams live.</summary>
    internal Tensor Uniforms(long rows, Generator generator) =>
        rand(rows, Choose, 1, dtype: LogProbabilities.dtype, generator: generator);

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
