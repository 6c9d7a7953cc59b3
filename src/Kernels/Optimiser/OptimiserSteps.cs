namespace ModNet.Kernels;

/// <summary>The settings of Adam, or of AdamW where <paramref name="Decay"/> is not 0.</summary>
/// <param name="Rate">The learning rate.</param>
/// <param name="Beta1">β₁: the part of the first moment that stays in a step.</param>
/// <param name="Beta2">β₂: the part of the second moment that stays in a step.</param>
/// <param name="Epsilon">ε, added to the root of the second moment.</param>
/// <param name="Decay">Weight decay: a step first takes rate · decay times the parameter away from it.</param>
public readonly record struct AdamNumbers(double Rate, double Beta1, double Beta2, double Epsilon, double Decay);

/// <summary>The gradient of those rows of a parameter that an optimiser steps.</summary>
public readonly ref struct OptimiserGradient
{
    /// <summary>[N, n]: one summand below the other. Or, where <see cref="IsWhole"/>, the gradients of all rows, [M, n].</summary>
    public ReadOnlySpan<float> Values { get; init; }

    /// <summary>
    /// [N]: which row each summand belongs to, in any order. A row's gradient is the sum of its summands; without any, it is zero.
    /// Where <see cref="IsWhole"/>, the rows to read, each once.
    /// </summary>
    public ReadOnlySpan<long> Rows { get; init; }

    /// <summary>Whether the values are those of all M rows.</summary>
    public bool IsWhole { get; init; }

    /// <summary>What the gradient is made of during the step, in place of values and rows, where the parameter is the weights of linear modules, [M, out, in].</summary>
    public LinearFactors Factors { get; init; }
}

/// <summary>
/// Steps of optimisers on some rows of a parameter [M, n], such as the modules in use. One pass over these rows does everything that a
/// step does, and the other rows are neither read nor written. The results are the same bits whatever the number of threads.
/// </summary>
public static unsafe class OptimiserSteps
{
    /// <summary>
    /// Adam (Kingma, Ba 2015), and AdamW (Loshchilov, Hutter 2019) where there is decay. With g the gradient: m ← β₁m + (1 − β₁)g,
    /// v ← β₂v + (1 − β₂)g², θ ← (1 − rate·decay)θ − rate · m̂ / (√v̂ + ε), where m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ), and t counts the
    /// steps of the row itself.
    /// </summary>
    /// <param name="numbers">Rate, β₁, β₂, ε and decay.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="steps">[U]: each row's t, this step included; ≥ 1.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="first">m, [M, n].</param>
    /// <param name="second">v, [M, n].</param>
    /// <param name="gradient">g, of rows that are stepped.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit, or the gradient has a row that is not stepped.</exception>
    public static void Adam(
        in AdamNumbers numbers,
        ReadOnlySpan<long> rows,
        ReadOnlySpan<long> steps,
        int modules,
        Span<float> parameter,
        Span<float> first,
        Span<float> second,
        in OptimiserGradient gradient,
        Cores cores)
    {
        fixed (float* p = parameter, m = first, v = second)
        {
            Adam(
                numbers, rows, steps, modules, new PinnedFloats(p, parameter.Length), new PinnedFloats(m, first.Length), new PinnedFloats(v, second.Length), gradient, cores);
        }
    }

    /// <summary>The same, where a span does not reach all of a parameter.</summary>
    /// <param name="numbers">Rate, β₁, β₂, ε and decay.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="steps">[U]: each row's t, this step included; ≥ 1.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="first">m, [M, n].</param>
    /// <param name="second">v, [M, n].</param>
    /// <param name="gradient">g, of rows that are stepped.</param>
    /// <param name="cores">How many threads may work.</param>
    public static void Adam(
        in AdamNumbers numbers,
        ReadOnlySpan<long> rows,
        ReadOnlySpan<long> steps,
        int modules,
        PinnedFloats parameter,
        PinnedFloats first,
        PinnedFloats second,
        in OptimiserGradient gradient,
        Cores cores)
    {
        var stepped = new OptimiserRows(rows, modules, parameter.Length, gradient);
        Expected.Length(first.Length, parameter.Length, nameof(first), "[M, n]");
        Expected.Length(second.Length, parameter.Length, nameof(second), "[M, n]");
        Expected.Length(steps.Length, rows.Length, nameof(steps), "[U]");
        float[] rates = new float[rows.Length], roots = new float[rows.Length];
        for (int u = 0; u < rows.Length; u++)
        {
            if (u > 0 && steps[u] == steps[u - 1])
            {
                (rates[u], roots[u]) = (rates[u - 1], roots[u - 1]);
                continue;
            }

            rates[u] = (float)(numbers.Rate / (1 - Math.Pow(numbers.Beta1, steps[u])));
            roots[u] = (float)Math.Sqrt(1 - Math.Pow(numbers.Beta2, steps[u]));
        }

        LinearFactors factors = gradient.Factors;
        fixed (float* g = gradient.Values, x = factors.X, y = factors.Output, up = factors.Upstream)
        {
            stepped.Pin(g, x, y, up);
            cores.Run(new AdamKernel(stepped, numbers, rates, roots, parameter.Start, first.Start, second.Start));
        }
    }

    /// <summary>Gradient descent with momentum: v ← momentum·v + g, θ ← θ − rate·v. Without momentum, v is g.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="momentum">The part of v that stays in a step.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="velocity">v, [M, n]; empty where there is no momentum.</param>
    /// <param name="gradient">g, of rows that are stepped.</param>
    /// <param name="cores">How many threads may work.</param>
    /// <exception cref="ArgumentException">A length does not fit, or the gradient has a row that is not stepped.</exception>
    public static void Momentum(
        double rate,
        double momentum,
        ReadOnlySpan<long> rows,
        int modules,
        Span<float> parameter,
        Span<float> velocity,
        in OptimiserGradient gradient,
        Cores cores)
    {
        fixed (float* p = parameter, v = velocity)
        {
            Momentum(rate, momentum, rows, modules, new PinnedFloats(p, parameter.Length), new PinnedFloats(v, velocity.Length), gradient, cores);
        }
    }

    /// <summary>The same, where a span does not reach all of a parameter.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="momentum">The part of v that stays in a step.</param>
    /// <param name="rows">[U]: the rows to step, each once.</param>
    /// <param name="modules">M.</param>
    /// <param name="parameter">θ, [M, n].</param>
    /// <param name="velocity">v, [M, n]; empty where there is no momentum.</param>
    /// <param name="gradient">g, of rows that are stepped.</param>
    /// <param name="cores">How many threads may work.</param>
    public static void Momentum(
        double rate,
        double momentum,
        ReadOnlySpan<long> rows,
        int modules,
        PinnedFloats parameter,
        PinnedFloats velocity,
        in OptimiserGradient gradient,
        Cores cores)
    {
        var stepped = new OptimiserRows(rows, modules, parameter.Length, gradient);
        Expected.LengthOrNone(velocity.Length, parameter.Length, nameof(velocity), "[M, n]");
        LinearFactors factors = gradient.Factors;
        fixed (float* g = gradient.Values, x = factors.X, y = factors.Output, up = factors.Upstream)
        {
            stepped.Pin(g, x, y, up);
            cores.Run(new MomentumKernel(stepped, (float)rate, (float)momentum, parameter.Start, velocity.Start));
        }
    }
}
