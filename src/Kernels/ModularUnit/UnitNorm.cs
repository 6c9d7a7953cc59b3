namespace ModNet.Kernels;

/// <summary>
/// A layer normalisation of a row, and its way back. Numbers that belong to a column are added and multiplied one by one, so that they are the same bits wherever
/// columns are cut.
/// </summary>
internal static unsafe class UnitNorm<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private const float Epsilon = 1e-5f;

    /// <summary>The mean of a row, and 1/√(variance + ε).</summary>
    internal static (float Mean, float Scale) Statistics(float* x, int width)
    {
        V sum = L.Broadcast(0f);
        int i = 0;
        for (; i + L.Count <= width; i += L.Count)
        {
            sum = L.Add(sum, L.Load(x + i));
        }

        float total = L.Sum(sum);
        for (; i < width; i++)
        {
            total += x[i];
        }

        float mean = total / width;
        V all = L.Broadcast(mean), squares = L.Broadcast(0f);
        for (i = 0; i + L.Count <= width; i += L.Count)
        {
            V apart = L.Subtract(L.Load(x + i), all);
            squares = L.MultiplyAdd(apart, apart, squares);
        }

        float variance = L.Sum(squares);
        for (; i < width; i++)
        {
            variance += (x[i] - mean) * (x[i] - mean);
        }

        return (mean, 1f / MathF.Sqrt(variance / width + Epsilon));
    }

    /// <summary>y := the normalised row, scaled and shifted by the module's own numbers.</summary>
    internal static void Forward(float* x, float mean, float normal, float* scale, float* shift, float* y, int width)
    {
        V m = L.Broadcast(mean), n = L.Broadcast(normal);
        int i = 0;
        for (; i + L.Count <= width; i += L.Count)
        {
            V own = L.Multiply(L.Subtract(L.Load(x + i), m), n);
            L.Store(y + i, L.MultiplyAdd(own, L.Load(scale + i), L.Load(shift + i)));
        }

        for (; i < width; i++)
        {
            y[i] = (x[i] - mean) * normal * scale[i] + shift[i];
        }
    }

    /// <summary>dx := the gradient in the row, from that in what it gave: normal·(g·scale − mean of that − own·mean of g·scale·own).</summary>
    internal static void Backward(float* x, float mean, float normal, float* scale, float* g, float* dx, int width)
    {
        V m = L.Broadcast(mean), n = L.Broadcast(normal), sum = L.Broadcast(0f), along = sum;
        int i = 0;
        for (; i + L.Count <= width; i += L.Count)
        {
            V own = L.Multiply(L.Subtract(L.Load(x + i), m), n);
            V scaled = L.Multiply(L.Load(g + i), L.Load(scale + i));
            sum = L.Add(sum, scaled);
            along = L.MultiplyAdd(scaled, own, along);
        }

        float total = L.Sum(sum), totalAlong = L.Sum(along);
        for (; i < width; i++)
        {
            float scaled = g[i] * scale[i];
            total += scaled;
            totalAlong += scaled * ((x[i] - mean) * normal);
        }

        (total, totalAlong) = (total / width, totalAlong / width);
        V t = L.Broadcast(total), a = L.Broadcast(totalAlong);
        for (i = 0; i + L.Count <= width; i += L.Count)
        {
            V own = L.Multiply(L.Subtract(L.Load(x + i), m), n);
            V scaled = L.Multiply(L.Load(g + i), L.Load(scale + i));
            L.Store(dx + i, L.Multiply(n, L.Subtract(L.Subtract(scaled, t), L.Multiply(own, a))));
        }

        for (; i < width; i++)
        {
            dx[i] = normal * (g[i] * scale[i] - total - (x[i] - mean) * normal * totalAlong);
        }
    }

    /// <summary>scaleGradient += g·own and shiftGradient += g, for some columns of a row.</summary>
    internal static void Add(float* x, float mean, float normal, float* g, float* scaleGradient, float* shiftGradient, int columns)
    {
        V m = L.Broadcast(mean), n = L.Broadcast(normal);
        int i = 0;
        for (; i + L.Count <= columns; i += L.Count)
        {
            V own = L.Multiply(L.Subtract(L.Load(x + i), m), n), at = L.Load(g + i);
            L.Store(scaleGradient + i, L.Add(L.Load(scaleGradient + i), L.Multiply(at, own)));
            L.Store(shiftGradient + i, L.Add(L.Load(shiftGradient + i), at));
        }

        for (; i < columns; i++)
        {
            scaleGradient[i] += g[i] * ((x[i] - mean) * normal);
            shiftGradient[i] += g[i];
        }
    }
}
