using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>A step of gradient descent with momentum on some rows: its arguments, pinned.</summary>
/// <param name="rows">The rows to step.</param>
/// <param name="rate">The learning rate.</param>
/// <param name="momentum">The part of v that stays.</param>
/// <param name="parameter">θ, [M, n].</param>
/// <param name="velocity">v, [M, n], or null where there is no momentum.</param>
internal readonly unsafe struct MomentumKernel(
    OptimiserRows rows, float rate, float momentum, float* parameter, float* velocity) : IKernel
{
    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        MomentumKernel kernel = this;
        rows.Run<L, V>(threads, (u, from, to, g) => kernel.Step<L, V>(u, from, to, g));
    }

    // Steps numbers [from, to) of the row in place u; g[i] is the gradient of number i.
    private void Step<L, V>(int u, int from, int to, float* g)
        where L : struct, ILanes<V>
        where V : struct
    {
        float* p = parameter + rows.Start(u) + from, v = velocity is null ? null : velocity + rows.Start(u) + from;
        int left = (to - from) % L.Count, whole = to - from - left;
        Step<L, V>(p, v, g + from, whole);
        if (left > 0)
        {
            // What does not fill a register is computed in one, too, so that a number is rounded in the same way wherever rows are cut.
            float* tail = stackalloc float[3 * L.Count];
            float* tailP = tail, tailV = v is null ? null : tailP + L.Count, tailG = tailP + 2 * L.Count;
            new Span<float>(tail, 3 * L.Count).Clear();
            LaneRows<L, V>.Copy(p + whole, tailP, left);
            LaneRows<L, V>.Copy(g + from + whole, tailG, left);
            if (v is not null)
            {
                LaneRows<L, V>.Copy(v + whole, tailV, left);
            }

            Step<L, V>(tailP, tailV, tailG, L.Count);
            LaneRows<L, V>.Copy(tailP, p + whole, left);
            if (v is not null)
            {
                LaneRows<L, V>.Copy(tailV, v + whole, left);
            }
        }
    }

    // Steps so many numbers, in whole registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Step<L, V>(float* p, float* v, float* g, int length)
        where L : struct, ILanes<V>
        where V : struct
    {
        V scale = L.Broadcast(-rate), kept = L.Broadcast(momentum);
        for (int i = 0; i < length; i += L.Count)
        {
            V step = L.Load(g + i);
            if (v is not null)
            {
                step = L.MultiplyAdd(kept, L.Load(v + i), step);
                L.Store(v + i, step);
            }

            L.Store(p + i, L.MultiplyAdd(scale, step, L.Load(p + i)));
        }
    }
}
