namespace ModNet.Kernels;

/// <summary>
/// The head of a language model in one piece: logits = h·Wᵀ + b, softmax over the vocabulary, log-likelihood of the target,
/// and the gradients of all of these. The [N, V] matrices of logits and probabilities never exist; a thread holds a few rows.
/// <para>
/// Shapes, everywhere: h [N, H], weight [V, H], bias [V], targets [N], row-major; N ≥ 0, H ≥ 1, V ≥ 1. Log-likelihoods
/// are in nats. Any logits below 2e38 in magnitude are safe. A datapoint with a logit that is NaN or +∞, or with none above
/// −∞, has log-likelihood NaN; a logit of −∞ beside finite ones is a class of probability 0.
/// </para>
/// <para>
/// The same arguments and the same number of threads give the same bits. Memory beside the arguments: the weights once, and
/// for gradients once more per thread.
/// </para>
/// </summary>
public static class LinearCrossEntropy
{
    /// <summary>log p(target_n | h_n) for every datapoint. Of rows that are equal bit for bit, with one target, one is worked off.</summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">[V, H].</param>
    /// <param name="bias">[V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V), or threads below 1.</exception>
    public static void Score(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        int threads) =>
        HeadCall.Score(h, weight, bias, targets, logLikelihood, threads, HeadPass.WidestLanes);

    /// <summary>
    /// log p(target_n | h_n) and log Σ_v exp(logit_nv) for every datapoint; the latter is what <see cref="Backward"/> needs.
    /// </summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">[V, H].</param>
    /// <param name="bias">[V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="logSumExp">Out: [N].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V), or threads below 1.</exception>
    public static void Forward(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        Span<float> logSumExp,
        int threads) =>
        HeadCall.Forward(h, weight, bias, targets, logLikelihood, logSumExp, threads, HeadPass.WidestLanes);

    /// <summary>
    /// Gradients of a loss in h, weight and bias, from its gradient in the log-likelihoods; logits are computed again.
    /// Where that gradient is known before the log-likelihoods are, <see cref="ScoreAndGradients"/> does both in one pass.
    /// </summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">[V, H].</param>
    /// <param name="bias">[V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <param name="logSumExp">[N], from <see cref="Forward"/> with the same arguments.</param>
    /// <param name="upstream">[N]: ∂loss/∂logLikelihood_n.</param>
    /// <param name="hGradient">Out, overwritten: [N, H].</param>
    /// <param name="weightGradient">Out, overwritten: [V, H].</param>
    /// <param name="biasGradient">Out, overwritten: [V].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V), or threads below 1.</exception>
    public static void Backward(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        ReadOnlySpan<float> logSumExp,
        ReadOnlySpan<float> upstream,
        Span<float> hGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads) =>
        HeadCall.Backward(
            h, weight, bias, targets, logSumExp, upstream, hGradient, weightGradient, biasGradient, threads, HeadPass.WidestLanes);

    /// <summary>
    /// Log-likelihoods and, in the same pass, the gradients of loss = Σ_n rowWeight_n · logLikelihood_n in h, weight and bias.
    /// </summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">[V, H].</param>
    /// <param name="bias">[V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <param name="rowWeight">[N]: ∂loss/∂logLikelihood_n; −1/N each makes the loss the mean cross-entropy.</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="hGradient">Out, overwritten: [N, H].</param>
    /// <param name="weightGradient">Out, overwritten: [V, H].</param>
    /// <param name="biasGradient">Out, overwritten: [V].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <returns>The loss, in nats.</returns>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V), or threads below 1.</exception>
    public static double ScoreAndGradients(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        ReadOnlySpan<float> rowWeight,
        Span<float> logLikelihood,
        Span<float> hGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads) =>
        HeadCall.ScoreAndGradients(
            h,
            weight,
            bias,
            targets,
            rowWeight,
            logLikelihood,
            hGradient,
            weightGradient,
            biasGradient,
            threads,
            HeadPass.WidestLanes);

    /// <summary>
    /// Mean cross-entropy −mean_n logLikelihood_n and its gradients in h, weight and bias, in one pass. For a loss that is
    /// a multiple of the mean, multiply the gradients by that number.
    /// </summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">[V, H].</param>
    /// <param name="bias">[V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="hGradient">Out, overwritten: [N, H].</param>
    /// <param name="weightGradient">Out, overwritten: [V, H].</param>
    /// <param name="biasGradient">Out, overwritten: [V].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <returns>The mean cross-entropy in nats; NaN if N = 0, where gradients are zero.</returns>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V), or threads below 1.</exception>
    public static double MeanLossAndGradients(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        Span<float> hGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads)
    {
        float[] rowWeight = new float[targets.Length];
        Array.Fill(rowWeight, -1f / targets.Length);
        ScoreAndGradients(
            h, weight, bias, targets, rowWeight, logLikelihood, hGradient, weightGradient, biasGradient, threads);

        double sum = 0;
        foreach (float value in logLikelihood)
        {
            sum -= value;
        }

        return sum / targets.Length;
    }
}
