using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// Numbers that a row holds on its way through a graph: what its tape keeps to the end, and the widest of what comes and goes. Taken
/// of a pass of one row.
/// </summary>
internal sealed class Footprint
{
    // What comes and goes is there several times at its widest: what goes in, what comes out, and two stages between. What a tape keeps
    // is put together once more for log p(a|x).
    private const long Copies = 4;
    private const long KeptCopies = 2;

    private long _kept;
    private long _widest;

    /// <summary>Numbers of a row at most, by this estimate.</summary>
    internal long Numbers => KeptCopies * _kept + Copies * _widest;

    /// <summary>Says that there is a tensor for as long as the tape is.</summary>
    internal void Keep(Tensor kept)
    {
        _kept += kept.numel();
        Pass(kept.numel());
    }

    /// <summary>Says that there are as many numbers for a while.</summary>
    internal void Pass(long numbers) => _widest = Math.Max(_widest, numbers);
}
