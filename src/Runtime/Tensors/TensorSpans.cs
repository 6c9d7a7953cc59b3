using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ModNet.Kernels;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Gives our kernels the memory of contiguous tensors on the CPU as spans; the span of null is empty.</summary>
internal static class TensorSpans
{
    internal static Span<float> Floats(Tensor? t) => Of<float>(t);

    internal static Span<long> Longs(Tensor? t) => Of<long>(t);

    /// <summary>How many float32 numbers of a tensor a span reaches.</summary>
    internal const long Reach = int.MaxValue / sizeof(float);

    /// <summary>The numbers [M, …] of a tensor of any length. The tensor has to outlive their use.</summary>
    internal static unsafe PinnedFloats Pinned(Tensor? t)
    {
        if (t is null || t.numel() == 0)
        {
            return default;
        }

        // Where the first row begins, all begin.
        using Tensor? first = t.numel() > Reach ? t.detach().narrow(0, 0, 1) : null;
        return new((float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(Floats(first ?? t))), t.numel());
    }

    internal static Span<T> Of<T>(Tensor? t)
        where T : struct =>
        t is null ? default : MemoryMarshal.Cast<byte, T>(t.bytes);
}
