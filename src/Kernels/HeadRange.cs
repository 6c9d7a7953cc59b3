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
    internal void Cover(float* panels, int from, int to)
    {
        int width = _layout.Width;
        for (int row = 0; row <= _layout.Hidden && from < to; row++)
        {
            V low = L.Broadcast(float.PositiveInfinity);
            V high = L.Broadcast(float.NegativeInfinity);
            float least = float.PositiveInfinity;
            float greatest = float.NegativeInfinity;
            for (int panel = from; panel < to; panel++)
            {
                float* source = panels + (long)panel * _layout.PanelLength + row * width;
                int real = Math.Min(width, _layout.Vocabulary - panel * width);
                int column = 0;
                for (; column <= real - L.Count; column += L.Count)
                {
                    V value = L.Load(source + column);
                    low = L.Min(low, value);
                    high = L.Max(high, value);
                }

                for (; column < real; column++)
                {
                    least = MathF.Min(least, source[column]);
                    greatest = MathF.Max(greatest, source[column]);
                }
            }

            lock (_lock)
            {
                _low[row] = MathF.Min(_low[row], MathF.Min(least, L.Least(low)));
                _high[row] = MathF.Max(_high[row], MathF.Max(greatest, L.Greatest(high)));
            }
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
