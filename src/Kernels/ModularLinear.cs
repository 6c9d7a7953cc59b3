namespace ModNet.Kernels;

/// <summary>The sizes of a modular linear layer and of what it runs over.</summary>
/// <param name="Rows">B.</param>
/// <param name="Inputs">Width of x.</param>
/// <param name="Outputs">Width of a module's output.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
public readonly record struct ModularLinearSize(int Rows, int Inputs, int Outputs, int Modules, int Choose)
{
    /// <summary>Whether each module ends in a ReLU.</summary>
    public bool Relu { get; init; }

    /// <summary>B·K.</summary>
    internal int Choices => checked(Rows * Choose);

    /// <summary>Numbers in a module's weight.</summary>
    internal long WeightLength => (long)Inputs * Outputs;
}

/// <summary>
/// The modular linear layer y[b, k] = act(W[a_bk]·x_b + bias[a_bk]), act the identity or ReLU: choices are sorted by module, and
/// every module in use is one matrix product with its rows.
/// <para>
/// A choice's output, and a row's input gradient, are the same bits whichever rows are beside it; so are all results whatever the
/// number of threads. Modules that nothing chose are neither read nor, but for zeros in a dense gradient, written.
/// </para>
/// </summary>
public static class ModularLinear
{
    /// <summary>The modules that a selection uses, each once, in ascending order.</summary>
    /// <param name="indices">Choices, each in [0, M).</param>
    /// <param name="modules">M.</param>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M).</exception>
    public static long[] InUse(ReadOnlySpan<long> indices, int modules) =>
        Array.ConvertAll(new ModularSegments(indices, modules).Modules, m => (long)m);

    /// <summary>Runs the chosen modules.</summary>
    /// <param name="size">B ≥ 0, all other sizes ≥ 1.</param>
    /// <param name="x">[B, in].</param>
    /// <param name="indices">[B, K]: a, each in [0, M).</param>
    /// <param name="weight">[M, out, in].</param>
    /// <param name="bias">[M, out]; empty for modules without bias.</param>
    /// <param name="output">Out, overwritten: [B, K, out].</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size or threads below 1.</exception>
    public static void Forward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        int threads) =>
        ModularLinearCall.Forward(size, x, indices, weight, bias, output, threads, HeadPass.WidestLanes);

    /// <summary>
    /// Gradients of a loss, from that in the outputs. Those of weight and bias may be asked for of all M modules, zeros where nothing
    /// chose them, or of the U modules in use alone, in the order of <see cref="InUse"/>: their lengths say which.
    /// </summary>
    /// <param name="size">As forward.</param>
    /// <param name="x">As forward.</param>
    /// <param name="indices">As forward.</param>
    /// <param name="weight">As forward.</param>
    /// <param name="output">What forward gave; empty for modules without ReLU.</param>
    /// <param name="upstream">[B, K, out]: the gradient in the outputs.</param>
    /// <param name="xGradient">Out, overwritten: [B, in]; empty where it is not asked for.</param>
    /// <param name="weightGradient">Out, overwritten: [M or U, out, in].</param>
    /// <param name="biasGradient">Out, overwritten: [M or U, out] as the weight's; empty where it is not asked for.</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size or threads below 1.</exception>
    public static void Backward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> output,
        ReadOnlySpan<float> upstream,
        Span<float> xGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads) =>
        ModularLinearCall.Backward(
            size, x, indices, weight, output, upstream, xGradient, weightGradient, biasGradient, threads, HeadPass.WidestLanes);
}
