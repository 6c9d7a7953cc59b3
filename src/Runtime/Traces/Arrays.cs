using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Tensors as .NET arrays of their shape, and back.</summary>
internal static class Arrays
{
    /// <summary>[n].</summary>
    internal static T[] Vector<T>(Tensor tensor)
        where T : unmanaged => (T[])Of<T>(tensor.reshape(-1));

    /// <summary>[n, m]: [n, m] as it is, [n] with m = 1, more dimensions with all but the first in one.</summary>
    internal static T[,] Table<T>(Tensor tensor)
        where T : unmanaged => (T[,])Of<T>(tensor.dim() == 1 ? tensor.unsqueeze(1) : tensor.flatten(1));

    /// <summary>An array of the tensor's shape, converted to <typeparamref name="T"/>.</summary>
    internal static Array Of<T>(Tensor tensor)
        where T : unmanaged
    {
        using var scope = NewDisposeScope();
        T[] values = tensor.detach().to_type(TypeOf<T>()).cpu().contiguous().data<T>().ToArray();
        if (tensor.dim() == 1)
        {
            return values;
        }

        Array array = Array.CreateInstance(typeof(T), tensor.shape);
        Buffer.BlockCopy(values, 0, array, 0, Buffer.ByteLength(values));
        return array;
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
            _ => throw new ArgumentException($"arrays of int, long and float are known, not of {typeof(T)}"),
        };
}
