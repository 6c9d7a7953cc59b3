using System.Runtime.Intrinsics.X86;

namespace ModNet.Kernels;

/// <summary>
/// Memory that is read soon, brought towards the core a part at a time while something else is computed: rows that lie scattered, or are
/// gone through a few at a time, are not foreseen by the processor itself. Does nothing where .NET has no instruction for it.
/// </summary>
/// <param name="start">Its first number.</param>
/// <param name="length">Numbers.</param>
internal unsafe struct Ahead(float* start, long length)
{
    // A cache line of numbers.
    private const int Line = 16;

    private float* _at = start;
    private long _left = length;

    /// <summary>Asks for one of <paramref name="parts"/> even parts of what was not asked for yet.</summary>
    internal void Fetch(int parts)
    {
        long some = _left / parts;
        if (Sse.IsSupported)
        {
            for (long i = 0; i < some; i += Line)
            {
                Sse.Prefetch1(_at + i);
            }
        }

        _at += some;
        _left -= some;
    }
}
