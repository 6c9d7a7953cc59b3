namespace ModNet.Kernels;

/// <summary>Adam's numbers, or AdamW's.</summary>
/// <param name="Rate">The learning rate.</param>
/// <param name="Beta1">How much of the first moment a step leaves.</param>
/// <param name="Beta2">How much of the second moment a step leaves.</param>
/// <param name="Epsilon">Added to the root of the second moment.</param>
/// <param name="Decay">A step first takes rate · decay of the parameter away.</param>
public readonly record struct AdamNumbers(double Rate, double Beta1, double Beta2, double Epsilon, double Decay);

/// <summary>The gradient of some rows of a parameter.</summary>
public readonly ref struct RowGradients
{
    /// <summary>[N, n]: summands, one below the other.</summary>
    public ReadOnlySpan<float> Values { get; init; }

    /// <summary>[N]: the rows that they are of, in any order; a row may have several summands, or none, which is zero.</summary>
    public ReadOnlySpan<long> Rows { get; init; }

    /// <summary>Whether the values are those of all rows, [M, n], of which those of <see cref="Rows"/> are read, one for each.</summary>
    public bool IsWhole { get; init; }
}

/// <summary>
/// Steps of optimisers on some rows of a parameter [M, n]: all of a step in one pass over those rows, and all others neither read nor
/// written. The same bits whatever the number of threads.
/// </summary>
public static class RowSteps
{
    /// <summary>
    /// Adam: g the gradient, m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², θ ← (1 − rate·decay)θ − rate · m̂ / (√v̂ + ε), with m̂ = m / (1 − β₁ᵗ) and
    /// v̂ = v / (1 − β₂ᵗ), t the row's own number of steps.
    /// </summary>
    /// <param name="numbers">Rate, β, ε, decay.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="steps">[U]: t, this step among them; ≥ 1.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="first">m, [M, n].</param>
    /// <param name="second">v, [M, n].</param>
    /// <param name="gradient">Of rows that are stepped.</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length does not fit, or a row is not among those that are stepped.</exception>
    public static void Adam(
        in AdamNumbers numbers,
        ReadOnlySpan<long> rows,
        ReadOnlySpan<long> steps,
        int modules,
        Span<float> parameter,
        Span<float> first,
        Span<float> second,
        in RowGradients gradient,
        int threads) =>
        RowStepsCall.Adam(numbers, rows, steps, modules, parameter, first, second, gradient, threads, HeadPass.WidestLanes);

    /// <summary>Gradient descent with momentum: v ← momentum·v + g, θ ← θ − rate·v; without, v is g.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="momentum">How much of v a step leaves.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="velocity">v, [M, n]; empty where there is no momentum.</param>
    /// <param name="gradient">Of rows that are stepped.</param>
    /// <param name="threads">At most so many threads work; ≥ 1.</param>
    /// <exception cref="ArgumentException">A length does not fit, or a row is not among those that are stepped.</exception>
    public static void Momentum(
        double rate,
        double momentum,
        ReadOnlySpan<long> rows,
        int modules,
        Span<float> parameter,
        Span<float> velocity,
        in RowGradients gradient,
        int threads) =>
        RowStepsCall.Momentum(rate, momentum, rows, modules, parameter, velocity, gradient, threads, HeadPass.WidestLanes);
}
