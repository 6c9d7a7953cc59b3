using System.Buffers;

namespace ModNet.Kernels;

/// <summary>The calls of <see cref="LinearCrossEntropy"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class HeadCall
{
    // Classes from which a row's scores cost many times what it takes to find out whether it was there before.
    private const int ManyClasses = 128;

    internal static void Score(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        int threads,
        int lanes)
    {
        int hidden = HeadArguments.Check(h, weight, bias, targets, threads);
        HeadArguments.CheckLength(logLikelihood.Length, targets.Length, nameof(logLikelihood), "N");
        using EqualRows? equal = bias.Length < ManyClasses ? null : new EqualRows(h, targets, hidden);
        if (equal is null || equal.Count == targets.Length)
        {
            ScoreEach(h, weight, bias, targets, logLikelihood, default, threads, lanes);
            return;
        }

        // Equal rows once: what a row gets does not depend on its place.
        using Scratch rows = new((long)equal.Count * hidden), scores = new(equal.Count);
        long[] classes = ArrayPool<long>.Shared.Rent(equal.Count);
        for (int d = 0; d < equal.Count; d++)
        {
            h.Slice(equal.Firsts[d] * hidden, hidden).CopyTo(new Span<float>(rows.Start + (long)d * hidden, hidden));
            classes[d] = targets[equal.Firsts[d]];
        }

        ScoreEach(
            new ReadOnlySpan<float>(rows.Start, equal.Count * hidden),
            weight,
            bias,
            classes.AsSpan(0, equal.Count),
            new Span<float>(scores.Start, equal.Count),
            default,
            threads,
            lanes);
        ArrayPool<long>.Shared.Return(classes);
        for (int n = 0; n < targets.Length; n++)
        {
            logLikelihood[n] = scores.Start[equal.Places[n]];
        }
    }

    internal static void Forward(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        Span<float> logSumExp,
        int threads,
        int lanes)
    {
        HeadArguments.Check(h, weight, bias, targets, threads);
        HeadArguments.CheckLength(logLikelihood.Length, targets.Length, nameof(logLikelihood), "N");
        HeadArguments.CheckLength(logSumExp.Length, targets.Length, nameof(logSumExp), "N");
        ScoreEach(h, weight, bias, targets, logLikelihood, logSumExp, threads, lanes);
    }

    // Without the logarithms of sums where no room is given for them.
    private static void ScoreEach(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        Span<float> logLikelihood,
        Span<float> logSumExp,
        int threads,
        int lanes)
    {
        fixed (float* x = h, w = weight, b = bias, likelihood = logLikelihood, lse = logSumExp)
        fixed (long* t = targets)
        {
            HeadPass.Run(
                new HeadTask
                {
                    Count = targets.Length,
                    Vocabulary = bias.Length,
                    Hidden = weight.Length / bias.Length,
                    X = x,
                    Weight = w,
                    Bias = b,
                    Targets = t,
                    LogLikelihood = likelihood,
                    LogSumExp = lse,
                },
                threads,
                lanes);
        }
    }

    internal static void Backward(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        ReadOnlySpan<float> logSumExp,
        ReadOnlySpan<float> upstream,
        Span<float> hGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads,
        int lanes)
    {
        int hidden = HeadArguments.Check(h, weight, bias, targets, threads);
        HeadArguments.CheckLength(logSumExp.Length, targets.Length, nameof(logSumExp), "N");
        HeadArguments.CheckLength(upstream.Length, targets.Length, nameof(upstream), "N");
        HeadArguments.CheckGradients(h, weight, bias, hGradient, weightGradient, biasGradient);
        fixed (float* x = h, w = weight, b = bias, lse = logSumExp, up = upstream)
        fixed (float* dx = hGradient, dw = weightGradient, db = biasGradient)
        fixed (long* t = targets)
        {
            HeadPass.Run(
                new HeadTask
                {
                    Count = targets.Length,
                    Vocabulary = bias.Length,
                    Hidden = hidden,
                    X = x,
                    Weight = w,
                    Bias = b,
                    Targets = t,
                    LogSumExp = lse,
                    SumsAreKnown = true,
                    WantsGradients = true,
                    RowWeight = up,
                    HiddenGradient = dx,
                    WeightGradient = dw,
                    BiasGradient = db,
                },
                threads,
                lanes);
        }
    }

    internal static double ScoreAndGradients(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        ReadOnlySpan<float> rowWeight,
        Span<float> logLikelihood,
        Span<float> hGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads,
        int lanes)
    {
        int hidden = HeadArguments.Check(h, weight, bias, targets, threads);
        HeadArguments.CheckLength(rowWeight.Length, targets.Length, nameof(rowWeight), "N");
        HeadArguments.CheckLength(logLikelihood.Length, targets.Length, nameof(logLikelihood), "N");
        HeadArguments.CheckGradients(h, weight, bias, hGradient, weightGradient, biasGradient);
        fixed (float* x = h, w = weight, b = bias, likelihood = logLikelihood, g = rowWeight)
        fixed (float* dx = hGradient, dw = weightGradient, db = biasGradient)
        fixed (long* t = targets)
        {
            HeadPass.Run(
                new HeadTask
                {
                    Count = targets.Length,
                    Vocabulary = bias.Length,
                    Hidden = hidden,
                    X = x,
                    Weight = w,
                    Bias = b,
                    Targets = t,
                    LogLikelihood = likelihood,
                    WantsGradients = true,
                    RowWeight = g,
                    HiddenGradient = dx,
                    WeightGradient = dw,
                    BiasGradient = db,
                },
                threads,
                lanes);
        }

        double loss = 0;
        for (int n = 0; n < targets.Length; n++)
        {
            loss += (double)rowWeight[n] * logLikelihood[n];
        }

        return loss;
    }
}
