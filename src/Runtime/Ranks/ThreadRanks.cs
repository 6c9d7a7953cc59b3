using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>Ranks that are threads of one process: for trying out, and testing, what ranks do together without MPI.</summary>
public sealed class ThreadRanks : Ranks
{
    private readonly Meeting _meeting;

    private ThreadRanks(int rank, Meeting meeting) => (Rank, _meeting) = (rank, meeting);

    /// <inheritdoc/>
    public override int Rank { get; }

    /// <inheritdoc/>
    public override int Count => _meeting.Said.Length;

    /// <inheritdoc/>
    public override string Library => "threads";

    /// <summary>
    /// Runs a function on <paramref name="count"/> ranks at the same time, each with as many threads of libtorch's as the caller has, and gives their results in the order of ranks. Where one of them raises an exception the others are
    /// ended at their next message, and that exception is raised here.
    /// </summary>
    /// <example><code>int[] sizes = ThreadRanks.Run(4, ranks => ranks.Count); // 4, 4, 4, 4</code></example>
    public static TResult[] Run<TResult>(int count, Func<Ranks, TResult> action)
    {
        using var meeting = new Meeting(count);
        // libtorch counts its threads for each thread that asks, and rounds by how many there are, in batch normalisation for one.
        int cores = get_num_threads();
        var results = new TResult[count];
        Exception? first = null;
        Thread[] threads = [.. Enumerable.Range(0, count).Select(rank => new Thread(() =>
        {
            try
            {
                set_num_threads(cores);
                results[rank] = action(new ThreadRanks(rank, meeting));
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref first, e, null);
                meeting.End.Cancel();
            }
        }) { IsBackground = true, Name = $"rank {rank}" })];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        if (first is not null)
        {
            ExceptionDispatchInfo.Throw(first);
        }

        return results;
    }

    /// <inheritdoc/>
    public override void Abort(int exitCode) => _meeting.End.Cancel();

    private protected override void Exchange(ReadOnlySpan<byte> outgoing, ReadOnlySpan<int> outCounts, Span<byte> incoming, ReadOnlySpan<int> inCounts)
    {
        var messages = new byte[Count][];
        for (int r = 0, start = 0; r < Count; start += outCounts[r++])
        {
            messages[r] = outgoing.Slice(start, outCounts[r]).ToArray();
        }

        Take(messages, said => said[Rank], incoming, inCounts);
    }

    private protected override void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts) => Take([own.ToArray()], said => said[0], all, counts);

    private void Take(byte[][] own, Func<byte[][], byte[]> mine, Span<byte> into, ReadOnlySpan<int> counts)
    {
        _meeting.Said[Rank] = own;
        _meeting.Barrier.SignalAndWait(_meeting.End.Token);
        for (int r = 0, start = 0; r < Count; start += counts[r++])
        {
            byte[] message = mine(_meeting.Said[r]);
            if (message.Length != counts[r])
            {
                throw new InvalidOperationException($"rank {Rank} expects {counts[r]} bytes of rank {r}, which sends {message.Length}");
            }

            message.CopyTo(into[start..]);
        }

        _meeting.Barrier.SignalAndWait(_meeting.End.Token);
    }

    private sealed class Meeting(int count) : IDisposable
    {
        internal byte[][][] Said { get; } = new byte[count][][];

        internal Barrier Barrier { get; } = new(count);

        internal CancellationTokenSource End { get; } = new();

        public void Dispose()
        {
            Barrier.Dispose();
            End.Dispose();
        }
    }
}
