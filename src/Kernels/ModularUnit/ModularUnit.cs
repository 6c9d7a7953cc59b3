namespace ModNet.Kernels;

/// <summary>The sizes of a layer whose modules are units of several stages, and of what it runs over.</summary>
/// <param name="Rows">B.</param>
/// <param name="Modules">M.</param>
/// <param name="Choose">K.</param>
/// <param name="Stages">What every module does to a row, one after the other; at least one stage is linear.</param>
public sealed record ModularUnitSize(int Rows, int Modules, int Choose, IReadOnlyList<UnitStage> Stages)
{
    /// <summary>in, the width of x.</summary>
    public int Inputs => Stages[0].Inputs;

    /// <summary>out, the width of a module's output.</summary>
    public int Outputs => Stages[^1].Outputs;

    /// <summary>B·K.</summary>
    internal int Choices => checked(Rows * Choose);
}

/// <summary>
/// A modular layer whose modules are units of several stages, y[b, k] = f_a(x_b) for a = a_bk: linear maps, layer normalisations, and functions of each value. Choices
/// are sorted by module once. A block of a module's rows goes through all stages, while the caches hold it.
/// <para>
/// A choice's output and a row's input gradient are the same bits whichever rows are beside it, and all results are the same bits whatever the number of
/// threads. Modules that nothing chose are not read; in a gradient of all modules they get zeros.
/// </para>
/// </summary>
public static unsafe class ModularUnit
{
    /// <summary>How many numbers <see cref="Forward"/> keeps for <see cref="Backward"/>: the rows between stages.</summary>
    public static long KeptLength(ModularUnitSize size)
    {
        ArgumentNullException.ThrowIfNull(size);
        return new ModularUnitPlanes(size).KeptLength;
    }

    /// <summary>Runs the chosen modules.</summary>
    /// <param name="size">B ≥ 0, all other sizes ≥ 1.</param>
    /// <param name="x">[B, in].</param>
    /// <param name="indices">[B, K]: a, each in [0, M).</param>
    /// <param name="arrays">The parameters of each stage, of all M modules; its factors.</param>
    /// <param name="kept">Out, overwritten: <see cref="KeptLength"/> numbers. Empty where no gradient will be wanted.</param>
    /// <param name="output">Out, overwritten: [B, K, out].</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes, or a stage does not fit the one before.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
    public static void Forward(
        ModularUnitSize size,
        ReadOnlySpan<float> x,
        ReadOnlySpan<long> indices,
        IReadOnlyList<UnitArrays> arrays,
        Span<float> kept,
        Span<float> output,
        Cores cores)
    {
        ModularUnitPlanes planes = Check(size, indices);
        Expected.Length(x.Length, (long)size.Rows * size.Inputs, nameof(x), "[B, in]");
        CheckArrays(size, arrays, size.Modules, "[M, …]", nameof(arrays), gradients: false);
        Expected.LengthOrNone(kept.Length, planes.KeptLength, nameof(kept), "what is kept");
        Expected.Length(output.Length, (long)size.Choices * size.Outputs, nameof(output), "[B, K, out]");
        var segments = new ModularSegments(indices, size.Modules);
        fixed (float* px = x, k = kept, y = output)
        {
            cores.ForRows(size.Stages.Max(s => s.Inputs)).Run(new ModularUnitTask
            {
                Size = size,
                Planes = planes,
                Segments = segments,
                Arrays = [.. arrays],
                X = px,
                Kept = k,
                Output = y,
            });
        }
    }

    /// <summary>
    /// Gradients of a loss, from its gradient in the outputs. Those of parameters are written either for all M modules, with zeros where nothing chose them, or for
    /// the U modules in use alone, in the order of <see cref="ModularLinear.InUse"/>: their lengths say which.
    /// </summary>
    /// <param name="size">The same as in <see cref="Forward"/>, and so are indices and arrays.</param>
    /// <param name="indices">[B, K].</param>
    /// <param name="arrays">The parameters of each stage, and its factors.</param>
    /// <param name="kept">What <see cref="Forward"/> kept.</param>
    /// <param name="upstream">[B, K, out]: the gradient in the outputs.</param>
    /// <param name="xGradient">Out, overwritten: [B, in]. Empty where it is not wanted.</param>
    /// <param name="gradients">Out, overwritten: those of the parameters of each stage, [M or U, …]; nothing for other stages.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit the sizes, or a stage does not fit the one before.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A choice lies outside [0, M), or a size is too small.</exception>
    public static void Backward(
        ModularUnitSize size,
        ReadOnlySpan<long> indices,
        IReadOnlyList<UnitArrays> arrays,
        ReadOnlySpan<float> kept,
        ReadOnlySpan<float> upstream,
        Span<float> xGradient,
        IReadOnlyList<UnitArrays> gradients,
        Cores cores)
    {
        ModularUnitPlanes planes = Check(size, indices);
        CheckArrays(size, arrays, size.Modules, "[M, …]", nameof(arrays), gradients: false);
        Expected.Length(kept.Length, planes.KeptLength, nameof(kept), "what is kept");
        Expected.Length(upstream.Length, (long)size.Choices * size.Outputs, nameof(upstream), "[B, K, out]");
        Expected.LengthOrNone(xGradient.Length, (long)size.Rows * size.Inputs, nameof(xGradient), "[B, in]");
        var segments = new ModularSegments(indices, size.Modules);
        bool dense = IsDense(size, gradients);
        int rows = dense ? size.Modules : segments.Modules.Length;
        CheckArrays(size, gradients, rows, "[M or U, …]", nameof(gradients), gradients: true);
        using Scratch work = new(planes.GradientLength);
        fixed (float* k = kept, g = upstream, dx = xGradient)
        {
            cores.ForRows(size.Stages.Max(s => s.Inputs)).Run(new ModularUnitTask
            {
                Size = size,
                Planes = planes,
                Segments = segments,
                GoesBack = true,
                Arrays = [.. arrays],
                Kept = k,
                Upstream = g,
                XGradient = dx,
                Gradients = [.. gradients],
                Work = work.Take(),
                Dense = dense,
            });
        }
    }

    private static bool IsDense(ModularUnitSize size, IReadOnlyList<UnitArrays> gradients)
    {
        for (int s = 0; s < Math.Min(size.Stages.Count, gradients.Count); s++)
        {
            if (size.Stages[s].HasParameters)
            {
                return gradients[s].First.Length == size.Modules * size.Stages[s].FirstLength;
            }
        }

        return false;
    }

    private static ModularUnitPlanes Check(ModularUnitSize size, ReadOnlySpan<long> indices)
    {
        ArgumentNullException.ThrowIfNull(size);
        Expected.AtLeast(size.Rows, 0, "B");
        Expected.AtLeast(size.Modules, 1, "M");
        Expected.AtLeast(size.Choose, 1, "K");
        Expected.AtLeast(size.Stages.Count(s => s.Kind == UnitStageKind.Linear), 1, "linear stages");
        for (int s = 0; s < size.Stages.Count; s++)
        {
            Expected.AtLeast(size.Stages[s].Inputs, 1, $"stage {s}, in");
            Expected.AtLeast(size.Stages[s].Outputs, 1, $"stage {s}, out");
            if (s > 0)
            {
                Expected.Length(size.Stages[s].Inputs, size.Stages[s - 1].Outputs, $"stage {s}, in", "the stage before's out");
            }
        }

        Expected.Length(indices.Length, (long)size.Rows * size.Choose, nameof(indices), "[B, K]");
        return new(size);
    }

    private static void CheckArrays(
        ModularUnitSize size, IReadOnlyList<UnitArrays> arrays, int rows, string shape, string name, bool gradients)
    {
        Expected.Length(arrays.Count, size.Stages.Count, name, "one for each stage");
        for (int s = 0; s < arrays.Count; s++)
        {
            UnitStage stage = size.Stages[s];
            (FixedFloats first, FixedFloats second) = (arrays[s].First, arrays[s].Second);
            string place = $"{name}[{s}]";
            switch (stage.Kind)
            {
                case UnitStageKind.Linear:
                    Expected.Length(first.Length, rows * stage.FirstLength, place, shape);
                    Expected.LengthOrNone(second.Length, (long)rows * stage.Outputs, place, shape);
                    break;
                case UnitStageKind.Norm:
                    Expected.Length(first.Length, rows * stage.FirstLength, place, shape);
                    Expected.Length(second.Length, (long)rows * stage.Outputs, place, shape);
                    break;
                default:
                    bool factors = stage.Kind == UnitStageKind.Factors && !gradients;
                    Expected.Length(first.Length, factors ? (long)size.Choices * stage.Outputs : 0, place, factors ? "[B·K, n]" : "none");
                    break;
            }
        }
    }
}
