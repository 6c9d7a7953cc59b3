using System.Runtime.Intrinsics;

namespace ModNet.Kernels;

/// <summary>
/// What one call of a kernel may use of the processor: a number of threads, and vector registers of a certain width. A plain number of
/// threads converts to it, and then the widest registers that this machine computes with are used.
/// </summary>
public readonly struct Cores
{
    /// <summary>The machine's widest registers, on at most so many threads.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is below 1.</exception>
    public Cores(int threads)
        : this(threads, WidestLanes)
    {
    }

    // The tests choose the width (16, 8 or 4 lanes), so that every width is tested on every machine.
    internal Cores(int threads, int lanes)
    {
        Expected.AtLeast(threads, 1, nameof(threads));
        (Threads, Lanes) = (threads, lanes);
    }

    /// <summary>How many lanes the widest registers of this machine have.</summary>
    internal static int WidestLanes =>
        Vector512.IsHardwareAccelerated ? Lanes512.Count
        : Vector256.IsHardwareAccelerated ? Lanes256.Count
        : Lanes128.Count;

    internal int Threads { get; }

    internal int Lanes { get; }

    /// <summary>At most so many threads, and the machine's widest registers.</summary>
    public static implicit operator Cores(int threads) => new(threads);

    /// <summary>The same threads, and registers no wider than rows of so many numbers need: a narrow row fills a narrow register better than a wide one.</summary>
    internal Cores ForRows(int length) => new(Threads, Math.Min(Lanes, length <= Lanes128.Count ? Lanes128.Count : length <= Lanes256.Count ? Lanes256.Count : Lanes512.Count));

    /// <summary>Runs a kernel at these registers' width. This is the one place that chooses between widths.</summary>
    internal void Run<K>(in K kernel)
        where K : struct, IKernel
    {
        if (Lanes == Lanes512.Count)
        {
            kernel.Run<Lanes512, Vector512<float>>(Threads);
        }
        else if (Lanes == Lanes256.Count)
        {
            kernel.Run<Lanes256, Vector256<float>>(Threads);
        }
        else
        {
            kernel.Run<Lanes128, Vector128<float>>(Threads);
        }
    }
}

/// <summary>A kernel together with its arguments, ready to run at any register width.</summary>
internal interface IKernel
{
    /// <summary>Runs the kernel on at most so many threads.</summary>
    void Run<L, V>(int threads)
        where L : struct, ILanes<V>
        where V : struct;
}
