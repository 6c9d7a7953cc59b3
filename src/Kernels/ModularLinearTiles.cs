using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>
/// The inner loops of a modular linear layer. A tile is at most four by four, keeps its sums in registers, and adds up each in the
/// same order whatever the tile's size: results do not depend on how rows are cut into tiles.
/// </summary>
internal static unsafe class ModularLinearTiles<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>y[r, o] := x_r·w_o, for R rows and O outputs.</summary>
    /// <param name="length">Numbers of a row, in whole registers.</param>
    /// <param name="x">R rows.</param>
    /// <param name="xStride">From one to the next.</param>
    /// <param name="w">O rows.</param>
    /// <param name="wStride">From one to the next.</param>
    /// <param name="y">Out: R rows of four, of which O are right.</param>
    /// <param name="yStride">From one to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Products<R, O>(int length, float* x, int xStride, float* w, int wStride, float* y, int yStride)
        where R : struct, IExtent
        where O : struct, IExtent
    {
        V s00 = L.Broadcast(0f), s01 = s00, s02 = s00, s03 = s00;
        V s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        V s20 = s00, s21 = s00, s22 = s00, s23 = s00;
        V s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        V w1 = s00, w2 = s00, w3 = s00;
        for (int i = 0; i < length; i += L.Count)
        {
            V w0 = L.Load(w + i);
            if (O.Value > 1)
            {
                w1 = L.Load(w + wStride + i);
            }

            if (O.Value > 2)
            {
                w2 = L.Load(w + 2 * wStride + i);
            }

            if (O.Value > 3)
            {
                w3 = L.Load(w + 3 * wStride + i);
            }

            Row<O>(L.Load(x + i), w0, w1, w2, w3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
            {
                Row<O>(L.Load(x + xStride + i), w0, w1, w2, w3, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                Row<O>(L.Load(x + 2 * xStride + i), w0, w1, w2, w3, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                Row<O>(L.Load(x + 3 * xStride + i), w0, w1, w2, w3, ref s30, ref s31, ref s32, ref s33);
            }
        }

        L.Sums(s00, s01, s02, s03).Store(y);
        if (R.Value > 1)
        {
            L.Sums(s10, s11, s12, s13).Store(y + yStride);
        }

        if (R.Value > 2)
        {
            L.Sums(s20, s21, s22, s23).Store(y + 2 * yStride);
        }

        if (R.Value > 3)
        {
            L.Sums(s30, s31, s32, s33).Store(y + 3 * yStride);
        }
    }

    /// <summary>c[r, …] (+)= Σ_t a[r, t]·b[t, …], for R rows that are C registers wide.</summary>
    /// <param name="terms">Number of t.</param>
    /// <param name="a">a[0, 0].</param>
    /// <param name="aRow">From a[r, t] to a[r + 1, t].</param>
    /// <param name="aTerm">From a[r, t] to a[r, t + 1].</param>
    /// <param name="b">C registers of b[0].</param>
    /// <param name="bTerm">To those of b[1].</param>
    /// <param name="c">C registers of c[0].</param>
    /// <param name="cRow">To those of c[1].</param>
    /// <param name="fresh">Whether c is overwritten instead of added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Accumulate<R, C>(
        int terms, float* a, int aRow, int aTerm, float* b, int bTerm, float* c, int cRow, bool fresh)
        where R : struct, IExtent
        where C : struct, IExtent
    {
        V s00 = L.Broadcast(0f), s01 = s00, s02 = s00, s03 = s00;
        V s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        V s20 = s00, s21 = s00, s22 = s00, s23 = s00;
        V s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        V b1 = s00, b2 = s00, b3 = s00;
        if (!fresh)
        {
            Take<C>(c, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
            {
                Take<C>(c + cRow, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                Take<C>(c + 2 * cRow, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                Take<C>(c + 3 * cRow, ref s30, ref s31, ref s32, ref s33);
            }
        }

        for (int t = 0; t < terms; t++)
        {
            V b0 = L.Load(b);
            if (C.Value > 1)
            {
                b1 = L.Load(b + L.Count);
            }

            if (C.Value > 2)
            {
                b2 = L.Load(b + 2 * L.Count);
            }

            if (C.Value > 3)
            {
                b3 = L.Load(b + 3 * L.Count);
            }

            Row<C>(L.Broadcast(a[0]), b0, b1, b2, b3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
            {
                Row<C>(L.Broadcast(a[aRow]), b0, b1, b2, b3, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                Row<C>(L.Broadcast(a[2 * aRow]), b0, b1, b2, b3, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                Row<C>(L.Broadcast(a[3 * aRow]), b0, b1, b2, b3, ref s30, ref s31, ref s32, ref s33);
            }

            a += aTerm;
            b += bTerm;
        }

        Leave<C>(c, s00, s01, s02, s03);
        if (R.Value > 1)
        {
            Leave<C>(c + cRow, s10, s11, s12, s13);
        }

        if (R.Value > 2)
        {
            Leave<C>(c + 2 * cRow, s20, s21, s22, s23);
        }

        if (R.Value > 3)
        {
            Leave<C>(c + 3 * cRow, s30, s31, s32, s33);
        }
    }

    // s_n += a·b_n, for N of them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Row<N>(V a, V b0, V b1, V b2, V b3, ref V s0, ref V s1, ref V s2, ref V s3)
        where N : struct, IExtent
    {
        s0 = L.MultiplyAdd(a, b0, s0);
        if (N.Value > 1)
        {
            s1 = L.MultiplyAdd(a, b1, s1);
        }

        if (N.Value > 2)
        {
            s2 = L.MultiplyAdd(a, b2, s2);
        }

        if (N.Value > 3)
        {
            s3 = L.MultiplyAdd(a, b3, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Take<N>(float* c, ref V s0, ref V s1, ref V s2, ref V s3)
        where N : struct, IExtent
    {
        s0 = L.Load(c);
        if (N.Value > 1)
        {
            s1 = L.Load(c + L.Count);
        }

        if (N.Value > 2)
        {
            s2 = L.Load(c + 2 * L.Count);
        }

        if (N.Value > 3)
        {
            s3 = L.Load(c + 3 * L.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Leave<N>(float* c, V s0, V s1, V s2, V s3)
        where N : struct, IExtent
    {
        L.Store(c, s0);
        if (N.Value > 1)
        {
            L.Store(c + L.Count, s1);
        }

        if (N.Value > 2)
        {
            L.Store(c + 2 * L.Count, s2);
        }

        if (N.Value > 3)
        {
            L.Store(c + 3 * L.Count, s3);
        }
    }
}
