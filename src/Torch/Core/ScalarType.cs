namespace TorchSharp;

/// <summary>Where a tensor lives.</summary>
public enum DeviceType
{
    CPU = 0,
    CUDA = 1,
    MKLDNN = 2,
    OPENGL = 3,
    OPENCL = 4,
    IDEEP = 5,
    HIP = 6,
    FPGA = 7,
    XLA = 9,
    MPS = 13,
    META = 14,
}

public static partial class torch
{
    /// <summary>The element type of a tensor; values are libtorch's.</summary>
    public enum ScalarType : sbyte
    {
        Byte = 0,
        Int8 = 1,
        Int16 = 2,
        Int32 = 3,
        Int64 = 4,
        Float16 = 5,
        Float32 = 6,
        Float64 = 7,
        ComplexFloat32 = 9,
        ComplexFloat64 = 10,
        Bool = 11,
        BFloat16 = 15,
    }

    public const ScalarType uint8 = ScalarType.Byte;
    public const ScalarType int8 = ScalarType.Int8;
    public const ScalarType int16 = ScalarType.Int16;
    public const ScalarType int32 = ScalarType.Int32;
    public const ScalarType int64 = ScalarType.Int64;
    public const ScalarType float16 = ScalarType.Float16;
    public const ScalarType half = ScalarType.Float16;
    public const ScalarType bfloat16 = ScalarType.BFloat16;
    public const ScalarType float32 = ScalarType.Float32;
    public const ScalarType float64 = ScalarType.Float64;
    public const ScalarType complex64 = ScalarType.ComplexFloat32;
    public const ScalarType complex128 = ScalarType.ComplexFloat64;
    public const ScalarType @bool = ScalarType.Bool;
    public const ScalarType @short = ScalarType.Int16;
    public const ScalarType @int = ScalarType.Int32;
    public const ScalarType @long = ScalarType.Int64;
    public const ScalarType @float = ScalarType.Float32;
    public const ScalarType @double = ScalarType.Float64;

    private static ScalarType defaultDtype = ScalarType.Float32;

    /// <summary>The element type of floating-point tensors made without one.</summary>
    public static ScalarType get_default_dtype() => defaultDtype;

    /// <summary>Sets the element type of floating-point tensors made without one.</summary>
    public static void set_default_dtype(ScalarType dtype) =>
        defaultDtype = is_floating_point(dtype)
            ? dtype
            : throw new ArgumentException($"Only floating-point types are supported as the default type, got {dtype}.");

    public static bool is_floating_point(ScalarType type) =>
        type is ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64;

    public static bool is_integral(ScalarType type) => type is >= ScalarType.Byte and <= ScalarType.Int64 or ScalarType.Bool;

    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;

    public static bool is_integral(Tensor t) => is_integral(t.dtype);

    public static bool is_floating_point(Tensor t) => is_floating_point(t.dtype);

    public static bool is_complex(Tensor t) => is_complex(t.dtype);

    internal static ScalarType ToScalarType(Type t) =>
        t == typeof(float) ? ScalarType.Float32
        : t == typeof(double) ? ScalarType.Float64
        : t == typeof(long) ? ScalarType.Int64
        : t == typeof(int) ? ScalarType.Int32
        : t == typeof(bool) ? ScalarType.Bool
        : t == typeof(byte) ? ScalarType.Byte
        : t == typeof(sbyte) ? ScalarType.Int8
        : t == typeof(short) ? ScalarType.Int16
        : t == typeof(Half) ? ScalarType.Float16
        : throw new NotSupportedException($"Tensors with elements of type {t.Name} are not supported.");
}
