namespace ModNet.Kernels;

/// <summary>
/// What the head of a language model reads: hidden states, the parameters of logits = h·Wᵀ + b, and each datapoint's target. All is
/// row-major; N ≥ 0 datapoints, H ≥ 1 hidden units, V ≥ 1 classes (the vocabulary).
/// </summary>
public readonly ref struct HeadInputs
{
    /// <summary>Takes the arguments and checks that they fit together: V is the length of the bias, N the number of targets.</summary>
    /// <param name="h">[N, H].</param>
    /// <param name="weight">W, [V, H].</param>
    /// <param name="bias">b, [V].</param>
    /// <param name="targets">[N], each in [0, V).</param>
    /// <exception cref="ArgumentException">A length fits no N, H, V.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A target lies outside [0, V).</exception>
    public HeadInputs(ReadOnlySpan<float> h, ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, ReadOnlySpan<long> targets)
    {
        int vocabulary = bias.Length;
        if (vocabulary == 0)
        {
            throw new ArgumentException("bias: expected [V] with V ≥ 1, got no entries.", nameof(bias));
        }

        Hidden = weight.Length / vocabulary;
        if (Hidden == 0 || weight.Length != (long)vocabulary * Hidden)
        {
            throw new ArgumentException(
                $"weight: expected [V, H], a multiple of V = {vocabulary} (the length of bias) floats, got {weight.Length}.",
                nameof(weight));
        }

        if (h.Length != (long)targets.Length * Hidden)
        {
            throw new ArgumentException(
                $"h: expected [N, H] = [{targets.Length}, {Hidden}] floats (N from targets, H from weight), got {h.Length}.",
                nameof(h));
        }

        Expected.Below(targets, vocabulary, nameof(targets), "classes", "V", "in row");
        H = h;
        Weight = weight;
        Bias = bias;
        Targets = targets;
    }

    /// <summary>[N, H].</summary>
    public ReadOnlySpan<float> H { get; }

    /// <summary>[V, H].</summary>
    public ReadOnlySpan<float> Weight { get; }

    /// <summary>[V].</summary>
    public ReadOnlySpan<float> Bias { get; }

    /// <summary>[N].</summary>
    public ReadOnlySpan<long> Targets { get; }

    /// <summary>N.</summary>
    internal int Count => Targets.Length;

    /// <summary>H, the number of hidden units.</summary>
    internal int Hidden { get; }
}

/// <summary>Where the gradients of a loss in what the head reads are written to. What was there is overwritten.</summary>
public readonly ref struct HeadGradients
{
    /// <summary>[N, H].</summary>
    public Span<float> H { get; init; }

    /// <summary>[V, H].</summary>
    public Span<float> Weight { get; init; }

    /// <summary>[V].</summary>
    public Span<float> Bias { get; init; }

    internal void Check(in HeadInputs inputs)
    {
        Expected.Length(H.Length, inputs.H.Length, "gradients.H", "[N, H]");
        Expected.Length(Weight.Length, inputs.Weight.Length, "gradients.Weight", "[V, H]");
        Expected.Length(Bias.Length, inputs.Bias.Length, "gradients.Bias", "[V]");
    }
}
