namespace ModNet.Kernels;

/// <summary>The sizes of a modular linear layer and of what it runs over.</summary>
/// <param name="Rows">B.</param>
/// <param name="Inputs">in, the width of x.</param>
/// <param name="Outputs">out, the width of a module's output.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
public readonly record struct ModularLinearSize(int Rows, int Inputs, int Outputs, int Modules, int Choose)
{
    /// <summary>Whether each module ends in a ReLU.</summary>
    public bool Relu { get; init; }

    /// <summary>B·K.</summary>
    internal int Choices => checked(Rows * Choose);

    /// <summary>How many numbers the weight of one module has.</summary>
    internal long WeightLength => (long)Inputs * Outputs;
}

/// <summary>
/// The modular linear layer y[b, k] = act(W[a_bk]·x_b + bias[a_bk]), where act is the identity or ReLU. Choices are sorted by module, and
/// every module in use is one matrix product with its rows.
/// <para>
/// A choice's output and a row's input gradient are the same bits whichever rows are beside it, and all results are the same bits
/// whatever the number of threads. Modules that nothing chose are not read; in a gradient of all modules they get zeros.
/// </para>
/// </summary>
public static unsafe class ModularLinear
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
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
    public static void Forward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        Cores cores)
    {
        fixed (float* w = weight, b = bias)
        {
            Forward(size, x, indices, new PinnedFloats(w, weight.Length), new PinnedFloats(b, bias.Length), output, cores);
        }
    }

    /// <summary>The same, where a span does not reach all weights.</summary>
    /// <param name="size">B ≥ 0, all other sizes ≥ 1.</param>
    /// <param name="x">[B, in].</param>
    /// <param name="indices">[B, K]: a, each in [0, M).</param>
    /// <param name="weight">[M, out, in].</param>
    /// <param name="bias">[M, out]; empty for modules without bias.</param>
    /// <param name="output">Out, overwritten: [B, K, out].</param>
    /// <param name="cores">How many threads may work.</param>
    public static void Forward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        PinnedFloats weight,
        PinnedFloats bias,
        Span<float> output,
        Cores cores)
    {
        Check(size, x, indices, weight.Length);
        Expected.LengthOrNone(bias.Length, (long)size.Modules * size.Outputs, nameof(bias), "[M, out]");
        Expected.Length(output.Length, (long)size.Choices * size.Outputs, nameof(output), "[B, K, out]");
        var segments = new ModularSegments(indices, size.Modules);
        fixed (float* px = x, y = output)
        {
            cores.ForRows(size.Inputs).Run(
                new ModularLinearTask { Size = size, Segments = segments, X = px, Weight = weight.Start, Bias = bias.Start, Output = y });
        }
    }

    /// <summary>
    /// Gradients of a loss, from its gradient in the outputs. Those of weight and bias are written either for all M modules, with zeros
    /// where nothing chose them, or for the U modules in use alone, in the order of <see cref="InUse"/>: their lengths say which.
    /// </summary>
    /// <param name="size">The same as in <see cref="Forward(in ModularLinearSize, ReadOnlySpan{float}, ReadOnlySpan{long}, ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float}, Cores)"/>, and so are x, indices and weight.</param>
    /// <param name="x">[B, in].</param>
    /// <param name="indices">[B, K].</param>
    /// <param name="weight">[M, out, in].</param>
    /// <param name="output">[B, K, out], the outputs. Empty for modules without ReLU.</param>
    /// <param name="upstream">[B, K, out]: the gradient in the outputs.</param>
    /// <param name="xGradient">Out, overwritten: [B, in]. Empty where it is not wanted.</param>
    /// <param name="weightGradient">Out, overwritten: [M or U, out, in]. Empty where it is not wanted.</param>
    /// <param name="biasGradient">Out, overwritten: [M or U, out], as the weight's. Empty where it is not wanted.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
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
        Cores cores)
    {
        fixed (float* w = weight)
        {
            Backward(
                size, x, indices, new PinnedFloats(w, weight.Length), output, upstream, xGradient, weightGradient, biasGradient, cores);
        }
    }

    /// <summary>The same, where a span does not reach all weights.</summary>
    /// <param name="size">The same as in <see cref="Forward(in ModularLinearSize, ReadOnlySpan{float}, ReadOnlySpan{long}, PinnedFloats, PinnedFloats, Span{float}, Cores)"/>, and so are x, indices and weight.</param>
    /// <param name="x">[B, in].</param>
    /// <param name="indices">[B, K].</param>
    /// <param name="weight">[M, out, in].</param>
    /// <param name="output">[B, K, out], the outputs. Empty for modules without ReLU.</param>
    /// <param name="upstream">[B, K, out]: the gradient in the outputs.</param>
    /// <param name="xGradient">Out, overwritten: [B, in]. Empty where it is not wanted.</param>
    /// <param name="weightGradient">Out, overwritten: [M or U, out, in]. Empty where it is not wanted.</param>
    /// <param name="biasGradient">Out, overwritten: [M or U, out], as the weight's. Empty where it is not wanted.</param>
    /// <param name="cores">How many threads may work.</param>
    public static void Backward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        PinnedFloats weight,
        ReadOnlySpan<float> output,
        ReadOnlySpan<float> upstream,
        Span<float> xGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        Cores cores)
    {
        Check(size, x, indices, weight.Length);
        long outputs = (long)size.Choices * size.Outputs;
        Expected.Length(upstream.Length, outputs, nameof(upstream), "[B, K, out]");
        if (size.Relu)
        {
            Expected.Length(output.Length, outputs, nameof(output), "[B, K, out]");
        }

        Expected.LengthOrNone(xGradient.Length, x.Length, nameof(xGradient), "[B, in]");
        var segments = new ModularSegments(indices, size.Modules);
        bool dense = weightGradient.IsEmpty
            ? biasGradient.Length == (long)size.Modules * size.Outputs
            : weightGradient.Length == size.Modules * size.WeightLength;
        int rows = dense ? size.Modules : segments.Modules.Length;
        Expected.LengthOrNone(weightGradient.Length, rows * size.WeightLength, nameof(weightGradient), "[M or U, out, in]");
        Expected.LengthOrNone(biasGradient.Length, (long)rows * size.Outputs, nameof(biasGradient), dense ? "[M, out]" : "[U, out]");
        fixed (float* px = x, y = output, g = upstream, dx = xGradient, dw = weightGradient, db = biasGradient)
        {
            cores.ForRows(size.Inputs).Run(new ModularLinearTask
            {
                Size = size,
                Segments = segments,
                GoesBack = true,
                X = px,
                Weight = weight.Start,
                Output = y,
                Upstream = g,
                XGradient = dx,
                WeightGradient = dw,
                BiasGradient = db,
                Dense = dense,
            });
        }
    }

    private static void Check(
        in ModularLinearSize size, ReadOnlySpan<float> x, ReadOnlySpan<long> indices, long weight)
    {
        Expected.AtLeast(size.Rows, 0, "B");
        Expected.AtLeast(size.Inputs, 1, "in");
        Expected.AtLeast(size.Outputs, 1, "out");
        Expected.AtLeast(size.Modules, 1, "M");
        Expected.AtLeast(size.Choose, 1, "K");
        Expected.Length(x.Length, (long)size.Rows * size.Inputs, nameof(x), "[B, in]");
        Expected.Length(indices.Length, (long)size.Rows * size.Choose, nameof(indices), "[B, K]");
        Expected.Length(weight, size.Modules * size.WeightLength, nameof(weight), "[M, out, in]");
    }
}
