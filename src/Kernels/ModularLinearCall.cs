namespace ModNet.Kernels;

/// <summary>The calls of <see cref="ModularLinear"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class ModularLinearCall
{
    internal static void Forward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        Span<float> output,
        int threads,
        int lanes)
    {
        Check(size, x.Length, indices.Length, weight.Length, threads);
        LengthOrNone(bias.Length, (long)size.Modules * size.Outputs, nameof(bias), "[M, out]");
        Length(output.Length, (long)size.Choices * size.Outputs, nameof(output), "[B, K, out]");
        var segments = new ModularSegments(indices, size.Modules);
        fixed (float* px = x, w = weight, b = bias, y = output)
        {
            ModularLinearPass.Forward(
                new ModularLinearTask { Size = size, Segments = segments, X = px, Weight = w, Bias = b, Output = y }, threads, lanes);
        }
    }

    internal static void Backward(
        in ModularLinearSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> output,
        ReadOnlySpan<float> upstream,
        Span<float> xGradient,
        Span<float> weightGradient,
        Span<float> biasGradient,
        int threads,
        int lanes)
    {
        Check(size, x.Length, indices.Length, weight.Length, threads);
        long outputs = (long)size.Choices * size.Outputs;
        Length(upstream.Length, outputs, nameof(upstream), "[B, K, out]");
        if (size.Relu)
        {
            Length(output.Length, outputs, nameof(output), "[B, K, out]");
        }

        LengthOrNone(xGradient.Length, x.Length, nameof(xGradient), "[B, in]");
        var segments = new ModularSegments(indices, size.Modules);
        bool dense = weightGradient.Length == size.Modules * size.WeightLength;
        int rows = dense ? size.Modules : segments.Modules.Length;
        Length(weightGradient.Length, rows * size.WeightLength, nameof(weightGradient), "[M or U, out, in]");
        LengthOrNone(biasGradient.Length, (long)rows * size.Outputs, nameof(biasGradient), dense ? "[M, out]" : "[U, out]");
        fixed (float* px = x, w = weight, y = output, g = upstream, dx = xGradient, dw = weightGradient, db = biasGradient)
        {
            ModularLinearPass.Backward(
                new ModularLinearTask
                {
                    Size = size,
                    Segments = segments,
                    X = px,
                    Weight = w,
                    Output = y,
                    Upstream = g,
                    XGradient = dx,
                    WeightGradient = dw,
                    BiasGradient = db,
                    Dense = dense,
                },
                threads,
                lanes);
        }
    }

    private static void Check(in ModularLinearSize size, int x, int indices, int weight, int threads)
    {
        AtLeast(size.Rows, 0, "B");
        AtLeast(size.Inputs, 1, "in");
        AtLeast(size.Outputs, 1, "out");
        AtLeast(size.Modules, 1, "M");
        AtLeast(size.Choose, 1, "K");
        AtLeast(threads, 1, nameof(threads));
        Length(x, (long)size.Rows * size.Inputs, nameof(x), "[B, in]");
        Length(indices, (long)size.Rows * size.Choose, nameof(indices), "[B, K]");
        Length(weight, size.Modules * size.WeightLength, nameof(weight), "[M, out, in]");
    }

    private static void Length(int got, long expected, string name, string shape)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {shape} = {expected} numbers, got {got}.", name);
        }
    }

    private static void LengthOrNone(int got, long expected, string name, string shape)
    {
        if (got != 0)
        {
            Length(got, expected, name, shape);
        }
    }

    private static void AtLeast(int value, int least, string name)
    {
        if (value < least)
        {
            throw new ArgumentOutOfRangeException(name, $"{name}: expected at least {least}, got {value}.");
        }
    }
}
