using System.Buffers.Binary;
using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The processes that train one network together, called ranks as in MPI, and what they say to each other. Every call is made by all ranks in the same order,
/// and returns when its messages are there.
/// </summary>
/// <remarks>A call belongs to the thread that trains; two threads of a rank may not call at the same time.</remarks>
public abstract class Ranks
{
    // What most messages fit into, so that one exchange carries both their lengths and themselves.
    private const int Short = 2048;

    // The largest part of a sum that is sent at a time, in bytes: MPI counts bytes by 32 bits.
    private const int Part = 1 << 27;

    /// <summary>A process that trains by itself.</summary>
    public static Ranks Alone { get; } = new OneRank();

    /// <summary>The number of this process among all, from 0.</summary>
    public abstract int Rank { get; }

    /// <summary>R, the number of processes, at least 1.</summary>
    public abstract int Count { get; }

    /// <summary>How many of them run on this machine.</summary>
    public virtual int OnThisHost => Count;

    /// <summary>What carries the messages, with its version.</summary>
    public virtual string Library => "none";

    /// <summary>Whether this rank writes the run's files and speaks to the user.</summary>
    public bool Leads => Rank == 0;

    /// <summary>How many bytes this rank has sent to other ranks so far.</summary>
    public long BytesSent { get; private set; }

    /// <summary>Ends all ranks at once, without waiting for any, because this one cannot go on.</summary>
    public virtual void Abort(int exitCode)
    {
    }

    /// <summary>Ends the connection in good order. All ranks call it, once, after their last message.</summary>
    public virtual void End()
    {
    }

    /// <summary>
    /// Sends bytes to every rank and receives bytes from every rank: <paramref name="outCounts"/>[r] of <paramref name="outgoing"/>, which has them in
    /// the order of ranks, go to rank r, and <paramref name="inCounts"/>[r] come from it.
    /// </summary>
    private protected abstract void Exchange(ReadOnlySpan<byte> outgoing, ReadOnlySpan<int> outCounts, Span<byte> incoming, ReadOnlySpan<int> inCounts);

    /// <summary>Gives every rank what all ranks have, <paramref name="counts"/>[r] bytes of rank r, in the order of ranks.</summary>
    private protected abstract void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts);

    /// <summary>What every rank says, in the order of ranks.</summary>
    internal byte[][] Gather(ReadOnlySpan<byte> own)
    {
        if (Count == 1)
        {
            return [own.ToArray()];
        }

        // The length and the first bytes of each go first; the rest follows only where a message is long.
        Span<byte> head = new byte[Short];
        BinaryPrimitives.WriteInt32LittleEndian(head, own.Length);
        int fits = Math.Min(own.Length, Short - sizeof(int));
        own[..fits].CopyTo(head[sizeof(int)..]);
        var heads = new byte[Short * Count];
        Gather(head, heads, [.. Enumerable.Repeat(Short, Count)]);
        int[] lengths = [.. Enumerable.Range(0, Count).Select(r => BinaryPrimitives.ReadInt32LittleEndian(heads.AsSpan(r * Short)))];
        int[] rests = Array.ConvertAll(lengths, length => Math.Max(0, length - (Short - sizeof(int))));
        var tails = new byte[rests.Sum()];
        Sent(Short);
        if (tails.Length > 0)
        {
            Gather(own[fits..], tails.AsSpan(), rests);
            Sent(own.Length - fits);
        }

        var said = new byte[Count][];
        for (int r = 0, start = 0; r < Count; start += rests[r++])
        {
            said[r] = [.. heads.AsSpan(r * Short + sizeof(int), lengths[r] - rests[r]), .. tails.AsSpan(start, rests[r])];
        }

        return said;
    }

    /// <summary>Sends a message to every rank, and gives what each sent to this one: [R] → [R].</summary>
    internal byte[][] Exchange(IReadOnlyList<byte[]> messages)
    {
        if (Count == 1)
        {
            return [messages[0]];
        }

        int[] outCounts = [.. messages.Select(m => m.Length)];
        var inCounts = new int[Count];
        int[] four = [.. Enumerable.Repeat(sizeof(int), Count)];
        Exchange(MemoryMarshal.AsBytes(outCounts.AsSpan()), four, MemoryMarshal.AsBytes(inCounts.AsSpan()), four);
        var incoming = new byte[inCounts.Sum()];
        Exchange([.. messages.SelectMany(m => m)], outCounts, incoming, inCounts);
        BytesSent += outCounts.Sum() - outCounts[Rank] + sizeof(int) * (Count - 1);
        var received = new byte[Count][];
        for (int r = 0, start = 0; r < Count; start += inCounts[r++])
        {
            received[r] = incoming.AsSpan(start, inCounts[r]).ToArray();
        }

        return received;
    }

    /// <summary>
    /// Sends rows of a tensor [n, …] to every rank, <paramref name="outRows"/>[r] of them, which lie in the order of ranks, to rank r, and gives the <paramref name="inRows"/>[r]
    /// rows that come from each, in the order of ranks and on the same device.
    /// </summary>
    internal Tensor Exchange(Tensor rows, int[] outRows, int[] inRows)
    {
        if (Count == 1)
        {
            return rows;
        }

        using var scope = NewDisposeScope();
        Tensor sent = rows.detach().cpu().contiguous();
        Tensor received = empty([inRows.Sum(), .. rows.shape[1..]], rows.dtype, CPU);
        long each = rows.shape[1..].Aggregate(rows.element_size(), (a, b) => a * b);
        int[] Bytes(int[] counts) => Array.ConvertAll(counts, n => checked((int)(n * each)));
        int[] outBytes = Bytes(outRows), inBytes = Bytes(inRows);
        if (each * Math.Max(sent.shape[0], received.shape[0]) > int.MaxValue)
        {
            throw new UserException(
                "a message between ranks", "at most 2 GiB of rows", $"{sent.shape[0]} rows to others, and {received.shape[0]} from them, of {each} bytes", "lower `batch`");
        }

        Exchange(BytesOf(sent), outBytes, BytesOf(received), inBytes);
        BytesSent += (long)outBytes.Sum() - outBytes[Rank];
        return received.to(rows.device).MoveToOuterDisposeScope();
    }

    // TorchSharp's own accessor throws on a tensor without elements.
    private static Span<byte> BytesOf(Tensor t) => t.numel() == 0 ? default : t.bytes;

    /// <summary>Whether any rank says yes.</summary>
    internal bool Any(bool own) => Count == 1 ? own : Array.Exists(Gather([own ? (byte)1 : (byte)0]), said => said[0] != 0);

    /// <summary>Waits until all ranks are here.</summary>
    internal void Meet() => Any(false);

    /// <summary>
    /// The sum over ranks of a tensor [n] on the CPU, in its place on every rank. Each rank adds one piece of it for all, by a <see cref="BalancedTree{T}"/> over ranks, so
    /// that all ranks have the same bits.
    /// </summary>
    internal void Sum(Tensor flat)
    {
        if (Count == 1)
        {
            return;
        }

        long most = Part / flat.element_size();
        for (long start = 0; start < flat.numel(); start += most)
        {
            using var scope = NewDisposeScope();
            SumPart(flat.narrow(0, start, Math.Min(most, flat.numel() - start)));
        }
    }

    private void SumPart(Tensor part)
    {
        int size = (int)part.element_size(), n = (int)part.numel();
        int[] starts = [.. Enumerable.Range(0, Count + 1).Select(r => (int)((long)n * r / Count))];
        int[] outCounts = [.. Enumerable.Range(0, Count).Select(r => (starts[r + 1] - starts[r]) * size)];
        int own = starts[Rank + 1] - starts[Rank];
        Tensor pieces = empty([Count, own], part.dtype, CPU);
        int[] inCounts = [.. Enumerable.Repeat(own * size, Count)];
        Span<byte> bytes = part.bytes;
        Exchange(bytes, outCounts, BytesOf(pieces), inCounts);
        var tree = new BalancedTree<Tensor>((a, b) => a.add_(b));
        for (int r = 0; r < Count; r++)
        {
            tree.Add(pieces[r]);
        }

        Tensor sum = tree.Result;
        Gather(BytesOf(sum), bytes, outCounts);
        BytesSent += outCounts.Sum() - outCounts[Rank] + (long)outCounts[Rank] * (Count - 1);
    }

    private void Sent(int bytes) => BytesSent += (long)bytes * (Count - 1);

    private sealed class OneRank : Ranks
    {
        public override int Rank => 0;

        public override int Count => 1;

        private protected override void Exchange(ReadOnlySpan<byte> outgoing, ReadOnlySpan<int> outCounts, Span<byte> incoming, ReadOnlySpan<int> inCounts) =>
            outgoing.CopyTo(incoming);

        private protected override void Gather(ReadOnlySpan<byte> own, Span<byte> all, ReadOnlySpan<int> counts) => own.CopyTo(all);
    }
}
