using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>
/// The inner loops of a language-model head. Each works on a tile that is a panel, four registers, wide and a few datapoints
/// or panel rows high, and keeps all of the tile's sums in registers.
/// </summary>
internal static unsafe class HeadTiles<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    // Exponentials are summed with others of which one is 1, so what is taken off here is far below their last digits. Were it not, and
    // had they no least value, many would be numbers below the normal ones (2^−126), with which products can be slow.
    private const float LeastExponent = -110f;
    private const float LeastPower = 1f / (1L << 55) / (1L << 55);

    /// <summary>x·W + b − offset for three datapoints over consecutive panels.</summary>
    /// <param name="layout">The layout of the panels.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="panel">First panel.</param>
    /// <param name="x">[hidden][3]: hidden unit by hidden unit, the three datapoints' values.</param>
    /// <param name="offsets">[3].</param>
    /// <param name="logits">Out: [3][width] per panel.</param>
    /// <param name="stride">Floats from one panel's logits to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Logits(
        in HeadLayout layout, int panels, float* panel, float* x, float* offsets, float* logits, int stride)
    {
        int lanes = L.Count;
        int width = HeadLayout.PanelVectors * lanes;
        int panelLength = layout.PanelLength;

        for (int p = 0; p < panels; p++)
        {
            Products(
                layout, panel, x,
                out V a00, out V a01, out V a02, out V a03,
                out V a10, out V a11, out V a12, out V a13,
                out V a20, out V a21, out V a22, out V a23);

            float* y = logits;
            V offset = L.Broadcast(offsets[0]);
            L.Store(y, L.Subtract(a00, offset));
            L.Store(y + lanes, L.Subtract(a01, offset));
            L.Store(y + 2 * lanes, L.Subtract(a02, offset));
            L.Store(y + 3 * lanes, L.Subtract(a03, offset));
            y += width;
            offset = L.Broadcast(offsets[1]);
            L.Store(y, L.Subtract(a10, offset));
            L.Store(y + lanes, L.Subtract(a11, offset));
            L.Store(y + 2 * lanes, L.Subtract(a12, offset));
            L.Store(y + 3 * lanes, L.Subtract(a13, offset));
            y += width;
            offset = L.Broadcast(offsets[2]);
            L.Store(y, L.Subtract(a20, offset));
            L.Store(y + lanes, L.Subtract(a21, offset));
            L.Store(y + 2 * lanes, L.Subtract(a22, offset));
            L.Store(y + 3 * lanes, L.Subtract(a23, offset));
            panel += panelLength;
            logits += stride;
        }
    }

    /// <summary>
    /// e = 2^y − 2^−110 for y = x·W + b − offset (as <see cref="Logits"/> has it) of three datapoints over consecutive panels; the y never
    /// leave the registers. Below −110 e is exactly 0, above 127 it is 2^127 or infinite, and where y is NaN one of these or NaN.
    /// </summary>
    /// <param name="layout">The layout of the panels.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="panel">First panel.</param>
    /// <param name="x">[hidden][3]: hidden unit by hidden unit, the three datapoints' values.</param>
    /// <param name="offsets">[3].</param>
    /// <param name="e">Out: [3][width] per panel; null where only the sums are wanted.</param>
    /// <param name="stride">Floats from one panel's e to the next.</param>
    /// <param name="sums">Out: [3], the sums of e.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Exponentials(
        in HeadLayout layout, int panels, float* panel, float* x, float* offsets, float* e, int stride, float* sums)
    {
        int lanes = L.Count;
        int width = HeadLayout.PanelVectors * lanes;
        int panelLength = layout.PanelLength;
        V s0 = L.Broadcast(0f), s1 = s0, s2 = s0;

        for (int p = 0; p < panels; p++)
        {
            Products(
                layout, panel, x,
                out V a00, out V a01, out V a02, out V a03,
                out V a10, out V a11, out V a12, out V a13,
                out V a20, out V a21, out V a22, out V a23);
            PowersOfTwo(L.Broadcast(offsets[0]), ref a00, ref a01, ref a02, ref a03);
            PowersOfTwo(L.Broadcast(offsets[1]), ref a10, ref a11, ref a12, ref a13);
            PowersOfTwo(L.Broadcast(offsets[2]), ref a20, ref a21, ref a22, ref a23);
            s0 = L.Add(s0, L.Add(L.Add(a00, a01), L.Add(a02, a03)));
            s1 = L.Add(s1, L.Add(L.Add(a10, a11), L.Add(a12, a13)));
            s2 = L.Add(s2, L.Add(L.Add(a20, a21), L.Add(a22, a23)));
            if (e != null)
            {
                float* y = e;
                L.Store(y, a00);
                L.Store(y + lanes, a01);
                L.Store(y + 2 * lanes, a02);
                L.Store(y + 3 * lanes, a03);
                y += width;
                L.Store(y, a10);
                L.Store(y + lanes, a11);
                L.Store(y + 2 * lanes, a12);
                L.Store(y + 3 * lanes, a13);
                y += width;
                L.Store(y, a20);
                L.Store(y + lanes, a21);
                L.Store(y + 2 * lanes, a22);
                L.Store(y + 3 * lanes, a23);
                e += stride;
            }

            panel += panelLength;
        }

        sums[0] = L.Sum(s0);
        sums[1] = L.Sum(s1);
        sums[2] = L.Sum(s2);
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
            V w0 = L.Load(w);
            a00 = L.MultiplyAdd(u0, w0, a00);
            a10 = L.MultiplyAdd(u1, w0, a10);
            a20 = L.MultiplyAdd(u2, w0, a20);
            V w1 = L.Load(w + lanes);
            a01 = L.MultiplyAdd(u0, w1, a01);
            a11 = L.MultiplyAdd(u1, w1, a11);
            a21 = L.MultiplyAdd(u2, w1, a21);
            V w2 = L.Load(w + 2 * lanes);
            a02 = L.MultiplyAdd(u0, w2, a02);
            a12 = L.MultiplyAdd(u1, w2, a12);
            a22 = L.MultiplyAdd(u2, w2, a22);
            V w3 = L.Load(w + 3 * lanes);
            a03 = L.MultiplyAdd(u0, w3, a03);
            a13 = L.MultiplyAdd(u1, w3, a13);
            a23 = L.MultiplyAdd(u2, w3, a23);
            w += width;
            u += HeadLayout.TileRows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PowersOfTwo(V offset, ref V y0, ref V y1, ref V y2, ref V y3)
    {
        y0 = Bound(L.Subtract(y0, offset));
        y1 = Bound(L.Subtract(y1, offset));
        y2 = Bound(L.Subtract(y2, offset));
        y3 = Bound(L.Subtract(y3, offset));
        Exponential.Two<L, V>(ref y0, ref y1, ref y2, ref y3);
        V least = L.Broadcast(LeastPower);
        y0 = L.Subtract(y0, least);
        y1 = L.Subtract(y1, least);
        y2 = L.Subtract(y2, least);
        y3 = L.Subtract(y3, least);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Bound(V y) => L.ScalesToInfinity
        ? L.AtLeast(y, L.Broadcast(LeastExponent))
        : L.Clamp(y, L.Broadcast(LeastExponent), L.Broadcast(Exponential.Highest));

    /// <summary>Adds Σ_v e_v·W_v, lane by lane, for three datapoints and four hidden units over consecutive panels.</summary>
    /// <param name="layout">The layout of the panels.</param>
    /// <param name="panels">Number of panels.</param>
    /// <param name="panel">First panel, from the first of the four rows on.</param>
    /// <param name="e">[3][width] per panel.</param>
    /// <param name="stride">Floats from one panel's e to the next.</param>
    /// <param name="gradient">Added to: [3][4][lanes].</param>
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

    /// <summary>Adds Σ_n e_n·x_n to one panel of the gradient of weights and biases.</summary>
    /// <param name="layout">The layout of the panels.</param>
    /// <param name="count">Number of datapoints.</param>
    /// <param name="x">[count][rows]: hidden units, then the factor of the bias.</param>
    /// <param name="e">[count][width].</param>
    /// <param name="panel">Added to: the panel.</param>
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

    /// <summary>The greatest of one datapoint's y over consecutive panels; NaN if any is NaN.</summary>
    /// <param name="panels">Number of panels.</param>
    /// <param name="y">[width] per panel.</param>
    /// <param name="stride">Floats from one panel's y to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static float Greatest(int panels, float* y, int stride)
    {
        V greatest = L.Broadcast(float.NegativeInfinity);
        for (int p = 0; p < panels; p++)
        {
            for (int c = 0; c < HeadLayout.PanelVectors * L.Count; c += L.Count)
            {
                greatest = L.Max(greatest, L.Load(y + c));
            }

            y += stride;
        }

        return L.Greatest(greatest);
    }
}
