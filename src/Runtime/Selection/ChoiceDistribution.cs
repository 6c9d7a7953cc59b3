using ModNet.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The controller's distribution p(a|x, φ) at one site: K independent softmaxes over the same M modules, so that log p(a|x) = Σ_k log
/// p_k(a_k|x) (Eq. 2).
/// </summary>
public sealed class ChoiceDistribution
{
    private const long Few = 32;

    private ChoiceDistribution(Tensor logProbabilities, bool latent, Tensor? noiseScale = null) =>
        (LogProbabilities, Latent, NoiseScale) = (logProbabilities, latent, noiseScale);

    /// <summary>The log-probabilities [B, K, M], normalised over M.</summary>
    public Tensor LogProbabilities { get; }

    /// <summary>Whether a selector chooses. Otherwise the data give the choices, which then have probability 1.</summary>
    public bool Latent { get; }

    /// <summary>The standard deviation of noisy top-k's noise on each logit, [B, K, M]; null for other methods and in evaluation.</summary>
    public Tensor? NoiseScale { get; }

    /// <summary>K, the number of positions.</summary>
    public int Choose => (int)LogProbabilities.shape[1];

    /// <summary>M, the number of modules.</summary>
    public int Modules => (int)LogProbabilities.shape[2];

    /// <summary>Makes a distribution from logits [B, K, M], and from the standard deviation of the noise on them [B, K, M] where there is any.</summary>
    public static ChoiceDistribution FromLogits(Tensor logits, Tensor? noiseScale = null) =>
        new(LogSoftmaxOf(logits), true, noiseScale);

    // For few modules, libtorch takes ten times as long as our kernel, which has no gradient.
    private static Tensor LogSoftmaxOf(Tensor logits)
    {
        if (is_grad_enabled() || logits.shape[^1] > Few || logits.dtype != ScalarType.Float32 || logits.device_type != DeviceType.CPU)
        {
            return nn.functional.log_softmax(logits, -1);
        }

        Tensor plain = logits.contiguous(), logs = empty_like(plain);
        LogSoftmax.Forward(TensorSpans.Floats(plain), (int)logits.shape[^1], TensorSpans.Floats(logs), get_num_threads());
        return logs;
    }

    /// <summary>Makes a distribution of latent choices from log-probabilities [B, K, M] that are normalised over M.</summary>
    internal static ChoiceDistribution FromLogProbabilities(Tensor logProbabilities) => new(logProbabilities, true);

    /// <summary>Puts all probability on given choices [B, K] among M modules: log-probability 0 there, −∞ elsewhere.</summary>
    public static ChoiceDistribution Given(Tensor indices, int modules, ScalarType dtype) =>
        new(nn.functional.one_hot(indices, modules).to_type(dtype).log(), false);

    /// <summary>Reads a gate, weights [B, k] on modules [B, k] that sum to 1, as the distribution of one position [B, 1, M].</summary>
    internal static ChoiceDistribution Gate(Tensor indices, Tensor weights, int modules) =>
        new(zeros(indices.shape[0], modules, weights.dtype, weights.device).scatter(1, indices, weights).log().unsqueeze(1), true);

    /// <summary>
    /// Joins several distributions: along dimension 0 their rows ([ΣB, K, M]), along dimension 1 their positions ([B, ΣK, M]). The noise's
    /// deviation is dropped.
    /// </summary>
    public static ChoiceDistribution Join(IReadOnlyList<ChoiceDistribution> parts, long dimension) =>
        new(cat([.. parts.Select(p => p.LogProbabilities)], dimension), parts.Any(p => p.Latent));

    /// <summary>Repeats all rows: [B, K, M] → [times·B, K, M]. The noise's deviation is dropped.</summary>
    internal ChoiceDistribution Tile(int times) => new(LogProbabilities.Tile(times), Latent);

    /// <summary>Splits rows that are the T steps of B sequences, [B·T, K, M] with the steps of a sequence in a row, into T distributions [B, K, M].</summary>
    public IEnumerable<ChoiceDistribution> Steps(long steps)
    {
        Tensor[] Apart(Tensor rows) => [.. rows.view(-1, steps, Choose, Modules).unbind(1)];
        Tensor[]? scales = NoiseScale is null ? null : Apart(NoiseScale);
        return Apart(LogProbabilities).Select((step, t) => new ChoiceDistribution(step, Latent, scales?[t]));
    }

    /// <summary>log p(a|x) of compositions [B, K] → [B], in nats.</summary>
    public Tensor LogProbability(Tensor indices) =>
        LogProbabilities.gather(2, indices.unsqueeze(-1)).squeeze(-1).sum(1);

    /// <summary>
    /// Draws a module for every position, independently → [B, K]. Each of B·K uniform numbers u in [0, 1), in row order, takes the first
    /// module up to which the probabilities sum to more than u times their total. A module of probability 0 is never drawn.
    /// </summary>
    public Tensor Sample(Generator generator) => SampleBy(Uniforms(LogProbabilities.shape[0], generator));

    /// <summary>Draws in the same way by given uniform numbers u [B, K, 1].</summary>
    internal Tensor SampleBy(Tensor uniforms)
    {
        using var noGrad = no_grad();
        Tensor sums = LogProbabilities.detach().exp().cumsum(-1);
        return sums.le(uniforms.to(sums.device) * sums.narrow(-1, Modules - 1, 1)).sum(dim: -1);
    }

    /// <summary>Uniform numbers for so many rows, [rows, K, 1], drawn on the CPU, where the run's random streams are.</summary>
    internal Tensor Uniforms(long rows, Generator generator) =>
        rand(rows, Choose, 1, dtype: LogProbabilities.dtype, generator: generator);

    /// <summary>The most probable module of every position → [B, K].</summary>
    public Tensor Mode() => LogProbabilities.detach().argmax(-1);

    /// <summary>The entropy of p(a|x) in nats, summed over positions (the joint entropy of Eq. 15) → [B].</summary>
    public Tensor Entropy()
    {
        // The floor makes 0·log 0 zero where a probability is exactly 0. NaN passes through, so that it is noticed.
        Tensor floored = LogProbabilities.clamp(min: -1e4);
        return -(LogProbabilities.exp() * floored).sum(-1).sum(-1);
    }
}
