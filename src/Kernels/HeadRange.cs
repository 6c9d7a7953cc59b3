using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>
/// The least and the greatest weight of every hidden unit, and bias. They bound all of a datapoint's logits at the cost of a
/// dot product, so that most datapoints need neither a search for their maximum nor exponentials that guard against overflow.
/// </summary>
internal sealed unsafe class HeadRange<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    private readonly HeadLayout _layout;
    private readonly float[] _low;
    private readonly float[] _high;
    private readonly Lock _lock = new();

    internal HeadRange(in HeadLayout layout)
    {
        _layout = layout;
        _low = new float[layout.Hidden + 1];
        _high = new float[layout.Hidden + 1];
        Array.Fill(_low, float.PositiveInfinity);
        Array.Fill(_high, float.NegativeInfinity);
    }

    /// <summary>Takes in panels [from, to), biases included; may be called from several threads.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal void Cover(float* panels, int from, int to)
    {
        int rows = _layout.Hidden + 1;
        using Scratch scratch = new(2L * rows * L.Count);
        float* low = scratch.Start;
        float* high = low + (long)rows * L.Count;
        new Span<float>(low, rows * L.Count).Fill(float.PositiveInfinity);
        new Span<float>(high, rows * L.Count).Fill(float.NegativeInfinity);
        for (int panel = from; panel < to; panel++)
        {
            int real = Math.Min(_layout.Width, _layout.Vocabulary - panel * _layout.Width);
            float* source = panels + (long)panel * _layout.PanelLength;
            for (int row = 0; row < rows; row++, source += _layout.Width)
            {
                CoverRow(source, real, low + row * L.Count, high + row * L.Count);
            }
        }

        lock (_lock)
        {
            for (int row = 0; row < rows; row++)
            {
                _low[row] = MathF.Min(_low[row], L.Least(L.Load(low + row * L.Count)));
                _high[row] = MathF.Max(_high[row], L.Greatest(L.Load(high + row * L.Count)));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CoverRow(float* source, int real, float* low, float* high)
    {
        int column = 0;
        V least = L.Load(low);
        V greatest = L.Load(high);
        for (; column <= real - L.Count; column += L.Count)
        {
            V value = L.Load(source + column);
            least = L.Min(least, value);
            greatest = L.Max(greatest, value);
        }

        L.Store(low, least);
        L.Store(high, greatest);
        for (; column < real; column++)
        {
            *low = MathF.Min(*low, source[column]);
            *high = MathF.Max(*high, source[column]);
        }
    }

    /// <summary>Bounds of x·W + b over the vocabulary, float32's rounding of it included; NaN or infinite if there are none.</summary>
    /// <param name="x">[hidden], <paramref name="stride"/> floats from one to the next.</param>
    /// <param name="stride">Floats between neighbours in x.</param>
    internal (double Low, double High) Bounds(float* x, int stride)
    {
        int hidden = _layout.Hidden;
        double low = _low[hidden];
        double high = _high[hidden];
        double magnitude = Math.Max(Math.Abs(low), Math.Abs(high));
        for (int k = 0; k < hidden; k++)
        {
            double value = x[k * stride];
            double one = value * _low[k];
            double other = value * _high[k];
            low += Math.Min(one, other);
            high += Math.Max(one, other);
            magnitude += Math.Max(Math.Abs(one), Math.Abs(other));
        }

        // A sum of H + 1 terms in float32 is off by at most H + 1 roundings of 2^−24 of their magnitudes' sum, to first order.
        double rounding = (hidden + 1) * Math.ScaleB(magnitude, -23);
        return (low - rounding, high + rounding);
    }
}
