using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace ModNet.Runtime;

/// <summary>
/// The way of rows to the ranks where their modules live, and back: choice j of [C] goes to the rank that has its module. All ranks make their shipments in the same order.
/// </summary>
internal sealed class Shipment
{
    private readonly Ranks _ranks;

    // How many choices go to each rank, and which choice stands at each place on the way; null where all stay in their own order.
    private readonly int[] _out;
    private readonly long[]? _order;

    /// <summary>Tells the ranks which of their modules are asked for. Module m lives on rank m / <paramref name="each"/>.</summary>
    internal Shipment(Ranks ranks, long[] chosen, int each)
    {
        _ranks = ranks;
        if (ranks.Count == 1)
        {
            (_out, From, Modules) = ([chosen.Length], [chosen.Length], chosen);
            return;
        }

        _out = new int[ranks.Count];
        foreach (long module in chosen)
        {
            _out[module / each]++;
        }

        int[] next = [.. _out.Select((_, rank) => _out.Take(rank).Sum())];
        var asked = new int[chosen.Length];
        _order = new long[chosen.Length];
        for (int j = 0; j < chosen.Length; j++)
        {
            int place = next[chosen[j] / each]++;
            (_order[place], asked[place]) = (j, (int)(chosen[j] % each));
        }

        byte[][] messages = [.. _out.Select((count, rank) => MemoryMarshal.AsBytes(asked.AsSpan(next[rank] - count, count)).ToArray())];
        byte[][] received = ranks.Exchange(messages);
        From = Array.ConvertAll(received, said => said.Length / sizeof(int));
        Modules = [.. received.SelectMany(said => MemoryMarshal.Cast<byte, int>(said).ToArray(), (_, module) => (long)module)];
    }

    /// <summary>How many rows come from each rank.</summary>
    internal int[] From { get; }

    /// <summary>Which module each row asks for that comes here, [n], rank by rank, counted from the first that lives here.</summary>
    internal long[] Modules { get; }

    /// <summary>
    /// Sends rows to where their modules live, and gives those that come here, [n, …]. Of x [C / positions, …], every row belongs to so many choices on end.
    /// </summary>
    internal Tensor There(Tensor x, long positions = 1)
    {
        Tensor rows = x;
        if (_order is not null)
        {
            rows = x.index_select(0, tensor(Array.ConvertAll(_order, j => j / positions), device: x.device));
        }
        else if (positions > 1)
        {
            rows = x.repeat_interleave(positions, dim: 0);
        }

        return _ranks.Exchange(rows, _out, From);
    }

    /// <summary>Sends rows [n, …] back to where they were asked for, and gives those that come back, [C, …], in the order of choices.</summary>
    internal Tensor Back(Tensor rows)
    {
        Tensor back = _ranks.Exchange(rows, From, _out);
        return _order is null ? back : empty_like(back).index_copy_(0, tensor(_order, device: back.device), back);
    }
}
