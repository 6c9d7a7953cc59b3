using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>A function of each value by itself, and its way back.</summary>
internal interface IUnitFunction<V>
    where V : struct
{
    /// <summary>f(x).</summary>
    static abstract V Apply(V x, V setting);

    /// <summary>g·f′(x), from f(x) for a stage that <see cref="UnitStage.NeedsOutput"/>, else from x.</summary>
    static abstract V Back(V at, V g, V setting);
}

/// <summary>Applies the functions that stages have to rows in whole registers.</summary>
internal static unsafe class UnitFunctions<L, V>
    where L : struct, ILanes<V>
    where V : struct
{
    /// <summary>target := f(source), for a length in whole registers.</summary>
    internal static void Apply(in UnitStage stage, float* source, float* target, int length)
    {
        switch (stage.Function)
        {
            case UnitFunction.Relu: Apply<Relu>(source, target, length, 0); break;
            case UnitFunction.LeakyRelu: Apply<LeakyRelu>(source, target, length, stage.Setting); break;
            case UnitFunction.Tanh: Apply<Tanh>(source, target, length, 0); break;
            case UnitFunction.Sigmoid: Apply<Sigmoid>(source, target, length, 0); break;
            case UnitFunction.Silu: Apply<Silu>(source, target, length, 0); break;
            case UnitFunction.Gelu: Apply<Gelu>(source, target, length, 0); break;
            case UnitFunction.Elu: Apply<Elu>(source, target, length, stage.Setting); break;
            case UnitFunction.Softplus: Apply<Softplus>(source, target, length, 0); break;
            case UnitFunction.Hardswish: Apply<Hardswish>(source, target, length, 0); break;
            default: Apply<Mish>(source, target, length, 0); break;
        }
    }

    /// <summary>gradient := gradient·f′, for a length in whole registers. What <paramref name="at"/> is, <see cref="UnitStage.NeedsOutput"/> says.</summary>
    internal static void Back(in UnitStage stage, float* at, float* gradient, int length)
    {
        switch (stage.Function)
        {
            case UnitFunction.Relu: Back<Relu>(at, gradient, length, 0); break;
            case UnitFunction.LeakyRelu: Back<LeakyRelu>(at, gradient, length, stage.Setting); break;
            case UnitFunction.Tanh: Back<Tanh>(at, gradient, length, 0); break;
            case UnitFunction.Sigmoid: Back<Sigmoid>(at, gradient, length, 0); break;
            case UnitFunction.Silu: Back<Silu>(at, gradient, length, 0); break;
            case UnitFunction.Gelu: Back<Gelu>(at, gradient, length, 0); break;
            case UnitFunction.Elu: Back<Elu>(at, gradient, length, stage.Setting); break;
            case UnitFunction.Softplus: Back<Softplus>(at, gradient, length, 0); break;
            case UnitFunction.Hardswish: Back<Hardswish>(at, gradient, length, 0); break;
            default: Back<Mish>(at, gradient, length, 0); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Apply<F>(float* source, float* target, int length, float setting)
        where F : struct, IUnitFunction<V>
    {
        V all = L.Broadcast(setting);
        for (int i = 0; i < length; i += L.Count)
        {
            L.Store(target + i, F.Apply(L.Load(source + i), all));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Back<F>(float* at, float* gradient, int length, float setting)
        where F : struct, IUnitFunction<V>
    {
        V all = L.Broadcast(setting);
        for (int i = 0; i < length; i += L.Count)
        {
            L.Store(gradient + i, F.Back(L.Load(at + i), L.Load(gradient + i), all));
        }
    }

    private static V One => L.Broadcast(1f);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Negative(V x) => L.Subtract(L.Broadcast(0f), x);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Absolute(V x) => L.Max(x, Negative(x));

    // n / (n + 2) with n = e^x·(e^x + 2), which is tanh(log(1 + e^x)). From 20 on it is 1 in float32.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V TanhOfSoftplus(V x)
    {
        V e = Exponential.Natural<L, V>(Negative(L.Max(Negative(x), L.Broadcast(-20f))));
        V n = L.Multiply(e, L.Add(e, L.Broadcast(2f)));
        return L.Divide(n, L.Add(n, L.Broadcast(2f)));
    }

    private readonly struct Relu : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) => L.Max(x, L.Broadcast(0f));

        public static V Back(V at, V g, V setting) => L.WherePositive(at, g);
    }

    private readonly struct LeakyRelu : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) => L.WherePositive(x, x, L.Multiply(setting, x));

        public static V Back(V at, V g, V setting) => L.WherePositive(at, g, L.Multiply(setting, g));
    }

    private readonly struct Tanh : IUnitFunction<V>
    {
        // Below this, a few terms of the series are nearer than a difference of numbers around 1.
        private const float Small = 0.2f;

        public static V Apply(V x, V setting)
        {
            V size = Absolute(x);
            V e = Exponential.Natural<L, V>(L.Multiply(L.Broadcast(-2f), size));
            V large = L.Divide(L.Subtract(One, e), L.Add(One, e));
            V square = L.Multiply(x, x);
            V series = L.MultiplyAdd(square, L.Broadcast(-17f / 315f), L.Broadcast(2f / 15f));
            series = L.MultiplyAdd(square, series, L.Broadcast(-1f / 3f));
            V small = L.MultiplyAdd(L.Multiply(x, square), series, x);
            return L.WherePositive(L.Subtract(L.Broadcast(Small), size), small, L.WherePositive(x, large, Negative(large)));
        }

        public static V Back(V at, V g, V setting) => L.Multiply(g, L.Subtract(One, L.Multiply(at, at)));
    }

    private readonly struct Sigmoid : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) => Exponential.Sigmoid<L, V>(x);

        public static V Back(V at, V g, V setting) => L.Multiply(g, L.Multiply(at, L.Subtract(One, at)));
    }

    private readonly struct Silu : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) => L.Multiply(x, Exponential.Sigmoid<L, V>(x));

        public static V Back(V at, V g, V setting)
        {
            V s = Exponential.Sigmoid<L, V>(at);
            return L.Multiply(g, L.Multiply(s, L.MultiplyAdd(at, L.Subtract(One, s), One)));
        }
    }

    private readonly struct Gelu : IUnitFunction<V>
    {
        public static V Apply(V x, V setting)
        {
            (V below, _) = Normal(x);
            return L.Multiply(x, below);
        }

        public static V Back(V at, V g, V setting)
        {
            (V below, V density) = Normal(at);
            return L.Multiply(g, L.MultiplyAdd(at, density, below));
        }

        // Φ(x) and φ(x). erfc is that of Abramowitz and Stegun, 7.1.26, with an error below 1.5e-7.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static (V Below, V Density) Normal(V x)
        {
            V size = Absolute(x);
            V e = Exponential.Natural<L, V>(L.Multiply(L.Broadcast(-0.5f), L.Multiply(size, size)));
            V t = L.Divide(One, L.MultiplyAdd(L.Broadcast(0.3275911f * 0.70710678f), size, One));
            V p = L.MultiplyAdd(t, L.Broadcast(1.061405429f), L.Broadcast(-1.453152027f));
            p = L.MultiplyAdd(p, t, L.Broadcast(1.421413741f));
            p = L.MultiplyAdd(p, t, L.Broadcast(-0.284496736f));
            p = L.MultiplyAdd(p, t, L.Broadcast(0.254829592f));
            V tail = L.Multiply(L.Multiply(L.Broadcast(0.5f), e), L.Multiply(p, t));
            V below = L.WherePositive(x, L.Subtract(One, tail), tail);
            return (below, L.Multiply(e, L.Broadcast(0.3989422804f)));
        }
    }

    private readonly struct Elu : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) =>
            L.WherePositive(x, x, L.Multiply(setting, L.Subtract(Exponential.Natural<L, V>(Lower(x)), One)));

        public static V Back(V at, V g, V setting) =>
            L.WherePositive(at, g, L.Multiply(g, L.Multiply(setting, Exponential.Natural<L, V>(Lower(at)))));

        // The lesser of x and 0.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static V Lower(V x) => Negative(L.Max(Negative(x), L.Broadcast(0f)));
    }

    private readonly struct Softplus : IUnitFunction<V>
    {
        // max(x, 0) + log(1 + e^−|x|). The logarithm of w = 1 + u, rounded, is off by what rounding took; u / (w − 1) mends that.
        public static V Apply(V x, V setting)
        {
            V u = Exponential.Natural<L, V>(Negative(Absolute(x)));
            V w = L.Add(One, u);
            V added = L.Subtract(w, One);
            V mended = L.Divide(L.Multiply(L.Log(w), u), L.Max(added, L.Broadcast(1e-30f)));
            return L.Add(L.Max(x, L.Broadcast(0f)), L.WherePositive(added, mended, u));
        }

        public static V Back(V at, V g, V setting) => L.Multiply(g, Exponential.Sigmoid<L, V>(at));
    }

    private readonly struct Hardswish : IUnitFunction<V>
    {
        public static V Apply(V x, V setting)
        {
            V from = L.Max(L.Add(x, L.Broadcast(3f)), L.Broadcast(0f));
            V part = Negative(L.Max(Negative(from), L.Broadcast(-6f)));
            return L.Multiply(x, L.Multiply(part, L.Broadcast(1f / 6f)));
        }

        public static V Back(V at, V g, V setting)
        {
            V sloped = L.Multiply(g, L.MultiplyAdd(at, L.Broadcast(1f / 3f), L.Broadcast(0.5f)));
            V raised = L.WherePositive(L.Add(at, L.Broadcast(3f)), sloped);
            return L.WherePositive(L.Subtract(at, L.Broadcast(3f)), g, raised);
        }
    }

    private readonly struct Mish : IUnitFunction<V>
    {
        public static V Apply(V x, V setting) => L.Multiply(x, TanhOfSoftplus(x));

        public static V Back(V at, V g, V setting)
        {
            V t = TanhOfSoftplus(at);
            V slope = L.Multiply(L.Subtract(One, L.Multiply(t, t)), Exponential.Sigmoid<L, V>(at));
            return L.Multiply(g, L.MultiplyAdd(at, slope, t));
        }
    }
}
