using System.Buffers;

namespace ModNet.Kernels;

/// <summary>
/// The head of a language model in one piece: logits = h·Wᵀ + b, a softmax over the vocabulary, the log-likelihood of the target, and
/// the gradients of all of these. The [N, V] matrices of logits and probabilities never exist as a whole; each thread holds a few rows.
/// <para>
/// Log-likelihoods are in nats. Any logits below 2e38 in magnitude are safe. A datapoint with a logit that is NaN or +∞, or with no
/// logit above −∞, has log-likelihood NaN; a logit of −∞ beside finite ones is a class of probability 0.
/// </para>
/// <para>
/// The same arguments and the same number of threads give the same bits. Beside the arguments a call needs memory for one copy of the
/// weights and, where it makes gradients, for one more per thread.
/// </para>
/// </summary>
public static unsafe class LinearCrossEntropy
{
    // With so many classes, scoring a row costs many times what it takes to find out whether an equal row was there before.
    private const int ManyClasses = 128;

    /// <summary>
    /// log p(target_n | h_n) for every datapoint. Datapoints whose rows of h are equal bit for bit, and whose targets are equal, are
    /// scored once.
    /// </summary>
    /// <param name="inputs">N datapoints and the head's parameters.</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">logLikelihood is not [N].</exception>
    public static void Score(in HeadInputs inputs, Span<float> logLikelihood, Cores cores)
    {
        int count = inputs.Count, hidden = inputs.Hidden;
        Expected.Length(logLikelihood.Length, count, nameof(logLikelihood), "[N]");
        using EqualRows? equal = inputs.Bias.Length < ManyClasses ? null : new EqualRows(inputs.H, inputs.Targets, hidden);
        if (equal is null || equal.Count == count)
        {
            Run(HeadWork.Score, inputs, logLikelihood, default, default, default, cores);
            return;
        }

        // A row's score does not depend on the rows beside it, so the distinct rows can be scored on their own.
        using Scratch scratch = new((long)equal.Count * hidden, equal.Count);
        Span<float> rows = new(scratch.Take(), equal.Count * hidden), scores = new(scratch.Take(), equal.Count);
        long[] classes = ArrayPool<long>.Shared.Rent(equal.Count);
        for (int d = 0; d < equal.Count; d++)
        {
            inputs.H.Slice(equal.Firsts[d] * hidden, hidden).CopyTo(rows[(d * hidden)..]);
            classes[d] = inputs.Targets[equal.Firsts[d]];
        }

        HeadInputs distinct = new(rows, inputs.Weight, inputs.Bias, classes.AsSpan(0, equal.Count));
        Run(HeadWork.Score, distinct, scores, default, default, default, cores);
        ArrayPool<long>.Shared.Return(classes);
        for (int n = 0; n < count; n++)
        {
            logLikelihood[n] = scores[equal.Places[n]];
        }
    }

    /// <summary>
    /// log p(target_n | h_n) and log Σ_v exp(logit_nv) for every datapoint; the latter is what <see cref="Backward"/> needs.
    /// </summary>
    /// <param name="inputs">N datapoints and the head's parameters.</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="logSumExp">Out: [N].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A result is not [N].</exception>
    public static void Forward(in HeadInputs inputs, Span<float> logLikelihood, Span<float> logSumExp, Cores cores)
    {
        Expected.Length(logLikelihood.Length, inputs.Count, nameof(logLikelihood), "[N]");
        Expected.Length(logSumExp.Length, inputs.Count, nameof(logSumExp), "[N]");
        Run(HeadWork.Score, inputs, logLikelihood, logSumExp, default, default, cores);
    }

    /// <summary>
    /// Gradients of a loss, from its derivatives in the log-likelihoods. Computes the logits again. Where those derivatives are known
    /// before the log-likelihoods are, <see cref="MeanLossAndGradients"/> saves this second pass.
    /// </summary>
    /// <param name="inputs">The same as in <see cref="Forward"/>.</param>
    /// <param name="logSumExp">[N], what <see cref="Forward"/> gave.</param>
    /// <param name="upstream">[N]: ∂loss/∂logLikelihood_n.</param>
    /// <param name="gradients">Out.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the inputs.</exception>
    public static void Backward(
        in HeadInputs inputs, ReadOnlySpan<float> logSumExp, ReadOnlySpan<float> upstream, in HeadGradients gradients, Cores cores)
    {
        Expected.Length(logSumExp.Length, inputs.Count, nameof(logSumExp), "[N]");
        Expected.Length(upstream.Length, inputs.Count, nameof(upstream), "[N]");
        gradients.Check(inputs);
        Run(HeadWork.Gradients, inputs, default, logSumExp, upstream, gradients, cores);
    }

    /// <summary>
    /// The mean cross-entropy −mean_n logLikelihood_n and its gradients, in one pass. Where the loss is a multiple of the mean, its
    /// gradients are the same multiple of these.
    /// </summary>
    /// <param name="inputs">N datapoints and the head's parameters.</param>
    /// <param name="logLikelihood">Out: [N].</param>
    /// <param name="gradients">Out.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <returns>The mean cross-entropy in nats. NaN if N = 0, where all gradients are zero.</returns>
    /// <exception cref="ArgumentException">A length does not fit the inputs.</exception>
    public static double MeanLossAndGradients(
        in HeadInputs inputs, Span<float> logLikelihood, in HeadGradients gradients, Cores cores)
    {
        float[] rowWeight = new float[inputs.Count];
        Array.Fill(rowWeight, -1f / inputs.Count);
        ScoreAndGradients(inputs, rowWeight, logLikelihood, gradients, cores);

        double sum = 0;
        foreach (float value in logLikelihood)
        {
            sum -= value;
        }

        return sum / inputs.Count;
    }

    /// <summary>Log-likelihoods [N] and, in the same pass, the gradients of loss = Σ_n rowWeight_n · logLikelihood_n.</summary>
    /// <returns>The loss, in nats.</returns>
    internal static double ScoreAndGradients(
        in HeadInputs inputs, ReadOnlySpan<float> rowWeight, Span<float> logLikelihood, in HeadGradients gradients, Cores cores)
    {
        Expected.Length(rowWeight.Length, inputs.Count, nameof(rowWeight), "[N]");
        Expected.Length(logLikelihood.Length, inputs.Count, nameof(logLikelihood), "[N]");
        gradients.Check(inputs);
        Run(HeadWork.ScoreAndGradients, inputs, logLikelihood, default, rowWeight, gradients, cores);
        double loss = 0;
        for (int n = 0; n < rowWeight.Length; n++)
        {
            loss += (double)rowWeight[n] * logLikelihood[n];
        }

        return loss;
    }

    // Pins everything, so that threads can share it. A span that is left out becomes a null pointer.
    private static void Run(
        HeadWork work,
        in HeadInputs inputs,
        ReadOnlySpan<float> logLikelihood,
        ReadOnlySpan<float> logSumExp,
        ReadOnlySpan<float> rowWeight,
        in HeadGradients gradients,
        Cores cores)
    {
        fixed (float* h = inputs.H, weight = inputs.Weight, bias = inputs.Bias)
        fixed (float* likelihood = logLikelihood, sum = logSumExp, upstream = rowWeight)
        fixed (float* dh = gradients.H, dWeight = gradients.Weight, dBias = gradients.Bias)
        fixed (long* targets = inputs.Targets)
        {
            cores.Run(new HeadTask
            {
                Work = work,
                Count = inputs.Count,
                Vocabulary = inputs.Bias.Length,
                Hidden = inputs.Hidden,
                X = h,
                Weight = weight,
                Bias = bias,
                Targets = targets,
                LogLikelihood = likelihood,
                LogSumExp = sum,
                RowWeight = upstream,
                HiddenGradient = dh,
                WeightGradient = dWeight,
                BiasGradient = dBias,
            });
        }
    }
}
