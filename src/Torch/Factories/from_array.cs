using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor over a copy of an array of any rank.</summary>
    public static Tensor from_array(Array rawArray, Device? device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device? device = null, bool requires_grad = false, string[]? names = null)
    {
        var element = rawArray.GetType().GetElementType()!;
        var bytes = MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(rawArray), checked((int)ByteLength(rawArray)));
        return FromBytes(bytes, Shape(rawArray), ToScalarType(element), dtype, device, requires_grad);
    }

    /// <summary>A tensor over a copy of the elements; dimensions must multiply to at most their number.</summary>
    internal static Tensor FromArray<T>(
        ReadOnlySpan<T> elements, ReadOnlySpan<long> dimensions, ScalarType type, ScalarType? dtype, Device? device, bool requires_grad) where T : unmanaged =>
        FromBytes(MemoryMarshal.AsBytes(elements), dimensions, type, dtype, device, requires_grad);

    private static Tensor FromNDArray<T>(Array array, ScalarType type, ScalarType? dtype, Device? device, bool requires_grad) where T : unmanaged
    {
        var bytes = MemoryMarshal.CreateReadOnlySpan(ref MemoryMarshal.GetArrayDataReference(array), checked((int)ByteLength(array)));
        return FromBytes(bytes, Shape(array), type, dtype, device, requires_grad);
    }

    private static long ByteLength(Array array) => array.LongLength * ToElementSize(ToScalarType(array.GetType().GetElementType()!));

    private static int ToElementSize(ScalarType type) => type switch
    {
        ScalarType.Byte or ScalarType.Int8 or ScalarType.Bool => 1,
        ScalarType.Int16 or ScalarType.Float16 or ScalarType.BFloat16 => 2,
        ScalarType.Int32 or ScalarType.Float32 => 4,
        ScalarType.ComplexFloat64 => 16,
        _ => 8,
    };

    private static long[] Shape(Array array)
    {
        var shape = new long[array.Rank];
        for (var d = 0; d < shape.Length; d++)
            shape[d] = array.GetLongLength(d);
        return shape;
    }

    private static unsafe Tensor FromBytes(
        ReadOnlySpan<byte> bytes, ReadOnlySpan<long> dimensions, ScalarType type, ScalarType? dtype, Device? device, bool requires_grad)
    {
        var made = empty(dimensions, type, CPU);
        var needed = made.NumberOfElements * made.ElementSize;
        if (needed > bytes.Length)
        {
            made.Dispose();
            throw new ArgumentException(
                $"mismatched total size creating a tensor from an array: {needed / ToElementSize(type)} vs. {bytes.Length / ToElementSize(type)}");
        }
        bytes[..(int)needed].CopyTo(new Span<byte>(made.DataPointer, (int)needed));
        if ((dtype is null || dtype == type) && InitializeDevice(device).type == DeviceType.CPU)
            return Grad(made, requires_grad);
        using (made)
            return Grad(made.to(dtype ?? type, InitializeDevice(device)), requires_grad);
    }
}
