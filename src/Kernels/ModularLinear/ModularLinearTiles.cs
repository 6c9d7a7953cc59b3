using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>
/// The inner loops of a modular linear layer. A tile has at most four by four sums, which stay in registers. Each sum is added up in
/// the same order whatever the tile's size, so results do not depend on how rows are cut into tiles.
/// </summary>
internal static unsafe class ModularLinearTiles<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>
    /// y[r, o] := x_r·w_o, for R rows and O outputs. The length is in whole registers, and strides lead from one row to the next. Rows of
    /// y are written <paramref name="wide"/> numbers wide, of which the first O are meaningful and the others are zeros: four, or fewer where four would reach into what
    /// another tile has written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Products<R, O>(int length, float* x, int xStride, float* w, int wStride, float* y, int yStride, int wide)
        where R : struct, IExtent
        where O : struct, IExtent
    {
        V s00 = L.Broadcast(0f), s01 = s00, s02 = s00, s03 = s00;
        V s10 = s00, s11 = s00, s12 = s00, s13 = s00;
        V s20 = s00, s21 = s00, s22 = s00, s23 = s00;
        V s30 = s00, s31 = s00, s32 = s00, s33 = s00;
        V w0 = s00, w1 = s00, w2 = s00, w3 = s00;
        for (int i = 0; i < length; i += L.Count)
        {
            Load<O>(w + i, wStride, ref w0, ref w1, ref w2, ref w3);
            AddProducts<O>(L.Load(x + i), w0, w1, w2, w3, ref s00, ref s01, ref s02, ref s03);

            if (R.Value > 1)
            {
                AddProducts<O>(L.Load(x + xStride + i), w0, w1, w2, w3, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                AddProducts<O>(L.Load(x + 2 * xStride + i), w0, w1, w2, w3, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                AddProducts<O>(L.Load(x + 3 * xStride + i), w0, w1, w2, w3, ref s30, ref s31, ref s32, ref s33);
            }
        }

        Store(L.Sums(s00, s01, s02, s03), y, wide);
        if (R.Value > 1)
        {
            Store(L.Sums(s10, s11, s12, s13), y + yStride, wide);
        }

        if (R.Value > 2)
        {
            Store(L.Sums(s20, s21, s22, s23), y + 2 * yStride, wide);
        }

        if (R.Value > 3)
        {
            Store(L.Sums(s30, s31, s32, s33), y + 3 * yStride, wide);
        }
    }

    /// <summary>
    /// c[r, …] += Σ_t a[r, t]·b[t, …], or := where <paramref name="fresh"/>, for R rows that are C registers wide. In a, aRow leads from one
    /// r to the next and aTerm from one t to the next; bTerm leads from one t to the next in b, and cRow from one r to the next in c.
    /// </summary>
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
        V b0 = s00, b1 = s00, b2 = s00, b3 = s00;
        if (!fresh)
        {
            LoadRow<R, C>(0, c, ref s00, ref s01, ref s02, ref s03);
            LoadRow<R, C>(1, c + cRow, ref s10, ref s11, ref s12, ref s13);
            LoadRow<R, C>(2, c + 2 * cRow, ref s20, ref s21, ref s22, ref s23);
            LoadRow<R, C>(3, c + 3 * cRow, ref s30, ref s31, ref s32, ref s33);
        }

        for (int t = 0; t < terms; t++)
        {
            Load<C>(b, L.Count, ref b0, ref b1, ref b2, ref b3);
            AddProducts<C>(L.Broadcast(a[0]), b0, b1, b2, b3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
            {
                AddProducts<C>(L.Broadcast(a[aRow]), b0, b1, b2, b3, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                AddProducts<C>(L.Broadcast(a[2 * aRow]), b0, b1, b2, b3, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                AddProducts<C>(L.Broadcast(a[3 * aRow]), b0, b1, b2, b3, ref s30, ref s31, ref s32, ref s33);
            }

            a += aTerm;
            b += bTerm;
        }

        StoreRow<R, C>(0, c, s00, s01, s02, s03);
        StoreRow<R, C>(1, c + cRow, s10, s11, s12, s13);
        StoreRow<R, C>(2, c + 2 * cRow, s20, s21, s22, s23);
        StoreRow<R, C>(3, c + 3 * cRow, s30, s31, s32, s33);
    }

    /// <summary>s_n += a·b_n, for the first N.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void AddProducts<N>(V a, V b0, V b1, V b2, V b3, ref V s0, ref V s1, ref V s2, ref V s3)
        where N : struct, IExtent
    {
        s0 = L.MultiplyAdd(a, b0, s0);
        s1 = N.Value > 1 ? L.MultiplyAdd(a, b1, s1) : s1;
        s2 = N.Value > 2 ? L.MultiplyAdd(a, b2, s2) : s2;
        s3 = N.Value > 3 ? L.MultiplyAdd(a, b3, s3) : s3;
    }

    /// <summary>The first N of four registers that lie a stride apart.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Load<N>(float* source, int stride, ref V a0, ref V a1, ref V a2, ref V a3)
        where N : struct, IExtent
    {
        a0 = L.Load(source);
        a1 = N.Value > 1 ? L.Load(source + stride) : a1;
        a2 = N.Value > 2 ? L.Load(source + 2 * stride) : a2;
        a3 = N.Value > 3 ? L.Load(source + 3 * stride) : a3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector128<float> sums, float* target, int wide)
    {
        if (wide == Vector128<float>.Count)
        {
            sums.Store(target);
            return;
        }

        for (int o = 0; o < wide; o++)
        {
            target[o] = sums[o];
        }
    }

    // The sums of a row, if the tile has that row.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadRow<R, C>(int row, float* source, ref V s0, ref V s1, ref V s2, ref V s3)
        where R : struct, IExtent
        where C : struct, IExtent
    {
        if (row < R.Value)
        {
            Load<C>(source, L.Count, ref s0, ref s1, ref s2, ref s3);
        }
    }

    /// <summary>Stores the sums of a row, C registers, if the tile has that row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void StoreRow<R, C>(int row, float* target, V s0, V s1, V s2, V s3)
        where R : struct, IExtent
        where C : struct, IExtent
    {
        if (row >= R.Value)
        {
            return;
        }

        L.Store(target, s0);
        if (C.Value > 1)
        {
            L.Store(target + L.Count, s1);
        }

        if (C.Value > 2)
        {
            L.Store(target + 2 * L.Count, s2);
        }

        if (C.Value > 3)
        {
            L.Store(target + 3 * L.Count, s3);
        }
    }
}
