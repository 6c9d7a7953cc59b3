namespace ModNet.Kernels;

/// <summary>The calls of <see cref="LinearCrossEntropy"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class HeadCall
{
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
        fixed (float* x = h, w = weight, b = bias, likelihood = logLikelihood)
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
                },
                threads,
                lanes);
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
        int hidden = HeadArguments.Check(h, weight, bias, targets, threads);
        HeadArguments.CheckLength(logLikelihood.Length, targets.Length, nameof(logLikelihood), "N");
        HeadArguments.CheckLength(logSumExp.Length, targets.Length, nameof(logSumExp), "N");
        fixed (float* x = h, w = weight, b = bias, likelihood = logLikelihood, lse = logSumExp)
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
