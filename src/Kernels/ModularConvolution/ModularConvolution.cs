namespace ModNet.Kernels;

/// <summary>The sizes of a modular convolution and of what it runs over.</summary>
/// <param name="Rows">B, the number of images.</param>
/// <param name="Inputs">in, the channels of an image.</param>
/// <param name="Height">H.</param>
/// <param name="Width">W.</param>
/// <param name="Outputs">out, the channels of a module's output.</param>
/// <param name="Kernel">The height and width of a filter.</param>
/// <param name="Stride">From one window to the next.</param>
/// <param name="Padding">Zeros on every side of an image.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
public readonly record struct ModularConvolutionSize(
    int Rows, int Inputs, int Height, int Width, int Outputs, int Kernel, int Stride, int Padding, int Modules, int Choose)
{
    /// <summary>Whether each module ends in a ReLU.</summary>
    public bool Relu { get; init; }

    /// <summary>How many selections every image has; the first selections of all images come first.</summary>
    public int Times { get; init; } = 1;

    /// <summary>H', the height of an output.</summary>
    public int OutputHeight => (Height + 2 * Padding - Kernel) / Stride + 1;

    /// <summary>W', the width of an output.</summary>
    public int OutputWidth => (Width + 2 * Padding - Kernel) / Stride + 1;

    /// <summary>Times·K, the choices of an image.</summary>
    public int Positions => checked(Times * Choose);

    /// <summary>Times·B·K.</summary>
    public int Choices => checked(Rows * Positions);

    /// <summary>The numbers of an image.</summary>
    public int Image => checked(Inputs * Height * Width);

    /// <summary>The numbers that one output reads: in·Kernel².</summary>
    internal int Taps => checked(Inputs * Kernel * Kernel);

    /// <summary>The windows of an image, H'·W'.</summary>
    internal int Places => checked(OutputHeight * OutputWidth);

    /// <summary>The numbers of a module's output.</summary>
    public int Output => checked(Outputs * Places);

    /// <summary>The numbers of a module's filters.</summary>
    public int WeightLength => checked(Outputs * Taps);

    /// <summary>The number of a choice: the <paramref name="position"/>-th of an image's Times·K.</summary>
    internal int Choice(int row, int position) => (position / Choose * Rows + row) * Choose + position % Choose;
}

/// <summary>
/// The modular convolution y[b, k] = act(W[a_bk] ∗ x_b + bias[a_bk]), where act is the identity or ReLU. The windows of an image are laid out
/// once for all its choices, and a module that several choices of an image name runs once.
/// <para>
/// A choice's output and an image's gradient are the same bits whichever images are beside it, and all results are the same bits whatever
/// the number of threads. Modules that nothing chose are not read; in a gradient of all modules they get zeros.
/// </para>
/// </summary>
public static unsafe class ModularConvolution
{
    /// <summary>Runs the chosen modules.</summary>
    /// <param name="size">B ≥ 0, Padding ≥ 0, H' and W' ≥ 1, all other sizes ≥ 1.</param>
    /// <param name="x">[B, in, H, W].</param>
    /// <param name="indices">[Times·B, K]: a, each in [0, M).</param>
    /// <param name="weight">[M, out, in, Kernel, Kernel].</param>
    /// <param name="bias">[M, out]; empty for modules without bias.</param>
    /// <param name="output">Out, overwritten: [Times·B, K, out, H', W'].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
    public static void Forward(
        in ModularConvolutionSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        Cores cores)
    {
        ForwardSome(size, x, [], indices, [], weight, bias, output, cores);
    }

    /// <summary>Runs the chosen modules on images that lie anywhere, and writes the outputs of those selections that are wanted: nothing has to be copied before or after.</summary>
    /// <param name="size">The same as in <see cref="Forward"/>, and so are indices, weight and bias.</param>
    /// <param name="x">[n, in, H, W].</param>
    /// <param name="sources">[B]: where in x each image lies. Empty where they lie in order, and n is B.</param>
    /// <param name="indices">[Times·B, K].</param>
    /// <param name="targets">
    /// [Times·B]: the place of each selection's outputs, every place from 0 up to their number once; −1 where they are not wanted. Empty where all are wanted in their own order.
    /// </param>
    /// <param name="weight">[M, out, in, Kernel, Kernel].</param>
    /// <param name="bias">[M, out], or empty.</param>
    /// <param name="output">Out, overwritten: [places, K, out, H', W'].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes, or places are not each named once.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), an image outside x, or a size is too small.</exception>
    public static void ForwardSome(
        in ModularConvolutionSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<int> sources,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<int> targets,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        Cores cores)
    {
        long images = sources.IsEmpty ? size.Rows : x.Length / Math.Max(1, size.Image);
        Check(size, x, indices, weight, images);
        Expected.LengthOrNone(sources.Length, size.Rows, nameof(sources), "[B]");
        foreach (int source in sources)
        {
            if ((uint)source >= images)
            {
                throw new ArgumentOutOfRangeException(nameof(sources), $"sources: expected images 0 to {images - 1}, got {source}.");
            }
        }

        Expected.LengthOrNone(bias.Length, (long)size.Modules * size.Outputs, nameof(bias), "[M, out]");
        long selections = (long)size.Times * size.Rows;
        Expected.LengthOrNone(targets.Length, selections, nameof(targets), "[Times·B]");
        Expected.Length(
            output.Length, (targets.IsEmpty ? selections : Places(targets)) * size.Choose * size.Output, nameof(output), targets.IsEmpty ? "[Times·B, K, out, H', W']" : "[places, K, out, H', W']");
        fixed (long* chosen = indices)
        fixed (int* from = sources, to = targets)
        fixed (float* px = x, w = weight, b = bias, y = output)
        {
            cores.ForRows(size.Places).Run(new ModularConvolutionTask
            {
                Size = size,
                X = px,
                Sources = from,
                Indices = chosen,
                Targets = to,
                Weight = w,
                Bias = b,
                Output = y,
            });
        }
    }

    /// <summary>
    /// Gradients of a loss, from its gradient in the outputs. Those of weight and bias are written either for all M modules, with zeros
    /// where nothing chose them, or for the U modules in use alone, in the order of <see cref="ModularLinear.InUse"/>: their lengths say which.
    /// </summary>
    /// <param name="size">The same as in <see cref="Forward"/>, and so are x, indices and weight.</param>
    /// <param name="x">[B, in, H, W].</param>
    /// <param name="indices">[Times·B, K].</param>
    /// <param name="weight">[M, out, in, Kernel, Kernel].</param>
    /// <param name="output">[Times·B, K, out, H', W'], what <see cref="Forward"/> gave. Empty for modules without ReLU.</param>
    /// <param name="upstream">[Times·B, K, out, H', W']: the gradient in the outputs.</param>
    /// <param name="xGradient">Out, overwritten: [B, in, H, W]. Empty where it is not wanted.</param>
    /// <param name="weightGradient">Out, overwritten: [M or U, out, in, Kernel, Kernel]. Empty where neither it nor the bias's is wanted.</param>
    /// <param name="biasGradient">Out, overwritten: [M or U, out], as the weight's. Empty where it is not wanted.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
    public static void Backward(
        in ModularConvolutionSize size,
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
        Check(size, x, indices, weight, size.Rows);
        long outputs = (long)size.Choices * size.Output;
        Expected.Length(upstream.Length, outputs, nameof(upstream), "[Times·B, K, out, H', W']");
        if (size.Relu)
        {
            Expected.Length(output.Length, outputs, nameof(output), "[Times·B, K, out, H', W']");
        }

        Expected.LengthOrNone(xGradient.Length, x.Length, nameof(xGradient), "[B, in, H, W]");
        bool dense = weightGradient.Length == (long)size.Modules * size.WeightLength;
        long[] used = weightGradient.IsEmpty ? [] : ModularLinear.InUse(indices, size.Modules);
        int rows = dense ? size.Modules : used.Length;
        Expected.Length(weightGradient.Length, (long)rows * size.WeightLength, nameof(weightGradient), "[M or U, out, in, Kernel, Kernel]");
        Expected.LengthOrNone(biasGradient.Length, (long)rows * size.Outputs, nameof(biasGradient), dense ? "[M, out]" : "[U, out]");
        fixed (long* chosen = indices)
        fixed (float* px = x, w = weight, y = output, g = upstream, dx = xGradient, dw = weightGradient, db = biasGradient)
        {
            cores.ForRows(size.Places).Run(new ModularConvolutionTask
            {
                Size = size,
                GoesBack = true,
                X = px,
                Indices = chosen,
                Weight = w,
                Output = y,
                Upstream = g,
                XGradient = dx,
                WeightGradient = dw,
                BiasGradient = db,
                GradientModules = dense ? [.. Enumerable.Range(0, size.Modules)] : Array.ConvertAll(used, m => (int)m),
            });
        }
    }

    // How many selections are wanted, each at a place of its own.
    private static int Places(ReadOnlySpan<int> targets)
    {
        var named = new bool[targets.Length];
        int count = 0, most = -1;
        foreach (int target in targets)
        {
            if (target < -1 || target >= named.Length || (target >= 0 && named[target]))
            {
                throw new ArgumentException($"targets: expected every place once, or −1, got {target}.", nameof(targets));
            }

            if (target >= 0)
            {
                named[target] = true;
                (count, most) = (count + 1, Math.Max(most, target));
            }
        }

        return most == count - 1
            ? count
            : throw new ArgumentException($"targets: expected every place from 0 to {count - 1}, got {most}.", nameof(targets));
    }

    private static void Check(
        in ModularConvolutionSize size, ReadOnlySpan<float> x, ReadOnlySpan<long> indices, ReadOnlySpan<float> weight, long images)
    {
        Expected.AtLeast(size.Rows, 0, "B");
        Expected.AtLeast(size.Inputs, 1, "in");
        Expected.AtLeast(size.Outputs, 1, "out");
        Expected.AtLeast(size.Kernel, 1, "Kernel");
        Expected.AtLeast(size.Stride, 1, "Stride");
        Expected.AtLeast(size.Padding, 0, "Padding");
        Expected.AtLeast(size.Height + 2 * size.Padding, size.Kernel, "H + 2·Padding");
        Expected.AtLeast(size.Width + 2 * size.Padding, size.Kernel, "W + 2·Padding");
        Expected.AtLeast(size.Modules, 1, "M");
        Expected.AtLeast(size.Choose, 1, "K");
        Expected.AtLeast(size.Times, 1, "Times");
        Expected.Length(x.Length, images * size.Image, nameof(x), "[B, in, H, W]");
        Expected.Length(indices.Length, size.Choices, nameof(indices), "[Times·B, K]");
        Expected.Length(weight.Length, (long)size.Modules * size.WeightLength, nameof(weight), "[M, out, in, Kernel, Kernel]");
        Expected.Below(indices, size.Modules, nameof(indices), "modules", "M");
    }
}
