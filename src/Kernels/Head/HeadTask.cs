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
    internal int Count { get; init; }               // N
    internal int Vocabulary { get; init; }          // V
    internal int Hidden { get; init; }              // H
    internal float* X { get; init; }                // [N, H]
    internal float* Weight { get; init; }           // [V, H]
    internal float* Bias { get; init; }             // [V]
    internal long* Targets { get; init; }           // [N], each in [0, V)
    internal float* LogLikelihood { get; init; }    // [N], written, or null
    internal float* LogSumExp { get; init; }        // [N], read where SumsAreKnown; elsewhere written, or null

    // From here on, what is there only where gradients are wanted.
    internal float* RowWeight { get; init; }        // [N], the loss's derivative in each log-likelihood
    internal float* HiddenGradient { get; init; }   // [N, H], written
    internal float* WeightGradient { get; init; }   // [V, H], written
    internal float* BiasGradient { get; init; }     // [V], written

    internal bool SumsAreKnown => Work == HeadWork.Gradients;

    internal bool WantsGradients => Work != HeadWork.Score;

    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct => new HeadPass<L, V>(this, threads).Run();
}
