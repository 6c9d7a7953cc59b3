namespace TorchSharp;

public static partial class torch
{
    /// <summary>One entry of an index expression: a position, a slice, a mask, index tensors, a new axis, or the rest.</summary>
    public struct TensorIndex
    {
        internal enum Kind : byte
        {
            None,
            Single,
            Slice,
            Bool,
            Ellipsis,
            Null,
            Tensor,
        }

        internal Kind kind;
        internal long? startOrSingle;
        internal long? stop;
        internal long? step;
        internal Tensor? tensor;

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { kind = Kind.Slice, startOrSingle = start, stop = stop, step = step };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(System.Range range) => Slice(Position(range.Start), range.End.Equals(System.Index.End) ? null : Position(range.End));

        public static TensorIndex Bool(bool value) => new() { kind = Kind.Bool, startOrSingle = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => new() { kind = Kind.Single, startOrSingle = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { kind = Kind.Tensor, tensor = tensor };

        /// <summary>As many whole dimensions as it takes.</summary>
        public static TensorIndex Ellipsis => new() { kind = Kind.Ellipsis };

        /// <summary>A new axis of size 1.</summary>
        public static TensorIndex Null => new() { kind = Kind.Null };

        /// <summary>A new axis of size 1, as in Python.</summary>
        public static TensorIndex None => Null;

        /// <summary>A whole dimension.</summary>
        public static TensorIndex Colon => Slice();

        public static implicit operator TensorIndex(long value) => Single(value);

        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);

        public static implicit operator TensorIndex(System.Range range) => Slice(range);

        public static implicit operator TensorIndex(Tensor tensor) => Tensor(tensor);

        private static long? Position(System.Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }
}
