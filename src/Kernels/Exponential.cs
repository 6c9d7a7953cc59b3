using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>2^x for registers of float32.</summary>
internal static class Exponential
{
    /// <summary>Arguments at or below this give exactly zero; between it and −126 the result loses digits (below 2^−126).</summary>
    internal const float Lowest = -127f;

    /// <summary>The largest argument; greater ones, and NaN, are taken as this one.</summary>
    internal const float Highest = 127f;

    // 1.5·2^23: adding it leaves round(x) in the low bits of the sum, and nothing else in the bits that a shift by 23 keeps.
    private const float Rounder = 12582912f;

    // (2^f − 1)/f on |f| ≤ 1/2: minimax in the relative error of 2^f (9.1e-8), with 2^0 = 1 exact.
    private const float C1 = 0.69314700f;
    private const float C2 = 0.24022242f;
    private const float C3 = 0.055507336f;
    private const float C4 = 0.009671513f;
    private const float C5 = 0.0013264727f;

    /// <summary>
    /// 2^x, relative error below 2e-7 for x in [−126, 127]; see <see cref="Lowest"/> and <see cref="Highest"/> for the rest.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static V Two<L, V>(V x)
        where L : struct, ILanes<V>
        where V : struct
    {
        V held = L.Clamp(x, L.Broadcast(Lowest), L.Broadcast(Highest));
        V rounded = L.Add(held, L.Broadcast(Rounder));
        V fraction = L.Subtract(held, L.Subtract(rounded, L.Broadcast(Rounder)));
        V power = L.MultiplyAdd(fraction, L.Broadcast(C5), L.Broadcast(C4));
        power = L.MultiplyAdd(power, fraction, L.Broadcast(C3));
        power = L.MultiplyAdd(power, fraction, L.Broadcast(C2));
        power = L.MultiplyAdd(power, fraction, L.Broadcast(C1));
        power = L.MultiplyAdd(power, fraction, L.Broadcast(1f));
        return L.Scale(power, rounded);
    }
}
