using System.Runtime.InteropServices;

namespace ModNet.Runtime;

/// <summary>
/// The processes that <c>mpirun</c> or <c>srun --mpi=pmix</c> has started together. There is one connection in a process; it is made at the first call of <see cref="Here"/>.
/// </summary>
public sealed unsafe class MpiRanks : Ranks
{
    private static readonly Lazy<Ranks> TheRanks = new(() => MpiLibrary.Launched() is { Count: > 1 } ? new MpiRanks() : Alone);

    private readonly delegate* unmanaged<void*, int*, void*, int*, int, int> _exchange;
    private readonly delegate* unmanaged<void*, int, void*, int*, int, int> _gather;
    private readonly delegate* unmanaged<int, void> _abort;
    private readonly delegate* unmanaged<int> _end;
    private bool _ended;

    private MpiRanks()
    {
        nint library = MpiLibrary.Load();
        var begin = (delegate* unmanaged<int*, int*, int*, int*, int>)NativeLibrary.GetExport(library, "modnet_mpi_begin");
        var version = (delegate* unmanaged<byte*, int, void>)NativeLibrary.GetExport(library, "modnet_mpi_version");
        _exchange = (delegate* unmanaged<void*, int*, void*, int*, int, int>)NativeLibrary.GetExport(library, "modnet_mpi_exchange");
        _gather = (delegate* unmanaged<void*, int, void*, int*, int, int>)NativeLibrary.GetExport(library, "modnet_mpi_gather");
        _abort = (delegate* unmanaged<int, void>)NativeLibrary.GetExport(library, "modnet_mpi_abort");
        _end = (delegate* unmanaged<int>)NativeLibrary.GetExport(library, "modnet_mpi_end");
        int rank, count, hostRank, hostCount;
        Demand(begin(&rank, &count, &hostRank, &hostCount), "MPI_Init_thread");
        (Rank, Count, OnThisHost) = (rank, count, hostCount);
        const int length = 256;
        byte* text = stackalloc byte[length];
        version(text, length);
        Library = Marshal.PtrToStringUTF8((nint)text)!.Split('\n')[0].Split(", package")[0].Trim();
    }

    /// <summary>The ranks that this process was started with; <see cref="Ranks.Alone"/> where it is the only one, however it was started. UserException where MPI does not work here.</summary>
    public static Ranks Here => TheRanks.Value;

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Count { get; }

    /// <inheritdoc/>
    public override int OnThisHost { get; }

    /// <inheritdoc/>
    public override string Library { get; }

    /// <inheritdoc/>
    public override void Abort(int exitCode)
    {
        if (!_ended)
        {
            _abort(exitCode);
        }
    }

    /// <inheritdoc/>
    public override void End()
    {
        if (!_ended)
        {
            _ended = true;
            Demand(_end(), "MPI_Finalize");
        }
    }

    private protected override void Exchange(ReadOnlySpan<byte> outgoing, ReadOnlySpan<int> outCounts, Span<byte> incoming, ReadOnlySpan<int> inCounts)
    {
        fixed (byte* sent = outgoing, received = incoming)
        fixed (int* sentCounts = outCounts, receivedCounts = inCounts)
        {
            Demand(_exchange(sent, sentCounts, received, receivedCounts, Count), "MPI_Alltoallv");
        }
    }

    private protected override void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts)
    {
        fixed (byte* sent = own, received = all)
        fixed (int* receivedCounts = counts)
        {
            Demand(_gather(sent, own.Length, received, receivedCounts, Count), "MPI_Allgatherv");
        }
    }

    private static void Demand(int code, string call)
    {
        if (code != 0)
        {
            throw new UserException("MPI", $"{call} to succeed", $"error {code}", "see what the MPI library says above; ./modnet doctor names the library");
        }
    }
}
