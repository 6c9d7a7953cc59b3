using System.Runtime.Intrinsics.X86;

namespace ModNet.Kernels;

/// <summary>
/// Brings memory that will be read soon into the caches, a part at a time, while something else is computed. Processors foresee by
/// themselves only what is read from end to end; this is for rows that lie scattered or that are read a few at a time. Does nothing
/// on machines for which .NET offers no such instruction.
/// </summary>
/// <param name="start">The first number.</param>
/// <param name="length">How many numbers.</param>
internal unsafe struct Prefetch(float* start, long length)
{
    private float* _at = start;
    private long _left = length;

    /// <summary>Cuts what was not asked for yet into <paramref name="parts"/> equal parts, and asks for the first of them.</summary>
    internal void Next(int parts)
    {
        long some = _left / parts;
        if (Sse.IsSupported)
        {
            for (long i = 0; i < some; i += Scratch.Line)
            {
                Sse.Prefetch1(_at + i);
            }
        }

        _at += some;
        _left -= some;
    }
}
