using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>2^x for registers of float32, and what is made of it.</summary>
internal static class Exponential
{
    /// <summary>log₂e: a natural exponential is 2 to the power of so many times its argument.</summary>
    internal const float BitsPerNat = 1.4426950408889634f;

    /// <summary>The least argument: 2^x is then exactly 0. Between here and −126 the result is off by up to 2^−126.</summary>
    internal const float Lowest = -127f;

    /// <summary>The least argument from which on the result is right to its last digits.</summary>
    internal const float LowestExact = -126f;

    /// <summary>The greatest argument.</summary>
    internal const float Highest = 127f;

    // 1.5·2^23. Adding it rounds x to a whole number, which the sum then holds in its low bits; a shift by 23 to the left drops
    // everything else.
    private const float Rounder = 12582912f;

    // (2^f − 1)/f for |f| ≤ 1/2 as a polynomial, minimax in the relative error of 2^f (9.1e-8), with 2^0 = 1 exact.
    private const float C1 = 0.69314700f;
    private const float C2 = 0.24022242f;
    private const float C3 = 0.055507336f;
    private const float C4 = 0.009671513f;
    private const float C5 = 0.0013264727f;

    /// <summary>
    /// x := 2^x with a relative error below 2e-7, for x in [<see cref="Lowest"/>, <see cref="Highest"/>]. Elsewhere the result is
    /// meaningless, but where <see cref="ILanes{V}.ScalesToInfinity"/> it is infinite from 128 on. Four registers go side by side
    /// because each of them is a chain of dependent instructions, and one chain alone leaves the processor's units idle.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Two<L, V>(ref V x0, ref V x1, ref V x2, ref V x3)
        where L : struct, ILanes<V>
        where V : struct
    {
        V rounder = L.Broadcast(Rounder);
        V r0 = L.Add(x0, rounder), r1 = L.Add(x1, rounder), r2 = L.Add(x2, rounder), r3 = L.Add(x3, rounder);
        V n0 = L.Subtract(r0, rounder), n1 = L.Subtract(r1, rounder), n2 = L.Subtract(r2, rounder), n3 = L.Subtract(r3, rounder);
        V f0 = L.Subtract(x0, n0), f1 = L.Subtract(x1, n1), f2 = L.Subtract(x2, n2), f3 = L.Subtract(x3, n3);

        V p0 = L.Broadcast(C5), p1 = p0, p2 = p0, p3 = p0;
        Horner<L, V>(C4, f0, f1, f2, f3, ref p0, ref p1, ref p2, ref p3);
        Horner<L, V>(C3, f0, f1, f2, f3, ref p0, ref p1, ref p2, ref p3);
        Horner<L, V>(C2, f0, f1, f2, f3, ref p0, ref p1, ref p2, ref p3);
        Horner<L, V>(C1, f0, f1, f2, f3, ref p0, ref p1, ref p2, ref p3);
        Horner<L, V>(1f, f0, f1, f2, f3, ref p0, ref p1, ref p2, ref p3);

        x0 = L.Scale(p0, r0, n0);
        x1 = L.Scale(p1, r1, n1);
        x2 = L.Scale(p2, r2, n2);
        x3 = L.Scale(p3, r3, n3);
    }

    /// <summary>2^x of one register, with the same error and for the same x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Two<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V rounder = L.Broadcast(Rounder);
        V rounded = L.Add(x, rounder);
        V whole = L.Subtract(rounded, rounder);
        V f = L.Subtract(x, whole);
        V p = L.MultiplyAdd(f, L.Broadcast(C5), L.Broadcast(C4));
        p = L.MultiplyAdd(p, f, L.Broadcast(C3));
        p = L.MultiplyAdd(p, f, L.Broadcast(C2));
        p = L.MultiplyAdd(p, f, L.Broadcast(C1));
        p = L.MultiplyAdd(p, f, L.Broadcast(1f));
        return L.Scale(p, rounded, whole);
    }

    /// <summary>e^x with the same error, for any x: beyond 2^127 it is 2^127, and NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Natural<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V zero = L.Broadcast(0f);
        V bits = L.AtLeast(L.Multiply(x, L.Broadcast(BitsPerNat)), L.Broadcast(Lowest));
        return Two<L, V>(L.Subtract(zero, L.AtLeast(L.Subtract(zero, bits), L.Broadcast(-Highest))));
    }

    /// <summary>1 / (1 + e^−x). NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Sigmoid<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V one = L.Broadcast(1f);
        return L.Divide(one, L.Add(one, Natural<L, V>(L.Subtract(L.Broadcast(0f), x))));
    }

    // p := p·f + c for four registers.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Horner<L, V>(float c, V f0, V f1, V f2, V f3, ref V p0, ref V p1, ref V p2, ref V p3)
        where L : struct, ILanes<V>
        where V : struct
    {
        V all = L.Broadcast(c);
        p0 = L.MultiplyAdd(p0, f0, all);
        p1 = L.MultiplyAdd(p1, f1, all);
        p2 = L.MultiplyAdd(p2, f2, all);
        p3 = L.MultiplyAdd(p3, f3, all);
    }
}
