using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>What a row's step is scaled by.</summary>
/// <param name="Rate">The rate, by the first moment's correction.</param>
/// <param name="Root">The root of the second moment's correction.</param>
internal readonly record struct AdamRow(float Rate, float Root);

/// <summary>Where a parameter, its moments and its gradient's summands begin.</summary>
internal unsafe struct RowPointers
{
    internal float* Parameter;
    internal float* First;
    internal float* Second;
    internal float* Gradient;
}

/// <summary>Runs <see cref="RowSteps"/>: one pass over the rows, shared among threads by numbers.</summary>
internal static unsafe class RowPass<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Numbers of a part below which handing it to another thread costs more than it saves.
    private const long LeastWork = 1 << 15;

    internal static void Adam(RowPlan plan, RowPointers at, AdamNumbers numbers, AdamRow[] scales, int threads)
    {
        float keep = (float)(1 - numbers.Rate * numbers.Decay);
        InParts(plan, threads, (u, from, to) => Adam(
            plan, at, u, from, to, scales[u], keep, (float)numbers.Beta1, (float)numbers.Beta2, (float)numbers.Epsilon));
    }

    internal static void Momentum(RowPlan plan, RowPointers at, float rate, float momentum, int threads) =>
        InParts(plan, threads, (u, from, to) => Momentum(plan, at, u, from, to, rate, momentum));

    // Numbers [from, to) of the row in place u.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Adam(
        RowPlan plan, RowPointers at, int u, int from, int to, AdamRow scale, float keep, float beta1, float beta2, float epsilon)
    {
        long start = plan.Rows[u] * plan.Width;
        float* p = at.Parameter + start;
        float* m = at.First + start;
        float* v = at.Second + start;
        V b1 = L.Broadcast(beta1), c1 = L.Broadcast(1 - beta1), b2 = L.Broadcast(beta2), c2 = L.Broadcast(1 - beta2);
        V rate = L.Broadcast(-scale.Rate), root = L.Broadcast(1 / scale.Root), e = L.Broadcast(epsilon), kept = L.Broadcast(keep);
        int i = from;
        for (; i + L.Count <= to; i += L.Count)
        {
            V g = Gradient(plan, at.Gradient, u, i);
            V first = L.MultiplyAdd(c1, g, L.Multiply(b1, L.Load(m + i)));
            V second = L.MultiplyAdd(L.Multiply(c2, g), g, L.Multiply(b2, L.Load(v + i)));
            L.Store(m + i, first);
            L.Store(v + i, second);
            V denominator = L.MultiplyAdd(L.Sqrt(second), root, e);
            L.Store(p + i, L.MultiplyAdd(rate, L.Divide(first, denominator), L.Multiply(kept, L.Load(p + i))));
        }

        for (; i < to; i++)
        {
            float g = GradientAt(plan, at.Gradient, u, i);
            m[i] = (beta1 * m[i]) + ((1 - beta1) * g);
            v[i] = (beta2 * v[i]) + ((1 - beta2) * g * g);
            p[i] = (keep * p[i]) - (scale.Rate * (m[i] / ((MathF.Sqrt(v[i]) / scale.Root) + epsilon)));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Momentum(RowPlan plan, RowPointers at, int u, int from, int to, float rate, float momentum)
    {
        long start = plan.Rows[u] * plan.Width;
        float* p = at.Parameter + start;
        float* v = at.First is null ? null : at.First + start;
        V scale = L.Broadcast(-rate), kept = L.Broadcast(momentum);
        int i = from;
        for (; i + L.Count <= to; i += L.Count)
        {
            V step = Gradient(plan, at.Gradient, u, i);
            if (v is not null)
            {
                step = L.MultiplyAdd(kept, L.Load(v + i), step);
                L.Store(v + i, step);
            }

            L.Store(p + i, L.MultiplyAdd(scale, step, L.Load(p + i)));
        }

        for (; i < to; i++)
        {
            float step = GradientAt(plan, at.Gradient, u, i);
            if (v is not null)
            {
                v[i] = step = (momentum * v[i]) + step;
            }

            p[i] -= rate * step;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Gradient(RowPlan plan, float* summands, int u, int i)
    {
        int s = plan.Starts[u], end = plan.Starts[u + 1];
        if (s == end)
        {
            return L.Broadcast(0f);
        }

        V sum = L.Load(summands + (long)plan.Summands[s] * plan.Width + i);
        for (s++; s < end; s++)
        {
            sum = L.Add(sum, L.Load(summands + (long)plan.Summands[s] * plan.Width + i));
        }

        return sum;
    }

    private static float GradientAt(RowPlan plan, float* summands, int u, int i)
    {
        float sum = 0;
        for (int s = plan.Starts[u]; s < plan.Starts[u + 1]; s++)
        {
            sum += summands[(long)plan.Summands[s] * plan.Width + i];
        }

        return sum;
    }

    /// <summary>Calls with (place of a row, from, to): the rows' numbers, cut into even parts at whole registers.</summary>
    private static void InParts(RowPlan plan, int threads, Action<int, int, int> body)
    {
        long total = (long)plan.Rows.Length * plan.Width;
        int parts = (int)Math.Clamp(total / LeastWork, 1, threads);
        if (parts == 1)
        {
            Run(0);
        }
        else
        {
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, Run);
        }

        void Run(int part)
        {
            long from = Cut(part), to = Cut(part + 1);
            while (from < to)
            {
                int u = (int)(from / plan.Width);
                long start = (long)u * plan.Width;
                long end = Math.Min(to, start + plan.Width);
                body(u, (int)(from - start), (int)(end - start));
                from = end;
            }
        }

        // Within a row at whole registers: what is done number by number at its end is then the same however it is cut.
        long Cut(int part)
        {
            if (part == parts)
            {
                return total;
            }

            long at = total * part / parts;
            return at - at % plan.Width % L.Count;
        }
    }
}
