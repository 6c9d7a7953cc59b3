namespace ModNet.Kernels;

/// <summary>Parameters of a modular GRU, or their gradients, row-major.</summary>
/// <remarks>D = H + I. A matrix that multiplies [h, x] or [r⊙h, x] has h's columns first.</remarks>
public readonly ref struct ModularGruWeights
{
    /// <summary>[2·H, D], z's rows first.</summary>
    public Span<float> Gate { get; init; }

    /// <summary>[2·H].</summary>
    public Span<float> GateBias { get; init; }

    /// <summary>[K·M, D]; position k owns rows k·M to (k + 1)·M − 1. Among gradients, empty where the controller's are not wanted.</summary>
    public Span<float> Controller { get; init; }

    /// <summary>[K·M]. Among gradients, empty where the controller's are not wanted.</summary>
    public Span<float> ControllerBias { get; init; }

    /// <summary>W_noise, [M, D]; empty where there is no noise.</summary>
    public Span<float> Noise { get; init; }

    /// <summary>[M, H, D].</summary>
    public Span<float> Module { get; init; }

    /// <summary>[M, H]; empty for modules without bias.</summary>
    public Span<float> ModuleBias { get; init; }

    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    internal void Check(in ModularGruSize size, string name, bool controller)
    {
        long hidden = size.Hidden, both = size.Both, logits = (long)size.Choose * size.Modules, units = size.Modules * hidden;
        Expected.Length(Gate.Length, 2 * hidden * both, $"{name}.Gate", "[2·H, H + I]");
        Expected.Length(GateBias.Length, 2 * hidden, $"{name}.GateBias", "[2·H]");
        Expected.Length(Module.Length, units * both, $"{name}.Module", "[M, H, H + I]");
        Expected.LengthOrNone(ModuleBias.Length, units, $"{name}.ModuleBias", "[M, H]");
        Expected.Length(Noise.Length, size.Noisy ? size.Modules * both : 0, $"{name}.Noise", "[M, H + I]");
        Expected.Length(Controller.Length, controller ? logits * both : 0, $"{name}.Controller", "[K·M, H + I]");
        Expected.Length(ControllerBias.Length, controller ? logits : 0, $"{name}.ControllerBias", "[K·M]");
    }
}

/// <summary>How a modular GRU's modules are chosen.</summary>
public readonly ref struct ModularGruChoices
{
    /// <summary>[R, T, K]: the choices of the first R ≤ B rows, each in [0, M). Empty where there is a gate.</summary>
    public ReadOnlySpan<long> Given { get; init; }

    /// <summary>
    /// [T, B, K], each in [0, 1): the other rows' modules are drawn by these. Where this is empty, those rows take their most probable
    /// modules. Empty where there is a gate.
    /// </summary>
    public ReadOnlySpan<float> Uniforms { get; init; }

    /// <summary>[T, B, M]: the standard normal numbers in H, where there is a gate with noise. Else empty.</summary>
    public ReadOnlySpan<float> Noise { get; init; }

    /// <returns>R, how many rows' choices are given.</returns>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A given choice lies outside [0, M).</exception>
    internal int Check(in ModularGruSize size)
    {
        Expected.Length(Noise.Length, size.Noisy ? (long)size.Steps * size.Rows * size.Modules : 0, "noise", "[T, B, M]");
        if (size.TopK > 0)
        {
            Expected.Length(Given.Length, 0, "given", "none under a gate");
            Expected.Length(Uniforms.Length, 0, "uniforms", "none under a gate");
            return 0;
        }

        int each = size.Steps * size.Choose;
        int rows = Given.Length / each;
        if (Given.Length != rows * each || rows > size.Rows)
        {
            throw new ArgumentException(
                $"given: expected [R, T, K], a multiple of {each} and at most {(long)size.Rows * each} choices, got {Given.Length}.",
                "given");
        }

        Expected.LengthOrNone(Uniforms.Length, (long)size.Rows * each, "uniforms", "[T, B, K]");
        Expected.Below(Given, size.Modules, "given", "modules", "M");
        return rows;
    }
}

/// <summary>What a modular GRU leaves of a window, or the derivatives of a loss in that.</summary>
public readonly ref struct ModularGruTrace
{
    /// <summary>[B, T, H]: h after each step.</summary>
    public Span<float> States { get; init; }

    /// <summary>[B, T, K, M]: log p_k(·|h, x).</summary>
    public Span<float> LogProbabilities { get; init; }

    /// <summary>[B, T, K]: the modules that ran. Where there is a gate [B, T, k], the highest H first.</summary>
    public Span<long> Indices { get; init; }

    /// <summary>[B, T, k]: the factors on those modules' outputs where there is a gate. Else empty.</summary>
    public Span<float> Factors { get; init; }

    /// <summary>B·T·<see cref="ModularGruWindow.RecordLength"/>: what else the way back needs. Empty where there is no way back.</summary>
    public Span<float> Record { get; init; }

    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    internal void Check(in ModularGruSize size, bool recorded, int lanes)
    {
        long steps = (long)size.Rows * size.Steps;
        Expected.Length(States.Length, steps * size.Hidden, "trace.States", "[B, T, H]");
        Expected.Length(Indices.Length, steps * size.Runs, "trace.Indices", size.TopK > 0 ? "[B, T, k]" : "[B, T, K]");
        Expected.Length(Factors.Length, steps * size.TopK, "trace.Factors", "[B, T, k]");
        Expected.Length(LogProbabilities.Length, steps * size.Choose * size.Modules, "trace.LogProbabilities", "[B, T, K, M]");
        if (recorded)
        {
            Expected.Length(
                Record.Length, steps * new ModularGruLayout(size, lanes).RecordLength, "trace.Record", "B·T·RecordLength");
        }
    }

    /// <summary>The same for derivatives: each may be empty.</summary>
    /// <exception cref="ArgumentException">A length does not fit the sizes.</exception>
    internal void CheckGradient(in ModularGruSize size)
    {
        long steps = (long)size.Rows * size.Steps;
        Expected.LengthOrNone(States.Length, steps * size.Hidden, "traceGradient.States", "[B, T, H]");
        Expected.LengthOrNone(
            LogProbabilities.Length, steps * size.Choose * size.Modules, "traceGradient.LogProbabilities", "[B, T, K, M]");
        Expected.LengthOrNone(Factors.Length, steps * size.TopK, "traceGradient.Factors", "[B, T, k]");
    }
}
