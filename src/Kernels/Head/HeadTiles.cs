using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>
/// The inner loops of the head. A tile is one panel (four registers) wide and a few datapoints, or rows of the panel, high, and all of
/// its sums stay in registers.
/// <para>
/// Their parameters: x is [hidden][3], for each hidden unit the values of three datapoints, and offsets are [3]. The loops go over so
/// many consecutive panels, of which one pointer gives the first. Logits, and e, are [3][width] for each panel, and stride is how many
/// numbers lie between those of one panel and those of the next.
/// </para>
/// </summary>
internal static unsafe class HeadTiles<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // 2^−110 is taken off every exponential. Exponentials are added to others of which one is 1, so this is far below the last digit
    // of a sum. Without it, and without a least exponent, many exponentials would be subnormal numbers (below 2^−126), and products
    // with those are slow on some processors.
    private const float LeastExponent = -110f;
    private const float LeastPower = 1f / (1L << 55) / (1L << 55);

    /// <summary>Logits x·W + b − offset of three datapoints over consecutive panels.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Logits(in HeadLayout layout, int panels, float* panel, float* x, float* offsets, float* logits, int stride)
    {
        int width = HeadLayout.PanelVectors * L.Count;
        for (int p = 0; p < panels; p++)
        {
            Products(
                layout, panel, x,
                out V a00, out V a01, out V a02, out V a03,
                out V a10, out V a11, out V a12, out V a13,
                out V a20, out V a21, out V a22, out V a23);
            Shift(offsets[0], ref a00, ref a01, ref a02, ref a03);
            Shift(offsets[1], ref a10, ref a11, ref a12, ref a13);
            Shift(offsets[2], ref a20, ref a21, ref a22, ref a23);
            Store(logits, a00, a01, a02, a03);
            Store(logits + width, a10, a11, a12, a13);
            Store(logits + 2 * width, a20, a21, a22, a23);
            panel += layout.PanelLength;
            logits += stride;
        }
    }

    /// <summary>
    /// e = 2^y − 2^−110 of three datapoints over consecutive panels, where y are the logits that <see cref="Logits"/> gives; they never
    /// leave the registers. Below −110, e is exactly 0. Above 127 it is 2^127 or infinite. Where y is NaN, e is 2^127, infinite or NaN.
    /// Writes the three sums of e to sums, and e itself unless that is null.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Exponentials(
        in HeadLayout layout, int panels, float* panel, float* x, float* offsets, float* e, int stride, float* sums)
    {
        int width = HeadLayout.PanelVectors * L.Count;
        int panelLength = layout.PanelLength;
        V s0 = L.Broadcast(0f), s1 = s0, s2 = s0;
        for (int p = 0; p < panels; p++)
        {
            Products(
                layout, panel, x,
                out V a00, out V a01, out V a02, out V a03,
                out V a10, out V a11, out V a12, out V a13,
                out V a20, out V a21, out V a22, out V a23);
            PowersOfTwo(offsets[0], ref a00, ref a01, ref a02, ref a03);
            PowersOfTwo(offsets[1], ref a10, ref a11, ref a12, ref a13);
            PowersOfTwo(offsets[2], ref a20, ref a21, ref a22, ref a23);
            s0 = L.Add(s0, L.Add(L.Add(a00, a01), L.Add(a02, a03)));
            s1 = L.Add(s1, L.Add(L.Add(a10, a11), L.Add(a12, a13)));
            s2 = L.Add(s2, L.Add(L.Add(a20, a21), L.Add(a22, a23)));
            if (e != null)
            {
                Store(e, a00, a01, a02, a03);
                Store(e + width, a10, a11, a12, a13);
                Store(e + 2 * width, a20, a21, a22, a23);
                e += stride;
            }

            panel += panelLength;
        }

        sums[0] = L.Sum(s0);
        sums[1] = L.Sum(s1);
        sums[2] = L.Sum(s2);
    }

    /// <summary>
    /// Adds Σ_v e_v·W_v, lane by lane, for three datapoints and four hidden units over consecutive panels. The panel begins with the first
    /// of the four units; the gradient is [3][4][lanes].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void HiddenGradient(
        in HeadLayout layout, int panels, float* panel, float* e, int stride, float* gradient)
    {
        int lanes = L.Count;
        int width = HeadLayout.PanelVectors * lanes;
        int panelLength = layout.PanelLength;
        float* g = gradient;
        V g00 = L.Load(g), g01 = L.Load(g + lanes), g02 = L.Load(g + 2 * lanes), g03 = L.Load(g + 3 * lanes);
        g += 4 * lanes;
        V g10 = L.Load(g), g11 = L.Load(g + lanes), g12 = L.Load(g + 2 * lanes), g13 = L.Load(g + 3 * lanes);
        g += 4 * lanes;
        V g20 = L.Load(g), g21 = L.Load(g + lanes), g22 = L.Load(g + 2 * lanes), g23 = L.Load(g + 3 * lanes);

        for (int p = 0; p < panels; p++)
        {
            for (int c = 0; c < width; c += lanes)
            {
                V e0 = L.Load(e + c);
                V e1 = L.Load(e + c + width);
                V e2 = L.Load(e + c + 2 * width);
                V w0 = L.Load(panel + c);
                g00 = L.MultiplyAdd(e0, w0, g00);
                g10 = L.MultiplyAdd(e1, w0, g10);
                g20 = L.MultiplyAdd(e2, w0, g20);
                V w1 = L.Load(panel + c + width);
                g01 = L.MultiplyAdd(e0, w1, g01);
                g11 = L.MultiplyAdd(e1, w1, g11);
                g21 = L.MultiplyAdd(e2, w1, g21);
                V w2 = L.Load(panel + c + 2 * width);
                g02 = L.MultiplyAdd(e0, w2, g02);
                g12 = L.MultiplyAdd(e1, w2, g12);
                g22 = L.MultiplyAdd(e2, w2, g22);
                V w3 = L.Load(panel + c + 3 * width);
                g03 = L.MultiplyAdd(e0, w3, g03);
                g13 = L.MultiplyAdd(e1, w3, g13);
                g23 = L.MultiplyAdd(e2, w3, g23);
            }

            panel += panelLength;
            e += stride;
        }

        g = gradient;
        L.Store(g, g00);
        L.Store(g + lanes, g01);
        L.Store(g + 2 * lanes, g02);
        L.Store(g + 3 * lanes, g03);
        g += 4 * lanes;
        L.Store(g, g10);
        L.Store(g + lanes, g11);
        L.Store(g + 2 * lanes, g12);
        L.Store(g + 3 * lanes, g13);
        g += 4 * lanes;
        L.Store(g, g20);
        L.Store(g + lanes, g21);
        L.Store(g + 2 * lanes, g22);
        L.Store(g + 3 * lanes, g23);
    }

    /// <summary>
    /// Adds Σ_n e_n·x_n to one panel of the gradient of weights and biases, over so many datapoints. Here x is [count][rows], the hidden
    /// units and then the factor of the bias, and e is [count][width].
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void WeightGradient(in HeadLayout layout, int count, float* x, float* e, float* panel)
    {
        int lanes = L.Count;
        int width = HeadLayout.PanelVectors * lanes;
        int rows = layout.Rows;
        int used = layout.Hidden + 1;
        int row = 0;

        // Two rows at a time: 8 sums in flight are what the multiply-adds' latency asks for, and with more of them each
        // tile's start and end, where sums come from and go to memory, overlap less with its neighbours' (measured).
        for (; row + 1 < used; row += 2)
        {
            float* g = panel + row * width;
            V g00 = L.Load(g), g01 = L.Load(g + lanes), g02 = L.Load(g + 2 * lanes), g03 = L.Load(g + 3 * lanes);
            g += width;
            V g10 = L.Load(g), g11 = L.Load(g + lanes), g12 = L.Load(g + 2 * lanes), g13 = L.Load(g + 3 * lanes);

            float* u = x + row;
            float* f = e;
            for (int n = 0; n < count; n++)
            {
                V u0 = L.Broadcast(u[0]);
                V u1 = L.Broadcast(u[1]);
                V f0 = L.Load(f);
                g00 = L.MultiplyAdd(u0, f0, g00);
                g10 = L.MultiplyAdd(u1, f0, g10);
                V f1 = L.Load(f + lanes);
                g01 = L.MultiplyAdd(u0, f1, g01);
                g11 = L.MultiplyAdd(u1, f1, g11);
                V f2 = L.Load(f + 2 * lanes);
                g02 = L.MultiplyAdd(u0, f2, g02);
                g12 = L.MultiplyAdd(u1, f2, g12);
                V f3 = L.Load(f + 3 * lanes);
                g03 = L.MultiplyAdd(u0, f3, g03);
                g13 = L.MultiplyAdd(u1, f3, g13);
                u += rows;
                f += width;
            }

            L.Store(g, g10);
            L.Store(g + lanes, g11);
            L.Store(g + 2 * lanes, g12);
            L.Store(g + 3 * lanes, g13);
            g -= width;
            L.Store(g, g00);
            L.Store(g + lanes, g01);
            L.Store(g + 2 * lanes, g02);
            L.Store(g + 3 * lanes, g03);
        }

        for (; row < used; row++)
        {
            float* g = panel + row * width;
            V g0 = L.Load(g), g1 = L.Load(g + lanes), g2 = L.Load(g + 2 * lanes), g3 = L.Load(g + 3 * lanes);

            float* u = x + row;
            float* f = e;
            for (int n = 0; n < count; n++)
            {
                V u0 = L.Broadcast(u[0]);
                g0 = L.MultiplyAdd(u0, L.Load(f), g0);
                g1 = L.MultiplyAdd(u0, L.Load(f + lanes), g1);
                g2 = L.MultiplyAdd(u0, L.Load(f + 2 * lanes), g2);
                g3 = L.MultiplyAdd(u0, L.Load(f + 3 * lanes), g3);
                u += rows;
                f += width;
            }

            L.Store(g, g0);
            L.Store(g + lanes, g1);
            L.Store(g + 2 * lanes, g2);
            L.Store(g + 3 * lanes, g3);
        }
    }

    /// <summary>The greatest of one datapoint's logits over consecutive panels. NaN if any is NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Greatest(int panels, float* y, int stride)
    {
        V greatest = L.Broadcast(float.NegativeInfinity);
        for (int p = 0; p < panels; p++, y += stride)
        {
            for (int c = 0; c < HeadLayout.PanelVectors * L.Count; c += L.Count)
            {
                greatest = L.Max(greatest, L.Load(y + c));
            }
        }

        return L.Greatest(greatest);
    }

    // x·W + b of three datapoints over one panel.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Products(
        in HeadLayout layout, float* panel, float* x,
        out V a00, out V a01, out V a02, out V a03,
        out V a10, out V a11, out V a12, out V a13,
        out V a20, out V a21, out V a22, out V a23)
    {
        int lanes = L.Count;
        int width = HeadLayout.PanelVectors * lanes;
        int hidden = layout.Hidden;
        float* bias = panel + hidden * width;
        a00 = a10 = a20 = L.Load(bias);
        a01 = a11 = a21 = L.Load(bias + lanes);
        a02 = a12 = a22 = L.Load(bias + 2 * lanes);
        a03 = a13 = a23 = L.Load(bias + 3 * lanes);
        float* w = panel;
        float* u = x;
        for (int k = 0; k < hidden; k++)
        {
            V u0 = L.Broadcast(u[0]);
            V u1 = L.Broadcast(u[1]);
            V u2 = L.Broadcast(u[2]);
            AddProducts(L.Load(w), u0, u1, u2, ref a00, ref a10, ref a20);
            AddProducts(L.Load(w + lanes), u0, u1, u2, ref a01, ref a11, ref a21);
            AddProducts(L.Load(w + 2 * lanes), u0, u1, u2, ref a02, ref a12, ref a22);
            AddProducts(L.Load(w + 3 * lanes), u0, u1, u2, ref a03, ref a13, ref a23);
            w += width;
            u += HeadLayout.TileRows;
        }
    }

    // sum_i += u_i·w for three sums.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddProducts(V w, V u0, V u1, V u2, ref V sum0, ref V sum1, ref V sum2)
    {
        sum0 = L.MultiplyAdd(u0, w, sum0);
        sum1 = L.MultiplyAdd(u1, w, sum1);
        sum2 = L.MultiplyAdd(u2, w, sum2);
    }

    // Takes a datapoint's offset off its logits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Shift(float offset, ref V y0, ref V y1, ref V y2, ref V y3)
    {
        V all = L.Broadcast(offset);
        y0 = L.Subtract(y0, all);
        y1 = L.Subtract(y1, all);
        y2 = L.Subtract(y2, all);
        y3 = L.Subtract(y3, all);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PowersOfTwo(float offset, ref V y0, ref V y1, ref V y2, ref V y3)
    {
        V all = L.Broadcast(offset);
        y0 = Bound(L.Subtract(y0, all));
        y1 = Bound(L.Subtract(y1, all));
        y2 = Bound(L.Subtract(y2, all));
        y3 = Bound(L.Subtract(y3, all));
        Exponential.Two<L, V>(ref y0, ref y1, ref y2, ref y3);
        Shift(LeastPower, ref y0, ref y1, ref y2, ref y3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Bound(V y) => L.ScalesToInfinity
        ? L.AtLeast(y, L.Broadcast(LeastExponent))
        : L.Clamp(y, L.Broadcast(LeastExponent), L.Broadcast(Exponential.Highest));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Load(float* source, out V a0, out V a1, out V a2, out V a3)
    {
        a0 = L.Load(source);
        a1 = L.Load(source + L.Count);
        a2 = L.Load(source + 2 * L.Count);
        a3 = L.Load(source + 3 * L.Count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(float* target, V a0, V a1, V a2, V a3)
    {
        L.Store(target, a0);
        L.Store(target + L.Count, a1);
        L.Store(target + 2 * L.Count, a2);
        L.Store(target + 3 * L.Count, a3);
    }
}
