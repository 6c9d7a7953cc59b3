namespace ModNet.Kernels;

/// <summary>What kernels do to rows of any length, whatever a register holds.</summary>
internal static unsafe class LaneRows<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    internal static void Copy(float* source, float* target, int length) =>
        new ReadOnlySpan<float>(source, length).CopyTo(new Span<float>(target, length));

    /// <summary>target += source.</summary>
    internal static void Add(float* source, float* target, int length)
    {
        int i = 0;
        for (; i + L.Count <= length; i += L.Count)
        {
            L.Store(target + i, L.Add(L.Load(target + i), L.Load(source + i)));
        }

        for (; i < length; i++)
        {
            target[i] += source[i];
        }
    }

    /// <summary>target := source·factors.</summary>
    internal static void Multiply(float* source, float* factors, float* target, int length)
    {
        int i = 0;
        for (; i + L.Count <= length; i += L.Count)
        {
            L.Store(target + i, L.Multiply(L.Load(source + i), L.Load(factors + i)));
        }

        for (; i < length; i++)
        {
            target[i] = source[i] * factors[i];
        }
    }

    /// <summary>Rows [from, to) of a target [B, width] := the sums of the K rows that each has in a source [B, K, width].</summary>
    internal static void SumChoices(float* source, int choose, float* target, int width, int from, int to)
    {
        for (int b = from; b < to; b++)
        {
            float* sum = target + (long)b * width;
            float* each = source + (long)b * choose * width;
            Copy(each, sum, width);
            for (int k = 1; k < choose; k++)
            {
                Add(each + (long)k * width, sum, width);
            }
        }
    }
}
