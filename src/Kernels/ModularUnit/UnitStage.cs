namespace ModNet.Kernels;

/// <summary>What a stage of a unit does to a row.</summary>
public enum UnitStageKind
{
    /// <summary>W·x + b, with a weight [M, out, in] and, where there is one, a bias [M, out].</summary>
    Linear,

    /// <summary>(x − mean) / √(variance + 1e-5) over the row, then a scale [M, n] and a shift [M, n] for each value.</summary>
    Norm,

    /// <summary>A function of each value by itself.</summary>
    Function,

    /// <summary>Each value times a given factor, as dropout has them: [B·K, n], in the order of sorted choices.</summary>
    Factors,
}

/// <summary>A function of each value by itself.</summary>
public enum UnitFunction
{
    /// <summary>max(0, x).</summary>
    Relu,

    /// <summary>x where x is positive, else setting·x.</summary>
    LeakyRelu,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>1 / (1 + e^−x).</summary>
    Sigmoid,

    /// <summary>x / (1 + e^−x).</summary>
    Silu,

    /// <summary>x·Φ(x), with the distribution function Φ of N(0, 1).</summary>
    Gelu,

    /// <summary>x where x is positive, else setting·(e^x − 1).</summary>
    Elu,

    /// <summary>log(1 + e^x).</summary>
    Softplus,

    /// <summary>x·min(max(x + 3, 0), 6) / 6.</summary>
    Hardswish,

    /// <summary>x·tanh(log(1 + e^x)).</summary>
    Mish,
}

/// <summary>One stage of the units of a pool. The same kind stands at a place in all modules, with parameters of each module's own.</summary>
public readonly record struct UnitStage
{
    private UnitStage(UnitStageKind kind, int inputs, int outputs) => (Kind, Inputs, Outputs) = (kind, inputs, outputs);

    /// <summary>What it does.</summary>
    public UnitStageKind Kind { get; }

    /// <summary>The width of the rows that it reads.</summary>
    public int Inputs { get; }

    /// <summary>The width of the rows that it gives.</summary>
    public int Outputs { get; }

    /// <summary>Which function, where it is one.</summary>
    public UnitFunction Function { get; private init; }

    /// <summary>The function's setting, where it has one.</summary>
    public float Setting { get; private init; }

    /// <summary>A linear map.</summary>
    public static UnitStage Linear(int inputs, int outputs) => new(UnitStageKind.Linear, inputs, outputs);

    /// <summary>A layer normalisation.</summary>
    public static UnitStage Norm(int width) => new(UnitStageKind.Norm, width, width);

    /// <summary>A function of each value.</summary>
    public static UnitStage Each(int width, UnitFunction function, float setting = 0) =>
        new(UnitStageKind.Function, width, width) { Function = function, Setting = setting };

    /// <summary>Given factors.</summary>
    public static UnitStage Times(int width) => new(UnitStageKind.Factors, width, width);

    /// <summary>Whether modules have parameters in it.</summary>
    internal bool HasParameters => Kind is UnitStageKind.Linear or UnitStageKind.Norm;

    /// <summary>How many numbers one module's first array has: a weight, or a scale.</summary>
    internal long FirstLength => Kind == UnitStageKind.Linear ? (long)Inputs * Outputs : Outputs;

    /// <summary>Whether the way back reads what the stage gave. Else it reads what the stage was given, unless that is not needed either.</summary>
    internal bool NeedsOutput =>
        Kind == UnitStageKind.Function && Function is UnitFunction.Relu or UnitFunction.Tanh or UnitFunction.Sigmoid;

    /// <summary>Whether the way back reads what the stage was given.</summary>
    internal bool NeedsInput => Kind != UnitStageKind.Factors && !NeedsOutput;
}

/// <summary>The parameters of a stage, or their gradients, or its factors.</summary>
/// <param name="First">A weight, a scale, or the factors.</param>
/// <param name="Second">A bias or a shift; none for linear maps without bias.</param>
public readonly record struct UnitArrays(FixedFloats First, FixedFloats Second = default);
