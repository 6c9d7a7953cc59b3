using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>A step of gradient descent with momentum on some rows: its arguments, pinned.</summary>
/// <param name="rows">The rows to step.</param>
/// <param name="rate">The learning rate.</param>
/// <param name="momentum">The part of v that stays.</param>
/// <param name="parameter">θ, [M, n].</param>
/// <param name="velocity">v, [M, n], or null where there is no momentum.</param>
/// <param name="gradient">The summands of the gradient.</param>
internal readonly unsafe struct MomentumKernel(
    OptimiserRows rows, float rate, float momentum, float* parameter, float* velocity, float* gradient) : IKernel
{
    public void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct
    {
        MomentumKernel kernel = this;
        rows.Run(threads, L.Count, (u, from, to) => kernel.Step<L, V>(u, from, to));
    }

    // Steps numbers [from, to) of the row in place u.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Step<L, V>(int u, int from, int to)
        where L : struct, ILanes<V>
        where V : struct
    {
        OptimiserRows stepped = rows;
        float* p = parameter + stepped.Start(u), v = velocity is null ? null : velocity + stepped.Start(u), summands = gradient;
        V scale = L.Broadcast(-rate), kept = L.Broadcast(momentum);
        int i = from;
        for (; i + L.Count <= to; i += L.Count)
        {
            V step = stepped.Gradient<L, V>(summands, u, i);
            if (v is not null)
            {
                step = L.MultiplyAdd(kept, L.Load(v + i), step);
                L.Store(v + i, step);
            }

            L.Store(p + i, L.MultiplyAdd(scale, step, L.Load(p + i)));
        }

        for (; i < to; i++)
        {
            float step = stepped.Gradient(summands, u, i);
            if (v is not null)
            {
                v[i] = step = (momentum * v[i]) + step;
            }

            p[i] -= rate * step;
        }
    }
}
