using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A shape.</summary>
    public struct Size : IEnumerable<long>
    {
        private readonly long[] shape;

        public Size(long[] shape) => this.shape = (long[])shape.Clone();

        public Size(IEnumerable<int> shape) => this.shape = shape.Select(s => (long)s).ToArray();

        public Size(long size) => shape = [size];

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size(long[] shape) => new(shape);
        public static implicit operator Size((long, long) size) => new([size.Item1, size.Item2]);
        public static implicit operator Size((long, long, long) size) => new([size.Item1, size.Item2, size.Item3]);
        public static implicit operator Size((long, long, long, long) size) => new([size.Item1, size.Item2, size.Item3, size.Item4]);

        public readonly int Length => shape.Length;

        public readonly long[] Shape => shape;

        public readonly long this[int idx] => shape[idx];

        public readonly long numel() => shape.Aggregate(1L, (a, b) => a * b);

        public readonly IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)shape).GetEnumerator();

        readonly IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
