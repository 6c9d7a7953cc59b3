using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gives our kernels the memory of contiguous tensors on the CPU as spans; the span of null is empty.</summary>
internal static class TensorSpans
{
    internal static Span<float> Floats(Tensor? t) => Of<float>(t);

    internal static Span<long> Longs(Tensor? t) => Of<long>(t);

    internal static Span<T> Of<T>(Tensor? t)
        where T : struct =>
        t is null ? default : MemoryMarshal.Cast<byte, T>(t.bytes);
}
