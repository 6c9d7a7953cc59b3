using System.Diagnostics.CodeAnalysis;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Turns tensors into .NET arrays and back, for element types int, long, float and double. TorchSharp's own accessor throws on a tensor
/// without elements.
/// </summary>
public static class TensorArrays
{
    /// <summary>All elements in order, [n], of a tensor of any shape, dtype and device, converted to <typeparamref name="T"/>.</summary>
    public static T[] Vector<T>(Tensor tensor)
        where T : unmanaged
    {
        using var scope = NewDisposeScope();
        return TensorSpans.Of<T>(tensor.detach().to_type(TypeOf<T>()).cpu().contiguous()).ToArray();
    }

    /// <summary>A table [n, m] of a tensor [n, …]: m is 1 for [n], and dimensions after the first are flattened.</summary>
    internal static T[,] Table<T>(Tensor tensor)
        where T : unmanaged
    {
        using var scope = NewDisposeScope();
        return (T[,])Of<T>(tensor.dim() == 1 ? tensor.unsqueeze(1) : tensor.flatten(1));
    }

    /// <summary>An array of the tensor's shape, converted to <typeparamref name="T"/>.</summary>
    internal static Array Of<T>(Tensor tensor)
        where T : unmanaged
    {
        T[] values = Vector<T>(tensor);
        if (tensor.dim() == 1)
        {
            return values;
        }

        Array array = Array.CreateInstance(typeof(T), tensor.shape);
        Buffer.BlockCopy(values, 0, array, 0, Buffer.ByteLength(values));
        return array;
    }

    /// <summary>Some rows of an array [N, …] of numbers, in the order given, as the same kind of array; null of null.</summary>
    [return: NotNullIfNotNull(nameof(array))]
    internal static TArray? Rows<TArray>(TArray? array, int[] rows)
        where TArray : class
    {
        if (array is null)
        {
            return null;
        }

        var from = (Array)(object)array;
        int[] shape = [.. Enumerable.Range(0, from.Rank).Select(from.GetLength)];
        int bytes = shape[0] == 0 ? 0 : Buffer.ByteLength(from) / shape[0];
        Array result = Array.CreateInstance(from.GetType().GetElementType()!, [rows.Length, .. shape.Skip(1)]);
        for (int i = 0; i < rows.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)rows[i], (uint)shape[0], nameof(rows));
            Buffer.BlockCopy(from, rows[i] * bytes, result, i * bytes, bytes);
        }

        return (TArray)(object)result;
    }

    /// <summary>A tensor of the array's shape and type.</summary>
    internal static Tensor ToTensor<T>(Array array)
        where T : unmanaged
    {
        Tensor result = empty([.. Enumerable.Range(0, array.Rank).Select(array.GetLongLength)], TypeOf<T>(), CPU);
        var bytes = new byte[Buffer.ByteLength(array)];
        Buffer.BlockCopy(array, 0, bytes, 0, bytes.Length);
        bytes.CopyTo(result.bytes);
        return result;
    }

    private static ScalarType TypeOf<T>() =>
        default(T) switch
        {
            int => ScalarType.Int32,
            long => ScalarType.Int64,
            float => ScalarType.Float32,
            double => ScalarType.Float64,
            _ => throw new ArgumentException($"arrays of int, long, float and double are known, not of {typeof(T)}"),
        };
}
