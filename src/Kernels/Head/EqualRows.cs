using System.Buffers;
using System.Runtime.InteropServices;

namespace ModNet.Kernels;

/// <summary>
/// Finds which of the rows [N, H], each with a class, repeat an earlier one bit for bit. The candidates of an E-step do, up to the
/// first choice in which they differ. The tables are rented, so dispose of it.
/// </summary>
internal sealed class EqualRows : IDisposable
{
    // 2^64 divided by the golden ratio: an odd number whose bits have no pattern, as multiplicative hashing wants it.
    private const ulong Mixer = 0x9E3779B97F4A7C15;

    private readonly int[] _firsts;
    private readonly int[] _places;
    private readonly int _rows;

    internal EqualRows(ReadOnlySpan<float> h, ReadOnlySpan<long> classes, int width)
    {
        _rows = classes.Length;
        _firsts = ArrayPool<int>.Shared.Rent(_rows);
        _places = ArrayPool<int>.Shared.Rent(_rows);
        int bits = 1;
        while (1 << bits < 2 * _rows)
        {
            bits++;
        }

        // A hash table with open addressing. An entry is the number of a distinct row, counted from 1; 0 is an empty entry.
        int[] table = ArrayPool<int>.Shared.Rent(1 << bits);
        Array.Clear(table, 0, 1 << bits);
        for (int n = 0; n < _rows; n++)
        {
            ReadOnlySpan<float> row = h.Slice(n * width, width);
            int slot = (int)(Hash(row, classes[n]) >> (64 - bits));
            while (table[slot] != 0)
            {
                int other = _firsts[table[slot] - 1];
                if (classes[other] == classes[n]
                    && MemoryMarshal.AsBytes(row).SequenceEqual(MemoryMarshal.AsBytes(h.Slice(other * width, width))))
                {
                    break;
                }

                slot = (slot + 1) & ((1 << bits) - 1);
            }

            if (table[slot] == 0)
            {
                _firsts[Count++] = n;
                table[slot] = Count;
            }

            _places[n] = table[slot] - 1;
        }

        ArrayPool<int>.Shared.Return(table);
    }

    /// <summary>D: how many rows are distinct.</summary>
    internal int Count { get; private set; }

    /// <summary>[D]: where each distinct row comes first.</summary>
    internal ReadOnlySpan<int> Firsts => _firsts.AsSpan(0, Count);

    /// <summary>[N]: which of the D distinct rows each row is.</summary>
    internal ReadOnlySpan<int> Places => _places.AsSpan(0, _rows);

    public void Dispose()
    {
        ArrayPool<int>.Shared.Return(_firsts);
        ArrayPool<int>.Shared.Return(_places);
    }

    private static ulong Hash(ReadOnlySpan<float> row, long itsClass)
    {
        ulong hash = (ulong)itsClass * Mixer;
        foreach (ulong two in MemoryMarshal.Cast<float, ulong>(row))
        {
            hash = ((hash >> 32) ^ hash ^ two) * Mixer;
        }

        return row.Length % 2 == 0 ? hash : ((hash >> 32) ^ hash ^ BitConverter.SingleToUInt32Bits(row[^1])) * Mixer;
    }
}
