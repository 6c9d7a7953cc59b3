namespace ModNet.Kernels;

/// <summary>One call's data, pinned: what a head is given and where its results go. A null pointer is a result not asked for.</summary>
internal readonly unsafe struct HeadTask
{
    internal int Count { get; init; }

    internal int Vocabulary { get; init; }

    internal int Hidden { get; init; }

    /// <summary>[N, H].</summary>
    internal float* X { get; init; }

    /// <summary>[V, H].</summary>
    internal float* Weight { get; init; }

    /// <summary>[V].</summary>
    internal float* Bias { get; init; }

    /// <summary>[N], each in [0, V).</summary>
    internal long* Targets { get; init; }

    /// <summary>[N], out or null.</summary>
    internal float* LogLikelihood { get; init; }

    /// <summary>[N], null or, where <see cref="SumsAreKnown"/>, in; else out.</summary>
    internal float* LogSumExp { get; init; }

    /// <summary>Whether <see cref="LogSumExp"/> is given, so that gradients need no sums of their own.</summary>
    internal bool SumsAreKnown { get; init; }

    /// <summary>Whether the members from here on are given. (Not told by null: a pointer to nothing, N = 0, is null too.)</summary>
    internal bool WantsGradients { get; init; }

    /// <summary>[N]: derivative of the loss in each log-likelihood.</summary>
    internal float* RowWeight { get; init; }

    /// <summary>[N, H], out.</summary>
    internal float* HiddenGradient { get; init; }

    /// <summary>[V, H], out.</summary>
    internal float* WeightGradient { get; init; }

    /// <summary>[V], out.</summary>
    internal float* BiasGradient { get; init; }
}
