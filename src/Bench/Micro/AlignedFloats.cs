using System.Runtime.CompilerServices;

namespace ModNet.Bench;

/// <summary>Random numbers in [−0.5, 0.5) that begin with a cache line, as libtorch's tensors do.</summary>
internal sealed class AlignedFloats
{
    private const int LineBytes = 64;

    private readonly float[] _pinned;
    private readonly int _offset;
    private readonly int _length;

    internal unsafe AlignedFloats(Random random, int length)
    {
        _length = length;
        _pinned = GC.AllocateUninitializedArray<float>(length + LineBytes / sizeof(float), pinned: true);
        nuint start = (nuint)Unsafe.AsPointer(ref _pinned[0]);
        _offset = (int)((LineBytes - start % LineBytes) % LineBytes) / sizeof(float);
        foreach (ref float value in Span)
        {
            value = random.NextSingle() - 0.5f;
        }
    }

    /// <summary>The numbers.</summary>
    internal Span<float> Span => _pinned.AsSpan(_offset, _length);
}
