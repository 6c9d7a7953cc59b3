using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>A step of Adam or AdamW on some rows: its arguments, pinned.</summary>
/// <param name="rows">The rows to step.</param>
/// <param name="numbers">Rate, β₁, β₂, ε and decay.</param>
/// <param name="rates">[U]: the rate divided by 1 − β₁ᵗ.</param>
/// <param name="roots">[U]: the root of 1 − β₂ᵗ.</param>
/// <param name="parameter">θ, [M, n].</param>
/// <param name="first">m, [M, n].</param>
/// <param name="second">v, [M, n].</param>
/// <param name="gradient">The summands of the gradient.</param>
internal readonly unsafe struct AdamKernel(
    OptimiserRows rows, AdamNumbers numbers, float[] rates, float[] roots, float* parameter, float* first, float* second, float* gradient)
    : IKernel
{
    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        AdamKernel kernel = this;
        rows.Run(threads, L.Count, (u, from, to) => kernel.Step<L, V>(u, from, to));
    }

    // Steps numbers [from, to) of the row in place u.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Step<L, V>(int u, int from, int to)
        where L : struct, ILanes<V>
        where V : struct
    {
        OptimiserRows stepped = rows;
        float* p = parameter + stepped.Start(u), m = first + stepped.Start(u), v = second + stepped.Start(u), summands = gradient;
        float keep = (float)(1 - numbers.Rate * numbers.Decay), ownRate = rates[u], ownRoot = roots[u];
        float beta1 = (float)numbers.Beta1, beta2 = (float)numbers.Beta2, epsilon = (float)numbers.Epsilon;
        V b1 = L.Broadcast(beta1), c1 = L.Broadcast(1 - beta1), b2 = L.Broadcast(beta2), c2 = L.Broadcast(1 - beta2);
        V rate = L.Broadcast(-ownRate), root = L.Broadcast(1 / ownRoot), e = L.Broadcast(epsilon), kept = L.Broadcast(keep);
        int i = from;
        for (; i + L.Count <= to; i += L.Count)
        {
            V g = stepped.Gradient<L, V>(summands, u, i);
            V moment1 = L.MultiplyAdd(c1, g, L.Multiply(b1, L.Load(m + i)));
            V moment2 = L.MultiplyAdd(L.Multiply(c2, g), g, L.Multiply(b2, L.Load(v + i)));
            L.Store(m + i, moment1);
            L.Store(v + i, moment2);
            V denominator = L.MultiplyAdd(L.Sqrt(moment2), root, e);
            L.Store(p + i, L.MultiplyAdd(rate, L.Divide(moment1, denominator), L.Multiply(kept, L.Load(p + i))));
        }

        for (; i < to; i++)
        {
            float g = stepped.Gradient(summands, u, i);
            m[i] = (beta1 * m[i]) + ((1 - beta1) * g);
            v[i] = (beta2 * v[i]) + ((1 - beta2) * g * g);
            p[i] = (keep * p[i]) - (ownRate * (m[i] / ((MathF.Sqrt(v[i]) / ownRoot) + epsilon)));
        }
    }
}
