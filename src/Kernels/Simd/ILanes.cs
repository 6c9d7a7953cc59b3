using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>
/// The vector operations that the kernels are written in, for one register type <typeparamref name="V"/>. A kernel is generic over this
/// interface, so one source serves every register width. Implementations are structs: the JIT compiles each instance of a kernel
/// on its own and turns every operation into plain instructions, without a call.
/// </summary>
internal unsafe interface ILanes<V>
    where V : struct
{
    /// <summary>How many float32 numbers ("lanes") a register holds.</summary>
    static abstract int Count { get; }

    static abstract V Load(float* source);
    static abstract void Store(float* destination, V value);
    static abstract V Broadcast(float value);
    static abstract V Add(V a, V b);
    static abstract V Subtract(V a, V b);
    static abstract V Multiply(V a, V b);
    static abstract V Divide(V a, V b);
    static abstract V Sqrt(V x);

    /// <summary>a·b + c, with a single rounding where the machine has such an instruction.</summary>
    static abstract V MultiplyAdd(V a, V b, V c);

    /// <summary>x limited to [low, high]. NaN becomes high.</summary>
    static abstract V Clamp(V x, V low, V high);

    /// <summary>The greater of x and low. NaN in x stays NaN.</summary>
    static abstract V AtLeast(V x, V low);

    /// <summary>The greater of a and b, lane by lane. NaN if either is NaN.</summary>
    static abstract V Max(V a, V b);

    /// <summary>The value where <paramref name="sign"/> is above 0, and 0 elsewhere.</summary>
    static abstract V WherePositive(V sign, V value);

    /// <summary>yes where <paramref name="sign"/> is above 0, and no elsewhere, also where the sign is NaN.</summary>
    static abstract V WherePositive(V sign, V yes, V no);

    /// <summary>The natural logarithm.</summary>
    static abstract V Log(V x);

    /// <summary>A bit for each lane, the first lane's the lowest: 1 where the number is not 0. NaN is not 0, and −0 is.</summary>
    static abstract uint NonZero(V x);

    /// <summary>
    /// value·2^n. The whole number n is given twice: as the float <paramref name="whole"/>, and in the low bits of
    /// <paramref name="rounded"/>. Each machine takes the form that it is faster with (see <see cref="Exponential"/>).
    /// </summary>
    static abstract V Scale(V value, V rounded, V whole);

    /// <summary>Whether <see cref="Scale"/> gives infinity for n above 127. Where this is false, its result there is meaningless.</summary>
    static abstract bool ScalesToInfinity { get; }

    /// <summary>The sum of the lanes, always added in the same order.</summary>
    static abstract float Sum(V value);

    /// <summary>The sums of the lanes of four registers, always added in the same order.</summary>
    static abstract Vector128<float> Sums(V a, V b, V c, V d);

    /// <summary>The greatest lane. NaN if any lane is NaN.</summary>
    static abstract float Greatest(V value);
}
