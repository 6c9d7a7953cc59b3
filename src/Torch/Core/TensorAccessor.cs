using System.Collections;

namespace TorchSharp.Utils;

/// <summary>Reads and writes a CPU tensor's elements in place, in row-major order of its indices.</summary>
public sealed class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private readonly torch.Tensor tensor;
    private readonly unsafe T* data;
    private readonly long[] shape;
    private readonly long[] strides;
    private readonly bool contiguous;

    internal unsafe TensorAccessor(torch.Tensor tensor)
    {
        this.tensor = tensor;
        data = (T*)tensor.DataPointer;
        shape = tensor.shape;
        strides = tensor.stride();
        contiguous = tensor.is_contiguous();
    }

    /// <exception cref="InvalidOperationException">The tensor has been disposed.</exception>
    public long Count => tensor.NumberOfElements;

    public bool IsSpanAvailable => contiguous && Count <= int.MaxValue;

    public unsafe T this[params long[] indices]
    {
        get => data[Offset(indices)];
        set => data[Offset(indices)] = value;
    }

    public unsafe T this[long index]
    {
        get => data[Linear(index)];
        set => data[Linear(index)] = value;
    }

    /// <summary>The elements in place; only of a contiguous tensor.</summary>
    internal unsafe Span<T> AsSpan() => contiguous
        ? new Span<T>(data, checked((int)Count))
        : throw new InvalidOperationException("The elements of a non-contiguous tensor are no span; call contiguous() first.");

    public T[] ToArray()
    {
        var array = new T[Count];
        CopyTo(array);
        return array;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var n = Count - tensorIndex;
        if (IsSpanAvailable)
            AsSpan()[(int)tensorIndex..].CopyTo(array.AsSpan(arrayIndex));
        else
            for (long i = 0; i < n; i++)
                array[arrayIndex + i] = this[tensorIndex + i];
        GC.KeepAlive(tensor);
    }

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        for (long i = tensorIndex; i < Count; i++)
            array[arrayIndex++] = this[i];
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0)
    {
        var n = Math.Min(array.Length - arrayIndex, Count - tensorIndex);
        for (long i = 0; i < n; i++)
            this[tensorIndex + i] = array[arrayIndex + i];
    }

    /// <summary>A .NET array of the tensor's rank and shape.</summary>
    public Array ToNDArray()
    {
        var array = Array.CreateInstance(typeof(T), shape);
        var index = new long[shape.Length];
        for (long i = 0; i < Count; i++)
        {
            var rest = i;
            for (var d = shape.Length - 1; d >= 0; d--)
                (rest, index[d]) = (rest / shape[d], rest % shape[d]);
            array.SetValue(this[i], index);
        }
        return array;
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++)
            yield return this[i];
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Nothing is held but the tensor object; part of TorchSharp's API.</summary>
    public void Dispose()
    {
    }

    private long Linear(long index)
    {
        if (index < 0 || index >= Count)
            throw new IndexOutOfRangeException($"Index {index} of a tensor with {Count} elements.");
        if (contiguous)
            return index;
        long offset = 0;
        for (var d = shape.Length - 1; d >= 0; d--)
        {
            offset += index % shape[d] * strides[d];
            index /= shape[d];
        }
        return offset;
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1 && shape.Length != 1)
            return Linear(indices[0]);
        if (tensor.ndim != indices.Length)
            throw new ArgumentException($"{indices.Length} indices for a tensor of {shape.Length} dimensions.");
        long offset = 0;
        for (var d = 0; d < indices.Length; d++)
        {
            if (indices[d] < 0 || indices[d] >= shape[d])
                throw new IndexOutOfRangeException($"Index {indices[d]} in dimension {d} of size {shape[d]}.");
            offset += indices[d] * strides[d];
        }
        return offset;
    }
}
