using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>The inner loops of a linear map that skips zeros: sums over the inputs in a list, which stay in registers.</summary>
internal static unsafe class SkippingLinearTiles<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>How many registers <see cref="Row"/> computes.</summary>
    internal const int Wide = 8;

    /// <summary>
    /// y[r, …] := bias[…] + Σ_i x[r, i]·w[i, …] over the inputs i in the list, for R rows that are C registers wide. Strides lead from one row to the next.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Products<R, C>(
        int* list, int count, float* x, int xStride, float* w, int wStride, float* bias, float* y, int yStride)
        where R : struct, IExtent
        where C : struct, IExtent
    {
        V w0 = L.Broadcast(0f), w1 = w0, w2 = w0, w3 = w0;
        ModularLinearTiles<L, V>.Load<C>(bias, L.Count, ref w0, ref w1, ref w2, ref w3);
        V s00 = w0, s01 = w1, s02 = w2, s03 = w3;
        V s10 = w0, s11 = w1, s12 = w2, s13 = w3;
        V s20 = w0, s21 = w1, s22 = w2, s23 = w3;
        V s30 = w0, s31 = w1, s32 = w2, s33 = w3;
        for (int t = 0; t < count; t++)
        {
            int i = list[t];
            ModularLinearTiles<L, V>.Load<C>(w + (long)i * wStride, L.Count, ref w0, ref w1, ref w2, ref w3);
            ModularLinearTiles<L, V>.AddProducts<C>(L.Broadcast(x[i]), w0, w1, w2, w3, ref s00, ref s01, ref s02, ref s03);
            if (R.Value > 1)
            {
                ModularLinearTiles<L, V>.AddProducts<C>(L.Broadcast(x[xStride + i]), w0, w1, w2, w3, ref s10, ref s11, ref s12, ref s13);
            }

            if (R.Value > 2)
            {
                ModularLinearTiles<L, V>.AddProducts<C>(L.Broadcast(x[2 * xStride + i]), w0, w1, w2, w3, ref s20, ref s21, ref s22, ref s23);
            }

            if (R.Value > 3)
            {
                ModularLinearTiles<L, V>.AddProducts<C>(L.Broadcast(x[3 * xStride + i]), w0, w1, w2, w3, ref s30, ref s31, ref s32, ref s33);
            }
        }

        ModularLinearTiles<L, V>.StoreRow<R, C>(0, y, s00, s01, s02, s03);
        ModularLinearTiles<L, V>.StoreRow<R, C>(1, y + yStride, s10, s11, s12, s13);
        ModularLinearTiles<L, V>.StoreRow<R, C>(2, y + 2 * yStride, s20, s21, s22, s23);
        ModularLinearTiles<L, V>.StoreRow<R, C>(3, y + 3 * yStride, s30, s31, s32, s33);
    }

    /// <summary>
    /// The same for one row, <see cref="Wide"/> registers wide: four sums alone would leave the processor's units idle while each waits for the one before.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Row(int* list, int count, float* x, float* w, int wStride, float* bias, float* y)
    {
        V s0 = L.Load(bias), s1 = L.Load(bias + L.Count), s2 = L.Load(bias + 2 * L.Count), s3 = L.Load(bias + 3 * L.Count);
        V s4 = L.Load(bias + 4 * L.Count), s5 = L.Load(bias + 5 * L.Count), s6 = L.Load(bias + 6 * L.Count), s7 = L.Load(bias + 7 * L.Count);
        for (int t = 0; t < count; t++)
        {
            int i = list[t];
            float* own = w + (long)i * wStride;
            V a = L.Broadcast(x[i]);
            s0 = L.MultiplyAdd(a, L.Load(own), s0);
            s1 = L.MultiplyAdd(a, L.Load(own + L.Count), s1);
            s2 = L.MultiplyAdd(a, L.Load(own + 2 * L.Count), s2);
            s3 = L.MultiplyAdd(a, L.Load(own + 3 * L.Count), s3);
            s4 = L.MultiplyAdd(a, L.Load(own + 4 * L.Count), s4);
            s5 = L.MultiplyAdd(a, L.Load(own + 5 * L.Count), s5);
            s6 = L.MultiplyAdd(a, L.Load(own + 6 * L.Count), s6);
            s7 = L.MultiplyAdd(a, L.Load(own + 7 * L.Count), s7);
        }

        L.Store(y, s0);
        L.Store(y + L.Count, s1);
        L.Store(y + 2 * L.Count, s2);
        L.Store(y + 3 * L.Count, s3);
        L.Store(y + 4 * L.Count, s4);
        L.Store(y + 5 * L.Count, s5);
        L.Store(y + 6 * L.Count, s6);
        L.Store(y + 7 * L.Count, s7);
    }
}
