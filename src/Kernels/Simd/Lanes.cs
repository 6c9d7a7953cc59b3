using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static System.Runtime.CompilerServices.MethodImplOptions;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace ModNet.Kernels;

/// <summary>512-bit registers (AVX-512): 16 lanes.</summary>
internal readonly unsafe struct Lanes512 : ILanes<V512>
{
    public static int Count => V512.Count;

    public static bool ScalesToInfinity => Avx512F.IsSupported;

    [MethodImpl(AggressiveInlining)] public static V512 Load(float* source) => Vector512.Load(source);
    [MethodImpl(AggressiveInlining)] public static void Store(float* destination, V512 value) => value.Store(destination);
    [MethodImpl(AggressiveInlining)] public static V512 Broadcast(float value) => Vector512.Create(value);
    [MethodImpl(AggressiveInlining)] public static V512 Add(V512 a, V512 b) => a + b;
    [MethodImpl(AggressiveInlining)] public static V512 Subtract(V512 a, V512 b) => a - b;
    [MethodImpl(AggressiveInlining)] public static V512 Multiply(V512 a, V512 b) => a * b;
    [MethodImpl(AggressiveInlining)] public static V512 Divide(V512 a, V512 b) => a / b;
    [MethodImpl(AggressiveInlining)] public static V512 Sqrt(V512 x) => Vector512.Sqrt(x);
    [MethodImpl(AggressiveInlining)] public static V512 MultiplyAdd(V512 a, V512 b, V512 c) => Vector512.MultiplyAddEstimate(a, b, c);
    [MethodImpl(AggressiveInlining)] public static V512 Clamp(V512 x, V512 low, V512 high) => Vector512.MaxNative(Vector512.MinNative(x, high), low);
    [MethodImpl(AggressiveInlining)] public static V512 AtLeast(V512 x, V512 low) => Vector512.MaxNative(low, x);
    [MethodImpl(AggressiveInlining)] public static V512 Max(V512 a, V512 b) => Vector512.Max(a, b);
    [MethodImpl(AggressiveInlining)] public static V512 WherePositive(V512 sign, V512 value) => Vector512.GreaterThan(sign, V512.Zero) & value;
    [MethodImpl(AggressiveInlining)] public static V512 WherePositive(V512 sign, V512 yes, V512 no) => Vector512.ConditionalSelect(Vector512.GreaterThan(sign, V512.Zero), yes, no);
    [MethodImpl(AggressiveInlining)] public static V512 Log(V512 x) => Vector512.Log(x);
    [MethodImpl(AggressiveInlining)] public static uint NonZero(V512 x) => (uint)(~Vector512.Equals(x, V512.Zero)).ExtractMostSignificantBits();
    [MethodImpl(AggressiveInlining)] public static float Sum(V512 value) => Lanes256.Sum(Half(value));
    [MethodImpl(AggressiveInlining)] public static float Greatest(V512 value) => Lanes256.Greatest(Vector256.Max(value.GetLower(), value.GetUpper()));
    [MethodImpl(AggressiveInlining)] private static V256 Half(V512 value) => value.GetLower() + value.GetUpper();

    [MethodImpl(AggressiveInlining)]
    public static V512 Scale(V512 value, V512 rounded, V512 whole) =>
        Avx512F.IsSupported ? Avx512F.Scale(value, whole) : (value.AsInt32() + (rounded.AsInt32() << 23)).AsSingle();

    // Adds up all four registers at once, so that full registers are used for as long as possible: after the last unpacking each
    // 128-bit part holds a quarter of every sum.
    [MethodImpl(AggressiveInlining)]
    public static V128 Sums(V512 a, V512 b, V512 c, V512 d)
    {
        if (!Avx512F.IsSupported)
        {
            return Lanes256.Sums(Half(a), Half(b), Half(c), Half(d));
        }

        V512 ab = Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b);
        V512 cd = Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d);
        V256 halves = Half(Avx512F.UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle()
            + Avx512F.UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle());
        return halves.GetLower() + halves.GetUpper();
    }
}

/// <summary>256-bit registers (AVX2): 8 lanes.</summary>
internal readonly unsafe struct Lanes256 : ILanes<V256>
{
    public static int Count => V256.Count;

    public static bool ScalesToInfinity => false;

    [MethodImpl(AggressiveInlining)] public static V256 Load(float* source) => Vector256.Load(source);
    [MethodImpl(AggressiveInlining)] public static void Store(float* destination, V256 value) => value.Store(destination);
    [MethodImpl(AggressiveInlining)] public static V256 Broadcast(float value) => Vector256.Create(value);
    [MethodImpl(AggressiveInlining)] public static V256 Add(V256 a, V256 b) => a + b;
    [MethodImpl(AggressiveInlining)] public static V256 Subtract(V256 a, V256 b) => a - b;
    [MethodImpl(AggressiveInlining)] public static V256 Multiply(V256 a, V256 b) => a * b;
    [MethodImpl(AggressiveInlining)] public static V256 Divide(V256 a, V256 b) => a / b;
    [MethodImpl(AggressiveInlining)] public static V256 Sqrt(V256 x) => Vector256.Sqrt(x);
    [MethodImpl(AggressiveInlining)] public static V256 MultiplyAdd(V256 a, V256 b, V256 c) => Vector256.MultiplyAddEstimate(a, b, c);
    [MethodImpl(AggressiveInlining)] public static V256 Clamp(V256 x, V256 low, V256 high) => Vector256.MaxNative(Vector256.MinNative(x, high), low);
    [MethodImpl(AggressiveInlining)] public static V256 AtLeast(V256 x, V256 low) => Vector256.MaxNative(low, x);
    [MethodImpl(AggressiveInlining)] public static V256 Max(V256 a, V256 b) => Vector256.Max(a, b);
    [MethodImpl(AggressiveInlining)] public static V256 WherePositive(V256 sign, V256 value) => Vector256.GreaterThan(sign, V256.Zero) & value;
    [MethodImpl(AggressiveInlining)] public static V256 WherePositive(V256 sign, V256 yes, V256 no) => Vector256.ConditionalSelect(Vector256.GreaterThan(sign, V256.Zero), yes, no);
    [MethodImpl(AggressiveInlining)] public static V256 Log(V256 x) => Vector256.Log(x);
    [MethodImpl(AggressiveInlining)] public static V256 Scale(V256 value, V256 rounded, V256 whole) => (value.AsInt32() + (rounded.AsInt32() << 23)).AsSingle();
    [MethodImpl(AggressiveInlining)] public static uint NonZero(V256 x) => (uint)(~Vector256.Equals(x, V256.Zero)).ExtractMostSignificantBits();
    [MethodImpl(AggressiveInlining)] public static float Sum(V256 value) => Lanes128.Sum(Half(value));
    [MethodImpl(AggressiveInlining)] public static float Greatest(V256 value) => Lanes128.Greatest(Vector128.Max(value.GetLower(), value.GetUpper()));
    [MethodImpl(AggressiveInlining)] private static V128 Half(V256 value) => value.GetLower() + value.GetUpper();

    [MethodImpl(AggressiveInlining)]
    public static V128 Sums(V256 a, V256 b, V256 c, V256 d)
    {
        if (!Avx.IsSupported)
        {
            return Lanes128.Sums(Half(a), Half(b), Half(c), Half(d));
        }

        V256 ab = Avx.UnpackLow(a, b) + Avx.UnpackHigh(a, b);
        V256 cd = Avx.UnpackLow(c, d) + Avx.UnpackHigh(c, d);
        return Half(Avx.UnpackLow(ab.AsDouble(), cd.AsDouble()).AsSingle() + Avx.UnpackHigh(ab.AsDouble(), cd.AsDouble()).AsSingle());
    }
}

/// <summary>128-bit registers: 4 lanes. .NET makes this width work on every machine, even on one without vector registers.</summary>
internal readonly unsafe struct Lanes128 : ILanes<V128>
{
    public static int Count => V128.Count;

    public static bool ScalesToInfinity => false;

    [MethodImpl(AggressiveInlining)] public static V128 Load(float* source) => Vector128.Load(source);
    [MethodImpl(AggressiveInlining)] public static void Store(float* destination, V128 value) => value.Store(destination);
    [MethodImpl(AggressiveInlining)] public static V128 Broadcast(float value) => Vector128.Create(value);
    [MethodImpl(AggressiveInlining)] public static V128 Add(V128 a, V128 b) => a + b;
    [MethodImpl(AggressiveInlining)] public static V128 Subtract(V128 a, V128 b) => a - b;
    [MethodImpl(AggressiveInlining)] public static V128 Multiply(V128 a, V128 b) => a * b;
    [MethodImpl(AggressiveInlining)] public static V128 Divide(V128 a, V128 b) => a / b;
    [MethodImpl(AggressiveInlining)] public static V128 Sqrt(V128 x) => Vector128.Sqrt(x);
    [MethodImpl(AggressiveInlining)] public static V128 MultiplyAdd(V128 a, V128 b, V128 c) => Vector128.MultiplyAddEstimate(a, b, c);
    [MethodImpl(AggressiveInlining)] public static V128 AtLeast(V128 x, V128 low) => Vector128.MaxNative(low, x);
    [MethodImpl(AggressiveInlining)] public static V128 Max(V128 a, V128 b) => Vector128.Max(a, b);
    [MethodImpl(AggressiveInlining)] public static V128 WherePositive(V128 sign, V128 value) => Vector128.GreaterThan(sign, V128.Zero) & value;
    [MethodImpl(AggressiveInlining)] public static V128 WherePositive(V128 sign, V128 yes, V128 no) => Vector128.ConditionalSelect(Vector128.GreaterThan(sign, V128.Zero), yes, no);
    [MethodImpl(AggressiveInlining)] public static V128 Log(V128 x) => Vector128.Log(x);
    [MethodImpl(AggressiveInlining)] public static V128 Scale(V128 value, V128 rounded, V128 whole) => (value.AsInt32() + (rounded.AsInt32() << 23)).AsSingle();
    [MethodImpl(AggressiveInlining)] public static uint NonZero(V128 x) => (uint)(~Vector128.Equals(x, V128.Zero)).ExtractMostSignificantBits();
    [MethodImpl(AggressiveInlining)] public static float Sum(V128 v) => (v.GetElement(0) + v.GetElement(1)) + (v.GetElement(2) + v.GetElement(3));

    [MethodImpl(AggressiveInlining)]
    public static float Greatest(V128 v) =>
        MathF.Max(MathF.Max(v.GetElement(0), v.GetElement(1)), MathF.Max(v.GetElement(2), v.GetElement(3)));

    // Written with comparisons, because the native minimum and maximum treat NaN differently on x64 and Arm.
    [MethodImpl(AggressiveInlining)]
    public static V128 Clamp(V128 x, V128 low, V128 high)
    {
        V128 below = Vector128.ConditionalSelect(Vector128.LessThan(x, high), x, high);
        return Vector128.ConditionalSelect(Vector128.GreaterThan(below, low), below, low);
    }

    // Transposes while it adds, so that no lane has to be moved on its own.
    [MethodImpl(AggressiveInlining)]
    public static V128 Sums(V128 a, V128 b, V128 c, V128 d)
    {
        if (!Sse.IsSupported)
        {
            return Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d));
        }

        V128 ab = Sse.UnpackLow(a, b) + Sse.UnpackHigh(a, b);
        V128 cd = Sse.UnpackLow(c, d) + Sse.UnpackHigh(c, d);
        return Sse.MoveLowToHigh(ab, cd) + Sse.MoveHighToLow(cd, ab);
    }
}
