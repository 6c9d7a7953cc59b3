using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>The calls of <see cref="RowSteps"/> at a given register width: checks, pins and runs.</summary>
internal static unsafe class RowStepsCall
{
    internal static void Adam(
        in AdamNumbers numbers,
        ReadOnlySpan<long> rows,
        ReadOnlySpan<long> steps,
        int modules,
        Span<float> parameter,
        Span<float> first,
        Span<float> second,
        in RowGradients gradient,
        int threads,
        int lanes)
    {
        int width = Width(parameter.Length, modules);
        Length(first.Length, parameter.Length, nameof(first), "[M, n]");
        Length(second.Length, parameter.Length, nameof(second), "[M, n]");
        Length(steps.Length, rows.Length, nameof(steps), "[U]");
        var plan = new RowPlan(rows, modules, width, gradient);
        AdamRow[] scales = new AdamRow[rows.Length];
        for (int u = 0; u < scales.Length; u++)
        {
            scales[u] = new(
                (float)(numbers.Rate / (1 - Math.Pow(numbers.Beta1, steps[u]))),
                (float)Math.Sqrt(1 - Math.Pow(numbers.Beta2, steps[u])));
        }

        fixed (float* p = parameter, m = first, v = second, g = gradient.Values)
        {
            RowPointers at = new() { Parameter = p, First = m, Second = v, Gradient = g };
            if (lanes == Lanes512.Count)
            {
                RowPass<Lanes512, Vector512<float>>.Adam(plan, at, numbers, scales, threads);
            }
            else if (lanes == Lanes256.Count)
            {
                RowPass<Lanes256, Vector256<float>>.Adam(plan, at, numbers, scales, threads);
            }
            else
            {
                RowPass<Lanes128, Vector128<float>>.Adam(plan, at, numbers, scales, threads);
            }
        }
    }

    internal static void Momentum(
        double rate,
        double momentum,
        ReadOnlySpan<long> rows,
        int modules,
        Span<float> parameter,
        Span<float> velocity,
        in RowGradients gradient,
        int threads,
        int lanes)
    {
        int width = Width(parameter.Length, modules);
        if (!velocity.IsEmpty)
        {
            Length(velocity.Length, parameter.Length, nameof(velocity), "[M, n]");
        }

        var plan = new RowPlan(rows, modules, width, gradient);
        fixed (float* p = parameter, v = velocity, g = gradient.Values)
        {
            RowPointers at = new() { Parameter = p, First = v, Gradient = g };
            if (lanes == Lanes512.Count)
            {
                RowPass<Lanes512, Vector512<float>>.Momentum(plan, at, (float)rate, (float)momentum, threads);
            }
            else if (lanes == Lanes256.Count)
            {
                RowPass<Lanes256, Vector256<float>>.Momentum(plan, at, (float)rate, (float)momentum, threads);
            }
            else
            {
                RowPass<Lanes128, Vector128<float>>.Momentum(plan, at, (float)rate, (float)momentum, threads);
            }
        }
    }

    private static int Width(int parameter, int modules)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(modules, 1);
        if (parameter % modules != 0)
        {
            throw new ArgumentException($"parameter: expected [M, n] with M = {modules}, got {parameter} numbers.", nameof(parameter));
        }

        return parameter / modules;
    }

    private static void Length(int got, int expected, string name, string shape)
    {
        if (got != expected)
        {
            throw new ArgumentException($"{name}: expected {shape} = {expected} numbers, got {got}.", name);
        }
    }
}
