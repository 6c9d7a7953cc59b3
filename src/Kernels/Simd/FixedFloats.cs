using System.Runtime.CompilerServices;

namespace ModNet.Kernels;

/// <summary>
/// Numbers that stay where they are in memory, as a tensor's on the CPU do, and a pinned array's. A kernel that takes any number of arrays takes them
/// so, because spans cannot lie in an array. The default has none.
/// </summary>
public readonly unsafe struct FixedFloats
{
    /// <summary>Takes the numbers of a span. The caller keeps them alive and in their place while a kernel uses them.</summary>
    public FixedFloats(Span<float> numbers)
    {
        Start = numbers.IsEmpty ? null : (float*)Unsafe.AsPointer(ref numbers[0]);
        Length = numbers.Length;
    }

    /// <summary>How many there are.</summary>
    public int Length { get; }

    internal float* Start { get; }
}
