namespace ModNet.Kernels;

/// <summary>
/// Cuts work into parts of about equal size and runs each part on a thread of its own. Where the cuts lie depends on the number of
/// parts alone and never on which thread is free, so the same number of threads gives the same bits.
/// </summary>
internal readonly struct Partition
{
    /// <param name="work">How much there is to do, in any unit.</param>
    /// <param name="least">In the same unit, the least work that is worth a thread of its own.</param>
    /// <param name="threads">At most so many parts are made; ≥ 1.</param>
    internal Partition(long work, long least, int threads) => Parts = (int)Math.Clamp(work / least, 1, threads);

    internal int Parts { get; }

    /// <summary>Cuts [0, length) into as many ranges as there are parts, and calls body(part, from, to) for each of them.</summary>
    internal void Run(int length, Action<int, int, int> body)
    {
        int parts = Parts;
        if (parts == 1)
        {
            body(0, 0, length);
            return;
        }

        Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, part =>
            body(part, (int)((long)length * part / parts), (int)((long)length * (part + 1) / parts)));
    }
}
