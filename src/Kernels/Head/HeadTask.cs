namespace ModNet.Kernels;

/// <summary>What a call of the head's kernel computes.</summary>
internal enum HeadWork
{
    /// <summary>Log-likelihoods, or log Σ exp(logits), or both.</summary>
    Score,

    /// <summary>Gradients, where log Σ exp(logits) is given.</summary>
    Gradients,

    /// <summary>Log-likelihoods and gradients in one pass.</summary>
    ScoreAndGradients,
}

/// <summary>One call of the head's kernel: its data, pinned. A null pointer is a result that nobody asked for.</summary>
internal readonly unsafe struct HeadTask : IKernel
{
    internal HeadWork Work { get; init; }

    /// <summary>N.</summary>
    internal int Count { get; init; }

    /// <summary>V.</summary>
    internal int Vocabulary { get; init; }

    /// <summary>H.</summary>
    internal int Hidden { get; init; }

    /// <summary>[N, H].</summary>
    internal float* X { get; init; }

    /// <summary>[V, H].</summary>
    internal float* Weight { get; init; }

    /// <summary>[V].</summary>
    internal float* Bias { get; init; }

    /// <summary>[N], each in [0, V).</summary>
    internal long* Targets { get; init; }

    /// <summary>[N], written, or null.</summary>
    internal float* LogLikelihood { get; init; }

    /// <summary>[N]. Read where <see cref="SumsAreKnown"/>; elsewhere written, or null.</summary>
    internal float* LogSumExp { get; init; }

    /// <summary>[N]: the derivative of the loss in each log-likelihood. This and all that follows is there where gradients are wanted.</summary>
    internal float* RowWeight { get; init; }

    /// <summary>[N, H], written.</summary>
    internal float* HiddenGradient { get; init; }

    /// <summary>[V, H], written.</summary>
    internal float* WeightGradient { get; init; }

    /// <summary>[V], written.</summary>
    internal float* BiasGradient { get; init; }

    internal bool SumsAreKnown => Work == HeadWork.Gradients;

    internal bool WantsGradients => Work != HeadWork.Score;

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct => new HeadPass<L, V>(this, threads).Run();
}
