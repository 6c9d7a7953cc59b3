namespace ModNet.Kernels;

/// <summary>Parameters of a modular GRU, or their gradients, row-major.</summary>
/// <remarks>D = H + I; what reads [h, x] or [r⊙h, x] has h's columns first.</remarks>
public readonly ref struct ModularGruWeights
{
    /// <summary>[2·H, D], z's rows first.</summary>
    public Span<float> Gate { get; init; }

    /// <summary>[2·H].</summary>
    public Span<float> GateBias { get; init; }

    /// <summary>[K·M, D]; position k owns rows k·M to (k + 1)·M − 1. Of gradients, empty where the controller's are not asked for.</summary>
    public Span<float> Controller { get; init; }

    /// <summary>[K·M]; likewise.</summary>
    public Span<float> ControllerBias { get; init; }

    /// <summary>W_noise, [M, D]; empty where there is no noise.</summary>
    public Span<float> Noise { get; init; }

    /// <summary>[M, H, D].</summary>
    public Span<float> Module { get; init; }

    /// <summary>[M, H]; empty for modules without bias.</summary>
    public Span<float> ModuleBias { get; init; }
}

/// <summary>What a modular GRU's choices are made by.</summary>
public readonly ref struct ModularGruChoices
{
    /// <summary>[R, T, K]: the choices of the first R ≤ B rows, each in [0, M). Empty under a gate.</summary>
    public ReadOnlySpan<long> Given { get; init; }

    /// <summary>
    /// [T, B, K] in [0, 1): what the other rows' are drawn by; empty takes their most probable modules. Empty under a gate.
    /// </summary>
    public ReadOnlySpan<float> Uniforms { get; init; }

    /// <summary>[T, B, M]: the standard normals in H under a gate with noise, else empty.</summary>
    public ReadOnlySpan<float> Noise { get; init; }
}

/// <summary>What a modular GRU leaves of a window, or derivatives of a loss in that.</summary>
public readonly ref struct ModularGruTrace
{
    /// <summary>[B, T, H]: h after each step.</summary>
    public Span<float> States { get; init; }

    /// <summary>[B, T, K, M]: log p_k(·|h, x).</summary>
    public Span<float> LogProbabilities { get; init; }

    /// <summary>[B, T, K]: the modules that ran; under a gate [B, T, k], the highest H first.</summary>
    public Span<long> Indices { get; init; }

    /// <summary>[B, T, k]: the factors on those modules' outputs under a gate, else empty.</summary>
    public Span<float> Factors { get; init; }

    /// <summary>B·T·<see cref="ModularGruWindow.RecordLength"/>: what the way back needs beside, or empty where there is none.</summary>
    public Span<float> Record { get; init; }
}

/// <summary>
/// A modular GRU (paper, appendix A) with linear modules and a linear controller over a whole window: z, r = σ(W·[h, x]);
/// candidate = ReLU(Σ_k f_{a_k}([r⊙h, x])); h' = (1 − z)⊙h + z⊙candidate; a from K softmaxes of a linear map of [h, x].
/// Rows are independent of each other: a row's results are the same bits whichever rows are beside it.
/// <para>
/// Choices are given for the first rows, and the others' drawn, or taken where most probable. A drawn module is the first up to which
/// the probabilities sum to more than u times their sum.
/// </para>
/// <para>
/// Under a gate (<see cref="ModularGruSize.TopK"/>; Shazeer et al. 2017, Eqs. 3–5) the sum is Σ_j w_j·f_{a_j} over the k modules of
/// highest H instead, w a softmax of H over those.
/// </para>
/// </summary>
public static class ModularGruWindow
{
    /// <summary>Floats that a row's step leaves in <see cref="ModularGruTrace.Record"/>.</summary>
    public static int RecordLength(in ModularGruSize size) => new ModularGruLayout(size, HeadPass.WidestLanes).RecordLength;

    /// <summary>Runs the window.</summary>
    /// <param name="size">B ≥ 0, all other sizes ≥ 1.</param>
    /// <param name="x">[B, T, I].</param>
    /// <param name="initial">h at first, [B, H]; empty for zeros.</param>
    /// <param name="weights">The parameters.</param>
    /// <param name="choices">What the choices are made by.</param>
    /// <param name="trace">Out.</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A given choice lies outside [0, M), or a size or threads below 1.</exception>
    public static void Forward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruChoices choices,
        in ModularGruTrace trace,
        int threads) =>
        ModularGruCall.Forward(size, x, initial, weights, choices, trace, threads, HeadPass.WidestLanes);

    /// <summary>Gradients of a loss, from those in states, log-probabilities and factors. Modules that nothing chose get exactly zero.</summary>
    /// <param name="size">As forward.</param>
    /// <param name="x">As forward.</param>
    /// <param name="initial">As forward.</param>
    /// <param name="weights">As forward.</param>
    /// <param name="trace">What forward left, record included.</param>
    /// <param name="traceGradient">The loss's derivatives in states, log-probabilities and factors, each empty for zeros.</param>
    /// <param name="xGradient">Out, overwritten: [B, T, I].</param>
    /// <param name="initialGradient">Out, overwritten: [B, H]; empty where it is not asked for.</param>
    /// <param name="gradients">Out, overwritten.</param>
    /// <param name="threads">At most so many threads work; ≥ 1. The same number gives the same bits.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A size or threads below 1.</exception>
    public static void Backward(
        in ModularGruSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<float> initial,
        in ModularGruWeights weights,
        in ModularGruTrace trace,
        in ModularGruTrace traceGradient,
        Span<float> xGradient,
        Span<float> initialGradient,
        in ModularGruWeights gradients,
        int threads) =>
        ModularGruCall.Backward(
            size,
            x,
            initial,
            weights,
            trace,
            traceGradient,
            xGradient,
            initialGradient,
            gradients,
            threads,
            HeadPass.WidestLanes);
}
