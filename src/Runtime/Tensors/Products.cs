using ModNet.Kernels;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// All sums of products of a network run through here, so that tests can count the multiply-adds that a datapoint really costs and compare
/// them with the summary's figures. libtorch has no observer of operators.
/// </summary>
internal static class Products
{
    // Up to so many outputs, the kernel was about twice as fast as libtorch's product at most sizes tried up to 3,072 inputs, on an AMD EPYC with AVX-512. At 32
    // inputs it was slower: 191 µs where libtorch took 138 µs.
    private const long Few = 32;
    private const long Narrow = 32;

    [ThreadStatic]
    private static Action<long>? heard;

    [ThreadStatic]
    private static Precision precision;

    /// <summary>From here to the end of the result's life, products of float32 numbers on this thread are multiplied so.</summary>
    internal static Multiplying In(Precision inside) => new(inside);

    /// <summary>x [..., in], weight [out, in], bias [out] → [..., out].</summary>
    internal static Tensor Linear(Tensor x, Tensor weight, Tensor? bias = null)
    {
        heard?.Invoke(x.numel() * weight.shape[0]);
        return Rounds(x, weight)
            ? Plus(Full(Operators.Linear(Rounded(x), Rounded(weight), null)), bias, 0)
            : Operators.Linear(x, weight, bias);
    }

    /// <summary>
    /// x [n, in], weight [out, in], bias [out] → [n, out], by our own kernel where it takes them and there are few outputs, for which libtorch's product
    /// is slow.
    /// </summary>
    internal static Tensor ToFew(Tensor x, Tensor weight, Tensor bias)
    {
        if (weight.shape[0] > Few || weight.shape[1] <= Narrow || x.dim() != 2 || bias.dtype != ScalarType.Float32 || !FusedModularLinear.Takes(weight, x))
        {
            return Linear(x, weight, bias);
        }

        heard?.Invoke(x.numel() * weight.shape[0]);
        return FusedModularLinear.Map(x, weight, bias);
    }

    /// <summary>x [..., in] → [..., out], in float32 on the CPU and without gradient: blocks of x that are all zero are skipped.</summary>
    internal static Tensor Skipping(Tensor x, SkippingLinear map)
    {
        Tensor rows = x.contiguous();
        heard?.Invoke(map.Used(TensorSpans.Floats(rows)) * map.Outputs);
        Tensor y = empty([.. x.shape[..^1], map.Outputs], dtype: ScalarType.Float32);
        map.Forward(TensorSpans.Floats(rows), TensorSpans.Floats(y), get_num_threads());
        return y;
    }

    /// <summary>left [n, a, b], right [n, b, c] → [n, a, c].</summary>
    internal static Tensor Batched(Tensor left, Tensor right)
    {
        heard?.Invoke(left.numel() * right.shape[2]);
        return Rounds(left, right) ? Full(Rounded(left).BatchedProduct(Rounded(right))) : left.BatchedProduct(right);
    }

    /// <summary>x [n, groups·in, H, W], weight [groups·out, in, Kernel, Kernel], bias [groups·out] → [n, groups·out, H', W'].</summary>
    internal static Tensor Convolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding, long groups)
    {
        Tensor y = Rounds(x, weight)
            ? Plus(Full(Operators.Convolution(Rounded(x), Rounded(weight), null, stride, padding, groups)), bias, 2)
            : Operators.Convolution(x, weight, bias, stride, padding, groups);
        heard?.Invoke(y.numel() * (weight.numel() / weight.shape[0]));
        return y;
    }

    /// <summary>
    /// The transpose of a convolution as a map: x [n, in, H, W], weight [in, out, Kernel, Kernel], bias [out] → [n, out, H', W'] with H' = (H − 1)·stride
    /// − 2·padding + Kernel, and W' likewise.
    /// </summary>
    internal static Tensor TransposedConvolution(Tensor x, Tensor weight, Tensor? bias, long stride, long padding)
    {
        heard?.Invoke(x.numel() * (weight.numel() / weight.shape[0]));
        return Rounds(x, weight)
            ? Plus(Full(Operators.TransposedConvolution(Rounded(x), Rounded(weight), null, stride, padding)), bias, 2)
            : Operators.TransposedConvolution(x, weight, bias, stride, padding);
    }

    /// <summary>x [n, in, T], weight [out, in, Kernel], bias [out] → [n, out, T − (Kernel − 1)·dilation].</summary>
    internal static Tensor SequenceConvolution(Tensor x, Tensor weight, Tensor? bias, long dilation)
    {
        Tensor y = Rounds(x, weight)
            ? Plus(Full(Operators.SequenceConvolution(Rounded(x), Rounded(weight), null, dilation)), bias, 1)
            : Operators.SequenceConvolution(x, weight, bias, dilation);
        heard?.Invoke(y.numel() * (weight.numel() / weight.shape[0]));
        return y;
    }

    /// <summary>The number of multiply-adds of all products that the action makes on this thread.</summary>
    internal static long Count(Action action)
    {
        long total = 0;
        heard = some => total += some;
        try
        {
            action();
            return total;
        }
        finally
        {
            heard = null;
        }
    }

    private static bool Rounds(Tensor x, Tensor weight) =>
        precision == Precision.Bfloat16Products && x.dtype == ScalarType.Float32 && weight.dtype == ScalarType.Float32;

    private static Tensor Rounded(Tensor values) => values.to_type(ScalarType.BFloat16);

    private static Tensor Full(Tensor product) => product.to_type(ScalarType.Float32);

    // Adds a bias [out] to outputs whose features stand before so many dimensions.
    private static Tensor Plus(Tensor y, Tensor? bias, int after) =>
        bias is null ? y : y + (after == 0 ? bias : bias.view([-1, .. Enumerable.Repeat(1L, after)]));

    /// <summary>Products in a precision, until it is disposed of.</summary>
    internal readonly struct Multiplying : IDisposable
    {
        private readonly Precision _before;

        internal Multiplying(Precision inside) => (_before, precision) = (precision, inside);

        /// <summary>Goes back to the precision before.</summary>
        public void Dispose() => precision = _before;
    }
}
