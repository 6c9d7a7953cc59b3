namespace ModNet.Kernels;

/// <summary>Checks of what a head is given: each failure names the argument, what was expected and what came.</summary>
internal static class HeadArguments
{
    /// <returns>H, the number of hidden units.</returns>
    internal static int Check(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<long> targets,
        int threads)
    {
        int vocabulary = bias.Length;
        if (vocabulary == 0)
        {
            throw new ArgumentException("bias: expected [V] with V ≥ 1, got no entries.", nameof(bias));
        }

        int hidden = weight.Length / vocabulary;
        if (hidden == 0 || weight.Length != (long)vocabulary * hidden)
        {
            throw new ArgumentException(
                $"weight: expected [V, H], a multiple of V = {vocabulary} (the length of bias) floats, got {weight.Length}.",
                nameof(weight));
        }

        if (h.Length != (long)targets.Length * hidden)
        {
            throw new ArgumentException(
                $"h: expected [N, H] = [{targets.Length}, {hidden}] floats (N from targets, H from weight), got {h.Length}.",
                nameof(h));
        }

        for (int n = 0; n < targets.Length; n++)
        {
            if ((ulong)targets[n] >= (ulong)vocabulary)
            {
                throw new ArgumentOutOfRangeException(
                    nameof(targets),
                    $"targets: expected classes 0 to {vocabulary - 1} (V = {vocabulary}), got {targets[n]} in row {n}.");
            }
        }

        if (threads < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(threads), $"threads: expected at least 1, got {threads}.");
        }

        return hidden;
    }

    internal static void CheckGradients(
        ReadOnlySpan<float> h,
        ReadOnlySpan<float> weight,
        ReadOnlySpan<float> bias,
        ReadOnlySpan<float> hGradient,
        ReadOnlySpan<float> weightGradient,
        ReadOnlySpan<float> biasGradient)
    {
        CheckLength(hGradient.Length, h.Length, nameof(hGradient), "N·H");
        CheckLength(weightGradient.Length, weight.Length, nameof(weightGradient), "V·H");
        CheckLength(biasGradient.Length, bias.Length, nameof(biasGradient), "V");
    }

    internal static void CheckLength(int got, int expected, string name, string shape)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {shape} = {expected} floats, got {got}.", name);
        }
    }
}
