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
        AtLeast(threads, 1, nameof(threads));
        long steps = (long)size.Rows * size.Steps;
        Length(x, steps * size.Inputs, nameof(x), "[B, T, I]");
        LengthOrNone(initial, (long)size.Rows * size.Hidden, nameof(initial), "[B, H]");
        Weights(size, weights, controller: true, nameof(weights));
        Length(trace.States.Length, steps * size.Hidden, nameof(trace.States), "[B, T, H]");
        Length(trace.Indices.Length, steps * size.Choose, nameof(trace.Indices), "[B, T, K]");
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
    internal static int CheckChoices(in ModularGruSize size, ReadOnlySpan<long> given, int uniforms)
    {
        int each = size.Steps * size.Choose;
        int rows = given.Length / each;
        if (given.Length != rows * each || rows > size.Rows)
        {
            throw new ArgumentException(
                $"given: expected [R, T, K], a multiple of {each} and at most {(long)size.Rows * each} choices, got {given.Length}.",
                nameof(given));
        }

        LengthOrNone(uniforms, (long)size.Rows * each, nameof(uniforms), "[T, B, K]");
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
        in ModularGruSize size, int states, int logs, int x, int initial, in ModularGruWeights gradients)
    {
        long steps = (long)size.Rows * size.Steps;
        LengthOrNone(states, steps * size.Hidden, "statesGradient", "[B, T, H]");
        LengthOrNone(logs, steps * size.Choose * size.Modules, "logGradient", "[B, T, K, M]");
        Length(x, steps * size.Inputs, "xGradient", "[B, T, I]");
        LengthOrNone(initial, (long)size.Rows * size.Hidden, "initialGradient", "[B, H]");
        Weights(size, gradients, controller: !gradients.Controller.IsEmpty, nameof(gradients));
    }

    private static void Weights(in ModularGruSize size, in ModularGruWeights weights, bool controller, string name)
    {
        long hidden = size.Hidden, both = size.Both, logits = (long)size.Choose * size.Modules, units = (long)size.Modules * hidden;
        Length(weights.Gate.Length, 2 * hidden * both, $"{name}.Gate", "[2·H, H + I]");
        Length(weights.GateBias.Length, 2 * hidden, $"{name}.GateBias", "[2·H]");
        Length(weights.Module.Length, units * both, $"{name}.Module", "[M, H, H + I]");
        LengthOrNone(weights.ModuleBias.Length, units, $"{name}.ModuleBias", "[M, H]");
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
