using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Estimates how many numbers one row holds on its way through a graph: what its tape keeps to the end, and the widest tensors that come
/// and go. The estimate is made by running one row and listening.
/// </summary>
internal sealed class Footprint
{
    // Tensors that come and go are there several times at their widest: what goes in, what comes out, and two stages between. What a tape
    // keeps is put together once more for log p(a|x).
    private const long Copies = 4;
    private const long KeptCopies = 2;

    [ThreadStatic]
    private static Footprint? current;

    private long _kept;
    private long _widest;

    private Footprint()
    {
    }

    /// <summary>The estimate that this thread is making; null while it makes none.</summary>
    internal static Footprint? Current => current;

    /// <summary>The largest number of numbers that a row holds at one time.</summary>
    internal long Numbers => KeptCopies * _kept + Copies * _widest;

    /// <summary>Runs <paramref name="pass"/>, the pass of one row, and measures it.</summary>
    internal static (TResult Result, Footprint Footprint) Of<TResult>(Func<Footprint, TResult> pass)
    {
        current = new();
        try
        {
            return (pass(current), current);
        }
        finally
        {
            current = null;
        }
    }

    /// <summary>Counts a distribution, which lives as long as the tape.</summary>
    internal void Keep(ChoiceDistribution kept)
    {
        _kept += kept.Numbers;
        Pass(kept.Numbers);
    }

    /// <summary>Counts tensors of so many numbers, which are there for a while.</summary>
    internal void Pass(long numbers) => _widest = Math.Max(_widest, numbers);
}
