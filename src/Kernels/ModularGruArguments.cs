namespace ModNet.Kernels;

/// <summary>Checks of what a modular GRU is given: each failure names the argument, what was expected and what came.</summary>
internal static class ModularGruArguments
{
    internal static void Check(
        in ModularGruSize size,
        int x,
        int initial,
        in ModularGruWeights weights,
        in ModularGruTrace trace,
        bool backward,
        int lanes,
        int threads)
    {
        AtLeast(size.Rows, 0, "B");
        AtLeast(size.Steps, 1, "T");
        AtLeast(size.Inputs, 1, "I");
        AtLeast(size.Hidden, 1, "H");
        AtLeast(size.Modules, 1, "M");
        AtLeast(size.Choose, 1, "K");
        TopK(size);
        AtLeast(threads, 1, nameof(threads));
        long steps = (long)size.Rows * size.Steps;
        Length(x, steps * size.Inputs, nameof(x), "[B, T, I]");
        LengthOrNone(initial, (long)size.Rows * size.Hidden, nameof(initial), "[B, H]");
        Weights(size, weights, controller: true, nameof(weights));
        Length(trace.States.Length, steps * size.Hidden, nameof(trace.States), "[B, T, H]");
        Length(trace.Indices.Length, steps * size.Runs, nameof(trace.Indices), size.TopK > 0 ? "[B, T, k]" : "[B, T, K]");
        Length(trace.Factors.Length, steps * size.TopK, nameof(trace.Factors), "[B, T, k]");
        Length(
            trace.LogProbabilities.Length, steps * size.Choose * size.Modules, nameof(trace.LogProbabilities), "[B, T, K, M]");
        if (backward || !trace.Record.IsEmpty)
        {
            Length(
                trace.Record.Length,
                steps * new ModularGruLayout(size, lanes).RecordLength,
                nameof(trace.Record),
                "B·T·RecordLength");
        }
    }

    /// <returns>R, the rows whose choices are given.</returns>
    internal static int CheckChoices(in ModularGruSize size, in ModularGruChoices choices)
    {
        ReadOnlySpan<long> given = choices.Given;
        Length(choices.Noise.Length, size.Noisy ? (long)size.Steps * size.Rows * size.Modules : 0, "noise", "[T, B, M]");
        if (size.TopK > 0)
        {
            Length(given.Length, 0, nameof(given), "none under a gate");
            Length(choices.Uniforms.Length, 0, "uniforms", "none under a gate");
            return 0;
        }

        int each = size.Steps * size.Choose;
        int rows = given.Length / each;
        if (given.Length != rows * each || rows > size.Rows)
        {
            throw new ArgumentException(
                $"given: expected [R, T, K], a multiple of {each} and at most {(long)size.Rows * each} choices, got {given.Length}.",
                nameof(given));
        }

        LengthOrNone(choices.Uniforms.Length, (long)size.Rows * each, "uniforms", "[T, B, K]");
        for (int i = 0; i < given.Length; i++)
        {
            if ((ulong)given[i] >= (ulong)size.Modules)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(given), $"given: expected modules 0 to {size.Modules - 1} (M = {size.Modules}), got {given[i]} at {i}.");
            }
        }

        return rows;
    }

    internal static void CheckGradients(
        in ModularGruSize size, in ModularGruTrace given, int x, int initial, in ModularGruWeights gradients)
    {
        long steps = (long)size.Rows * size.Steps;
        LengthOrNone(given.States.Length, steps * size.Hidden, "traceGradient.States", "[B, T, H]");
        LengthOrNone(
            given.LogProbabilities.Length, steps * size.Choose * size.Modules, "traceGradient.LogProbabilities", "[B, T, K, M]");
        LengthOrNone(given.Factors.Length, steps * size.TopK, "traceGradient.Factors", "[B, T, k]");
        Length(x, steps * size.Inputs, "xGradient", "[B, T, I]");
        LengthOrNone(initial, (long)size.Rows * size.Hidden, "initialGradient", "[B, H]");
        Weights(size, gradients, controller: !gradients.Controller.IsEmpty, nameof(gradients));
    }

    private static void TopK(in ModularGruSize size)
    {
        if (size.TopK < 0 || size.TopK > size.Modules || (size.TopK > 0 && size.Choose != 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(size),
                $"k: expected 0 to M = {size.Modules}, with K = 1 where it is above 0, got k = {size.TopK}, K = {size.Choose}.");
        }

        if (size.Noisy && size.TopK == 0)
        {
            throw new ArgumentOutOfRangeException(nameof(size), "k: expected at least 1 with noise, got 0.");
        }
    }

    private static void Weights(in ModularGruSize size, in ModularGruWeights weights, bool controller, string name)
    {
        long hidden = size.Hidden, both = size.Both, logits = (long)size.Choose * size.Modules, units = (long)size.Modules * hidden;
        Length(weights.Gate.Length, 2 * hidden * both, $"{name}.Gate", "[2·H, H + I]");
        Length(weights.GateBias.Length, 2 * hidden, $"{name}.GateBias", "[2·H]");
        Length(weights.Module.Length, units * both, $"{name}.Module", "[M, H, H + I]");
        LengthOrNone(weights.ModuleBias.Length, units, $"{name}.ModuleBias", "[M, H]");
        Length(weights.Noise.Length, size.Noisy ? size.Modules * both : 0, $"{name}.Noise", "[M, H + I]");
        if (controller)
        {
            Length(weights.Controller.Length, logits * both, $"{name}.Controller", "[K·M, H + I]");
            Length(weights.ControllerBias.Length, logits, $"{name}.ControllerBias", "[K·M]");
        }
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
