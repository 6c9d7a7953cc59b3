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
internal readonly unsafe struct AdamKernel(
    OptimiserRows rows, AdamNumbers numbers, float[] rates, float[] roots, float* parameter, float* first, float* second) : IKernel
{
    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        AdamKernel kernel = this;
        rows.Run<L, V>(threads, (u, from, to, g) => kernel.Step<L, V>(u, from, to, g));
    }

    // Steps numbers [from, to) of the row in place u; g[i] is the gradient of number i.
    private void Step<L, V>(int u, int from, int to, float* g)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* p = parameter + rows.Start(u), m = first + rows.Start(u), v = second + rows.Start(u);
        int whole = to - (to - from) % L.Count;
        Step<L, V>(u, p + from, m + from, v + from, g + from, whole - from);
        if (whole < to)
        {
            // What does not fill a register is computed in one, too, so that a number is rounded in the same way wherever rows are cut.
            float* tail = stackalloc float[4 * L.Count];
            float* tailP = tail, tailM = tailP + L.Count, tailV = tailM + L.Count, tailG = tailV + L.Count;
            new Span<float>(tail, 4 * L.Count).Clear();
            int left = to - whole;
            LaneRows<L, V>.Copy(p + whole, tailP, left);
            LaneRows<L, V>.Copy(m + whole, tailM, left);
            LaneRows<L, V>.Copy(v + whole, tailV, left);
            LaneRows<L, V>.Copy(g + whole, tailG, left);
            Step<L, V>(u, tailP, tailM, tailV, tailG, L.Count);
            LaneRows<L, V>.Copy(tailP, p + whole, left);
            LaneRows<L, V>.Copy(tailM, m + whole, left);
            LaneRows<L, V>.Copy(tailV, v + whole, left);
        }
    }

    // Steps so many numbers, in whole registers, of the row in place u.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Step<L, V>(int u, float* p, float* m, float* v, float* g, int length)
        where L : struct, ILanes<V>
        where V : struct
    {
        float keep = (float)(1 - numbers.Rate * numbers.Decay), beta1 = (float)numbers.Beta1, beta2 = (float)numbers.Beta2;
        V b1 = L.Broadcast(beta1), c1 = L.Broadcast(1 - beta1), b2 = L.Broadcast(beta2), c2 = L.Broadcast(1 - beta2);
        V rate = L.Broadcast(-rates[u]), root = L.Broadcast(1 / roots[u]), e = L.Broadcast((float)numbers.Epsilon), kept = L.Broadcast(keep);
        for (int i = 0; i < length; i += L.Count)
        {
            V now = L.Load(g + i);
            V moment1 = L.MultiplyAdd(c1, now, L.Multiply(b1, L.Load(m + i)));
            V moment2 = L.MultiplyAdd(L.Multiply(c2, now), now, L.Multiply(b2, L.Load(v + i)));
            L.Store(m + i, moment1);
            L.Store(v + i, moment2);
            V denominator = L.MultiplyAdd(L.Sqrt(moment2), root, e);
            L.Store(p + i, L.MultiplyAdd(rate, L.Divide(moment1, denominator), L.Multiply(kept, L.Load(p + i))));
        }
    }
}
